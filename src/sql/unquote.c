/* unquote - what a name or literal in quotes says. */
#include "sql/classify.h"

/* What the escape \B stands for; \% and \_ keep their backslash, as patterns need it. */
static void put_escape(struct buf *out, uint8_t b)
{
	static const char letters[] = "0bnrtZ";
	static const uint8_t values[] = {0, '\b', '\n', '\r', '\t', 0x1a};
	const char *letter = b ? strchr(letters, b) : NULL;

	if (b == '%' || b == '_')
		buf_put_u8(out, '\\');
	buf_put_u8(out, letter ? values[letter - letters] : b);
}

void sql_unquote(struct slice text, struct sql_options options, struct buf *out)
{
	const uint8_t *p = text.ptr, *end = text.len ? text.ptr + text.len : text.ptr;
	bool escapes;
	uint8_t quote;

	while (p < end && *p != '\'' && *p != '"' && *p != '`')
		p++;
	if (p == end) {
		buf_put_slice(out, text);
		return;
	}
	quote = *p++;
	escapes = quote != '`' && !(quote == '"' && options.ansi_quotes) &&
		  !options.no_backslash_escapes;
	while (p < end) {
		size_t n = sql_char_len(options.charset, p, (size_t)(end - p));

		if (*p == quote && end - p == 1)
			return;
		if (*p == '\\' && escapes && end - p >= 2) {
			put_escape(out, p[1]);
			p += 2;
			continue;
		}
		if (*p == quote)
			p++;
		if (p == end)
			return;
		buf_put(out, p, n);
		p += n;
	}
}

void sql_quote_name(struct slice name, struct buf *out)
{
	buf_put_u8(out, '`');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '`')
			buf_put_u8(out, '`');
		buf_put_u8(out, name.ptr[i]);
	}
	buf_put_u8(out, '`');
}
