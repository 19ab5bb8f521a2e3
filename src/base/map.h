/*
 * map - a hash table of pointers to things that know their own key.
 *
 * The caller gives the hash and, where 64 bits are not proof enough, an equality function. Open
 * addressing; grows to MAX items and then refuses. Items are not owned.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* True if ITEM is what KEY names. */
typedef bool map_eq(const void *item, const void *key);

struct map_slot {
	uint64_t hash;
	void *item; /* NULL: free */
};

struct map {
	struct map_slot *slots;
	size_t cap;   /* a power of two, or 0 */
	size_t count; /* items in it */
	size_t max;   /* items it may ever hold */
	map_eq *eq;   /* NULL: equal hashes are equal keys */
};

void map_init(struct map *m, size_t max, map_eq *eq);
void map_release(struct map *m); /* not the items */

/* Takes all items out and keeps the table, unless few of its slots were used. */
void map_clear(struct map *m);

void *map_get(const struct map *m, uint64_t hash, const void *key);

/* Adds ITEM, whose key must not be in M yet. ERR_LIMIT when M is full, ERR_NOMEM. */
enum err map_put(struct map *m, uint64_t hash, void *item) MUST_CHECK;

/* Takes the item that KEY names out of M and returns it; NULL if there is none. */
void *map_take(struct map *m, uint64_t hash, const void *key);

/*
 * Walks all items: set *AT to 0, call until NULL. Nothing may be put or taken meanwhile.
 */
void *map_next(const struct map *m, size_t *at);

#endif
