#include "check.h"

#include "base/hist.h"

static void quantiles_are_within_two_percent(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	for (int64_t v = 1; v <= 1000000; v++)
		CHECK(hist_add(&h, v * 1000) == ERR_OK);
	for (double q = 0.01; q < 1; q += 0.01) {
		double got = (double)hist_quantile_ns(&h, q), want = q * 1e9;

		CHECK(got >= want * 0.999 && got <= want * 1.017);
	}
	CHECK(hist_quantile_ns(&h, 1) == 1000000000);
	CHECK(h.min_ns == 1000);
	CHECK(hist_mean_ns(&h) > 499e6 && hist_mean_ns(&h) < 501e6);
	hist_release(&h);
}

static void extremes_are_counted(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	CHECK(hist_quantile_ns(&h, 0.5) == 0);
	CHECK(hist_add(&h, INT64_MAX) == ERR_OK);
	CHECK(hist_add(&h, -5) == ERR_OK);
	CHECK(h.min_ns == 0 && h.max_ns == INT64_MAX && h.count == 2);
	CHECK(hist_quantile_ns(&h, 0.5) == 0);
	CHECK(hist_quantile_ns(&h, 1) == INT64_MAX);
	hist_release(&h);
}

static void values_below_bounds_are_counted(void **state)
{
	static const int64_t bounds[] = {0, 10, 1000, 1000000, INT64_MAX};
	uint64_t below[5];
	struct hist h;

	(void)state;
	hist_init(&h);
	hist_below(&h, bounds, 5, below);
	CHECK(below[0] == 0 && below[4] == 0);
	for (int64_t v = 0; v < 100000; v++)
		CHECK(hist_add(&h, v) == ERR_OK);
	hist_below(&h, bounds, 5, below);
	CHECK(below[0] == 1 && below[1] == 11);
	CHECK(below[2] > 980 && below[2] <= 1001);
	CHECK(below[3] == 100000 && below[4] == 100000);
	hist_release(&h);
}

static void merging_is_adding_all(void **state)
{
	struct hist a, b;

	(void)state;
	hist_init(&a);
	hist_init(&b);
	for (int64_t v = 0; v < 1000; v++)
		CHECK(hist_add(v % 2 ? &a : &b, v) == ERR_OK);
	CHECK(hist_merge(&a, &b) == ERR_OK);
	CHECK(a.count == 1000 && a.min_ns == 0 && a.max_ns == 999);
	CHECK(hist_quantile_ns(&a, 0.5) >= 499 && hist_quantile_ns(&a, 0.5) <= 508);
	hist_release(&a);
	hist_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_two_percent),
		cmocka_unit_test(extremes_are_counted),
		cmocka_unit_test(values_below_bounds_are_counted),
		cmocka_unit_test(merging_is_adding_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
