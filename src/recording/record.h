/*
 * record - the body of one record while it is written.
 *
 * Small fields are copied; long values are only referred to, so that a statement of a gigabyte is
 * copied piece by piece into blocks and never as a whole. What it refers to must live until the
 * next record_reset(). A failure (no memory) stays until then: see record_err().
 */
#ifndef RECORDING_RECORD_H
#define RECORDING_RECORD_H

#include <endian.h>

#include "base/buf.h"

enum {
	RECORD_BORROW_MIN = 64 << 10, /* bytes from which a value is referred to, not copied */
};

struct record_part {
	size_t at; /* stands before this byte of BYTES */
	struct slice bytes;
};

struct record {
	struct buf bytes;
	struct record_part *parts;
	size_t part_count, part_cap;
	uint64_t borrowed; /* bytes of all parts */
};

void record_init(struct record *r);
void record_release(struct record *r);
void record_reset(struct record *r);

static inline uint64_t record_len(const struct record *r)
{
	return r->bytes.len + r->borrowed;
}

static inline enum err record_err(const struct record *r)
{
	return buf_err(&r->bytes);
}

/* Appends N bytes of the body from AT to OUT. */
void record_copy(const struct record *r, uint64_t at, uint64_t n, struct buf *out);

enum { VARINT_MAX = 10 }; /* bytes */

/* These write at TO, where there is room, and return the place behind: for fields whose bytes are few at most. */
static inline uint8_t *write_u8(uint8_t *to, uint8_t v)
{
	*to = v;
	return to + sizeof(v);
}

static inline uint8_t *write_varint(uint8_t *to, uint64_t v)
{
	while (v >= 0x80) {
		*to++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*to++ = (uint8_t)v;
	return to;
}

/* The difference AT - BASE, modulo 2^64. */
static inline uint8_t *write_difference(uint8_t *to, uint64_t at, uint64_t base)
{
	uint64_t v = at - base;

	return write_varint(to, v << 1 ^ (0 - (v >> 63)));
}

/* Fixed size, little-endian. */
static inline uint8_t *write_u16(uint8_t *to, uint16_t v)
{
	v = htole16(v);
	memcpy(to, &v, sizeof(v));
	return to + sizeof(v);
}

static inline uint8_t *write_u32(uint8_t *to, uint32_t v)
{
	v = htole32(v);
	memcpy(to, &v, sizeof(v));
	return to + sizeof(v);
}

static inline uint8_t *write_u64(uint8_t *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
	return to + sizeof(v);
}

/* Bytes without their length. */
static inline uint8_t *write_bytes(uint8_t *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

/* Room for N bytes, of which record_wrote() says how many were used; NULL and failed if there is none. */
static inline uint8_t *record_room(struct record *r, size_t n)
{
	if (__builtin_expect(r->bytes.cap - r->bytes.len >= n && !r->bytes.failed, 1))
		return r->bytes.ptr + r->bytes.len;
	return buf_reserve(&r->bytes, n);
}

/* END is the place behind what was written into the room. */
static inline void record_wrote(struct record *r, const uint8_t *end)
{
	r->bytes.len = (size_t)(end - r->bytes.ptr);
}

static inline void record_u8(struct record *r, uint8_t v)
{
	uint8_t *to = record_room(r, sizeof(v));

	if (to)
		record_wrote(r, write_u8(to, v));
}

static inline void record_bool(struct record *r, bool v)
{
	record_u8(r, v ? 1 : 0);
}

static inline void record_varint(struct record *r, uint64_t v)
{
	uint8_t *to = record_room(r, VARINT_MAX);

	if (to)
		record_wrote(r, write_varint(to, v));
}

static inline void record_difference(struct record *r, uint64_t at, uint64_t base)
{
	uint8_t *to = record_room(r, VARINT_MAX);

	if (to)
		record_wrote(r, write_difference(to, at, base));
}

static inline void record_signed(struct record *r, int64_t v)
{
	record_difference(r, (uint64_t)v, 0);
}

static inline void record_u16(struct record *r, uint16_t v)
{
	uint8_t *to = record_room(r, sizeof(v));

	if (to)
		record_wrote(r, write_u16(to, v));
}

static inline void record_u32(struct record *r, uint32_t v)
{
	uint8_t *to = record_room(r, sizeof(v));

	if (to)
		record_wrote(r, write_u32(to, v));
}

static inline void record_u64(struct record *r, uint64_t v)
{
	uint8_t *to = record_room(r, sizeof(v));

	if (to)
		record_wrote(r, write_u64(to, v));
}

/* The bytes alone, referred to. */
void record_refer(struct record *r, struct slice s);

/* The bytes alone, copied unless they are many. */
static inline void record_raw(struct record *r, struct slice s)
{
	uint8_t *to;

	if (s.len >= RECORD_BORROW_MIN) {
		record_refer(r, s);
		return;
	}
	to = record_room(r, s.len);
	if (to)
		record_wrote(r, write_bytes(to, s));
}

static inline void record_bytes(struct record *r, struct slice s)
{
	record_varint(r, s.len);
	record_raw(r, s);
}

#endif
