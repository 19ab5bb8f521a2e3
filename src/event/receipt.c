/* receipt - receipts that are held for a while. */
#include "event/receipt.h"

#include "base/mem.h"

enum { RECEIPTS_FIRST = 64 };

enum err receipts_hold(struct receipts *l, struct receipt *r)
{
	if (!r || (l->count > 0 && l->items[l->count - 1] == r))
		return ERR_OK;
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : RECEIPTS_FIRST;
		struct receipt **items = mem_resize(l->items, cap * sizeof(struct receipt *));

		if (!items)
			return ERR_NOMEM;
		l->items = items;
		l->cap = cap;
	}
	receipt_hold(r);
	l->items[l->count++] = r;
	return ERR_OK;
}

void receipts_release(struct receipts *l)
{
	for (size_t i = 0; i < l->count; i++)
		receipt_release(l->items[i]);
	l->count = 0;
}

void receipts_drop(struct receipts *l)
{
	mem_free(l->items);
	*l = (struct receipts){.items = NULL};
}
