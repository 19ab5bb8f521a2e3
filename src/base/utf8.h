/*
 * utf8 - is it well-formed? (Unicode, table 3-7: no overlong forms, no surrogates, at most U+10FFFF.)
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* The length in bytes of the longest beginning of S that is well-formed UTF-8. */
size_t utf8_good_len(struct slice s);

static inline bool utf8_is_valid(struct slice s)
{
	return utf8_good_len(s) == s.len;
}

#endif
