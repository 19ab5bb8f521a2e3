/*
 * cursor - the only way to read foreign bytes.
 *
 * A getter that would run past the end returns zero (or an empty slice), moves nothing and makes the
 * cursor fail for good; so a decoder reads top to bottom like the manual's table and asks cur_ok()
 * once, at the end. Bounds are compared as "n > left", never as "pos + n > end", which can wrap.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <endian.h>

#include "base/slice.h"

struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cur_of(struct slice s)
{
	return (struct cursor){.pos = s.ptr, .end = s.len ? s.ptr + s.len : s.ptr, .failed = false};
}

static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->pos);
}

static inline bool cur_ok(const struct cursor *c)
{
	return !c->failed;
}

/* True when all was read and nothing failed. */
static inline bool cur_done(const struct cursor *c)
{
	return !c->failed && c->pos == c->end;
}

static inline void cur_fail(struct cursor *c)
{
	c->failed = true;
	c->pos = c->end;
}

static inline bool cur_has(struct cursor *c, size_t n)
{
	if (n > cur_left(c)) {
		cur_fail(c);
		return false;
	}
	return true;
}

/* The next byte without taking it; 0, and no failure, at the end. */
static inline uint8_t cur_peek(const struct cursor *c)
{
	return c->pos < c->end ? *c->pos : 0;
}

static inline uint8_t cur_u8(struct cursor *c)
{
	if (!cur_has(c, 1))
		return 0;
	return *c->pos++;
}

/* Little-endian unsigned integer of N bytes, 1 to 8. */
static inline uint64_t cur_uint_le(struct cursor *c, size_t n)
{
	uint64_t v = 0;

	if (!cur_has(c, n))
		return 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)c->pos[i] << (8 * i);
	c->pos += n;
	return v;
}

static inline uint16_t cur_u16(struct cursor *c)
{
	uint16_t v = 0;

	if (!cur_has(c, sizeof(v)))
		return 0;
	memcpy(&v, c->pos, sizeof(v));
	c->pos += sizeof(v);
	return le16toh(v);
}

static inline uint32_t cur_u24(struct cursor *c)
{
	uint32_t v;

	if (!cur_has(c, 3))
		return 0;
	v = (uint32_t)(c->pos[0] | c->pos[1] << 8 | c->pos[2] << 16);
	c->pos += 3;
	return v;
}

static inline uint32_t cur_u32(struct cursor *c)
{
	uint32_t v = 0;

	if (!cur_has(c, sizeof(v)))
		return 0;
	memcpy(&v, c->pos, sizeof(v));
	c->pos += sizeof(v);
	return le32toh(v);
}

static inline uint64_t cur_u64(struct cursor *c)
{
	uint64_t v = 0;

	if (!cur_has(c, sizeof(v)))
		return 0;
	memcpy(&v, c->pos, sizeof(v));
	c->pos += sizeof(v);
	return le64toh(v);
}

/* Big-endian, as in network headers. */
static inline uint16_t cur_u16be(struct cursor *c)
{
	return __builtin_bswap16(cur_u16(c));
}

static inline uint32_t cur_u32be(struct cursor *c)
{
	return __builtin_bswap32(cur_u32(c));
}

static inline struct slice cur_bytes(struct cursor *c, size_t n)
{
	struct slice s = {.ptr = NULL, .len = 0};

	if (!cur_has(c, n))
		return s;
	s = slice_of(c->pos, n);
	if (n > 0) /* of an empty slice there is no place to count from */
		c->pos += n;
	return s;
}

static inline void cur_skip(struct cursor *c, size_t n)
{
	if (n > 0 && cur_has(c, n))
		c->pos += n;
}

/* All that is left, which may be nothing. */
static inline struct slice cur_rest(struct cursor *c)
{
	return cur_bytes(c, cur_left(c));
}

/* Bytes up to the next NUL, which is taken but not part of the slice; fails if there is none. */
static inline struct slice cur_nul(struct cursor *c)
{
	size_t left = cur_left(c);
	const uint8_t *nul = left ? memchr(c->pos, 0, left) : NULL;
	struct slice s;

	if (!nul) {
		cur_fail(c);
		return (struct slice){.ptr = NULL, .len = 0};
	}
	s = slice_of(c->pos, (size_t)(nul - c->pos));
	c->pos = nul + 1;
	return s;
}

#endif
