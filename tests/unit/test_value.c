#include "check.h"

#include <float.h>

#include "mysql/value.h"

/* A value's bytes on the wire, and what it should look like. */
struct example {
	struct slice wire;
	const char *text;
	const char *literal;
	enum myp_value_kind kind;
	uint8_t type;
	bool is_unsigned;
};

#define EXAMPLE(t, u, w, k, x, l)                                                                  \
	{                                                                                          \
		.type = MYP_TYPE_##t, .is_unsigned = (u),                                          \
		.wire = {.ptr = (const uint8_t *)(w), .len = sizeof(w) - 1},                       \
		.kind = MYP_VALUE_##k, .text = (x), .literal = (l)                                 \
	}

static const struct example examples[] = {
	EXAMPLE(TINY, false, "\xff", INT, "-1", "-1"),
	EXAMPLE(TINY, true, "\xff", UINT, "255", "255"),
	EXAMPLE(BOOL, false, "\x01", INT, "1", "1"),
	EXAMPLE(SHORT, false, "\x00\x80", INT, "-32768", "-32768"),
	EXAMPLE(YEAR, true, "\xea\x07", UINT, "2026", "2026"),
	EXAMPLE(INT24, false, "\xff\xff\xff\xff", INT, "-1", "-1"),
	EXAMPLE(LONG, false, "\x00\x00\x00\x80", INT, "-2147483648", "-2147483648"),
	EXAMPLE(LONG, true, "\xff\xff\xff\xff", UINT, "4294967295", "4294967295"),
	EXAMPLE(LONGLONG, false, "\x00\x00\x00\x00\x00\x00\x00\x80", INT, "-9223372036854775808",
		"-9223372036854775808"),
	EXAMPLE(LONGLONG, true, "\xff\xff\xff\xff\xff\xff\xff\xff", UINT, "18446744073709551615",
		"18446744073709551615"),
	/* The manual's example: 10.2 in both sizes. */
	EXAMPLE(FLOAT, false, "\x33\x33\x23\x41", FLOAT, "10.2", "1.0199999809265137e1"),
	EXAMPLE(DOUBLE, false, "\x66\x66\x66\x66\x66\x66\x24\x40", DOUBLE, "10.2", "1.02e1"),
	EXAMPLE(DOUBLE, false, "\0\0\0\0\0\0\0\0", DOUBLE, "0", "0e0"),
	EXAMPLE(DOUBLE, false, "\0\0\0\0\0\0\0\x80", DOUBLE, "-0", "-0e0"),
	EXAMPLE(DOUBLE, false, "\0\0\0\0\0\0\xf0\x7f", DOUBLE, "", "NULL"),
	/* The manual's examples of dates and times. */
	EXAMPLE(DATETIME, false, "\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x01\x00\x00\x00", DATETIME,
		"2010-10-17 19:27:30.000001", "'2010-10-17 19:27:30.000001'"),
	EXAMPLE(TIMESTAMP, false, "\x07\xda\x07\x0a\x11\x13\x1b\x1e", DATETIME,
		"2010-10-17 19:27:30", "'2010-10-17 19:27:30'"),
	EXAMPLE(DATE, false, "\x04\xda\x07\x0a\x11", DATE, "2010-10-17", "'2010-10-17'"),
	EXAMPLE(DATETIME, false, "\x04\xda\x07\x0a\x11", DATETIME, "2010-10-17 00:00:00",
		"'2010-10-17 00:00:00'"),
	EXAMPLE(DATETIME, false, "\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x20\xa1\x07\x00", DATETIME,
		"2010-10-17 19:27:30.5", "'2010-10-17 19:27:30.5'"),
	EXAMPLE(DATE, false, "\x00", DATE, "0000-00-00", "'0000-00-00'"),
	EXAMPLE(DATETIME, false, "\x00", DATETIME, "0000-00-00 00:00:00", "'0000-00-00 00:00:00'"),
	EXAMPLE(TIME, false, "\x0c\x01\x78\x00\x00\x00\x13\x1b\x1e\x01\x00\x00\x00", TIME,
		"-2899:27:30.000001", "'-2899:27:30.000001'"),
	EXAMPLE(TIME, false, "\x08\x01\x78\x00\x00\x00\x13\x1b\x1e", TIME, "-2899:27:30",
		"'-2899:27:30'"),
	EXAMPLE(TIME, false, "\x00", TIME, "00:00:00", "'00:00:00'"),
	EXAMPLE(TIME, false, "\x08\x01\0\0\0\0\0\0\0", TIME, "00:00:00", "'00:00:00'"),
	EXAMPLE(NEWDECIMAL, false, "\x05-0.50", TEXT, "-0.50", "-0.50"),
	EXAMPLE(NEWDECIMAL, false,
		"\x03"
		"1e5",
		TEXT, "1e5", "'1e5'"),
	EXAMPLE(NEWDECIMAL, false, "\x00", TEXT, "", "''"),
	EXAMPLE(VAR_STRING, false, "\x04it's", TEXT, "it's", "'it''s'"),
	EXAMPLE(STRING, false, "\x05\\\0\n\r\x1a", TEXT, NULL, "'\\\\\\0\\n\\r\\Z'"),
	EXAMPLE(VARCHAR, false, "\x03\xe2\x82\xac", TEXT, "\xe2\x82\xac", "'\xe2\x82\xac'"),
	EXAMPLE(VARCHAR, false, "\x02\xe2\x82", TEXT, "\xe2\x82", "x'e282'"),
	EXAMPLE(JSON, false, "\x07{\"a\":1}", TEXT, "{\"a\":1}", "'{\"a\":1}'"),
	EXAMPLE(ENUM, false, "\x01x", TEXT, "x", "'x'"),
	EXAMPLE(SET, false, "\x03x,y", TEXT, "x,y", "'x,y'"),
	EXAMPLE(BLOB, false, "\x03\x01\x27\xff", BYTES, "\x01\x27\xff", "x'0127ff'"),
	EXAMPLE(LONG_BLOB, false, "\x00", BYTES, "", "''"),
	EXAMPLE(BIT, false, "\x02\x01\x05", BYTES, "\x01\x05", "x'0105'"),
	EXAMPLE(GEOMETRY, false, "\x01\x07", BYTES, "\x07", "x'07'"),
	EXAMPLE(VECTOR, false, "\x01\x07", BYTES, "\x07", "x'07'"),
	EXAMPLE(NULL, false, "", NULL, "", "NULL"),
};

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static void examples_read_write_and_show(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *x = &examples[i];
		struct cursor c = cur_of(x->wire);
		struct myp_value v = myp_value_read(&c, x->type, x->is_unsigned);

		CHECK(cur_done(&c) && v.kind == x->kind && v.type == x->type);
		buf_reset(&out);
		myp_value_put(&out, &v);
		if (v.kind != MYP_VALUE_DATETIME || out.len == x->wire.len)
			CHECK(slice_eq(buf_slice(&out), x->wire));
		buf_reset(&out);
		myp_value_put_text(&out, &v);
		if (x->text)
			CHECK(slice_eq(buf_slice(&out), slice_cstr(x->text)));
		buf_reset(&out);
		myp_value_put_literal(&out, &v, 0, NULL);
		CHECK(slice_eq(buf_slice(&out), slice_cstr(x->literal)));
	}
	buf_release(&out);
}

