/*
 * batch - items in a row, in one piece of memory: how they are handed to the workers, and what a player's queue is made
 * of.
 *
 * A recording goes through such pieces from its beginning to its end, and they are filled by one thread and given back by
 * another. So those of the usual size are kept for the next that wants one: memory that goes back and forth between an
 * allocator and the system is paid for page by page, and what a replay holds would depend on how long it runs.
 */
#ifndef REPLAY_BATCH_H
#define REPLAY_BATCH_H

#include <pthread.h>
#include <stddef.h>

#include "replay/item.h"

struct batch {
	struct batch *next;
	size_t len, cap;
	_Alignas(ITEM_ALIGN) uint8_t bytes[];
};

/* For all threads. */
struct batch_pool {
	pthread_mutex_t lock;
	struct batch *kept; /* each with room for USUAL bytes; under LOCK */
	size_t usual;
};

void batch_pool_init(struct batch_pool *p, size_t usual);
void batch_pool_release(struct batch_pool *p); /* frees what is kept */

/* An empty one with room for USUAL bytes, or for SIZE if that is more; the caller's. NULL: no memory. */
struct batch *batch_new(struct batch_pool *p, size_t size);

/* Gives B back, which may also be of another size. NULL is fine. */
void batch_free(struct batch_pool *p, struct batch *b);

static inline size_t batch_room(const struct batch *b)
{
	return b->cap - b->len;
}

#endif
