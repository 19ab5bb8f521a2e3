/* charset - the character sets in which a byte alone does not tell what it is. */
#include "sql/charset.h"

enum sql_charset sql_charset_find(struct slice name)
{
	static const struct {
		const char *name;
		enum sql_charset charset;
	} rows[] = {
		{.name = "gbk", .charset = SQL_CHARSET_GBK},
		{.name = "sjis", .charset = SQL_CHARSET_SJIS},
		{.name = "cp932", .charset = SQL_CHARSET_SJIS},
		{.name = "big5", .charset = SQL_CHARSET_BIG5},
		{.name = "gb18030", .charset = SQL_CHARSET_GB18030},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_eq_nocase(name, slice_cstr(rows[i].name)))
			return rows[i].charset;
	return SQL_CHARSET_PLAIN;
}

static bool within(uint8_t b, uint8_t from, uint8_t to)
{
	return b >= from && b <= to;
}

static bool is_pair(enum sql_charset charset, uint8_t lead, uint8_t trail)
{
	switch (charset) {
	case SQL_CHARSET_PLAIN:
		return false;
	case SQL_CHARSET_GBK:
	case SQL_CHARSET_GB18030:
		return within(lead, 0x81, 0xfe) &&
		       (within(trail, 0x40, 0x7e) || within(trail, 0x80, 0xfe));
	case SQL_CHARSET_SJIS:
		return (within(lead, 0x81, 0x9f) || within(lead, 0xe0, 0xfc)) &&
		       (within(trail, 0x40, 0x7e) || within(trail, 0x80, 0xfc));
	case SQL_CHARSET_BIG5:
		return within(lead, 0xa1, 0xf9) &&
		       (within(trail, 0x40, 0x7e) || within(trail, 0xa1, 0xfe));
	}
	return false;
}

size_t sql_char_len(enum sql_charset charset, const uint8_t *ptr, size_t left)
{
	if (charset == SQL_CHARSET_PLAIN || ptr[0] < 0x80 || left < 2)
		return 1;
	if (is_pair(charset, ptr[0], ptr[1]))
		return 2;
	if (charset == SQL_CHARSET_GB18030 && left >= 4 && within(ptr[0], 0x81, 0xfe) &&
	    within(ptr[1], 0x30, 0x39) && within(ptr[2], 0x81, 0xfe) && within(ptr[3], 0x30, 0x39))
		return 4;
	return 1;
}
