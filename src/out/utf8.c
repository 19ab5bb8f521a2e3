/* utf8 - one character at a time; RFC 3629, table of section 4. */
#include "out/utf8.h"

static bool is_tail(uint8_t b)
{
	return (b & 0xc0) == 0x80;
}

size_t utf8_char_len(struct slice s)
{
	uint8_t a = s.ptr[0], b = s.len > 1 ? s.ptr[1] : 0;
	uint8_t low = 0x80, high = 0xbf;
	size_t len = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;

	if (a < 0x80)
		return 1;
	if (a < 0xc2 || a > 0xf4 || s.len < len)
		return 0;
	if (a == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (a == 0xed)
		high = 0x9f; /* surrogates */
	else if (a == 0xf0)
		low = 0x90;
	else if (a == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (b < low || b > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!is_tail(s.ptr[i]))
			return 0;
	return len;
}

static uint32_t code_of(const uint8_t *p, size_t len)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = p[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

struct range {
	uint32_t from, to;
};

static bool is_in(uint32_t code, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code >= ranges[i].from && code <= ranges[i].to)
			return true;
	return false;
}

static const struct range no_width[] = {
	{.from = 0x0300, .to = 0x036f}, {.from = 0x200b, .to = 0x200f},
	{.from = 0x20d0, .to = 0x20ff}, {.from = 0xfe00, .to = 0xfe0f},
	{.from = 0xfe20, .to = 0xfe2f},
};

static const struct range double_width[] = {
	{.from = 0x1100, .to = 0x115f},   {.from = 0x2e80, .to = 0x303e},
	{.from = 0x3041, .to = 0xa4cf},   {.from = 0xac00, .to = 0xd7a3},
	{.from = 0xf900, .to = 0xfaff},   {.from = 0xfe30, .to = 0xfe6f},
	{.from = 0xff00, .to = 0xff60},   {.from = 0xffe0, .to = 0xffe6},
	{.from = 0x1f300, .to = 0x1f64f}, {.from = 0x1f900, .to = 0x1f9ff},
	{.from = 0x20000, .to = 0x3fffd},
};

/* The columns of the character at the start of S; its length is LEN, 0 if it is bad. */
static size_t char_width(struct slice s, size_t len)
{
	uint32_t code;

	if (len < 2)
		return 1;
	code = code_of(s.ptr, len);
	if (is_in(code, no_width, sizeof(no_width) / sizeof(no_width[0])))
		return 0;
	return is_in(code, double_width, sizeof(double_width) / sizeof(double_width[0])) ? 2 : 1;
}

size_t utf8_width(struct slice s)
{
	size_t width = 0;

	while (s.len > 0) {
		size_t n = utf8_char_len(s);

		width += char_width(s, n);
		s = slice_skip(s, n ? n : 1);
	}
	return width;
}

struct slice utf8_head(struct slice s, size_t width)
{
	struct slice rest = s;

	while (rest.len > 0) {
		size_t n = utf8_char_len(rest), columns = char_width(rest, n);

		if (columns > width)
			break;
		width -= columns;
		rest = slice_skip(rest, n ? n : 1);
	}
	return slice_head(s, s.len - rest.len);
}
