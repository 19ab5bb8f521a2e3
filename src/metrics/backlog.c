/* backlog - how old the oldest is of what waits in a queue. */
#include "metrics/backlog.h"

#include <string.h>

/* Those that were put by then have all been taken out. */
static void drop_until(struct backlog *b, uint64_t taken)
{
	size_t n = 0;

	while (n < b->count && b->moments[n].put <= taken)
		n++;
	b->count -= n;
	memmove(b->moments, b->moments + n, b->count * sizeof(b->moments[0]));
}

/* Of each pair one is left. */
static void thin(struct backlog *b)
{
	for (size_t i = 0; i < b->count / 2; i++) {
		b->moments[i] = b->moments[2 * i];
		b->moments[i].put = b->moments[2 * i + 1].put;
	}
	b->count /= 2;
	b->step *= 2;
}

static void add(struct backlog *b, uint64_t put, uint64_t taken, int64_t now_ns)
{
	size_t last = b->count - 1;

	if (b->count > 0 && b->moments[last].put >= put)
		return;
	if (b->count > 0 && b->moments[last].put - b->moments[last].before < b->step) {
		b->moments[last].put = put;
		return;
	}
	if (b->count == BACKLOG_MOMENTS)
		thin(b);
	last = b->count++;
	b->moments[last].before = last > 0 ? b->moments[last - 1].put : taken;
	b->moments[last].put = put;
	b->moments[last].at_ns = now_ns;
}

int64_t backlog_age_ns(struct backlog *b, uint64_t put, uint64_t taken, int64_t now_ns)
{
	drop_until(b, taken);
	if (b->count == 0)
		b->step = 1;
	if (put <= taken)
		return 0;
	add(b, put, taken, now_ns);
	return now_ns - b->moments[0].at_ns;
}
