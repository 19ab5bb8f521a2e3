/* pace - when: an absolute schedule, and timers. */
#include "replay/pace.h"

#include <assert.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/mem.h"

enum { TIMERS_MAX = 1 << 24, TIMERS_FIRST = 64 };

int64_t pace_due_ns(const struct pace *p, int64_t offset_ns)
{
	if (p->speed <= 0)
		return INT64_MIN;
	return p->start_ns + (int64_t)((double)offset_ns / p->speed);
}

void rate_init(struct rate *r, double per_second)
{
	r->interval_ns = per_second > 0 ? (int64_t)((double)NS_PER_S / per_second) : 0;
	atomic_init(&r->next_ns, 0);
}

int64_t rate_take(struct rate *r, int64_t now_ns)
{
	long long next_ns = atomic_load(&r->next_ns), slot_ns;

	if (r->interval_ns == 0)
		return now_ns;
	do {
		slot_ns = next_ns > now_ns ? next_ns : now_ns;
	} while (!atomic_compare_exchange_weak(&r->next_ns, &next_ns, slot_ns + r->interval_ns));
	return slot_ns;
}

void timers_release(struct timers *ts)
{
	mem_free(ts->heap);
	*ts = (struct timers){.heap = NULL};
}

static void place(struct timers *ts, int32_t at, struct timer *t)
{
	ts->heap[at] = t;
	t->at = at;
}

static void sift_up(struct timers *ts, int32_t at, struct timer *t)
{
	while (at > 0 && ts->heap[(at - 1) / 2]->due_ns > t->due_ns) {
		place(ts, at, ts->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(ts, at, t);
}

static void sift_down(struct timers *ts, int32_t at, struct timer *t)
{
	for (;;) {
		int32_t child = 2 * at + 1;

		if (child + 1 < ts->count && ts->heap[child + 1]->due_ns < ts->heap[child]->due_ns)
			child++;
		if (child >= ts->count || ts->heap[child]->due_ns >= t->due_ns)
			break;
		place(ts, at, ts->heap[child]);
		at = child;
	}
	place(ts, at, t);
}

static enum err grow(struct timers *ts)
{
	int32_t cap = ts->cap ? ts->cap * 2 : TIMERS_FIRST;
	struct timer **heap;

	if (cap > TIMERS_MAX)
		return ERR_LIMIT;
	heap = mem_resize(ts->heap, (size_t)cap * sizeof(struct timer *));
	if (!heap)
		return ERR_NOMEM;
	ts->heap = heap;
	ts->cap = cap;
	return ERR_OK;
}

enum err timers_set(struct timers *ts, struct timer *t, int64_t due_ns)
{
	if (t->at != TIMER_OFF) {
		if (t->due_ns == due_ns)
			return ERR_OK;
		timers_clear(ts, t);
	}
	if (ts->count == ts->cap) {
		enum err e = grow(ts);

		if (e != ERR_OK)
			return e;
	}
	t->due_ns = due_ns;
	sift_up(ts, ts->count++, t);
	return ERR_OK;
}

void timers_clear(struct timers *ts, struct timer *t)
{
	int32_t at = t->at;
	struct timer *last;

	if (at == TIMER_OFF)
		return;
	assert(ts->heap[at] == t);
	last = ts->heap[--ts->count];
	t->at = TIMER_OFF;
	if (last == t)
		return;
	if (at > 0 && ts->heap[(at - 1) / 2]->due_ns > last->due_ns)
		sift_up(ts, at, last);
	else
		sift_down(ts, at, last);
}
