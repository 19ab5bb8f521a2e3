/* hash - XXH3, the one hash of the project. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct slice s)
{
	return XXH3_64bits(s.ptr, s.len);
}

uint64_t hash_seeded(struct slice s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.ptr, s.len, seed);
}
