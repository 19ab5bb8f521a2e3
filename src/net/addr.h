/*
 * addr - internet addresses, and the endpoints of a connection.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"

enum { ENDPOINT_TEXT_MAX = 64 }; /* bytes, with the NUL: "[v6 address]:port" */

struct addr {
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4, the rest is zero */
	bool is_v6;
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

static inline bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->addr.is_v6 == b->addr.is_v6 &&
	       memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes)) == 0;
}

static inline uint64_t endpoint_hash(const struct endpoint *e)
{
	uint64_t high, low;

	memcpy(&high, e->addr.bytes, sizeof(high));
	memcpy(&low, e->addr.bytes + sizeof(high), sizeof(low));
	return hash_mix(high, low ^ e->port);
}

/* Of a connection: the same in both directions. */
static inline uint64_t endpoint_pair_hash(const struct endpoint *x, const struct endpoint *y)
{
	uint64_t a = endpoint_hash(x), b = endpoint_hash(y);

	return hash_mix(a + b, a ^ b);
}

/* The IPv4 address whose 4 bytes are at FROM. Written in words, since it is read in words right afterwards. */
static inline void addr_set_v4(struct addr *a, const uint8_t *from)
{
	uint64_t words[2] = {0, 0};

	memcpy(words, from, 4);
	memcpy(a->bytes, words, sizeof(a->bytes));
	a->is_v6 = false;
}

/* "10.0.0.1:3306" or "[fe80::1]:3306"; returns TO. */
const char *endpoint_format(const struct endpoint *e, char to[ENDPOINT_TEXT_MAX]);

/* Reads what endpoint_format() writes. False, and *OUT untouched, if it is not that. */
bool endpoint_parse(struct slice text, struct endpoint *out);

#endif
