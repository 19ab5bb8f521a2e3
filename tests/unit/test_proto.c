#include "check.h"

#include "mysql/proto.h"

static void integers_come_back_in_the_shortest_form(void **state)
{
	static const struct {
		uint64_t value;
		size_t len;
	} rows[] = {
		{0, 1},       {250, 1},      {251, 3},       {0xffff, 3},
		{0x10000, 4}, {0xffffff, 4}, {0x1000000, 9}, {UINT64_MAX, 9},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cursor c;

		buf_reset(&b);
		myp_put_lenenc(&b, rows[i].value);
		CHECK(b.len == rows[i].len);
		c = cur_of(buf_slice(&b));
		CHECK(myp_cur_lenenc(&c) == rows[i].value);
		CHECK(cur_done(&c));
		for (size_t n = 0; n < b.len; n++) {
			uint8_t *exact = exact_copy(buf_slice(&b), n);

			c = cur_of(slice_of(exact, n));
			CHECK(myp_cur_lenenc(&c) == 0);
			CHECK(!cur_ok(&c));
			free(exact);
		}
	}
	buf_release(&b);
}

static void null_and_error_are_no_integers(void **state)
{
	struct cursor null = cur_of(SLICE_LIT("\xfb\1\2\3\4\5\6\7\10"));
	struct cursor err = cur_of(SLICE_LIT("\xff\1\2\3\4\5\6\7\10"));

	(void)state;
	CHECK(myp_cur_lenenc(&null) == 0 && !cur_ok(&null));
	CHECK(myp_cur_lenenc(&err) == 0 && !cur_ok(&err));
}

static void a_string_longer_than_the_bytes_fails(void **state)
{
	struct cursor huge = cur_of(SLICE_LIT("\xfe\xff\xff\xff\xff\xff\xff\xff\xff"
					      "abc"));
	struct cursor c = cur_of(SLICE_LIT("\3abc\4def"));

	(void)state;
	CHECK(myp_cur_lenenc_bytes(&huge).len == 0 && !cur_ok(&huge));
	CHECK(slice_eq(myp_cur_lenenc_bytes(&c), SLICE_LIT("abc")));
	CHECK(cur_ok(&c));
	CHECK(myp_cur_lenenc_bytes(&c).len == 0 && !cur_ok(&c));
}

static void a_length_in_8_bytes_is_its_first_4(void **state)
{
	struct cursor c = cur_of(SLICE_LIT("\xfe\3\0\0\0\3\0\0\0abcd"));

	(void)state;
	CHECK(slice_eq(myp_cur_lenenc_bytes(&c), SLICE_LIT("abc")));
	CHECK(cur_left(&c) == 1 && cur_ok(&c));
}

static void a_string_comes_back(void **state)
{
	struct buf b;
	struct cursor c;

	(void)state;
	buf_init(&b, 100);
	myp_put_lenenc_bytes(&b, SLICE_LIT("def"));
	myp_put_lenenc_bytes(&b, SLICE_LIT(""));
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\3def\0")));
	c = cur_of(buf_slice(&b));
	CHECK(slice_eq(myp_cur_lenenc_bytes(&c), SLICE_LIT("def")));
	CHECK(myp_cur_lenenc_bytes(&c).len == 0 && cur_done(&c));
	buf_release(&b);
}

static void types_have_names(void **state)
{
	(void)state;
	CHECK(strcmp(myp_type_name(MYP_TYPE_LONGLONG), "LONGLONG") == 0);
	CHECK(strcmp(myp_type_name(0xff), "GEOMETRY") == 0);
	CHECK(myp_type_name(100) == NULL);
}

static void capabilities_have_the_manual_s_bits(void **state)
{
	(void)state;
	CHECK(MYP_CAP_PROTOCOL_41 == 0x200);
	CHECK(MYP_CAP_DEPRECATE_EOF == 0x1000000);
	CHECK(MYP_CAP_MARIADB_CACHE_METADATA == UINT64_C(1) << 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_come_back_in_the_shortest_form),
		cmocka_unit_test(null_and_error_are_no_integers),
		cmocka_unit_test(a_string_longer_than_the_bytes_fails),
		cmocka_unit_test(a_length_in_8_bytes_is_its_first_4),
		cmocka_unit_test(a_string_comes_back),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(capabilities_have_the_manual_s_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
