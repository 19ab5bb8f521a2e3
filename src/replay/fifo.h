/*
 * fifo - a queue of items. They are copied in at the back and taken from the front; what the front one's bytes are may be
 * changed in place. An empty queue holds no memory.
 */
#ifndef REPLAY_FIFO_H
#define REPLAY_FIFO_H

#include "base/err.h"
#include "replay/batch.h"

enum {
	FIFO_PIECE = 4000
}; /* bytes of items, in each batch of the pool that queues take theirs from */

struct fifo {
	struct batch *first, *last; /* NULL: it is empty */
	size_t at;                  /* of the front one in FIRST */
	size_t count;               /* items */
};

void fifo_release(struct fifo *f, struct batch_pool *pool);

/* Copies ITEM to the back. ERR_NOMEM: nothing happened. */
enum err fifo_push(struct fifo *f, struct batch_pool *pool, const struct item *item) MUST_CHECK;

/* The front one, valid until it is popped; NULL if there is none. */
static inline struct item *fifo_front(const struct fifo *f)
{
	return f->first ? (struct item *)(void *)(f->first->bytes + f->at) : NULL;
}

/* The one behind FRONT, which is the front one; likewise. */
struct item *fifo_second(const struct fifo *f, const struct item *front);

/* Drops the front one, of which there must be one; returns its size. */
size_t fifo_pop(struct fifo *f, struct batch_pool *pool);

#endif
