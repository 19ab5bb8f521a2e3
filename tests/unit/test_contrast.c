#include "check.h"

#include <math.h>

#include "profile/contrast.h"

/* Numbers from 0 to 1, the same on every run. */
static double next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

/* COUNT latencies around MEDIAN_NS, spread as latencies are: by a factor, and with a tail. */
static void fill(struct hist *h, uint64_t seed, unsigned count, double median_ns)
{
	hist_init(h);
	seed *= UINT64_C(0x9e3779b97f4a7c15); /* neighbours begin far apart */
	for (unsigned i = 0; i < count; i++) {
		double normal = sqrt(-2 * log(next(&seed))) * cos(2 * M_PI * next(&seed));

		CHECK(hist_add(h, (int64_t)(median_ns * exp(0.5 * normal))) == ERR_OK);
	}
}

static struct contrast contrast(unsigned count, double before_ns, double after_ns, uint64_t seed)
{
	struct hist a, b;
	struct contrast c;

	fill(&a, seed, count, before_ns);
	fill(&b, seed + 1, count, after_ns);
	contrast_of(&a, &b, &c);
	hist_release(&a);
	hist_release(&b);
	return c;
}

static enum contrast_verdict alone(struct contrast c, double noise)
{
	struct contrast *list[] = {&c};

	c.noise = noise;
	contrast_judge(list, 1, CONTRAST_EFFECT);
	return c.verdict;
}

static void a_change_is_seen_if_it_is_large_and_certain(void **state)
{
	(void)state;
	CHECK(alone(contrast(1000, 1e6, 2e6, 1), 0) == CONTRAST_SLOWER);
	CHECK(alone(contrast(1000, 2e6, 1e6, 1), 0) == CONTRAST_FASTER);
	CHECK(alone(contrast(5000, 1e6, 1e6, 1), 0) == CONTRAST_SAME);
	CHECK(alone(contrast(20000, 1e6, 1.05e6, 1), 0) == CONTRAST_SAME);
	CHECK(alone(contrast(25, 1e6, 1.1e6, 1), 0) == CONTRAST_TOO_FEW);
	CHECK(alone(contrast(CONTRAST_CALLS_MIN - 1, 1e6, 9e6, 1), 0) == CONTRAST_TOO_FEW);
}

static void what_the_same_server_does_by_itself_is_no_change(void **state)
{
	(void)state;
	CHECK(alone(contrast(1000, 1e6, 1.5e6, 1), 0) == CONTRAST_SLOWER);
	CHECK(alone(contrast(1000, 1e6, 1.5e6, 1), 0.8) == CONTRAST_SAME);
}

static void the_interval_holds_the_ratio(void **state)
{
	unsigned held = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct contrast c = contrast(40, 1e6, 1.3e6, seed * 7919);

		CHECK(c.low < c.ratio && c.ratio < c.high);
		held += c.low < 1.3 && 1.3 < c.high;
	}
	CHECK(held >= 370 && held <= 392); /* 95 % of 400 are 380 */
}

static void among_many_that_are_the_same_none_is_called_otherwise(void **state)
{
	enum { COUNT = 1000 };
	static struct contrast all[COUNT];
	static struct contrast *list[COUNT];
	unsigned unlikely = 0, called = 0;

	(void)state;
	for (uint64_t i = 0; i < COUNT; i++) {
		all[i] = contrast(30, 1e6, 1e6, i * 104729 + 5);
		unlikely += all[i].p < 0.05;
		list[i] = &all[i];
	}
	contrast_judge(list, COUNT, CONTRAST_EFFECT);
	for (unsigned i = 0; i < COUNT; i++) {
		called += all[i].verdict == CONTRAST_SLOWER || all[i].verdict == CONTRAST_FASTER;
		CHECK(all[i].p_holm >= all[i].p);
	}
	CHECK(unlikely > 20 && unlikely < 90); /* one by one, 50 would be */
	CHECK(called <= 1);
}

static void a_family_finds_the_one_that_changed(void **state)
{
	static struct contrast all[100];
	struct contrast *list[100];

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		all[i] = contrast(100, 1e6, i == 42 ? 2e6 : 1e6, i * 31 + 3);
		list[i] = &all[i];
	}
	contrast_judge(list, 100, CONTRAST_EFFECT);
	for (unsigned i = 0; i < 100; i++)
		CHECK((all[i].verdict == CONTRAST_SLOWER) == (i == 42));
}

static void equal_values_do_not_divide_by_nothing(void **state)
{
	struct hist a, b;
	struct contrast c;

	(void)state;
	hist_init(&a);
	hist_init(&b);
	CHECK(hist_add_many(&a, 0, 50) == ERR_OK && hist_add_many(&b, 0, 50) == ERR_OK);
	contrast_of(&a, &b, &c);
	CHECK(c.known && c.ratio > 0.99 && c.ratio < 1.01 && alone(c, 0) == CONTRAST_SAME);
	hist_release(&a);
	hist_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_seen_if_it_is_large_and_certain),
		cmocka_unit_test(what_the_same_server_does_by_itself_is_no_change),
		cmocka_unit_test(the_interval_holds_the_ratio),
		cmocka_unit_test(among_many_that_are_the_same_none_is_called_otherwise),
		cmocka_unit_test(a_family_finds_the_one_that_changed),
		cmocka_unit_test(equal_values_do_not_divide_by_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