static void every_truncation_fails_cleanly(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *x = &examples[i];

		for (size_t n = 0; n < x->wire.len; n++) {
			uint8_t *exact = exact_copy(x->wire, n);
			struct cursor c = cur_of(slice_of(exact, n));
			struct myp_value v = myp_value_read(&c, x->type, x->is_unsigned);

			CHECK(!cur_ok(&c) && v.kind == MYP_VALUE_UNKNOWN);
			free(exact);
		}
	}
}

static void odd_lengths_and_unknown_types_fail(void **state)
{
	static const uint8_t zeros[16] = {0};

	(void)state;
	for (unsigned type = 0; type <= UINT8_MAX; type++) {
		struct cursor c = cur_of(slice_of(zeros, sizeof(zeros)));
		struct myp_value v = myp_value_read(&c, (uint8_t)type, false);

		CHECK(cur_ok(&c) == (v.kind != MYP_VALUE_UNKNOWN));
	}
	for (uint8_t len = 0; len < 16; len++) {
		uint8_t wire[16] = {len};
		struct cursor c = cur_of(slice_of(wire, sizeof(wire)));

		(void)myp_value_read(&c, MYP_TYPE_DATETIME, false);
		CHECK(cur_ok(&c) == (len == 0 || len == 4 || len == 7 || len == 11));
		c = cur_of(slice_of(wire, sizeof(wire)));
		(void)myp_value_read(&c, MYP_TYPE_TIME, false);
		CHECK(cur_ok(&c) == (len == 0 || len == 8 || len == 12));
	}
}

