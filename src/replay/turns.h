/*
 * turns - whose turn it is: which answers a command has to wait for so that the recorded order is kept, and
 * which of them are there.
 *
 * Answers that count are numbered as they are read from the recording. A command carries how many of them had
 * ended before it began; it may be sent when all up to that number are there. Numbers that a command waits for were
 * given before it was read, so the waiting has no circle, but for what the target adds: a lock held by a session
 * that waits for its turn. Therefore who waits gives up after a time in which no turn came.
 *
 *   strict   every answer counts
 *   commit   those count that end a transaction, and those of statements that change or lock something
 *
 * A statement that takes locks and keeps them, inside of a transaction, is sent in the order in which such were
 * answered, also if they overlapped: the one that waited for another's lock would take it first, and the commits
 * could not come in their order.
 */
#ifndef REPLAY_TURNS_H
#define REPLAY_TURNS_H

#include <pthread.h>
#include <stdatomic.h>

#include "event/command.h"
#include "replay/facts.h"

enum order { ORDER_SESSION, ORDER_COMMIT, ORDER_STRICT };

/* --- of the recording, for the pump's thread --- */

enum {
	TURNS_RECENT = 64, /* answers whose end is remembered */
	TURNS_UNDER_WAY =
		64, /* commands of one session, not answered, of which is known what they do */
};

struct turns_plan {
	enum order order;
	uint64_t count;               /* numbered so far */
	int64_t recent[TURNS_RECENT]; /* when number N ended, at N modulo TURNS_RECENT */
};

/* What has to be known of a session; zeroes at its beginning. */
struct turns_session {
	uint64_t
		writes; /* of command N, bit N modulo TURNS_UNDER_WAY: it may change or lock something */
	uint64_t ends; /* likewise: it ends a transaction, and may begin the next */
	bool in_transaction, no_autocommit;
};

/* What a command has to wait for. */
struct turn {
	uint64_t after;   /* the number; 0: none */
	bool as_answered; /* or rather all numbers given when its answer is read */
};

struct turn turns_command(struct turns_plan *p, struct turns_session *ts, const struct session *s,
			  const struct command *c);

/* Does C change or lock something, as far as is known, and leave an open transaction open? */
bool turns_writes_within(const struct session *s, const struct command *c);

/* The number of the answer R to command N; 0: it does not count. */
uint64_t turns_response(struct turns_plan *p, struct turns_session *ts, uint64_t n,
			const struct facts *r);

/* --- of the replay, for all threads --- */

struct turns {
	atomic_ullong reached; /* the answers to all numbers up to here are there */
	pthread_mutex_t lock;
	uint64_t *later; /* bit N modulo CAP: the answer to N, which is above REACHED, is there */
	uint64_t cap;    /* a power of 2 */
};

enum err turns_init(struct turns *t) MUST_CHECK;
void turns_release(struct turns *t);

/* The answer to number N is there. *MOVED: REACHED has changed. ERR_NOMEM: nobody will know. */
enum err turns_done(struct turns *t, uint64_t n, bool *moved) MUST_CHECK;

#endif
