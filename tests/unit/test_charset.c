#include "check.h"

#include "mysql/charset.h"

enum { COLLATION_LAST = 4000 };

static void collations_of_both_servers(void **state)
{
	(void)state;
	CHECK(strcmp(myp_charset_of(8), "latin1") == 0);
	CHECK(strcmp(myp_charset_of(33), "utf8mb3") == 0);
	CHECK(strcmp(myp_charset_of(45), "utf8mb4") == 0);
	CHECK(strcmp(myp_charset_of(63), "binary") == 0);
	CHECK(strcmp(myp_charset_of(248), "gb18030") == 0);
	CHECK(strcmp(myp_charset_of(255), "utf8mb4") == 0);
	CHECK(strcmp(myp_charset_of(323), "utf8mb4") == 0);
	CHECK(strcmp(myp_charset_of(576), "utf8mb3") == 0);
	CHECK(strcmp(myp_charset_of(1032), "latin1") == 0);
	CHECK(strcmp(myp_charset_of(1270), "utf8mb4") == 0);
	CHECK(strcmp(myp_charset_of(2048), "utf8mb3") == 0);
	CHECK(strcmp(myp_charset_of(2304), "utf8mb4") == 0);
	CHECK(strcmp(myp_charset_of(3271), "utf32") == 0);
	CHECK(myp_charset_of(0) == NULL && myp_charset_of(17) == NULL);
	CHECK(myp_charset_of(1024) == NULL && myp_charset_of(65535) == NULL);
}

static void a_set_s_default_is_of_that_set(void **state)
{
	(void)state;
	CHECK(myp_charset_default_collation(SLICE_LIT("utf8")) == 33);
	CHECK(myp_charset_default_collation(SLICE_LIT("UTF8MB4")) == 45);
	CHECK(myp_charset_default_collation(SLICE_LIT("Latin1")) == 8);
	CHECK(myp_charset_default_collation(SLICE_LIT("cp1251")) == 51);
	CHECK(myp_charset_default_collation(SLICE_LIT("klingon")) == 0);
	CHECK(myp_charset_default_collation(SLICE_LIT("")) == 0);
	for (uint16_t i = 0; i < COLLATION_LAST; i++) {
		const char *name = myp_charset_of(i);
		uint16_t collation = name ? myp_charset_default_collation(slice_cstr(name)) : 0;

		CHECK(!name || strcmp(myp_charset_of(collation), name) == 0);
	}
}

static void tricky_sets_are_known(void **state)
{
	(void)state;
	CHECK(myp_charset_is_tricky("sjis") && myp_charset_is_tricky("gbk"));
	CHECK(myp_charset_is_tricky("big5") && myp_charset_is_tricky("gb18030"));
	CHECK(myp_charset_is_tricky("cp932"));
	CHECK(!myp_charset_is_tricky("utf8mb4") && !myp_charset_is_tricky("euckr"));
	CHECK(!myp_charset_is_tricky(NULL) && !myp_charset_is_tricky("klingon"));
}

/* TEXT becomes UTF8; SAME says whether by its very bytes. */
static void becomes(uint16_t collation, struct slice text, struct slice utf8, bool same)
{
	uint8_t *exact = exact_copy(text, text.len);
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_put_cstr(&b, "before ");
	CHECK(myp_charset_to_utf8(collation, slice_of(exact, text.len), &b) == same);
	CHECK(slice_eq(slice_skip(buf_slice(&b), 7), utf8));
	buf_release(&b);
	free(exact);
}

