/* begun - blocks whose events are handed out. */
#include "input/begun.h"

#include "base/clock.h"
#include "base/mem.h"

static const int64_t PATIENCE_NS = NS_PER_S / 10;

static void on_settled(struct receipt *r)
{
	struct begun *b = (struct begun *)(void *)r, *chain = b->chain, *before;
	struct consumer *consumer = b->consumer;
	struct delivery *delivery = b->delivery;

	if (delivery)
		consumer_done(consumer, delivery);
	atomic_store(&b->settled,
		     true); /* after it is acknowledged: what follows may rely on that */
	consumer_stir(consumer);
	for (; chain; chain = before) {
		before = chain->before;
		receipt_release(&chain->receipt);
	}
}

struct begun *begun_new(struct begun_list *l, struct consumer *c, struct delivery *d)
{
	struct begun *b = mem_zalloc(sizeof(*b));

	if (!b)
		return NULL;
	atomic_init(&b->receipt.holds, 1);
	b->receipt.settled = on_settled;
	b->consumer = c;
	b->delivery = d;
	b->next = l->first;
	b->moved_ns = clock_mono_ns();
	l->first = b;
	return b;
}

void begun_reap(struct begun_list *l)
{
	struct begun **at = &l->first, *b;

	while ((b = *at)) {
		if (b->kept || !begun_is_settled(b)) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		mem_free(b);
	}
}

void begun_release(struct begun_list *l)
{
	struct begun *b;

	while ((b = l->first)) {
		l->first = b->next;
		mem_free(b);
	}
}

bool begun_is_settled(const struct begun *b)
{
	return atomic_load(&b->settled);
}

bool begun_is_over(struct begun *b, int64_t now_ns)
{
	unsigned holds;

	if (begun_is_settled(b))
		return true;
	holds = atomic_load(&b->receipt.holds);
	if (holds != b->holds) {
		b->holds = holds;
		b->moved_ns = now_ns;
	}
	return now_ns - b->moved_ns >= PATIENCE_NS;
}
