/*
 * varint - the integers of a recording's records, read through a cursor.
 */
#ifndef RECORDING_VARINT_H
#define RECORDING_VARINT_H

#include "base/cursor.h"

/* Fails on more than ten bytes, and on more than 64 bits. */
static inline uint64_t cur_varint(struct cursor *c)
{
	uint64_t v = 0;

	if (c->pos < c->end && *c->pos < 0x80) /* as most are */
		return *c->pos++;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cur_u8(c);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (shift == 63 && byte > 1)
			break;
		if (!(byte & 0x80))
			return v;
	}
	cur_fail(c);
	return 0;
}

/* The same, and fails over MAX. */
static inline uint64_t cur_varint_max(struct cursor *c, uint64_t max)
{
	uint64_t v = cur_varint(c);

	if (v <= max)
		return v;
	cur_fail(c);
	return 0;
}

/* The value that was written as its difference to BASE. */
static inline uint64_t cur_difference(struct cursor *c, uint64_t base)
{
	uint64_t v = cur_varint(c);

	return base + (v >> 1 ^ (0 - (v & 1)));
}

static inline int64_t cur_signed(struct cursor *c)
{
	return (int64_t)cur_difference(c, 0);
}

static inline struct slice cur_var_bytes(struct cursor *c)
{
	uint64_t n = cur_varint(c);

	if (n > cur_left(c)) {
		cur_fail(c);
		return (struct slice){.ptr = NULL, .len = 0};
	}
	return cur_bytes(c, (size_t)n);
}

/* A bool of one byte. */
static inline bool cur_bool(struct cursor *c)
{
	uint8_t v = cur_u8(c);

	if (v > 1)
		cur_fail(c);
	return v == 1;
}

/* An enum of one byte, less than COUNT. */
static inline uint8_t cur_below(struct cursor *c, unsigned count)
{
	uint8_t v = cur_u8(c);

	if (v < count)
		return v;
	cur_fail(c);
	return 0;
}

#endif
