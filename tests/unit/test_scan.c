#include <time.h>

#include "check.h"

#include <time.h>

#include "base/scan.h"

static void sizes(void **state)
{
	uint64_t v = 7;

	(void)state;
	CHECK(scan_size("10", &v) == ERR_OK && v == 10);
	CHECK(scan_size("64M", &v) == ERR_OK && v == 64u << 20);
	CHECK(scan_size("1.5k", &v) == ERR_OK && v == 1536);
	CHECK(scan_size("2GiB", &v) == ERR_OK && v == UINT64_C(2) << 30);
	CHECK(scan_size("3gb", &v) == ERR_OK && v == UINT64_C(3) << 30);
	v = 7;
	CHECK(scan_size("", &v) == ERR_USAGE);
	CHECK(scan_size("-1", &v) == ERR_USAGE);
	CHECK(scan_size("10x", &v) == ERR_USAGE);
	CHECK(scan_size("1e300", &v) == ERR_USAGE);
	CHECK(scan_size("0x10", &v) == ERR_USAGE);
	CHECK(v == 7);
}

static void percentages(void **state)
{
	double v = 0;

	(void)state;
	CHECK(scan_percent("50%", &v) == ERR_OK && v == 0.5);
	CHECK(scan_percent("250", &v) == ERR_OK && v == 2.5);
	CHECK(scan_percent("0.5%", &v) == ERR_OK && v == 0.005);
	CHECK(scan_percent("0%", &v) == ERR_USAGE);
	CHECK(scan_percent("-5%", &v) == ERR_USAGE);
	CHECK(scan_percent("%", &v) == ERR_USAGE);
	CHECK(scan_percent("5%%", &v) == ERR_USAGE);
	CHECK(v == 0.005);
}

static void durations(void **state)
{
	int64_t v = 7;

	(void)state;
	CHECK(scan_duration("10", &v) == ERR_OK && v == 10000000000);
	CHECK(scan_duration("1h30m", &v) == ERR_OK && v == INT64_C(5400) * 1000000000);
	CHECK(scan_duration("250ms", &v) == ERR_OK && v == 250000000);
	CHECK(scan_duration("0.5s", &v) == ERR_OK && v == 500000000);
	v = 7;
	CHECK(scan_duration("", &v) == ERR_USAGE);
	CHECK(scan_duration("5 s", &v) == ERR_USAGE);
	CHECK(scan_duration("5y", &v) == ERR_USAGE);
	CHECK(v == 7);
}

static void times(void **state)
{
	int64_t v = 7;

	(void)state;
	CHECK(scan_time("@1700000000.5", &v) == ERR_OK && v == INT64_C(1700000000500000000));
	CHECK(scan_time("2023-11-14T22:13:20Z", &v) == ERR_OK && v == INT64_C(1700000000000000000));
	CHECK(scan_time("2023-11-14 23:13:20.25+01:00", &v) == ERR_OK &&
	      v == INT64_C(1700000000250000000));
	CHECK(scan_time("10:15", &v) == ERR_OK);
	v = 7;
	CHECK(scan_time("yesterday", &v) == ERR_USAGE);
	CHECK(scan_time("2023-11-14 23:13:20 oops", &v) == ERR_USAGE);
	CHECK(v == 7);
}

static void times_after_a_begin(void **state)
{
	const int64_t begin = INT64_C(1700000000500000000); /* 2023-11-14T22:13:20.5Z */
	const int64_t hour = INT64_C(3600000000000);
	int64_t v = 7;

	(void)state;
	(void)setenv("TZ", "UTC", 1);
	tzset();
	CHECK(scan_time_after("+10s", begin, &v) == ERR_OK && v == begin + INT64_C(10000000000));
	CHECK(scan_time_after("+1h30m", begin, &v) == ERR_OK && v == begin + hour * 3 / 2);
	CHECK(scan_time_after("22:13:21", begin, &v) == ERR_OK && v == begin + hour / 7200);
	CHECK(scan_time_after("20:13:20.5", begin, &v) == ERR_OK && v == begin - 2 * hour);
	CHECK(scan_time_after("01:13:20.5", begin, &v) == ERR_OK && v == begin + 3 * hour);
	CHECK(scan_time_after("2023-11-14T22:13:20Z", begin, &v) == ERR_OK &&
	      v == INT64_C(1700000000000000000));
	CHECK(scan_time_after("@1", begin, &v) == ERR_OK && v == 1000000000);
	v = 7;
	CHECK(scan_time_after("+soon", begin, &v) == ERR_USAGE);
	CHECK(scan_time_after("10", begin, &v) == ERR_USAGE);
	CHECK(v == 7);
	CHECK(scan_time_is_relative("+1s") && scan_time_is_relative("10:15"));
	CHECK(!scan_time_is_relative("@1") && !scan_time_is_relative("2023-11-14 10:15"));
}

static void whole_numbers(void **state)
{
	uint64_t v = 7;

	(void)state;
	CHECK(scan_uint("18446744073709551615", &v) == ERR_OK && v == UINT64_MAX);
	v = 7;
	CHECK(scan_uint("18446744073709551616", &v) == ERR_USAGE);
	CHECK(scan_uint("-1", &v) == ERR_USAGE);
	CHECK(scan_uint("1 ", &v) == ERR_USAGE);
	CHECK(v == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentages),         cmocka_unit_test(sizes),
		cmocka_unit_test(durations),           cmocka_unit_test(times),
		cmocka_unit_test(times_after_a_begin), cmocka_unit_test(whole_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
