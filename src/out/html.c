/* html - text into HTML and SVG. */
#include "out/html.h"

#include "out/utf8.h"

static const char replacement[] = "\xef\xbf\xbd";

/* What stands for a byte of ASCII; NULL: itself. */
static const char *escape_of(uint8_t b)
{
	switch (b) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '`':
		return "&#96;";
	case '\n':
	case '\t':
		return NULL;
	default: /* a byte */
		return b < 0x20 || b == 0x7f ? replacement : NULL;
	}
}

void html_text(struct out *o, struct slice s)
{
	while (s.len > 0) {
		size_t len = utf8_char_len(s);
		const char *escape = len == 0 ? replacement : len == 1 ? escape_of(s.ptr[0]) : NULL;

		if (escape)
			out_put_cstr(o, escape);
		else
			out_put(o, s.ptr, len);
		s = slice_skip(s, len ? len : 1);
	}
}

void html_cstr(struct out *o, const char *s)
{
	html_text(o, slice_cstr(s));
}

void html_element(struct out *o, const char *tag, const char *text)
{
	out_printf(o, "<%s>", tag);
	html_cstr(o, text);
	out_printf(o, "</%s>", tag);
}
