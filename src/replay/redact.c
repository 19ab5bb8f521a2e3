/* redact - an error's message for eyes that may not see values. */
#include "replay/redact.h"

enum { SIGNALLED = 1644 }; /* ER_SIGNAL_EXCEPTION */

static bool is_quote(uint8_t b)
{
	return b == '\'' || b == '"' || b == '`';
}

static bool is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static void put_without_numbers(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.ptr[i]))
			buf_put_u8(out, s.ptr[i]);
		else if (i == 0 || !is_digit(s.ptr[i - 1]))
			buf_put_u8(out, '?');
	}
}

void redact_message(uint16_t code, struct slice message, struct buf *out)
{
	size_t first = 0, last = message.len;

	if (code == SIGNALLED) {
		buf_put_cstr(out, "...");
		return;
	}
	while (first < message.len && !is_quote(message.ptr[first]))
		first++;
	put_without_numbers(slice_head(message, first), out);
	if (first == message.len)
		return;
	while (last > first + 1 && !is_quote(message.ptr[last - 1]))
		last--;
	buf_put_cstr(out, "'...'");
	if (last > first + 1) /* else the quote was cut off, and so is what would follow */
		put_without_numbers(slice_skip(message, last), out);
}