static void utf8_is_checked(void **state)
{
	const struct slice good = SLICE_LIT("naive caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa6 end");

	(void)state;
	becomes(45, good, good, true);
	becomes(0, good, good, true);
	becomes(9999, good, good, true);
	becomes(63, good, good, true);
	becomes(255, SLICE_LIT(""), SLICE_LIT(""), true);
	becomes(45, SLICE_LIT("a\xff"), SLICE_LIT("a\xef\xbf\xbd"), false);
	becomes(45, SLICE_LIT("\xc0\xaf"), SLICE_LIT("\xef\xbf\xbd\xef\xbf\xbd"), false);
	becomes(45, SLICE_LIT("\xed\xa0\x80"), SLICE_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
		false);
	becomes(45, SLICE_LIT("\xf4\x90\x80\x80z"),
		SLICE_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"), false);
	becomes(45, SLICE_LIT("\xe0\x9f\xbf"), SLICE_LIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
		false);
	becomes(45, SLICE_LIT("cut \xe2\x82"), SLICE_LIT("cut \xef\xbf\xbd\xef\xbf\xbd"), false);
	becomes(45, SLICE_LIT("bad \xff then \xc3\xa9"),
		SLICE_LIT("bad \xef\xbf\xbd then \xc3\xa9"), false);
}

static void latin1_is_windows_1252(void **state)
{
	(void)state;
	becomes(8, SLICE_LIT("plain"), SLICE_LIT("plain"), true);
	becomes(8, SLICE_LIT("caf\xe9 \x80\x81"), SLICE_LIT("caf\xc3\xa9 \xe2\x82\xac\xc2\x81"),
		false);
	becomes(1032, SLICE_LIT("\xff"), SLICE_LIT("\xc3\xbf"), false);
}

static void other_sets(void **state)
{
	(void)state;
	becomes(28, SLICE_LIT("SELECT '\xc4\xe3'"), SLICE_LIT("SELECT '\xe4\xbd\xa0'"), false);
	becomes(13, SLICE_LIT("\x95\x5c"), SLICE_LIT("\xe8\xa1\xa8"), false);
	becomes(13, SLICE_LIT("a\\b"), SLICE_LIT("a\\b"), true);
	becomes(1, SLICE_LIT("\xa4\xa4"), SLICE_LIT("\xe4\xb8\xad"), false);
	becomes(248, SLICE_LIT("\x81\x30\x81\x30"), SLICE_LIT("\xc2\x80"), false);
	becomes(7, SLICE_LIT("\xc1"), SLICE_LIT("\xd0\xb0"), false);
	becomes(51, SLICE_LIT("\xe0"), SLICE_LIT("\xd0\xb0"), false);
	becomes(54, SLICE_LIT("\0a\x20\xac"), SLICE_LIT("a\xe2\x82\xac"), false);
	becomes(56, SLICE_LIT("a\0"), SLICE_LIT("a"), false);
	becomes(60, SLICE_LIT("\0\1\xf4\x26"), SLICE_LIT("\xf0\x9f\x90\xa6"), false);
	becomes(35, SLICE_LIT("\0a"), SLICE_LIT("a"), false);
	becomes(10, SLICE_LIT("\x7d"), SLICE_LIT("\xc3\xa5"), false);
	becomes(28, SLICE_LIT("a\xff\x62"), SLICE_LIT("a\xef\xbf\xbd\x62"), false);
	becomes(28, SLICE_LIT("a\xc4"), SLICE_LIT("a\xef\xbf\xbd"), false);
	becomes(37, SLICE_LIT("a\x80z"), SLICE_LIT("a\xef\xbf\xbdz"), false);
}

static void every_set_takes_every_byte(void **state)
{
	uint8_t all[1024];
	struct buf b, again;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 5 + i / 256);
	buf_init(&b, 1 << 20);
	buf_init(&again, 1 << 20);
	for (uint16_t i = 0; i < COLLATION_LAST; i += i < 330 ? 1 : 61) {
		for (size_t n = 0; n < 8; n++) {
			buf_reset(&b);
			(void)myp_charset_to_utf8(i, slice_of(all, sizeof(all) - n), &b);
			CHECK(buf_err(&b) == ERR_OK);
			buf_reset(&again);
			CHECK(myp_charset_to_utf8(45, buf_slice(&b), &again));
			CHECK(slice_eq(buf_slice(&b), buf_slice(&again)));
		}
	}
	buf_release(&b);
	buf_release(&again);
}

static void a_full_buffer_stops_it(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	(void)myp_charset_to_utf8(28, SLICE_LIT("\xc4\xe3\xc4\xe3\xc4\xe3"), &b);
	CHECK(buf_err(&b) == ERR_LIMIT);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collations_of_both_servers),
		cmocka_unit_test(a_set_s_default_is_of_that_set),
		cmocka_unit_test(tricky_sets_are_known),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(latin1_is_windows_1252),
		cmocka_unit_test(other_sets),
		cmocka_unit_test(every_set_takes_every_byte),
		cmocka_unit_test(a_full_buffer_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
