/*
 * replay - repeats a recording against a target: a sink of events.
 *
 * Each recorded session becomes one connection, opened when it was opened and closed when it was
 * closed; its commands are sent as recorded, each when it is due and when the target has answered
 * the one before. The recording is streamed: the sink blocks its caller while enough is waiting.
 * All functions but replay_stop() are for the thread that feeds the sink.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "client/accounts.h"
#include "client/target.h"
#include "event/event.h"
#include "filter/filter.h"
#include "replay/answers.h"
#include "replay/checkpoint.h"
#include "replay/figures.h"
#include "replay/outcome.h"

enum { REPLAY_THREADS_MAX = 64, REPLAY_COPIES_MAX = 1000 };

struct replay_progress {
	int64_t recorded_ns; /* of the recording's time, how far it was replayed */
	int64_t elapsed_ns;
	uint64_t sent, answered, errors;
	uint64_t sessions; /* connections open now */
	int64_t late_ns;   /* of the command sent last; 0 without a pace */
	uint64_t spooled;  /* bytes that wait on disk */
	int64_t ahead;     /* bytes that were read and wait in memory */
	int64_t in_flight; /* commands that wait for their answer */
	double done;       /* share of the input that was read; negative: unknown */
	const struct replay_figures *figures;
};

struct replay_options {
	const struct target
		*target; /* outlives the replay; its account stands for every recorded user */
	double speed;    /* 1: as recorded, 2: twice as fast; 0: as fast as answers come */
	bool no_think;   /* commands do not wait until they are due, sessions do */
	enum order order;
	int64_t order_wait_ns; /* a turn that does not come for so long is given up; 0: 5 s */
	double connect_rate;   /* sessions opened per second, at most; 0: no limit */
	double limit_rate;     /* commands sent per second, likewise */
	int64_t idle_skip_ns;  /* a longer pause of all sessions is cut to this; 0: none is */
	bool recorded_clock;   /* the target's clock shows each session the recorded time */
	unsigned threads;      /* 0: four per processor, 16 at most */
	size_t ahead_bytes;    /* read ahead at most so much; 0: 16 MiB */
	int64_t ahead_ns;      /* and, with a speed, so much of the target's time; 0: 2 s */
	const struct filter_options *filter; /* which commands; NULL: all. Outlives the replay */
	const struct accounts *accounts;   /* by recorded user; NULL: the target's stands for all */
	const struct opt_texts *databases; /* see databases_map(); NULL: all have their own name */
	double share;                      /* of the sessions, 0 to 1; 0: all */
	unsigned copies; /* connections for each session; 0: one. Above one in ORDER_SESSION only */
	int64_t spread_ns; /* of the target's time: all copies of a session begin within it */
	bool dry; /* connect to nothing: only tell what would be sent; TARGET is not looked at */
	bool read_only;                  /* send only what is known to change no data */
	const struct opt_texts *allowed; /* routines that may be called then; NULL: none */
	bool live; /* the sink never blocks: what waits beyond AHEAD_BYTES goes to the spool */
	const char *spool_folder; /* outlives the replay */
	uint64_t spool_limit;     /* bytes; when so much waits, sessions are let go */
	bool keep_texts;          /* samples of differences have their statements, with values */
	bool keep_examples;       /* for replay_explain() */
	struct answers *keep;     /* where the target's answers go; NULL: nowhere */
	const struct answers
		*baseline; /* compare with these, not with what was recorded; or NULL */
	/* Answers of an earlier run against the same target, and of one against the baseline's; or NULL. */
	const struct answers *again, *baseline_again;
	unsigned
		retries; /* times that a transaction is repeated that only the target rolled back */
	bool stop_if_lost;    /* a session whose connection was lost ends */
	int64_t reconnect_ns; /* else it is tried for so long to make it anew; 0: 60 s */
	const char *
		checkpoint; /* file that tells how far it came; NULL: none. Of one copy, not live */
	uint64_t checkpoint_options; /* hash of what decides, beside the recording, what is sent */
	const struct checkpoint *resume; /* go on from there; NULL: from the beginning */
	int64_t patience_ns;             /* a target that does nothing for so long hangs; 0: 60 s */
	/* Called about twice a second, also while the sink blocks; may be NULL. */
	void (*progress)(void *ctx, const struct replay_progress *p);
	void *progress_ctx;
};

struct replay;

/*
 * Connects once to see that the target is there and lets us in. ERR_IO, ERR_NOMEM; INFO says why.
 */
enum err replay_new(const struct replay_options *options, struct replay **out,
		    struct errinfo *info) MUST_CHECK;

/*
 * Takes a recording, or what is heard at this moment. Its events fail with ERR_IO when the target
 * went away or hangs; its finish waits until all that is due was done, succeeds also then, and
 * has to be called in any case.
 */
struct event_sink replay_sink(struct replay *r);

/* Ends it: no more is sent, answers under way are waited for a second. For signal handlers, too. */
void replay_stop(struct replay *r);

/* The window that the filter asks for begins here; INT64_MIN: there is none, or it is not known before the first event. */
int64_t replay_since_ns(const struct replay *r);

/*
 * What came of it; complete after the sink's finish, but for outcome_judge(). Lives as long as R.
 */
struct outcome *replay_outcome(struct replay *r);

/*
 * Asks the target's EXPLAIN of the statements that outcome_judge() has called slower: explain.h. Blocks. ERR_IO,
 * ERR_NOMEM.
 */
enum err replay_explain(struct replay *r, struct errinfo *info) MUST_CHECK;

void replay_free(struct replay *r); /* NULL is fine */

#endif
