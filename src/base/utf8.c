/* utf8 - is it well-formed? */
#include "base/utf8.h"

static bool continues(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the character at P, which is not ASCII; 0: ill-formed. */
static size_t char_len(const uint8_t *p, size_t left)
{
	uint8_t first = p[0];

	if (first < 0xc2 || first > 0xf4 || left < 2 || !continues(p[1]))
		return 0;
	if (first < 0xe0)
		return 2;
	if (left < 3 || !continues(p[2]))
		return 0;
	if (first < 0xf0)
		return (first == 0xe0 && p[1] < 0xa0) || (first == 0xed && p[1] >= 0xa0) ? 0 : 3;
	if (left < 4 || !continues(p[3]))
		return 0;
	return (first == 0xf0 && p[1] < 0x90) || (first == 0xf4 && p[1] >= 0x90) ? 0 : 4;
}

size_t utf8_good_len(struct slice s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t n = s.ptr[at] < 0x80 ? 1 : char_len(s.ptr + at, s.len - at);

		if (n == 0)
			break;
		at += n;
	}
	return at;
}
