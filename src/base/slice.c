/* slice - bytes that belong to somebody else. */
#include "base/slice.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

struct slice slice_trim(struct slice s)
{
	while (s.len && slice_is_blank(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len && slice_is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice slice_cut_first(struct slice *s, char separator, bool *found)
{
	const uint8_t *at = s->len ? memchr(s->ptr, separator, s->len) : NULL;
	struct slice before = *s;

	*found = at != NULL;
	if (at)
		before.len = (size_t)(at - s->ptr);
	*s = slice_skip(*s, before.len + 1);
	return before;
}
