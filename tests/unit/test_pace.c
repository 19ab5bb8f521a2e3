#include "check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "replay/pace.h"

enum { TIMERS = 500 };

static void the_schedule_is_absolute(void **state)
{
	struct pace recorded = {.start_ns = 100, .speed = 1}, twice = {.start_ns = 100, .speed = 2};
	struct pace none = {.start_ns = 100, .speed = 0};

	(void)state;
	CHECK(pace_due_ns(&recorded, 50) == 150);
	CHECK(pace_due_ns(&twice, 50) == 125);
	CHECK(pace_due_ns(&none, 50) == INT64_MIN);
	CHECK(pace_is_kept(&twice) && !pace_is_kept(&none));
	twice.no_think = true;
	CHECK(!pace_is_kept(&twice));
	/* Exact also at the end of a day that is replayed by its own clock. */
	CHECK(pace_due_ns(&recorded, 86400 * NS_PER_S + 1) == 100 + 86400 * NS_PER_S + 1);
}

static void a_rate_gives_places(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	CHECK(rate_take(&r, 100) == 100 && rate_take(&r, 100) == 100);
	rate_init(&r, 1000);
	CHECK(rate_take(&r, 5) == 5);
	CHECK(rate_take(&r, 6) == 5 + NS_PER_MS);
	CHECK(rate_take(&r, 7) == 5 + 2 * NS_PER_MS);
	CHECK(rate_take(&r, NS_PER_S) == NS_PER_S); /* what was not used is not made up for */
}

static void timers_come_in_order(void **state)
{
	static struct timer timers[TIMERS];
	struct timers ts = {.heap = NULL};
	int64_t last_ns = 0;
	int count = 0;

	(void)state;
	for (int i = 0; i < TIMERS; i++) {
		timer_init(&timers[i]);
		CHECK(timers_set(&ts, &timers[i], (int64_t)i * 7919 % 1000) == ERR_OK);
	}
	for (int i = 0; i < TIMERS; i += 3) /* some sooner, some later than before */
		CHECK(timers_set(&ts, &timers[i], (int64_t)i * 104729 % 1000) == ERR_OK);
	for (int i = 1; i < TIMERS; i += 3)
		timers_clear(&ts, &timers[i]);
	timers_clear(&ts, &timers[1]); /* off already: nothing happens */
	for (struct timer *t; (t = timers_first(&ts)); count++) {
		CHECK(t->due_ns >= last_ns);
		last_ns = t->due_ns;
		timers_clear(&ts, t);
		CHECK(t->at == TIMER_OFF);
	}
	CHECK(count == TIMERS - (TIMERS + 1) / 3);
	timers_release(&ts);
}

static void no_memory_is_an_error_not_a_crash(void **state)
{
	struct timers ts = {.heap = NULL};
	struct timer t;

	(void)state;
	timer_init(&t);
	mem_fail_from(1);
	CHECK(timers_set(&ts, &t, 1) == ERR_NOMEM);
	mem_fail_from(0);
	CHECK(timers_first(&ts) == NULL && t.at == TIMER_OFF);
	timers_release(&ts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schedule_is_absolute),
		cmocka_unit_test(a_rate_gives_places),
		cmocka_unit_test(timers_come_in_order),
		cmocka_unit_test(no_memory_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
