#include "check.h"

#include "base/cursor.h"

static void a_short_read_fails_and_stays_failed(void **state)
{
	uint8_t *bytes = exact_copy(SLICE_LIT("\1\2\3"), 3);
	struct cursor c = cur_of(slice_of(bytes, 3));

	(void)state;
	CHECK(cur_u16(&c) == 0x0201);
	CHECK(cur_u16(&c) == 0);
	CHECK(!cur_ok(&c));
	CHECK(cur_u8(&c) == 0);
	CHECK(!cur_ok(&c));
	free(bytes);
}

static void a_huge_length_does_not_wrap(void **state)
{
	struct cursor c = cur_of(SLICE_LIT("abc"));

	(void)state;
	CHECK(cur_bytes(&c, SIZE_MAX).len == 0);
	CHECK(!cur_ok(&c));
}

static void integers_of_every_width(void **state)
{
	struct cursor c = cur_of(SLICE_LIT("\1\1\2\1\2\3\1\2\3\4\1\2\3\4\5\6\7\10\1\2\1\2\3\4"));

	(void)state;
	CHECK(cur_u8(&c) == 1);
	CHECK(cur_u16(&c) == 0x0201);
	CHECK(cur_u24(&c) == 0x030201);
	CHECK(cur_u32(&c) == 0x04030201);
	CHECK(cur_u64(&c) == UINT64_C(0x0807060504030201));
	CHECK(cur_u16be(&c) == 0x0102);
	CHECK(cur_u32be(&c) == 0x01020304);
	CHECK(cur_done(&c));
}

static void a_string_ends_at_its_nul(void **state)
{
	struct cursor c = cur_of(SLICE_LIT("ab\0cd"));

	(void)state;
	CHECK(slice_eq(cur_nul(&c), SLICE_LIT("ab")));
	CHECK(cur_nul(&c).len == 0);
	CHECK(!cur_ok(&c));
}

static void an_empty_slice_is_done_at_once(void **state)
{
	struct cursor c = cur_of((struct slice){0});

	(void)state;
	CHECK(cur_done(&c));
	CHECK(cur_rest(&c).len == 0);
	cur_skip(&c, 0);
	CHECK(cur_ok(&c));
	CHECK(cur_u8(&c) == 0);
	CHECK(!cur_ok(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_read_fails_and_stays_failed),
		cmocka_unit_test(a_huge_length_does_not_wrap),
		cmocka_unit_test(integers_of_every_width),
		cmocka_unit_test(a_string_ends_at_its_nul),
		cmocka_unit_test(an_empty_slice_is_done_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