static void a_million_microseconds_are_no_fraction(void **state)
{
	struct cursor c = cur_of(SLICE_LIT("\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x40\x42\x0f\x00"));

	(void)state;
	CHECK(myp_value_read(&c, MYP_TYPE_DATETIME, false).kind == MYP_VALUE_UNKNOWN);
}

static struct slice double_text(struct buf *out, double d)
{
	struct myp_value v = {.kind = MYP_VALUE_DOUBLE, .type = MYP_TYPE_DOUBLE, .d = d};

	buf_reset(out);
	myp_value_put_text(out, &v);
	return buf_slice(out);
}

static void doubles_look_as_the_server_shows_them(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	CHECK(slice_eq(double_text(&out, 1e14), SLICE_LIT("100000000000000")));
	CHECK(slice_eq(double_text(&out, 1e15), SLICE_LIT("1e15")));
	CHECK(slice_eq(double_text(&out, 123456789012345.0), SLICE_LIT("123456789012345")));
	CHECK(slice_eq(double_text(&out, 12345678901234.5), SLICE_LIT("12345678901234.5")));
	CHECK(slice_eq(double_text(&out, -0.001), SLICE_LIT("-0.001")));
	CHECK(slice_eq(double_text(&out, 1.5e-15), SLICE_LIT("0.0000000000000015")));
	CHECK(slice_eq(double_text(&out, 1.5e-16), SLICE_LIT("1.5e-16")));
	CHECK(slice_eq(double_text(&out, DBL_MAX), SLICE_LIT("1.7976931348623157e308")));
	buf_release(&out);
}

static struct slice literal(struct buf *out, struct slice text, unsigned flags, const char *charset)
{
	struct myp_value v = {.kind = MYP_VALUE_TEXT, .type = MYP_TYPE_VAR_STRING, .bytes = text};

	buf_reset(out);
	myp_value_put_literal(out, &v, flags, charset);
	return buf_slice(out);
}

static void quoting_follows_the_flags(void **state)
{
	const unsigned plain = MYP_QUOTE_NO_BACKSLASH, tricky = MYP_QUOTE_MULTIBYTE;
	struct slice tail =
		SLICE_LIT("\x95\x5c"); /* one character of sjis; the second byte is '\' */
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	CHECK(slice_eq(literal(&out, SLICE_LIT("a\\'\n"), 0, NULL), SLICE_LIT("'a\\\\''\\n'")));
	CHECK(slice_eq(literal(&out, SLICE_LIT("a\\'\n"), plain, NULL), SLICE_LIT("'a\\''\n'")));
	CHECK(slice_eq(literal(&out, tail, tricky, "sjis"), SLICE_LIT("_sjis x'955c'")));
	CHECK(slice_eq(literal(&out, tail, tricky, NULL), SLICE_LIT("x'955c'")));
	CHECK(slice_eq(literal(&out, SLICE_LIT("it's"), tricky, "gbk"), SLICE_LIT("'it''s'")));
	CHECK(slice_eq(literal(&out, SLICE_LIT("\xe9"), 0, "latin1"), SLICE_LIT("'\xe9'")));
	CHECK(slice_eq(literal(&out, SLICE_LIT("\xe9"), 0, "utf8mb4"), SLICE_LIT("x'e9'")));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_read_write_and_show),
		cmocka_unit_test(every_truncation_fails_cleanly),
		cmocka_unit_test(odd_lengths_and_unknown_types_fail),
		cmocka_unit_test(a_million_microseconds_are_no_fraction),
		cmocka_unit_test(doubles_look_as_the_server_shows_them),
		cmocka_unit_test(quoting_follows_the_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
