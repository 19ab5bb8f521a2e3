#include "check.h"

#include "base/clock.h"
#include "replay/progress.h"

static bool is_about(double x, double wanted)
{
	return x > wanted - 1e-9 && x < wanted + 1e-9;
}

static void without_a_window_it_is_what_was_read(void **state)
{
	const struct progress_window whole = {.until_ns = INT64_MAX};

	(void)state;
	CHECK(is_about(progress_done(&whole, 0), 0));
	CHECK(is_about(progress_done(&whole, 0.25), 0.25));
	CHECK(is_about(progress_done(&whole, 1), 1));
	CHECK(progress_done(&whole, -1) < 0);
}

/* --since: what is passed over in front of it, or was replayed by the run before, is not done now. */
static void what_is_in_front_of_the_window_does_not_count(void **state)
{
	const struct progress_window rest = {.before = 0.5, .until_ns = INT64_MAX};
	const struct progress_window nothing = {.before = 1, .until_ns = INT64_MAX};

	(void)state;
	CHECK(is_about(progress_done(&rest, 0.4), 0));
	CHECK(is_about(progress_done(&rest, 0.5), 0));
	CHECK(is_about(progress_done(&rest, 0.75), 0.5));
	CHECK(is_about(progress_done(&rest, 1), 1));
	CHECK(is_about(progress_done(&nothing, 0.999), 1));
}

/* --until: the recorded time tells, since the input goes on behind it. */
static void a_window_that_ends_is_measured_by_its_time(void **state)
{
	struct progress_window w = {
		.before = 0.5, .first_ns = 100, .last_ns = 100, .until_ns = 300};

	(void)state;
	CHECK(is_about(progress_done(&w, 0.6), 0));
	w.last_ns = 150;
	CHECK(is_about(progress_done(&w, 0.6), 0.25));
	w.last_ns = 400;
	CHECK(is_about(progress_done(&w, 0.6), 1));
	w.last_ns = 50;
	CHECK(is_about(progress_done(&w, 0.6), 0));
	w.until_ns = 100; /* it ends where it begins: what was read tells */
	CHECK(is_about(progress_done(&w, 0.75), 0.5));
}

static void the_rest_takes_as_long_as_what_was_done(void **state)
{
	(void)state;
	CHECK(progress_left_ns(0.5, 10 * NS_PER_S) == 10 * NS_PER_S);
	CHECK(progress_left_ns(0.25, 10 * NS_PER_S) == 30 * NS_PER_S);
	CHECK(progress_left_ns(0.8, 40 * NS_PER_S) / NS_PER_MS <= 10000);
	CHECK(progress_left_ns(0.8, 40 * NS_PER_S) / NS_PER_MS >= 9999);
	CHECK(progress_left_ns(0.001, 10 * NS_PER_S) < 0);
	CHECK(progress_left_ns(0, 10 * NS_PER_S) < 0);
	CHECK(progress_left_ns(-1, 10 * NS_PER_S) < 0);
	CHECK(progress_left_ns(1, 10 * NS_PER_S) < 0);
	CHECK(progress_left_ns(0.5, 0) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_window_it_is_what_was_read),
		cmocka_unit_test(what_is_in_front_of_the_window_does_not_count),
		cmocka_unit_test(a_window_that_ends_is_measured_by_its_time),
		cmocka_unit_test(the_rest_takes_as_long_as_what_was_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
