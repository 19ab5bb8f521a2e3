/* percent - the escapes of URLs. */
#include "base/percent.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

bool percent_decode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		int hi, lo;

		if (s.ptr[i] != '%') {
			buf_put_u8(out, s.ptr[i]);
			continue;
		}
		if (s.len - i < 3)
			return false;
		hi = hex_digit(s.ptr[i + 1]);
		lo = hex_digit(s.ptr[i + 2]);
		if (hi < 0 || lo < 0)
			return false;
		buf_put_u8(out, (uint8_t)(hi << 4 | lo));
		i += 2;
	}
	return true;
}

static bool is_unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

void percent_encode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_unreserved(s.ptr[i]))
			buf_put_u8(out, s.ptr[i]);
		else
			buf_printf(out, "%%%02X", s.ptr[i]);
}
