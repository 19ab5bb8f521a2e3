/*
 * fifo - a queue of items in one piece of memory. Items are copied in at the back and taken from
 * the front; what the front one's bytes are may be changed in place. An empty queue gives its
 * memory back if it is more than FIFO_KEEP.
 */
#ifndef REPLAY_FIFO_H
#define REPLAY_FIFO_H

#include "base/err.h"
#include "replay/item.h"

enum { FIFO_FIRST = 512, FIFO_KEEP = 4096 }; /* bytes */

struct fifo {
	uint8_t *ptr;
	size_t head, tail, cap;
};

void fifo_release(struct fifo *f);

/* Copies ITEM to the back. ERR_NOMEM: nothing happened. */
enum err fifo_push(struct fifo *f, const struct item *item) MUST_CHECK;

/* The front one, valid until the next push or pop; NULL if there is none. */
static inline struct item *fifo_front(const struct fifo *f)
{
	return f->head == f->tail ? NULL : (struct item *)(void *)(f->ptr + f->head);
}

/* The one behind FRONT, which is the front one; likewise. */
static inline struct item *fifo_second(const struct fifo *f, const struct item *front)
{
	size_t at = f->head + front->size;

	return at == f->tail ? NULL : (struct item *)(void *)(f->ptr + at);
}

/* Drops the front one, of which there must be one; returns its size. */
size_t fifo_pop(struct fifo *f);

#endif
