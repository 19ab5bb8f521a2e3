/*
 * outcome - what came of a replay: what was sent and what was not, how the answers compare with
 * the recorded ones, how long they took then and now, and how well the schedule was kept.
 *
 * Every worker fills one of its own; they are merged at the end.
 */
#ifndef REPLAY_OUTCOME_H
#define REPLAY_OUTCOME_H

#include "event/coverage.h"
#include "profile/contrast.h"
#include "profile/profile.h"
#include "replay/apart.h"
#include "replay/item.h"
#include "replay/remarks.h"
#include "replay/timeline.h"
#include "replay/turns.h"

enum {
	OUTCOME_SAMPLES = 3,         /* differences kept of a digest */
	OUTCOME_TEXT_MAX = 64 << 10, /* bytes of a sample's statement */
};

/* One difference, to look up with `myna export`. */
struct outcome_sample {
	uint64_t session, n;
	enum verdict verdict;
	enum apart apart; /* why it is none of the target's; else NOT_APART */
	struct facts recorded, replayed;
	char *text; /* the statement with its values, without passwords; owned; NULL: not kept */
};

/* A digest, then and now. */
struct outcome_row {
	uint64_t key;                  /* profile_key() */
	struct profile_stats recorded; /* of the commands that were compared */
	struct profile_stats replayed; /* of those that were answered */
	uint64_t verdicts[VERDICTS];   /* but for those set apart: */
	uint64_t apart[APARTS];
	uint64_t not_sent;
	uint64_t would_send;            /* in a dry run */
	struct contrast contrast;       /* of its latency; see outcome_judge() */
	char *plan;                     /* what the target's EXPLAIN says; owned; NULL: not asked */
	char *text;                     /* owned; NULL: the text is in the outcome's names */
	struct outcome_sample *samples; /* OUTCOME_SAMPLES of them; NULL: none yet */
	size_t sample_count;
};

/* Those of what was lost on the way and made good, likewise; shown where they are not 0. */
#define OUTCOME_LOSS_COUNTS(COUNT)                                                                 \
	COUNT(reconnected, "connections made anew after they were lost")                           \
	COUNT(connect_failed, "attempts to connect that failed, and were repeated")                \
	COUNT(lost_transactions, "transactions lost with a connection: the rest is not sent")      \
	COUNT(lost_temporary, "sessions that may have lost temporary tables with a connection")    \
	COUNT(lost_locks, "sessions that may have lost locks with a connection")                   \
	COUNT(lost_cursors, "sessions that lost a cursor with a connection")                       \
	COUNT(retried, "transactions or statements repeated, as only the target gave them up")     \
	COUNT(retry_done, "of these came through in the end")                                      \
	COUNT(not_retried, "transactions that could not be repeated: too long, or not whole")

/* Counts that are just added up: COUNT(name, text). */
#define OUTCOME_COUNTS(COUNT)                                                                      \
	COUNT(sessions, "sessions in the recording")                                               \
	COUNT(not_logged_in, "sessions whose login failed in the recording, left out")             \
	COUNT(encrypted, "sessions that were encrypted, and left out")                             \
	COUNT(joined, "sessions that were open before the recording began")                        \
	COUNT(state_incomplete, "joined sessions whose state is not wholly known")                 \
	COUNT(with_gaps, "sessions with gaps, in which commands may be missing")                   \
	COUNT(connected, "sessions that connected to the target")                                  \
	COUNT(not_connected, "sessions that could not connect")                                    \
	COUNT(connections_lost, "connections lost in the middle")                                  \
	OUTCOME_LOSS_COUNTS(COUNT)                                                                 \
	COUNT(commands, "commands in the recording")                                               \
	COUNT(after_gap, "commands of sessions that had lost some before")                         \
	COUNT(filtered, "commands that filters or --share left out")                               \
	COUNT(resumed, "sessions that go on where an interrupted replay had left them")            \
	COUNT(done_before, "commands that it had dealt with: not sent again")                      \
	COUNT(under_way_before,                                                                    \
	      "of these were under way: whether they were executed is not known")                  \
	COUNT(sent, "commands sent")                                                               \
	COUNT(answered, "commands answered, of those that have an answer")                         \
	COUNT(unanswered, "commands sent, but never answered")                                     \
	COUNT(abandoned, "commands whose session ended before the answer, as in the recording")    \
	COUNT(state_failed, "statements that rebuild a joined session's state, and failed")        \
	COUNT(prepared_late, "statements prepared at their first execution")                       \
	COUNT(as_text, "executions sent as text, as the target does not prepare the statement")    \
	COUNT(refused_read_only, "statements that --read-only let through and the target refused") \
	COUNT(rolled_back, "transactions rolled back, as a deadlock did in the recording only")    \
	COUNT(clock_failed, "times the target did not let its clock be set")                       \
	COUNT(late_by_target, "commands that waited for the target's answer to the one before")    \
	COUNT(late_by_order, "commands that waited for others that come before them")              \
	COUNT(late_by_rate, "commands that waited for a rate to let them go")                      \
	COUNT(shed, "sessions let go in the middle, as the spool was full")                        \
	COUNT(spool_peak, "bytes that waited on disk at most")                                     \
	COUNT(order_given_up, "commands sent before their turn, which did not come")

