/* held - packets that wait until it is known whether their exchange passes. */
#include "filter/held.h"

#include "base/mem.h"

struct held {
	struct held *next;
	struct event event; /* its packet is owned */
	struct packet *packet;
};

static size_t bytes_of(const struct held *h)
{
	return sizeof(*h) + packet_bytes(h->packet);
}

static void held_free(struct held *h, size_t *bytes)
{
	*bytes -= bytes_of(h);
	packet_free(h->packet);
	mem_free(h);
}

static enum err append(struct held_list *l, size_t *bytes, const struct event *e,
		       const struct packet *p)
{
	struct held *h = mem_zalloc(sizeof(*h));

	if (h)
		h->packet = packet_copy(p);
	if (!h || !h->packet) {
		mem_free(h);
		return ERR_NOMEM;
	}
	h->event = *e;
	h->event.packet = h->packet;
	if (l->last)
		l->last->next = h;
	else
		l->first = h;
	l->last = h;
	*bytes += bytes_of(h);
	return ERR_OK;
}

enum err held_put(struct held_list *l, size_t *bytes, const struct event *e)
{
	struct packet left_out = {
		.n = e->packet->n,
		.side = PACKET_OF_NOBODY,
		.meaning = PACKET_LEFT_OUT,
		.first_ns = e->packet->first_ns,
		.length = 1,
	};

	if (*bytes + packet_bytes(e->packet) <= HELD_MAX)
		return append(l, bytes, e, e->packet);
	if (l->last && l->last->packet->meaning == PACKET_LEFT_OUT &&
	    l->last->packet->n == left_out.n) {
		l->last->packet->length++;
		return ERR_OK;
	}
	return append(l, bytes, e, &left_out);
}

/* Takes the first packet of the command N off the list; NULL if there is none. */
static struct held *take(struct held_list *l, uint64_t n)
{
	struct held *before = NULL, *h = l->first;

	while (h && h->packet->n != n) {
		before = h;
		h = h->next;
	}
	if (!h)
		return NULL;
	if (before)
		before->next = h->next;
	else
		l->first = h->next;
	if (l->last == h)
		l->last = before;
	return h;
}

enum err held_release(struct held_list *l, size_t *bytes, uint64_t n, const struct event_sink *next,
		      struct errinfo *info)
{
	struct held *h;
	enum err e = ERR_OK;

	while (e == ERR_OK && (h = take(l, n)) != NULL) {
		e = next->event(next->ctx, &h->event, info);
		held_free(h, bytes);
	}
	return e;
}

void held_drop(struct held_list *l, size_t *bytes, uint64_t n)
{
	struct held *h;

	while ((h = take(l, n)) != NULL)
		held_free(h, bytes);
}

void held_clear(struct held_list *l, size_t *bytes)
{
	while (l->first) {
		struct held *h = l->first;

		l->first = h->next;
		held_free(h, bytes);
	}
	l->last = NULL;
}
