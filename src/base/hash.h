/*
 * hash - XXH3, the one hash of the project: for tables, digests, identities and checksums.
 * The only file that knows <xxhash.h>. The values are stable: they are stored in files.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

uint64_t hash_bytes(struct slice s);
uint64_t hash_seeded(struct slice s, uint64_t seed);

/* Mixes two 64-bit values into one; the order matters. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	h ^= h >> 31;
	h = (h + b) * 0x94d049bb133111ebu;
	return h ^ h >> 29;
}

#endif
