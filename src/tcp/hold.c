/* hold - pieces of one direction that cannot be handed over yet. */
#include "tcp/hold.h"

#include <string.h>

#include "base/mem.h"

void piece_drop_front(struct piece *p, uint64_t n)
{
	p->offset += n;
	p->len -= n;
	if (p->bytes)
		p->bytes += n;
}

/* Puts the first LEN bytes of *P behind AFTER, or first if that is NULL. */
static enum err insert(struct hold_list *l, struct held *after, const struct piece *p, uint64_t len)
{
	size_t copied = p->bytes ? (size_t)len : 0;
	struct held *h, **at = after ? &after->next : &l->first;

	h = mem_alloc(sizeof(*h) + copied);
	if (!h)
		return ERR_NOMEM;
	h->piece = *p;
	h->piece.len = len;
	if (copied) {
		memcpy(h->bytes, p->bytes, copied);
		h->piece.bytes = h->bytes;
	}
	h->next = *at;
	*at = h;
	if (!h->next)
		l->last = h;
	l->cost += sizeof(*h) + copied;
	l->count++;
	return ERR_OK;
}

enum err hold_put(struct hold_list *l, const struct piece *p, uint64_t *double_bytes)
{
	struct held *after = NULL, *next = l->first;
	struct piece rest = *p;

	*double_bytes = 0;
	if (l->last && l->last->piece.offset <= rest.offset) {
		after = l->last;
		next = NULL;
	}
	while (next && next->piece.offset <= rest.offset) {
		after = next;
		next = next->next;
	}
	if (after && piece_end(&after->piece) > rest.offset) {
		uint64_t covered = piece_end(&after->piece) - rest.offset;

		if (covered >= rest.len) {
			*double_bytes = rest.len;
			return ERR_OK;
		}
		*double_bytes = covered;
		piece_drop_front(&rest, covered);
	}
	while (rest.len > 0) {
		uint64_t room = next ? next->piece.offset - rest.offset : rest.len;
		uint64_t len = room < rest.len ? room : rest.len;
		enum err e = len > 0 ? insert(l, after, &rest, len) : ERR_OK;

		if (e != ERR_OK)
			return e;
		piece_drop_front(&rest, len);
		if (!next || rest.len == 0)
			break;
		len = next->piece.len < rest.len ? next->piece.len : rest.len;
		*double_bytes += len;
		piece_drop_front(&rest, len);
		after = next;
		next = next->next;
	}
	return ERR_OK;
}

struct held *hold_take(struct hold_list *l)
{
	struct held *h = l->first;

	if (!h)
		return NULL;
	l->first = h->next;
	if (!l->first)
		l->last = NULL;
	l->cost -= piece_cost(&h->piece);
	l->count--;
	return h;
}

void hold_free(struct held *h)
{
	mem_free(h);
}

void hold_clear(struct hold_list *l)
{
	while (l->first)
		hold_free(hold_take(l));
}
