/*
 * tool - what the small programs read their lines with.
 */
#ifndef TESTS_TOOL_H
#define TESTS_TOOL_H

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"

/* The decimal number at *TEXT, which moves behind it and the one byte that ends it. */
static inline unsigned long tool_number(const char **text)
{
	char *end;
	unsigned long v = strtoul(*text, &end, 10);

	*text = *end ? end + 1 : end;
	return v;
}

static inline unsigned tool_hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The hexadecimal digits at TEXT, up to the line's end, as OUT's only content. */
static inline bool tool_hex(const char *text, struct buf *out)
{
	buf_reset(out);
	for (; text[0] && text[0] != '\n'; text += 2) {
		unsigned high = tool_hex_digit(text[0]), low = tool_hex_digit(text[1]);

		if (high > 15 || low > 15)
			return false;
		buf_put_u8(out, (uint8_t)(high << 4 | low));
	}
	return buf_err(out) == ERR_OK;
}

#endif
