/* fifo - a queue of items in one piece of memory. */
#include "replay/fifo.h"

#include <assert.h>

#include "base/mem.h"

void fifo_release(struct fifo *f)
{
	mem_free(f->ptr);
	*f = (struct fifo){.ptr = NULL};
}

/* Makes room at the back: moves what is there to the beginning, or takes more memory. */
static enum err make_room(struct fifo *f, size_t size)
{
	size_t used = f->tail - f->head, cap = f->cap ? f->cap : FIFO_FIRST;
	uint8_t *p;

	while (cap - used < size || used > cap / 2)
		cap *= 2;
	if (cap == f->cap) {
		memmove(f->ptr, f->ptr + f->head, used);
	} else {
		p = mem_alloc(cap);
		if (!p)
			return ERR_NOMEM;
		if (used > 0)
			memcpy(p, f->ptr + f->head, used);
		mem_free(f->ptr);
		f->ptr = p;
		f->cap = cap;
	}
	f->head = 0;
	f->tail = used;
	return ERR_OK;
}

enum err fifo_push(struct fifo *f, const struct item *item)
{
	assert(item->size % ITEM_ALIGN == 0);
	if (f->cap - f->tail < item->size) {
		enum err e = make_room(f, item->size);

		if (e != ERR_OK)
			return e;
	}
	memcpy(f->ptr + f->tail, item, item->size);
	f->tail += item->size;
	return ERR_OK;
}

size_t fifo_pop(struct fifo *f)
{
	size_t size;

	assert(f->head < f->tail);
	size = ((const struct item *)(const void *)(f->ptr + f->head))->size;
	f->head += size;
	if (f->head < f->tail)
		return size;
	f->head = f->tail = 0;
	if (f->cap > FIFO_KEEP)
		fifo_release(f);
	return size;
}
