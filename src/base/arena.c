/* arena - memory that is given back all at once. */
#include "base/arena.h"

#include <stddef.h>

#include "base/mem.h"

enum { ARENA_FIRST = 256, ARENA_DOUBLE_TO = 1 << 20 }; /* bytes of a block */

struct arena_block {
	struct arena_block *older;
	size_t size; /* of BYTES */
	max_align_t bytes[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){.max = max};
}

static void free_blocks(struct arena_block *b)
{
	while (b) {
		struct arena_block *older = b->older;

		mem_free(b);
		b = older;
	}
}

void arena_release(struct arena *a)
{
	free_blocks(a->blocks);
	arena_init(a, a->max);
}

void arena_reset(struct arena *a, size_t keep)
{
	struct arena_block *b = a->blocks;

	if (b && b->size > keep) {
		arena_release(a);
		return;
	}
	if (b) {
		free_blocks(b->older);
		b->older = NULL;
		a->total = b->size;
	}
	a->used = 0;
}

static bool add_block(struct arena *a, size_t need)
{
	size_t size = a->blocks ? a->blocks->size : ARENA_FIRST / 2;
	struct arena_block *b;

	if (size < ARENA_DOUBLE_TO)
		size *= 2;
	if (size < need)
		size = need;
	if (size > a->max - a->total)
		size = a->max - a->total;
	if (size < need)
		return false;
	b = mem_alloc(offsetof(struct arena_block, bytes) + size);
	if (!b) {
		a->no_memory = true;
		return false;
	}
	b->older = a->blocks;
	b->size = size;
	a->blocks = b;
	a->used = 0;
	a->total += size;
	return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t mask = _Alignof(max_align_t) - 1;
	size_t need;
	void *p;

	if (size > a->max)
		return NULL;
	need = (size + mask) & ~mask;
	if (!a->blocks || need > a->blocks->size - a->used)
		if (!add_block(a, need))
			return NULL;
	p = (char *)a->blocks->bytes + a->used;
	a->used += need;
	return p;
}

struct slice arena_copy(struct arena *a, struct slice s, bool *failed)
{
	void *p;

	if (s.len == 0)
		return (struct slice){.ptr = NULL, .len = 0};
	p = arena_alloc(a, s.len);
	if (!p) {
		*failed = true;
		return (struct slice){.ptr = NULL, .len = 0};
	}
	memcpy(p, s.ptr, s.len);
	return slice_of(p, s.len);
}
