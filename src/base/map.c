/* map - a hash table of pointers to things that know their own key. */
#include "base/map.h"

#include "base/mem.h"

enum { MAP_FIRST = 16 }; /* slots of the first table */

void map_init(struct map *m, size_t max, map_eq *eq)
{
	*m = (struct map){.max = max, .eq = eq};
}

void map_release(struct map *m)
{
	mem_free(m->slots);
	map_init(m, m->max, m->eq);
}

void map_clear(struct map *m)
{
	if (m->count < m->cap / 8)
		map_release(m);
	else if (m->slots)
		memset(m->slots, 0, m->cap * sizeof(*m->slots));
	m->count = 0;
}

/* The slot that holds KEY, or the free one where it would go. */
static size_t find(const struct map *m, uint64_t hash, const void *key)
{
	size_t mask = m->cap - 1, i = (size_t)hash & mask;

	while (m->slots[i].item) {
		if (m->slots[i].hash == hash && (!m->eq || m->eq(m->slots[i].item, key)))
			return i;
		i = (i + 1) & mask;
	}
	return i;
}

void *map_get(const struct map *m, uint64_t hash, const void *key)
{
	if (m->count == 0)
		return NULL;
	return m->slots[find(m, hash, key)].item;
}

static void place(struct map_slot *slots, size_t cap, uint64_t hash, void *item)
{
	size_t i = (size_t)hash & (cap - 1);

	while (slots[i].item)
		i = (i + 1) & (cap - 1);
	slots[i] = (struct map_slot){.hash = hash, .item = item};
}

static enum err grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : MAP_FIRST;
	struct map_slot *slots = mem_zalloc(cap * sizeof(*slots));

	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].item)
			place(slots, cap, m->slots[i].hash, m->slots[i].item);
	mem_free(m->slots);
	m->slots = slots;
	m->cap = cap;
	return ERR_OK;
}

enum err map_put(struct map *m, uint64_t hash, void *item)
{
	if (m->count >= m->max)
		return ERR_LIMIT;
	if ((m->count + 1) * 4 > m->cap * 3) {
		enum err e = grow(m);

		if (e != ERR_OK)
			return e;
	}
	place(m->slots, m->cap, hash, item);
	m->count++;
	return ERR_OK;
}

void *map_take(struct map *m, uint64_t hash, const void *key)
{
	size_t mask = m->cap - 1, hole, i;
	void *item;

	if (m->count == 0)
		return NULL;
	hole = find(m, hash, key);
	item = m->slots[hole].item;
	if (!item)
		return NULL;
	m->count--;
	/* Moves later items of the same run back, so that no search ends too early. */
	for (i = (hole + 1) & mask; m->slots[i].item; i = (i + 1) & mask) {
		size_t home = (size_t)m->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].item = NULL;
	return item;
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->cap) {
		void *item = m->slots[(*at)++].item;

		if (item)
			return item;
	}
	return NULL;
}
