/* figures - what came of a replay so far. */
#include "replay/figures.h"

#include <string.h>

#include "base/clock.h"

const int64_t figures_bounds_ns[FIGURES_BOUNDS] = {
	100 * NS_PER_US, 500 * NS_PER_US, NS_PER_MS,      5 * NS_PER_MS,
	10 * NS_PER_MS,  25 * NS_PER_MS,  50 * NS_PER_MS, 100 * NS_PER_MS,
	250 * NS_PER_MS, 500 * NS_PER_MS, NS_PER_S,       2500 * NS_PER_MS,
	5 * NS_PER_S,    10 * NS_PER_S,   30 * NS_PER_S,  60 * NS_PER_S,
};

static void times_of(const struct hist *h, struct figures_times *out)
{
	hist_below(h, figures_bounds_ns, FIGURES_BOUNDS, out->below);
	out->all = h->count;
	out->sum_ns = h->sum_ns;
}

void figures_of(const struct outcome *o, struct replay_figures *out)
{
	*out = (struct replay_figures){
#define COUNT(name, text) .name = o->name,
		OUTCOME_COUNTS(COUNT)
#undef COUNT
	};
	memcpy(out->not_sent, o->not_sent, sizeof(out->not_sent));
	memcpy(out->verdicts, o->verdicts, sizeof(out->verdicts));
	memcpy(out->apart, o->apart, sizeof(out->apart));
	times_of(&o->lateness, &out->lateness);
	times_of(&o->own_lateness, &out->own_lateness);
}

void figures_put(struct figures_board *b, const struct replay_figures *f)
{
	uint64_t cells[FIGURES_CELLS];

	memcpy(cells, f, sizeof(cells));
	for (size_t i = 0; i < FIGURES_CELLS; i++)
		atomic_store_explicit(&b->cells[i], cells[i], memory_order_relaxed);
}

void figures_add(struct replay_figures *into, const struct figures_board *b)
{
	uint64_t cells[FIGURES_CELLS];

	memcpy(cells, into, sizeof(cells));
	for (size_t i = 0; i < FIGURES_CELLS; i++)
		cells[i] += atomic_load_explicit(&b->cells[i], memory_order_relaxed);
	memcpy(into, cells, sizeof(cells));
}
