#include "check.h"

#include <string.h>

#include "base/clock.h"
#include "metrics/address.h"
#include "metrics/backlog.h"
#include "metrics/exposition.h"

static const char *address(const char *text)
{
	static char shown[METRICS_ADDRESS_TEXT];
	struct metrics_address a;
	struct errinfo info;
	enum err e = metrics_address_parse(text, &a, &info);

	CHECK(e == ERR_OK || e == ERR_USAGE);
	return e == ERR_OK ? metrics_address_text(&a, shown) : "no";
}

static void without_an_address_it_is_the_loopback(void **state)
{
	(void)state;
	CHECK(strcmp(address("9104"), "127.0.0.1:9104") == 0);
	CHECK(strcmp(address(":9104"), "127.0.0.1:9104") == 0);
	CHECK(strcmp(address("0"), "127.0.0.1:0") == 0);
	CHECK(strcmp(address("0.0.0.0:65535"), "0.0.0.0:65535") == 0);
	CHECK(strcmp(address("[::1]:9104"), "[::1]:9104") == 0);
	CHECK(strcmp(address("[::]:1"), "[::]:1") == 0);
}

static void what_is_no_address_is_told(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"65536",
		"1.2.3:9104",
		"::1:9104",
		"[::1]",
		"[::1]9104",
		"[]:9104",
		"[::1:9104",
		"1.2.3.4:",
		"1.2.3.4:x",
		"[1.2.3.4]:1",
		"-1",
		"host:9104",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(strcmp(address(wrong[i]), "no") == 0);
}

static void the_oldest_that_waits_tells_the_age(void **state)
{
	struct backlog b = {.count = 0};

	(void)state;
	CHECK(backlog_age_ns(&b, 0, 0, 100) == 0);
	CHECK(backlog_age_ns(&b, 2, 0, 100) == 0);
	CHECK(backlog_age_ns(&b, 2, 1, 150) == 50);
	CHECK(backlog_age_ns(&b, 5, 1, 160) == 60);
	CHECK(backlog_age_ns(&b, 5, 2, 170) == 10); /* of the three that were put at 160 */
	CHECK(backlog_age_ns(&b, 5, 5, 180) == 0);
	CHECK(backlog_age_ns(&b, 6, 5, 190) == 0);
}

static void a_long_backlog_is_never_told_younger(void **state)
{
	struct backlog b = {.count = 0};

	(void)state;
	for (int64_t i = 1; i <= 10000; i++)
		CHECK(backlog_age_ns(&b, (uint64_t)i, 0, i) == i - 1);
	for (int64_t i = 1; i < 10000; i++) {
		int64_t age = backlog_age_ns(&b, 10000, (uint64_t)i, 20000);

		CHECK(age >= 20000 - (i + 1) && age <= 20000 - (i + 1) + 500);
	}
}

static struct slice text_of(struct buf *b)
{
	CHECK(buf_err(b) == ERR_OK);
	return buf_slice(b);
}

static void the_text_is_as_prometheus_reads_it(void **state)
{
	static const int64_t bounds[] = {NS_PER_MS, 2500 * NS_PER_MS};
	static const uint64_t below[] = {1, 3};
	const struct exposition_histogram h = {
		.bounds_ns = bounds, .below = below, .bounds = 2, .all = 4, .sum_ns = 1500000000};
	static const char want[] = "# HELP a_total line\\nback\\\\slash \"q\"\n"
				   "# TYPE a_total counter\n"
				   "a_total 18446744073709551615\n"
				   "a_total{reason=\"\\\"\\\\\\n\"} 7\n"
				   "b_seconds 0.001500000\n"
				   "c_ratio 0.250000\n"
				   "# HELP d h\n"
				   "# TYPE d histogram\n"
				   "d_bucket{le=\"0.001\"} 1\n"
				   "d_bucket{le=\"2.5\"} 3\n"
				   "d_bucket{le=\"+Inf\"} 4\n"
				   "d_sum 1.500000000\n"
				   "d_count 4\n";
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	exposition_family(&b, "a_total", EXPOSITION_COUNTER, "line\nback\\slash \"q\"");
	exposition_count(&b, "a_total", NULL, NULL, UINT64_MAX);
	exposition_count(&b, "a_total", "reason", "\"\\\n", 7);
	exposition_seconds(&b, "b_seconds", 1500000);
	exposition_ratio(&b, "c_ratio", 0.25);
	exposition_family(&b, "d", EXPOSITION_HISTOGRAM, "h");
	exposition_histogram(&b, "d", &h);
	CHECK(slice_eq(text_of(&b), slice_cstr(want)));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_address_it_is_the_loopback),
		cmocka_unit_test(what_is_no_address_is_told),
		cmocka_unit_test(the_oldest_that_waits_tells_the_age),
		cmocka_unit_test(a_long_backlog_is_never_told_younger),
		cmocka_unit_test(the_text_is_as_prometheus_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
