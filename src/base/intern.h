/*
 * intern - bytes that many have and of which one copy is kept.
 *
 * Who takes the same bytes under the same mark gets the same copy; it goes with its last user. Copies never change.
 * One thread.
 */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include "base/map.h"
#include "base/slice.h"

/* For the bytes and their mark. What is equal is decided by all of both, whatever the hash. */
typedef uint64_t intern_hash(struct slice bytes, uint64_t mark);

struct interned {
	struct map copies;
	intern_hash *hash; /* hash_seeded(), but in tests */
	size_t bytes;      /* of all copies, with what is kept beside them */
	size_t max;        /* bytes they may ever have */
};

void intern_init(struct interned *in, size_t max_bytes);
void intern_release(struct interned *in); /* every copy was dropped before */

/*
 * A copy of BYTES in *OUT, aligned for any type, to be dropped once for each time it was taken. BYTES may lie in such a
 * copy themselves. ERR_LIMIT, ERR_NOMEM.
 */
enum err intern_take(struct interned *in, struct slice bytes, uint64_t mark,
		     const void **out) MUST_CHECK;
void intern_drop(struct interned *in, const void *copy); /* NULL is fine */

/* What COPY was taken with. */
struct slice intern_bytes(const void *copy);
uint64_t intern_mark(const void *copy);

#endif
