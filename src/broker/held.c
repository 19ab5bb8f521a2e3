/* held - deliveries that are not acknowledged. */
#include "broker/held.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct held *held_new(const struct mq_event *e, const struct block_header *header, unsigned queue,
		      size_t at)
{
	struct held *h = mem_alloc(sizeof(*h));
	uint8_t *bytes = mem_alloc(header->stored_len + (size_t)1); /* of an empty one, too */

	if (!h || !bytes) {
		mem_free(h);
		mem_free(bytes);
		return NULL;
	}
	*h = (struct held){
		.delivery = {.header = *header,
			     .stored = slice_of(bytes, header->stored_len),
			     .origin = e->with.origin,
			     .queue = queue,
			     .again = e->again,
			     .resent = e->with.resent},
		.channel = e->channel,
		.tag = e->tag,
		.got_ns = clock_mono_ns(),
		.bytes = bytes,
	};
	memcpy(bytes, e->with.body.ptr + at, header->stored_len);
	return h;
}

void held_add(struct held_list *l, struct held *h)
{
	h->before = l->last;
	h->after = NULL;
	if (l->last)
		l->last->after = h;
	else
		l->first = h;
	l->last = h;
	atomic_fetch_add(&l->count, 1);
}

void held_free(struct held_list *l, struct held *h)
{
	if (h->before)
		h->before->after = h->after;
	else
		l->first = h->after;
	if (h->after)
		h->after->before = h->before;
	else
		l->last = h->before;
	atomic_fetch_sub(&l->count, 1);
	mem_free(h->bytes);
	mem_free(h);
}

struct held *held_find(const struct held_list *l, const struct block_header *b)
{
	for (struct held *h = l->first; h; h = h->after)
		if (h->delivery.header.recording == b->recording &&
		    h->delivery.header.number == b->number)
			return h;
	return NULL;
}

struct held *held_find_untagged(const struct held_list *l, uint64_t hash)
{
	for (struct held *h = l->first; h; h = h->after)
		if (h->tag == 0 && h->delivery.header.recording == hash)
			return h;
	return NULL;
}
