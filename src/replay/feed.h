/*
 * feed - cuts events into items and hands them to the workers, in batches. For the pump's thread.
 */
#ifndef REPLAY_FEED_H
#define REPLAY_FEED_H

#include "event/event.h"
#include "replay/example.h"
#include "replay/guard.h"
#include "replay/nature.h"
#include "replay/spool.h"
#include "replay/worker.h"

enum { FEED_SESSIONS_MAX = 1 << 20 };

struct feed {
	struct engine *engine;
	struct worker *workers;
	unsigned worker_count;
	struct batch *batches[REPLAY_THREADS_MAX]; /* not handed over yet */
	uint32_t open[REPLAY_THREADS_MAX];         /* sessions open in the recording, per worker */
	struct map sessions;                       /* struct feed_session by id */
	struct profile *names;                     /* texts of the rows that commands count under */
	struct examples examples;                  /* if they are wanted */
	struct natures natures;
	const struct guard *guard;  /* NULL: all is sent; borrowed */
	struct buf payload;         /* of a command that was made anew */
	struct outcome *outcome;    /* for what only the pump knows */
	struct spool spool;         /* where batches wait that memory is too small for: if live */
	struct receipt *receipt;    /* of the event that items are made of */
	bool shedding;              /* the spool is full */
	struct errinfo failure;     /* of the spool; ERR_OK: none */
	bool begun;                 /* BASE_NS is known */
	int64_t since_ns, until_ns; /* the window; INT64_MIN, INT64_MAX: no limit */
	int64_t first_ns, last_ns;  /* first and last event, by the recording's clock */
	int64_t base_ns;            /* what offsets count from: FIRST_NS, and the pauses cut */
	struct turns_plan turns;
	struct progress_list progress; /* of all sessions, if a checkpoint is wanted */
	struct map
		users; /* recorded ones that became the target's one, by the hashes of their names; its items are F */
};

enum { FEED_USERS_MAX = 1 << 16 }; /* recorded users that are told apart to be counted */

enum err feed_init(struct feed *f, struct engine *g, struct worker *workers, unsigned count,
		   struct outcome *outcome) MUST_CHECK;
void feed_release(struct feed *f);

/* Takes an event. FAILURE's code, ERR_NOMEM, ERR_LIMIT (more sessions at once than FEED_SESSIONS_MAX). */
enum err feed_event(struct feed *f, const struct event *e) MUST_CHECK;

/* Hands over all that is there, as far as there is room; the rest goes to the spool. */
void feed_flush(struct feed *f);

/* Hands over what is in the spool, as far as there is room. Its failure is in F. */
void feed_refill(struct feed *f);

/* Ends all sessions. */
enum err feed_end(struct feed *f) MUST_CHECK;

/* Ends the workers' input, once the spool is empty. */
void feed_close(struct feed *f);

#endif