struct outcome {
#define COUNT(name, text) uint64_t name;
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	uint64_t not_sent[NOT_SENT_REASONS];
	uint64_t verdicts[VERDICTS]; /* but for those set apart: */
	uint64_t apart[APARTS];
	struct remarks troubles; /* what went wrong with connections */
	struct remarks notes;    /* what was put right or left out, beyond the counts */
	struct hist
		lateness; /* of all commands sent, from when they were due; empty without a pace */
	struct hist own_lateness; /* without the time the target took for the command before */
	struct map rows;          /* struct outcome_row by key */
	struct timeline recorded_line, replayed_line; /* both by the recording's time */
	struct contrast contrast;                     /* of all latencies; see outcome_judge() */
	const char *before, *after;  /* what the two sides are called; static or the caller's */
	const struct profile *names; /* texts of the rows; borrowed */
	struct coverage coverage;    /* of the recording, as far as it was read */
	unsigned copies;             /* connections for each session */
	double speed;                /* 0: as fast as answers came */
	int64_t recorded_ns;         /* from the first to the last event that was read */
	int64_t idle_ns;             /* of it, pauses that were cut */
	enum order order;
	int64_t replayed_ns;  /* from the first to the last command or answer */
	const char *ended;    /* why it ended early; NULL: it did not. Static or the replay's */
	bool dry;             /* nothing was sent: SENT is what would be */
	bool short_of_memory; /* a part of the statistics is missing */
};

void outcome_init(struct outcome *o);
void outcome_release(struct outcome *o);
enum err outcome_merge(struct outcome *into, const struct outcome *from) MUST_CHECK;

/* The row of KEY, added if there is none; NULL: no memory, which is noted. */
struct outcome_row *outcome_row(struct outcome *o, uint64_t key);

/*
 * Counts a comparison, under ROW (which may be NULL) and in total; keeps it, with a copy of its
 * text, as a sample if it differs.
 */
void outcome_compared(struct outcome *o, struct outcome_row *row,
		      const struct outcome_sample *comparison);

/* The same of one that does not differ, or is not wanted as a sample. */
void outcome_counted(struct outcome *o, struct outcome_row *row, enum verdict v, enum apart apart);

/* True if a difference that was set APART, or was not, would be kept as a sample of ROW, which may be NULL. */
bool outcome_wants_sample(const struct outcome_row *row, enum apart apart);

void outcome_not_sent(struct outcome *o, uint64_t key, enum not_sent reason);
void outcome_trouble(struct outcome *o, const char *text);
void outcome_note(struct outcome *o, const char *text);

/*
 * Compares latencies, then and now: in total, and of each row that is a statement, as one family. EFFECT: how
 * great a share a change has to be. To be called again when something changed. ERR_NOMEM.
 */
enum err outcome_judge(struct outcome *o, double effect) MUST_CHECK;

/* How many rows have that verdict. */
uint64_t outcome_judged(const struct outcome *o, enum contrast_verdict v);

/* Time that the calls of ROW took longer now than they would have taken then; negative: was won. */
int64_t outcome_lost_ns(const struct outcome_row *row);

/* All latencies of one side, for the caller to hist_release(); REPLAYED: now. ERR_NOMEM. */
enum err outcome_latency(const struct outcome *o, bool replayed, struct hist *out) MUST_CHECK;

/* All comparisons that are differences which the target has to answer for. */
uint64_t outcome_differences(const struct outcome *o);

/* Commands that --read-only left out. */
uint64_t outcome_left_out(const struct outcome *o);

/* Commands that were not sent, and that the target misses something by. */
uint64_t outcome_missing(const struct outcome *o);

const char *not_sent_name(enum not_sent reason); /* for machines */
const char *not_sent_text(enum not_sent reason); /* for people */

#endif
