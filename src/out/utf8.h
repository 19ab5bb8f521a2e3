/*
 * utf8 - one character at a time, from bytes that may be anything.
 */
#ifndef OUT_UTF8_H
#define OUT_UTF8_H

#include "base/slice.h"

/* The length of the well-formed character at the start of S (not empty); 0 if there is none. */
size_t utf8_char_len(struct slice s);

/*
 * The columns S takes on a terminal: no column for combining marks, two for East Asian wide
 * characters and emoji, one for all else and for each bad byte. Good enough for a table.
 */
size_t utf8_width(struct slice s);

/* The longest start of S that takes at most WIDTH columns and cuts no character. */
struct slice utf8_head(struct slice s, size_t width);

#endif
