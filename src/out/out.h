/*
 * out - bytes on their way out: gathered, and handed to a function of the caller's.
 *
 * The first failure stays: what is put after it is dropped, and out_flush() tells it. So a writer
 * puts a thousand times and asks once. Not for use by two threads.
 */
#ifndef OUT_OUT_H
#define OUT_OUT_H

#include "base/err.h"
#include "base/slice.h"

enum { OUT_BUFFER = 64 * 1024 }; /* bytes */

/* Writes all of BYTES or fails. */
typedef enum err (*out_write_fn)(void *ctx, struct slice bytes, struct errinfo *info);

struct out {
	out_write_fn write;
	void *ctx;
	enum err failed;
	struct errinfo info; /* of the first failure */
	uint64_t total;      /* bytes put so far */
	size_t len;
	uint8_t bytes[OUT_BUFFER];
};

void out_init(struct out *o, out_write_fn write, void *ctx);

/* Hands over what is gathered. Returns the first failure since the start and fills INFO with it. */
enum err out_flush(struct out *o, struct errinfo *info) MUST_CHECK;

/* The first failure so far. */
static inline enum err out_err(const struct out *o)
{
	return o->failed;
}

void out_put(struct out *o, const void *src, size_t n);
void out_put_slice(struct out *o, struct slice s);
void out_put_cstr(struct out *o, const char *s);
void out_put_repeat(struct out *o, char c, size_t n);
void out_printf(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Makes room in the buffer; for out_put_byte(). */
void out_drain(struct out *o);

static inline void out_put_byte(struct out *o, uint8_t b)
{
	if (o->len == OUT_BUFFER)
		out_drain(o);
	o->bytes[o->len++] = b;
	o->total++;
}

#endif
