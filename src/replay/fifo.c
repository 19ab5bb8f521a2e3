/* fifo - a queue of items. */
#include "replay/fifo.h"

#include <assert.h>
#include <string.h>

void fifo_release(struct fifo *f, struct batch_pool *pool)
{
	struct batch *next;

	for (struct batch *b = f->first; b; b = next) {
		next = b->next;
		batch_free(pool, b);
	}
	*f = (struct fifo){.first = NULL};
}

enum err fifo_push(struct fifo *f, struct batch_pool *pool, const struct item *item)
{
	struct batch *b = f->last;

	assert(item->size % ITEM_ALIGN == 0);
	if (!b || batch_room(b) < item->size) {
		b = batch_new(pool, item->size);
		if (!b)
			return ERR_NOMEM;
		if (f->last)
			f->last->next = b;
		else
			f->first = b;
		f->last = b;
	}
	memcpy(b->bytes + b->len, item, item->size);
	b->len += item->size;
	f->count++;
	return ERR_OK;
}

struct item *fifo_second(const struct fifo *f, const struct item *front)
{
	const size_t at = f->at + front->size;

	if (at < f->first->len)
		return (struct item *)(void *)(f->first->bytes + at);
	return f->first->next ? (struct item *)(void *)f->first->next->bytes : NULL;
}

size_t fifo_pop(struct fifo *f, struct batch_pool *pool)
{
	struct batch *b = f->first;
	size_t size;

	assert(b);
	size = fifo_front(f)->size;
	f->at += size;
	f->count--;
	if (f->at < b->len)
		return size;
	f->first = b->next;
	if (!f->first)
		f->last = NULL;
	f->at = 0;
	batch_free(pool, b);
	return size;
}
