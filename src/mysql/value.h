/*
 * value - typed values of the binary protocol: parameters, query attributes, binary rows.
 */
#ifndef MYSQL_VALUE_H
#define MYSQL_VALUE_H

#include "mysql/proto.h"

enum myp_value_kind {
	MYP_VALUE_NULL,
	MYP_VALUE_INT,
	MYP_VALUE_UINT,
	MYP_VALUE_FLOAT,
	MYP_VALUE_DOUBLE,
	MYP_VALUE_TEXT, /* bytes in the session's character set (or the column's): strings, decimals, JSON */
	MYP_VALUE_BYTES, /* bytes that are no text: BLOB types, BIT, GEOMETRY, VECTOR */
	MYP_VALUE_DATE,
	MYP_VALUE_DATETIME,
	MYP_VALUE_TIME,
	MYP_VALUE_UNKNOWN, /* type not known: nothing can be said of it (nor of the values behind it) */
};

struct myp_time {
	uint16_t year;      /* DATE, DATETIME */
	uint8_t month, day; /* DATE, DATETIME; may be zero */
	uint8_t hour, minute, second;
	uint32_t micro;
	uint32_t days; /* TIME: whole days besides the hours */
	bool negative; /* TIME */
};

struct myp_value {
	enum myp_value_kind kind;
	uint8_t type; /* enum myp_type, as on the wire */
	union {
		int64_t i;
		uint64_t u;
		float f;
		double d;
		struct slice bytes; /* borrowed */
		struct myp_time time;
	};
};

/*
 * Reads one value of TYPE from C: the binary protocol's form. On bytes that are not that, or a TYPE whose
 * form is not known, C fails and the result is MYP_VALUE_UNKNOWN.
 * Source: MySQL source documentation, "Binary Protocol Value".
 */
struct myp_value myp_value_read(struct cursor *c, uint8_t type, bool is_unsigned);

/* Writes the binary protocol's form of V, as type V->type: the inverse. */
void myp_value_put(struct buf *out, const struct myp_value *v);

enum { MYP_TIME_TEXT_MAX = 64 }; /* bytes that myp_value_time_text() may write to */

/*
 * Writes V, a DATE, DATETIME or TIME, at TO as "2026-11-20", "2026-11-20 10:15:00.5" or "-838:59:59", with as
 * many fraction digits as are not zero and no sign before a zero. Returns the number of bytes; no NUL.
 */
size_t myp_value_time_text(uint8_t *to, const struct myp_value *v);

/*
 * Writes V as the server's text protocol would show it: integers; floats with the fewest digits that
 * read back the same, plain from 1e-15 to below 1e15 and as "1.5e20" beyond; times as above; bytes
 * as they are. Nothing for NULL, what is not known, infinities and NaN.
 */
void myp_value_put_text(struct buf *out, const struct myp_value *v);

/* Appends S as a hexadecimal literal, x'00ff', which says the same in every sql_mode. */
void myp_bytes_put_literal(struct buf *out, struct slice s);

enum myp_quote_flag {
	MYP_QUOTE_NO_BACKSLASH = 1 << 0, /* sql_mode NO_BACKSLASH_ESCAPES is on */
	MYP_QUOTE_MULTIBYTE =
		1 << 1, /* the character set has second bytes that look like ASCII (sjis, gbk,
					 big5, gb18030): strings that are not pure ASCII are written as
					 hexadecimal with an introducer instead of being quoted */
};

/*
 * Writes V as an SQL literal that gives the same value: NULL, 12, 1.5e0, 'it''s', x'00ff',
 * '2026-11-20 10:15:00'. CHARSET_NAME names the character set of text (for the introducer where one is
 * needed) or is NULL, which is taken as UTF-8.
 *   FLOAT     its exact value as a DOUBLE, as the server takes it: 0.1 is 1.0000000149011612e-1
 *   DOUBLE    always with an exponent; infinities and NaN, which no server has, as NULL
 *   DECIMAL   without quotes
 *   TEXT      that should be UTF-8 and is not: x'..'
 *   UNKNOWN   ?
 */
void myp_value_put_literal(struct buf *out, const struct myp_value *v, unsigned quote_flags,
			   const char *charset_name);

#endif
