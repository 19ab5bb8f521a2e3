#include "check.h"

#include <math.h>
#include <stdio.h>

#include "mysql/rowsum.h"

/* A value as both protocols send it, in a row of one column. */
struct pair {
	uint8_t type;
	uint8_t decimals;
	uint16_t flags;
	const char *text;    /* NULL: the value is NULL */
	struct slice binary; /* without the row's header and bitmap */
};

enum { AS_NEEDED = 31 }; /* decimals of a column that has no fixed number */

#define PAIR(t, d, f, x, b)                                                                        \
	{                                                                                          \
		.type = MYP_TYPE_##t, .decimals = (d), .flags = (f), .text = (x), .binary = {      \
			.ptr = (const uint8_t *)(b),                                               \
			.len = sizeof(b) - 1                                                       \
		}                                                                                  \
	}

static const struct pair pairs[] = {
	PAIR(TINY, 0, 0, "-5", "\xfb"),
	PAIR(TINY, 0, MYP_COLUMN_UNSIGNED, "251", "\xfb"),
	PAIR(TINY, 0, 0, "0", "\0"),
	PAIR(SHORT, 0, MYP_COLUMN_UNSIGNED | MYP_COLUMN_ZEROFILL, "00042", "\x2a\0"),
	PAIR(INT24, 0, 0, "-8388608", "\0\0\x80\xff"),
	PAIR(LONG, 0, MYP_COLUMN_UNSIGNED | MYP_COLUMN_ZEROFILL, "0000000000", "\0\0\0\0"),
	PAIR(LONGLONG, 0, 0, "-9223372036854775808", "\0\0\0\0\0\0\0\x80"),
	PAIR(LONGLONG, 0, MYP_COLUMN_UNSIGNED, "18446744073709551615",
	     "\xff\xff\xff\xff\xff\xff\xff\xff"),
	PAIR(YEAR, 0, MYP_COLUMN_UNSIGNED | MYP_COLUMN_ZEROFILL, "2026", "\xea\x07"),
	PAIR(YEAR, 0, MYP_COLUMN_UNSIGNED | MYP_COLUMN_ZEROFILL, "0000", "\0\0"),
	PAIR(NEWDECIMAL, 2, 0, "-0.50", "\x05-0.50"),
	PAIR(NEWDECIMAL, 2, MYP_COLUMN_ZEROFILL, "00000012.50", "\x05\x31\x32.50"),
	PAIR(NEWDECIMAL, 2, MYP_COLUMN_ZEROFILL, "00000000.50", "\x04\x30.50"),
	PAIR(DOUBLE, AS_NEEDED, 0, "10.2", "\x66\x66\x66\x66\x66\x66\x24\x40"),
	PAIR(DOUBLE, AS_NEEDED, 0, "1e20", "\x40\x8c\xb5\x78\x1d\xaf\x15\x44"),
	PAIR(DOUBLE, AS_NEEDED, 0, "100000000000000000000", "\x40\x8c\xb5\x78\x1d\xaf\x15\x44"),
	PAIR(DOUBLE, AS_NEEDED, 0, "-0", "\0\0\0\0\0\0\0\0"),
	PAIR(DOUBLE, AS_NEEDED, 0, "0", "\0\0\0\0\0\0\0\x80"),
	PAIR(DOUBLE, AS_NEEDED, MYP_COLUMN_ZEROFILL, "00000000000000000010.2",
	     "\x66\x66\x66\x66\x66\x66\x24\x40"),
	/* 1/3 with four decimals, as AVG() over DOUBLE(10,0) makes it */
	PAIR(DOUBLE, 4, 0, "0.3333", "\x55\x55\x55\x55\x55\x55\xd5\x3f"),
	PAIR(DOUBLE, 2, 0, "10.20", "\x66\x66\x66\x66\x66\x66\x24\x40"),
	PAIR(DOUBLE, 2, 0, "-0.00", "\xfc\xa9\xf1\xd2\x4d\x62\x50\xbf"), /* -0.001 */
	PAIR(FLOAT, AS_NEEDED, 0, "10.2", "\x33\x33\x23\x41"),
	PAIR(FLOAT, AS_NEEDED, 0, "0.1", "\xcd\xcc\xcc\x3d"),
	PAIR(FLOAT, AS_NEEDED, 0, "3.40282e38", "\xff\xff\x7f\x7f"),
	PAIR(FLOAT, AS_NEEDED, 0, "16777200", "\0\0\x80\x4b"), /* 16777216 */
	PAIR(FLOAT, AS_NEEDED, 0, "-1.4013e-45", "\x01\0\0\x80"),
	PAIR(FLOAT, AS_NEEDED, 0, "3.4028234663852886e38", "\xff\xff\x7f\x7f"), /* MySQL 5.6 */
	PAIR(FLOAT, 3, 0, "123.456", "\x58\xe9\xf6\x42"),                       /* 123.45575 */
	PAIR(DATE, 10, 0, "2010-10-17", "\x04\xda\x07\x0a\x11"),
	PAIR(DATE, 10, 0, "0000-00-00", "\0"),
	PAIR(DATETIME, 0, 0, "2010-10-17 19:27:30", "\x07\xda\x07\x0a\x11\x13\x1b\x1e"),
	PAIR(DATETIME, 6, 0, "2010-10-17 19:27:30.000001",
	     "\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x01\0\0\0"),
	PAIR(DATETIME, 3, 0, "2010-10-17 19:27:30.500",
	     "\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x20\xa1\x07\0"),
	PAIR(DATETIME, 6, 0, "2010-10-17 00:00:00.000000", "\x04\xda\x07\x0a\x11"),
	PAIR(TIMESTAMP, 1, 0, "0000-00-00 00:00:00.0", "\0"),
	PAIR(TIME, 6, 0, "-2899:27:30.000001", "\x0c\x01\x78\0\0\0\x13\x1b\x1e\x01\0\0\0"),
	PAIR(TIME, 3, 0, "-2899:27:30.000", "\x08\x01\x78\0\0\0\x13\x1b\x1e"),
	PAIR(TIME, 0, 0, "00:00:00", "\0"),
	PAIR(TIME, 0, 0, "-00:00:00", "\x08\x01\0\0\0\0\0\0\0"),
	PAIR(TIME, 2, 0, "-00:00:00.50", "\x0c\x01\0\0\0\0\0\0\0\x20\xa1\x07\0"),
	PAIR(BIT, 0, MYP_COLUMN_UNSIGNED, "\x01\x05", "\x02\x01\x05"),
	PAIR(VAR_STRING, 0, 0, "007", "\x03\x30\x30\x37"),
	PAIR(STRING, 0, 0, "", "\0"),
	PAIR(BLOB, 0, MYP_COLUMN_BINARY, "\xff\xfe", "\x02\xff\xfe"),
	PAIR(JSON, 0, 0, "{}", "\x02{}"),
	PAIR(GEOMETRY, 0, 0, "\x01", "\x01\x01"),
	PAIR(VECTOR, 0, 0, "\x01", "\x01\x01"),
	PAIR(LONG, 0, 0, NULL, ""),
	PAIR(VAR_STRING, 0, 0, NULL, ""),
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

static void put_row(struct buf *out, const struct pair *p, bool binary)
{
	buf_reset(out);
	if (binary) {
		buf_put_u8(out, 0);
		buf_put_u8(out, p->text ? 0 : 1 << 2);
		buf_put_slice(out, p->binary);
	} else if (p->text) {
		myp_put_lenenc_bytes(out, slice_cstr(p->text));
	} else {
		buf_put_u8(out, MYP_LENENC_NULL);
	}
}

static struct rowsum_column column_of(const struct pair *p)
{
	return (struct rowsum_column){.type = p->type, .decimals = p->decimals, .flags = p->flags};
}

static void equal_values_have_equal_sums_in_both_protocols(void **state)
{
	struct buf row;

	(void)state;
	buf_init(&row, 1000);
	for (size_t i = 0; i < PAIRS; i++) {
		struct rowsum_column text = column_of(&pairs[i]), binary = text;
		struct rowsum all_text = {0}, all_binary = {0};

		put_row(&row, &pairs[i], false);
		CHECK(rowsum_add(&all_text, &text, 1, false, buf_slice(&row)) == ERR_OK);
		put_row(&row, &pairs[i], true);
		CHECK(rowsum_add(&all_binary, &binary, 1, true, buf_slice(&row)) == ERR_OK);
		CHECK(all_text.ordered == all_binary.ordered);
		CHECK(all_text.unordered == all_binary.unordered);
		CHECK(text.sum.ordered == binary.sum.ordered);
		CHECK(text.sum.unordered == binary.sum.unordered);
	}
	buf_release(&row);
}

static void every_truncation_adds_nothing(void **state)
{
	struct buf row;

	(void)state;
	buf_init(&row, 1000);
	for (size_t i = 0; i < PAIRS * 2; i++) {
		bool binary = i % 2;

		put_row(&row, &pairs[i / 2], binary);
		for (size_t n = 0; n <= row.len + 1; n++) {
			uint8_t longer[64] = {0};
			struct rowsum_column column = column_of(&pairs[i / 2]);
			struct rowsum all = {.ordered = 1, .unordered = 2};
			uint8_t *exact;

			if (n == row.len)
				continue;
			memcpy(longer, row.ptr, row.len);
			exact = exact_copy(slice_of(longer, sizeof(longer)), n);
			CHECK(rowsum_add(&all, &column, 1, binary, slice_of(exact, n)) ==
			      ERR_PROTO);
			CHECK(all.ordered == 1 && all.unordered == 2);
			CHECK(column.sum.ordered == 0 && column.sum.unordered == 0);
			free(exact);
		}
	}
	buf_release(&row);
}

/* The sum of text rows of two columns, A and B of each row in turn. */
static struct rowsum sum_of(const char *const *cells, size_t rows, struct rowsum_column columns[2])
{
	struct rowsum all = {0};
	struct buf row;

	buf_init(&row, 1000);
	for (size_t i = 0; i < rows; i++) {
		buf_reset(&row);
		myp_put_lenenc_bytes(&row, slice_cstr(cells[2 * i]));
		myp_put_lenenc_bytes(&row, slice_cstr(cells[2 * i + 1]));
		CHECK(rowsum_add(&all, columns, 2, false, buf_slice(&row)) == ERR_OK);
	}
	buf_release(&row);
	return all;
}

static void places_matter_where_they_should(void **state)
{
	static const char *const rows[] = {"a", "b", "c", "d"};
	static const char *const turned[] = {"c", "d", "a", "b"};
	static const char *const swapped[] = {"b", "a", "d", "c"};
	static const char *const crossed[] = {"a", "d", "c", "b"};
	struct rowsum_column c[4][2] = {{{.type = MYP_TYPE_STRING}, {.type = MYP_TYPE_STRING}}};
	struct rowsum s[4];

	(void)state;
	for (int i = 1; i < 4; i++)
		memcpy(c[i], c[0], sizeof(c[0]));
	s[0] = sum_of(rows, 2, c[0]);
	s[1] = sum_of(turned, 2, c[1]);
	s[2] = sum_of(swapped, 2, c[2]);
	s[3] = sum_of(crossed, 2, c[3]);
	CHECK(s[0].ordered != s[1].ordered && s[0].unordered == s[1].unordered);
	CHECK(s[0].unordered != s[2].unordered && s[0].ordered != s[2].ordered);
	CHECK(s[0].unordered != s[3].unordered);
	CHECK(c[0][0].sum.ordered != c[1][0].sum.ordered);
	CHECK(c[0][0].sum.unordered == c[1][0].sum.unordered);
	CHECK(c[0][1].sum.unordered == c[3][1].sum.unordered); /* the same values in a column */
	CHECK(c[0][0].sum.ordered == c[2][1].sum.ordered);     /* whatever its place */
}

static void equal_rows_do_not_cancel(void **state)
{
	static const char *const rows[] = {"a", "b", "a", "b", "a", "b", "a", "b"};
	struct rowsum_column c[2] = {{.type = MYP_TYPE_STRING}, {.type = MYP_TYPE_STRING}};
	struct rowsum seen[5] = {{0}};

	(void)state;
	for (size_t n = 1; n <= 4; n++) {
		seen[n] = sum_of(rows, n, c);
		for (size_t k = 0; k < n; k++) {
			CHECK(seen[n].ordered != seen[k].ordered);
			CHECK(seen[n].unordered != seen[k].unordered);
		}
	}
}

static void null_is_neither_empty_nor_its_name(void **state)
{
	const struct slice rows[] = {SLICE_LIT("\xfb"), SLICE_LIT("\0"), SLICE_LIT("\4NULL")};
	struct rowsum s[3] = {{0}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rowsum_column column = {.type = MYP_TYPE_STRING};

		CHECK(rowsum_add(&s[i], &column, 1, false, rows[i]) == ERR_OK);
	}
	CHECK(s[0].ordered != s[1].ordered && s[0].ordered != s[2].ordered);
}

/* Sums are stored in recordings: these numbers, which another implementation after
 * docs/checksums.md gave, change only with ROWSUM_VERSION. */
static void version_1_stays_what_it_is(void **state)
{
	struct rowsum_column c[2] = {{.type = MYP_TYPE_LONG}, {.type = MYP_TYPE_VAR_STRING}};
	struct rowsum all = {0};

	(void)state;
	CHECK(ROWSUM_VERSION == 1);
	CHECK(rowsum_add(&all, c, 2, false, SLICE_LIT("\x02\x34\x32\x05myna!")) == ERR_OK);
	CHECK(rowsum_add(&all, c, 2, true, SLICE_LIT("\0\x08\x2a\0\0\0")) == ERR_OK);
	CHECK(all.ordered == UINT64_C(0x89f5ea6878f50290) &&
	      all.unordered == UINT64_C(0xe3e7215efc03a90e));
	CHECK(c[0].sum.ordered == UINT64_C(0x0ba08007d93b0259));
	CHECK(c[0].sum.unordered == UINT64_C(0x242f965181de4322));
	CHECK(c[1].sum.ordered == UINT64_C(0x050df65437f7b982));
	CHECK(c[1].sum.unordered == UINT64_C(0x73897bee5f171ec6));
}

/* So a recording keeps no more than these. */
static void sums_of_one_row_follow_from_its_cells(void **state)
{
	const struct slice row = SLICE_LIT("\x02\x34\x32\xfb\x05myna!");
	struct rowsum_column c[3] = {{.type = MYP_TYPE_LONG}, {.type = MYP_TYPE_DATE}}, got[3];
	struct rowsum all = {0}, sum = {0};

	(void)state;
	c[2].type = MYP_TYPE_STRING;
	CHECK(rowsum_add(&all, c, 3, false, row) == ERR_OK);
	CHECK(rowsum_is_complete(&all, c, 3));
	memcpy(got, c, sizeof(got));
	for (int i = 0; i < 3; i++)
		got[i].sum.ordered = 0;
	CHECK(!rowsum_is_complete(&all, got, 3));
	rowsum_complete(&sum, got, 3);
	CHECK(sum.ordered == all.ordered && sum.unordered == all.unordered);
	for (int i = 0; i < 3; i++)
		CHECK(got[i].sum.ordered == c[i].sum.ordered &&
		      got[i].sum.unordered == c[i].sum.unordered);
	sum.unordered++;
	CHECK(!rowsum_is_complete(&sum, got, 3));
	CHECK(rowsum_add(&all, c, 3, false, row) == ERR_OK); /* two rows are another matter */
	CHECK(!rowsum_is_complete(&all, c, 3));
}

/* A generator of its own, so that every run tries the same. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void check_shown(uint8_t type, unsigned decimals, const char *text, const void *bits)
{
	struct rowsum_column c[2] = {{.type = type, .decimals = (uint8_t)decimals}};
	size_t width = type == MYP_TYPE_FLOAT ? sizeof(float) : sizeof(double);
	struct rowsum a = {0}, b = {0};
	uint8_t binary[2 + sizeof(double)] = {0};
	struct buf row;

	c[1] = c[0];
	buf_init(&row, 1000);
	myp_put_lenenc_bytes(&row, slice_cstr(text));
	memcpy(binary + 2, bits, width);
	CHECK(rowsum_add(&a, &c[0], 1, false, buf_slice(&row)) == ERR_OK);
	CHECK(rowsum_add(&b, &c[1], 1, true, slice_of(binary, 2 + width)) == ERR_OK);
	CHECK(a.ordered == b.ordered);
	buf_release(&row);
}

/* Bits at random, magnitudes as people have them, and ties, through both protocols. */
static void floats_are_rounded_as_the_server_rounds(void **state)
{
	static const double spreads[] = {1e-9, 1e-3, 1, 1e3, 1e5, 1e6, 1e9, 1e16, 1e30};
	uint64_t seed = 3;
	char text[600];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		uint32_t bits = (uint32_t)next_random(&seed);
		unsigned decimals = (unsigned)(next_random(&seed) % 16);
		float f;

		if (i % 3 == 0)
			memcpy(&f, &bits, sizeof(f));
		else if (i % 3 == 1)
			f = (float)((int32_t)bits / 2e9 * spreads[i % 9]);
		else
			f = (float)(bits % 4000000) / 64;
		if (!isfinite(f))
			continue;
		(void)snprintf(text, sizeof(text), "%.5e", (double)f);
		check_shown(MYP_TYPE_FLOAT, AS_NEEDED, text, &f);
		(void)snprintf(text, sizeof(text), "%.*f", (int)decimals, (double)f);
		check_shown(MYP_TYPE_FLOAT, decimals, text, &f);
	}
}

