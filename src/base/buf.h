/*
 * buf - bytes that grow, up to a limit that is named where the buffer is made.
 *
 * Invariant: len <= cap <= max. A put that does not fit, or finds no memory, writes nothing and
 * makes the buffer fail until buf_reset(); so a writer puts twenty times and asks buf_err() once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

struct buf {
	uint8_t *ptr; /* NULL until something was put */
	size_t len;
	size_t cap;
	size_t max; /* bytes it may ever hold */
	enum err failed;
	bool no_memory; /* it was out, at any time since buf_init() */
};

void buf_init(struct buf *b, size_t max);
void buf_release(
	struct buf *b); /* frees the contents; the limit stays, so the buffer can be used again */

/* Empties B and forgives a failure; keeps the memory. */
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = ERR_OK;
}

/* Empties B and gives back its memory if it holds more than KEEP bytes of it. */
void buf_shrink(struct buf *b, size_t keep);

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->ptr, b->len);
}

/* ERR_OK, ERR_LIMIT or ERR_NOMEM: the first failure since the last reset. */
static inline enum err buf_err(const struct buf *b)
{
	return b->failed;
}

/* What buf_reserve() does where there is no room yet. */
uint8_t *buf_grow(struct buf *b, size_t n);

/* Room for N more bytes, to be written before the next call and counted by buf_advance(); or NULL. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed != ERR_OK || n > b->cap - b->len || !b->ptr)
		return buf_grow(b, n);
	return b->ptr + b->len;
}

static inline void buf_advance(struct buf *b, size_t n)
{
	b->len += n;
}

static inline void buf_put(struct buf *b, const void *src, size_t n)
{
	uint8_t *to = buf_reserve(b, n);

	if (!to || n == 0)
		return;
	memcpy(to, src, n);
	b->len += n;
}

static inline void buf_put_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.ptr, s.len);
}

static inline void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_cstr(struct buf *b, const char *s);
void buf_put_uint_le(struct buf *b, uint64_t v, size_t n); /* N bytes, 1 to 8 */
void buf_put_zeros(struct buf *b, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Overwrites N bytes at AT, which must lie inside, with V: for lengths known only afterwards. */
void buf_patch_uint_le(struct buf *b, size_t at, uint64_t v, size_t n);

/* Removes the first N bytes. */
void buf_consume(struct buf *b, size_t n);

#endif
