/*
 * literal_tool - values of the binary protocol as SQL literals, for tests with real servers.
 *
 * Reads lines "TYPE UNSIGNED FLAGS CHARSET HEX" from standard input: a type's number, 0 or 1, enum
 * myp_quote_flag, a character set's name, the value as it is sent. Writes the literal, in hexadecimal, and,
 * behind a blank, the value as text likewise; one line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql/value.h"
#include "tool.h"

enum { VALUE_MAX = 1 << 20, CHARSET_MAX = 32 };

static void print_hex(const struct buf *b, const char *end)
{
	for (size_t i = 0; i < b->len; i++)
		printf("%02x", b->ptr[i]);
	printf("%s", end);
}

static bool answer(const char *line, struct buf *wire, struct buf *out)
{
	uint8_t type = (uint8_t)tool_number(&line);
	bool is_unsigned = tool_number(&line) != 0;
	unsigned flags = (unsigned)tool_number(&line);
	size_t len = strcspn(line, " ");
	char charset[CHARSET_MAX] = "";
	struct myp_value v;
	struct cursor c;

	if (len >= sizeof(charset) || line[len] != ' ')
		return false;
	memcpy(charset, line, len);
	if (!tool_hex(line + len + 1, wire))
		return false;
	c = cur_of(buf_slice(wire));
	v = myp_value_read(&c, type, is_unsigned);
	if (!cur_done(&c))
		return false;
	buf_reset(out);
	myp_value_put_literal(out, &v, flags, charset);
	print_hex(out, " ");
	buf_reset(out);
	myp_value_put_text(out, &v);
	print_hex(out, "\n");
	return buf_err(out) == ERR_OK;
}

int main(void)
{
	static char line[VALUE_MAX];
	struct buf wire, out;
	int status = 0;

	buf_init(&wire, VALUE_MAX);
	buf_init(&out, VALUE_MAX);
	while (status == 0 && fgets(line, sizeof(line), stdin))
		if (!answer(line, &wire, &out))
			status = 1;
	if (status != 0)
		fprintf(stderr, "not a value: %s", line);
	buf_release(&wire);
	buf_release(&out);
	return status;
}
