/* noise - by how much the same server differs from itself. */
#include "replay/noise.h"

#include "base/mem.h"

struct noise_row {
	uint64_t key;
	double share;
};

void noise_init(struct noise *n)
{
	*n = (struct noise){.total = 0};
	map_init(&n->rows, PROFILE_ROWS_MAX + 1, NULL);
}

void noise_release(struct noise *n)
{
	struct noise_row *row;

	for (size_t at = 0; (row = map_next(&n->rows, &at));)
		mem_free(row);
	map_release(&n->rows);
	noise_init(n);
}

/* 0 where too little is known. */
static double share_between(const struct hist *a, const struct hist *b)
{
	struct contrast c;

	contrast_of(a, b, &c);
	if (!c.known)
		return 0;
	return (c.ratio > 1 ? c.ratio : 1 / c.ratio) - 1;
}

static enum err add_row(struct noise *n, uint64_t key, double share)
{
	struct noise_row *row = map_get(&n->rows, key, NULL);

	if (!row) {
		row = mem_zalloc(sizeof(*row));
		if (!row || map_put(&n->rows, key, row) != ERR_OK) {
			mem_free(row);
			return ERR_NOMEM;
		}
		row->key = key;
	}
	if (share > row->share)
		row->share = share;
	return ERR_OK;
}

static enum err add_total(struct noise *n, const struct outcome *a, const struct outcome *b)
{
	struct hist before, after;
	double share = 0;
	enum err e = outcome_latency(a, true, &before);

	if (e != ERR_OK)
		return e;
	e = outcome_latency(b, true, &after);
	if (e == ERR_OK) {
		share = share_between(&before, &after);
		hist_release(&after);
	}
	hist_release(&before);
	if (share > n->total)
		n->total = share;
	return e;
}

enum err noise_add(struct noise *n, const struct outcome *a, const struct outcome *b)
{
	const struct outcome_row *row, *other;
	enum err e = add_total(n, a, b);

	for (size_t at = 0; e == ERR_OK && (row = map_next(&a->rows, &at));) {
		other = map_get(&b->rows, row->key, NULL);
		if (other)
			e = add_row(
				n, row->key,
				share_between(&row->replayed.latency, &other->replayed.latency));
	}
	return e;
}

void noise_apply(const struct noise *n, struct outcome *o)
{
	struct outcome_row *row;

	o->contrast.noise = n->total;
	for (size_t at = 0; (row = map_next(&o->rows, &at));) {
		const struct noise_row *known = map_get(&n->rows, row->key, NULL);

		row->contrast.noise = known ? known->share : 0;
	}
}
