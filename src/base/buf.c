/* buf - bytes that grow, up to a limit that is named where the buffer is made. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

enum { BUF_FIRST = 256 }; /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
	bool no_memory = b->no_memory;
	size_t max = b->max;

	mem_free(b->ptr);
	buf_init(b, max);
	b->no_memory = no_memory;
}

void buf_shrink(struct buf *b, size_t keep)
{
	if (b->cap > keep)
		buf_release(b);
	else
		buf_reset(b);
}

static bool resize(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	uint8_t *ptr;

	if (n > b->max - b->len) {
		b->failed = ERR_LIMIT;
		return false;
	}
	while (cap - b->len < n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	ptr = mem_resize(b->ptr, cap);
	if (!ptr) {
		b->failed = ERR_NOMEM;
		b->no_memory = true;
		return false;
	}
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

uint8_t *buf_grow(struct buf *b, size_t n)
{
	if (b->failed != ERR_OK || !resize(b, n))
		return NULL;
	return b->ptr + b->len;
}

void buf_put_cstr(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_put_uint_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t bytes[8];

	assert(n >= 1 && n <= sizeof(bytes));
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	buf_put(b, bytes, n);
}

void buf_put_zeros(struct buf *b, size_t n)
{
	uint8_t *to = buf_reserve(b, n);

	if (!to || n == 0)
		return;
	memset(to, 0, n);
	b->len += n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	uint8_t *to;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(n >= 0);
	to = buf_reserve(b, (size_t)n + 1);
	if (!to)
		return;
	va_start(args, fmt);
	(void)vsnprintf((char *)to, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_patch_uint_le(struct buf *b, size_t at, uint64_t v, size_t n)
{
	if (b->failed != ERR_OK)
		return;
	assert(at <= b->len && n <= b->len - at);
	for (size_t i = 0; i < n; i++)
		b->ptr[at + i] = (uint8_t)(v >> (8 * i));
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	memmove(b->ptr, b->ptr + n, b->len - n);
	b->len -= n;
}
