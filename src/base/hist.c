/* hist - a histogram of durations. */
#include "base/hist.h"

#include "base/mem.h"

enum { STEP_BITS = 6 }; /* log2(HIST_STEPS) */

void hist_init(struct hist *h)
{
	*h = (struct hist){.count = 0};
}

void hist_release(struct hist *h)
{
	for (int g = 0; g < HIST_GROUPS; g++)
		mem_free(h->groups[g]);
	hist_init(h);
}

static int group_of(uint64_t v)
{
	if (v < HIST_STEPS)
		return 0;
	return 63 - __builtin_clzll(v) - STEP_BITS + 1;
}

static int step_of(uint64_t v, int group)
{
	return group == 0 ? (int)v : (int)(v >> (group - 1)) & (HIST_STEPS - 1);
}

/* The largest value that falls into the bucket. */
static int64_t bucket_top(int group, int step)
{
	if (group == 0)
		return step;
	return (int64_t)((((uint64_t)HIST_STEPS + (uint64_t)step + 1) << (group - 1)) - 1);
}

static void note(struct hist *h, uint64_t count, uint64_t sum_ns, int64_t min_ns, int64_t max_ns)
{
	if (h->count == 0 || min_ns < h->min_ns)
		h->min_ns = min_ns;
	if (h->count == 0 || max_ns > h->max_ns)
		h->max_ns = max_ns;
	h->count += count;
	h->sum_ns += sum_ns;
}

static uint32_t *group_get(struct hist *h, int g)
{
	if (!h->groups[g])
		h->groups[g] = mem_zalloc(HIST_STEPS * sizeof(uint32_t));
	return h->groups[g];
}

enum err hist_add_many(struct hist *h, int64_t value_ns, uint32_t count)
{
	int64_t v = value_ns < 0 ? 0 : value_ns;
	int g = group_of((uint64_t)v);
	uint32_t *counts;

	if (count == 0)
		return ERR_OK;
	counts = group_get(h, g);
	note(h, count, (uint64_t)v * count, v, v);
	if (!counts)
		return ERR_NOMEM;
	counts[step_of((uint64_t)v, g)] += count;
	return ERR_OK;
}

enum err hist_add(struct hist *h, int64_t value_ns)
{
	return hist_add_many(h, value_ns, 1);
}

bool hist_next(const struct hist *h, struct hist_bucket *b)
{
	while (b->at < HIST_GROUPS * HIST_STEPS) {
		const unsigned group = b->at / HIST_STEPS, step = b->at % HIST_STEPS;

		if (!h->groups[group]) {
			b->at = (group + 1) * HIST_STEPS;
			continue;
		}
		b->at++;
		if (h->groups[group][step] == 0)
			continue;
		b->top_ns = bucket_top((int)group, (int)step);
		b->count = h->groups[group][step];
		return true;
	}
	return false;
}

void hist_below(const struct hist *h, const int64_t *bounds_ns, size_t count, uint64_t *below)
{
	struct hist_bucket b = {.at = 0};
	uint64_t seen = 0;
	size_t i = 0;

	while (i < count && hist_next(h, &b)) {
		while (i < count && bounds_ns[i] < b.top_ns)
			below[i++] = seen;
		seen += b.count;
	}
	while (i < count)
		below[i++] = seen;
}

enum err hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return ERR_OK;
	for (int g = 0; g < HIST_GROUPS; g++) {
		uint32_t *counts;

		if (!from->groups[g])
			continue;
		counts = group_get(into, g);
		if (!counts)
			return ERR_NOMEM;
		for (int s = 0; s < HIST_STEPS; s++)
			counts[s] += from->groups[g][s];
	}
	note(into, from->count, from->sum_ns, from->min_ns, from->max_ns);
	return ERR_OK;
}

int64_t hist_quantile_ns(const struct hist *h, double q)
{
	double wanted = q * (double)h->count;
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	for (int g = 0; g < HIST_GROUPS; g++) {
		for (int s = 0; h->groups[g] && s < HIST_STEPS; s++) {
			seen += h->groups[g][s];
			if (seen > 0 && (double)seen >= wanted) {
				int64_t top = bucket_top(g, s);

				return top > h->max_ns   ? h->max_ns
				       : top < h->min_ns ? h->min_ns
							 : top;
			}
		}
	}
	return h->max_ns;
}

double hist_mean_ns(const struct hist *h)
{
	return h->count ? (double)h->sum_ns / (double)h->count : 0;
}
