#include "check.h"

#include "base/buf.h"
#include "base/mem.h"

static void a_put_beyond_the_limit_fails_and_stays_failed(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_put_cstr(&b, "12345678");
	buf_put_cstr(&b, "abc");
	CHECK(buf_err(&b) == ERR_LIMIT);
	buf_put_u8(&b, 'x');
	CHECK(buf_err(&b) == ERR_LIMIT);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("12345678")));
	buf_reset(&b);
	buf_put_cstr(&b, "1234567890");
	CHECK(buf_err(&b) == ERR_OK);
	buf_release(&b);
}

static void integers_are_little_endian(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_put_uint_le(&b, 0x030201, 3);
	buf_put_uint_le(&b, 0x0807060504, 5);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\1\2\3\4\5\6\7\10")));
	buf_patch_uint_le(&b, 1, 0xffff, 2);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\1\377\377\4\5\6\7\10")));
	buf_consume(&b, 6);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\7\10")));
	buf_release(&b);
}

static void printf_grows(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%04d,", i);
	CHECK(b.len == 5000);
	CHECK(memcmp(b.ptr + 4995, "0999,", 5) == 0);
	buf_release(&b);
}

static void no_memory_is_an_error_not_a_crash(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	mem_fail_from(1);
	buf_put_cstr(&b, "x");
	mem_fail_from(0);
	CHECK(buf_err(&b) == ERR_NOMEM);
	CHECK(b.len == 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_beyond_the_limit_fails_and_stays_failed),
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(printf_grows),
		cmocka_unit_test(no_memory_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
