/*
 * shards - the queues that a consumer takes from, each on a channel of its own: all of them, or its part of them (see
 * seats), which changes as others come and go. For the consumer's thread, unless said otherwise.
 *
 * A queue that is not to be taken from any more is left in two steps, so that whoever has its blocks can come to an end
 * with them: it is said to be leaving; and when they say that they are done its channel is closed, by which all that
 * was not acknowledged goes to the next one, in order.
 */
#ifndef BROKER_SHARDS_H
#define BROKER_SHARDS_H

#include <stdatomic.h>

#include "broker/mq.h"
#include "broker/seats.h"

/* Blocks of 1 MiB: as many as a statement of 64 MiB has, which MySQL allows by default, and some more. */
enum { SHARDS_PREFETCH = 72 };

/* Messages of a queue that are held at once. */
unsigned shards_prefetch(const struct place *p);

struct shard_queue {
	char *name;
	uint16_t channel;       /* 0: it is not taken from */
	uint16_t turn;          /* how often it was opened, for a channel number of its own */
	atomic_bool leaving;    /* nothing of it is to be begun any more */
	atomic_bool left;       /* nothing of it is held; from any thread */
	atomic_bool stays;      /* what is held of it takes too long; from any thread */
	int64_t stays_until_ns; /* monotonic: it is not asked to leave again before */
	bool mine;
};

struct shards {
	const struct place *place;
	struct shard_queue queues[PLACE_QUEUES_MAX];
	unsigned count;
	bool shared; /* with others of the same exchange */
	struct seats seats;
	unsigned seat, taken; /* by which it was divided; TAKEN 0: it was not */
	int64_t looked_ns;
	/* What was delivered on QUEUE's channel and is not acknowledged will be delivered again, perhaps to others. */
	enum err (*closed)(void *ctx, unsigned queue, struct errinfo *info);
	void *ctx;
};

/*
 * Finds the queues that P names, or those of its exchange, and connects for that if need be. SHARED: others divide them.
 * ERR_USAGE: there are none, or the login is refused; ERR_IO, ERR_NOMEM.
 */
enum err shards_find(struct shards *s, const struct place *p, bool shared,
		     struct errinfo *info) MUST_CHECK;
void shards_release(struct shards *s);

/* On M, a new link: takes from all that are its own. Failures are those of the link. */
enum err shards_begin(struct shards *s, struct mq *m, struct errinfo *info) MUST_CHECK;

/* Looks who shares the queues, and opens and closes what has to be. Likewise. */
enum err shards_step(struct shards *s, struct mq *m, struct errinfo *info) MUST_CHECK;

/* The link is lost. */
void shards_end(struct shards *s);

/* Which queue CHANNEL is; -1: it is of one that was closed, and what comes of it means nothing. */
int shards_queue_of(const struct shards *s, uint16_t channel);

#endif
