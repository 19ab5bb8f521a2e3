/* out - bytes on their way out. */
#include "out/out.h"

#include <stdarg.h>

void out_init(struct out *o, out_write_fn write, void *ctx)
{
	o->write = write;
	o->ctx = ctx;
	o->failed = ERR_OK;
	o->info = (struct errinfo){.code = ERR_OK};
	o->total = 0;
	o->len = 0;
}

static void hand_over(struct out *o, struct slice bytes)
{
	if (o->failed == ERR_OK && bytes.len > 0)
		o->failed = o->write(o->ctx, bytes, &o->info);
}

void out_drain(struct out *o)
{
	hand_over(o, slice_of(o->bytes, o->len));
	o->len = 0;
}

enum err out_flush(struct out *o, struct errinfo *info)
{
	out_drain(o);
	if (o->failed != ERR_OK && info)
		*info = o->info;
	return o->failed;
}

void out_put(struct out *o, const void *src, size_t n)
{
	o->total += n;
	if (n > OUT_BUFFER - o->len)
		out_drain(o);
	if (n >= OUT_BUFFER) {
		hand_over(o, slice_of(src, n));
		return;
	}
	if (n > 0)
		memcpy(o->bytes + o->len, src, n);
	o->len += n;
}

void out_put_slice(struct out *o, struct slice s)
{
	out_put(o, s.ptr, s.len);
}

void out_put_cstr(struct out *o, const char *s)
{
	out_put(o, s, strlen(s));
}

void out_put_repeat(struct out *o, char c, size_t n)
{
	while (n-- > 0)
		out_put_byte(o, (uint8_t)c);
}

/* Formats in place; a text longer than the whole buffer is a mistake of the caller's. */
void out_printf(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	for (int attempt = 0; attempt < 2; attempt++) {
		size_t room = OUT_BUFFER - o->len;

		va_start(ap, fmt);
		n = vsnprintf((char *)o->bytes + o->len, room, fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < room) {
			o->len += (size_t)n;
			o->total += (uint64_t)n;
			return;
		}
		out_drain(o);
	}
	if (o->failed == ERR_OK)
		o->failed = err_set(&o->info, ERR_LIMIT, 0, "a formatted text is too long");
}