static void doubles_of_fixed_decimals_are_rounded_as_shown(void **state)
{
	uint64_t seed = 4;
	char text[600];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		uint64_t bits = next_random(&seed);
		unsigned decimals = (unsigned)(next_random(&seed) % 31);
		double d;

		if (i % 3 == 0)
			memcpy(&d, &bits, sizeof(d));
		else if (i % 3 == 1)
			d = (double)((int64_t)bits >> (bits % 50)) / 1000;
		else
			d = (double)(int64_t)(bits % 100000) / 128;
		if (!isfinite(d))
			continue;
		(void)snprintf(text, sizeof(text), "%.*f", (int)decimals, d);
		check_shown(MYP_TYPE_DOUBLE, decimals, text, &d);
		(void)snprintf(text, sizeof(text), "%.17g", d);
		check_shown(MYP_TYPE_DOUBLE, AS_NEEDED, text, &d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_values_have_equal_sums_in_both_protocols),
		cmocka_unit_test(every_truncation_adds_nothing),
		cmocka_unit_test(places_matter_where_they_should),
		cmocka_unit_test(equal_rows_do_not_cancel),
		cmocka_unit_test(null_is_neither_empty_nor_its_name),
		cmocka_unit_test(version_1_stays_what_it_is),
		cmocka_unit_test(sums_of_one_row_follow_from_its_cells),
		cmocka_unit_test(floats_are_rounded_as_the_server_rounds),
		cmocka_unit_test(doubles_of_fixed_decimals_are_rounded_as_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
