/*
 * profile - statistics per digest: what report, top and the comparison of a replay share.
 *
 * A row is a digest and what was done with it. Text statements and executions of prepared ones
 * count under the same row; preparing, closing, fetching and the like have rows of their own
 * ("PREPARE: select ?"); commands without a statement have one row each ("PING").
 *
 * Bounded: PROFILE_ROWS_MAX rows; what comes after shares one row, "(others)". One thread at a
 * time; profiles of several threads, each of which has counted some of the sessions, are merged at the
 * end, and are then what one thread would have made, unless one of them had more rows than that.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "base/hist.h"
#include "event/exchange.h"

enum {
	PROFILE_ROWS_MAX = 10000,
	PROFILE_TEXT_MAX = 2048, /* bytes of a row's text; longer ones are cut and end in "..." */
};

/* One exchange, as far as statistics care. */
struct profile_call {
	int64_t time_ns;     /* of the command's first byte */
	int64_t latency_ns;  /* last byte of the command to first of the response; or negative */
	int64_t duration_ns; /* first byte of the command to last of the response; or negative */
	bool error;
	bool lost; /* the response was not heard whole */
	uint64_t rows, affected_rows, warnings;
	uint64_t bytes; /* of the response, with headers */
};

struct profile_stats {
	uint64_t calls, errors, lost;
	uint64_t rows, affected_rows, warnings, bytes;
	int64_t total_ns;          /* all durations */
	int64_t first_ns, last_ns; /* of the commands; 0 while calls is 0 */
	struct hist latency;       /* of those calls whose latency is known */
};

enum profile_kind {
	PROFILE_STATEMENT, /* QUERY and STMT_EXECUTE */
	PROFILE_HANDLING,  /* of a prepared statement: STMT_PREPARE, STMT_CLOSE ... */
	PROFILE_COMMAND,   /* without a statement, or with one that is not known */
	PROFILE_OTHERS,
};

struct profile_row {
	uint64_t key; /* the same on every run; see profile_key() */
	enum profile_kind kind;
	uint8_t command; /* of HANDLING and COMMAND */
	uint64_t digest; /* 0: none */
	uint64_t first; /* where its first exchange stands among all that were added; 0: none was */
	char *text;     /* digest text, or what stands for it; as sent, with a NUL behind */
	struct profile_stats stats;
};

struct profile;

/* ROWS_MAX: at most PROFILE_ROWS_MAX. */
enum err profile_new(size_t rows_max, struct profile **out) MUST_CHECK;
void profile_free(struct profile *p);

/* The key of the row that COMMAND counts under. */
uint64_t profile_key(const struct session *s, const struct command *c);

/* Finds the row of a command, or adds it (the text is made only then). ERR_NOMEM. */
enum err profile_find(struct profile *p, const struct session *s, const struct command *c,
		      struct profile_row **out) MUST_CHECK;

/* The row with that key; NULL if there is none. */
struct profile_row *profile_get(const struct profile *p, uint64_t key);

/* Counts an exchange. ERR_NOMEM: of the calls some, or a part of a distribution, may be missing. */
enum err profile_add(struct profile *p, const struct exchange *x) MUST_CHECK;

/* Adds all of FROM. If rows of both are too many, those stay whose first exchanges came first. ERR_NOMEM. */
enum err profile_merge(struct profile *into, const struct profile *from) MUST_CHECK;

size_t profile_count(const struct profile *p);

/* Everything together; total->latency holds all calls. Release it with profile_stats_release(). */
enum err profile_total(const struct profile *p, struct profile_stats *total) MUST_CHECK;

enum profile_order {
	PROFILE_BY_TIME, /* total, greatest first */
	PROFILE_BY_CALLS,
	PROFILE_BY_MEAN, /* mean latency */
	PROFILE_BY_MAX,
	PROFILE_BY_ROWS,
	PROFILE_BY_ERRORS,
};

/*
 * All rows, profile_count() of them, in ORDER; ties by key. *ROWS is the caller's to mem_free();
 * what it points to is P's.
 */
enum err profile_sorted(const struct profile *p, enum profile_order order,
			const struct profile_row ***rows) MUST_CHECK;

/* Fills *OUT from X. */
void profile_call_of(const struct exchange *x, struct profile_call *out);

void profile_stats_init(struct profile_stats *s);
void profile_stats_release(struct profile_stats *s);
enum err profile_stats_add(struct profile_stats *s, const struct profile_call *call) MUST_CHECK;
enum err profile_stats_merge(struct profile_stats *into,
			     const struct profile_stats *from) MUST_CHECK;

#endif
