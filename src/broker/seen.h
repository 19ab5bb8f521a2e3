/*
 * seen - what came from the broker before, so that it is not handed out again.
 */
#ifndef BROKER_SEEN_H
#define BROKER_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEEN_MAX = 1024,       /* blocks of a stream that are told apart; what is older was seen */
	SEEN_BYTES_MAX = 4096, /* messages without a number; more are handed out again */
};

/* Of a row of numbered blocks. All zero: number 0 and none above. */
struct seen {
	uint64_t last;
	uint64_t bits[SEEN_MAX / 64]; /* a ring, by number */
};

bool seen_has(const struct seen *s, uint64_t number);
void seen_add(struct seen *s, uint64_t number);

/* As if NUMBER and what came behind it had not come. */
void seen_forget(struct seen *s, uint64_t number);

/* Of messages that have no number: hashes of their bytes. All zero is empty. */
struct seen_bytes {
	uint64_t *hashes;
	size_t count;
};

void seen_bytes_release(struct seen_bytes *s);
void seen_bytes_add(struct seen_bytes *s,
		    uint64_t hash); /* without memory, or past the limit, it is not kept */
bool seen_bytes_take(struct seen_bytes *s,
		     uint64_t hash); /* true if it was there; it is not any more */

#endif
