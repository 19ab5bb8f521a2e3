/*
 * arena - memory that is given back all at once.
 *
 * What it hands out stays where it is until arena_reset() or arena_release(); blocks double in
 * size, up to the limit in all. All zero but for the limit is empty.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes of the newest block */
	size_t total;               /* bytes of all blocks */
	size_t max;
	bool no_memory; /* it was out, at any time since arena_init() */
};

void arena_init(struct arena *a, size_t max);
void arena_release(struct arena *a); /* frees all; can be used again */

/* Forgets all, keeps one block of at most KEEP bytes. */
void arena_reset(struct arena *a, size_t keep);

/* SIZE bytes, aligned for any type, not zeroed; NULL: the limit, or no memory. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of S; the empty slice (and *FAILED set) if there is no room. */
struct slice arena_copy(struct arena *a, struct slice s, bool *failed);

#endif
