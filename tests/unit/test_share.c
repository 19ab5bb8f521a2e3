#include "check.h"

#include "input/share.h"

enum { WINDOW = SHARE_WINDOW_NS };

/* One window that costs USED of a processor. */
static void pass(struct share *s, double used)
{
	share_window(s, (int64_t)(used * WINDOW), WINDOW, 0);
}

static void below_the_limit_all_is_heard(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, 0.5);
	for (int i = 0; i < 100; i++)
		pass(&s, 0.49);
	CHECK(s.beginning == SHARE_ALL && s.running == SHARE_ALL);
}

static void sessions_that_begin_are_shed_before_those_under_way(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, 0.5);
	pass(&s, 0.9);
	CHECK(s.beginning == SHARE_ALL / 2 && s.running == SHARE_ALL);
	pass(&s, 0.45);
	CHECK(s.beginning == SHARE_ALL / 2 && s.running == SHARE_ALL);
	pass(&s, 0.6);
	CHECK(s.beginning == SHARE_ALL / 2 && s.running == SHARE_ALL / 2);
	pass(&s, 0.6);
	CHECK(s.beginning < SHARE_ALL / 2 && s.running == SHARE_ALL / 2);
}

static void a_burst_does_not_take_all(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, 0.01);
	pass(&s, 1);
	CHECK(s.beginning == SHARE_ALL / 8);
	for (int i = 0; i < 1000; i++)
		pass(&s, 1);
	CHECK(s.beginning == SHARE_ALL / 1024 && s.running == s.beginning);
}

static void drops_shed_too(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, 0.5);
	share_window(&s, WINDOW / 10, WINDOW, 1);
	CHECK(s.beginning < SHARE_ALL && s.beginning > SHARE_ALL / 2);
}

static void with_room_it_grows_slowly(void **state)
{
	struct share s;
	int windows = 0;

	(void)state;
	share_init(&s, 0.5);
	pass(&s, 0.9);
	pass(&s, 0.9);
	while (s.beginning < SHARE_ALL && windows < 1000) {
		uint32_t before = s.beginning;

		pass(&s, 0.1);
		windows++;
		CHECK(s.beginning <= before + before / 4 && s.running >= s.beginning);
	}
	CHECK(s.beginning == SHARE_ALL && s.running == SHARE_ALL);
	CHECK(windows >= 12 && windows <= 24);
}

static void between_room_and_limit_nothing_changes(void **state)
{
	struct share s, before;

	(void)state;
	share_init(&s, 0.5);
	pass(&s, 0.9);
	before = s;
	for (int i = 0; i < 100; i++)
		pass(&s, 0.4);
	CHECK(s.beginning == before.beginning && s.running == before.running);
}

/* What a load costs that is heard in a share, above what passing over costs. */
static double cost(const struct share *s, double whole)
{
	return 0.02 + whole * s->beginning / SHARE_ALL;
}

/* The last of many windows under LOAD: how many cost more than the limit, and how often the share changed. */
static void settle(struct share *s, double load, int *over, int *changes)
{
	*over = *changes = 0;
	for (int i = 0; i < 2000; i++) {
		uint32_t before = s->beginning;
		double used = cost(s, load);

		pass(s, used);
		*over += i >= 1000 && used > s->limit;
		*changes += i >= 1000 && s->beginning != before;
	}
}

static void it_comes_to_rest(void **state)
{
	static const double loads[] = {0.06, 0.1, 0.3, 0.7, 1.4, 3};
	struct share s;
	int over, changes;

	(void)state;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		share_init(&s, 0.05);
		settle(&s, loads[i], &over, &changes);
		CHECK(over <= 10);
		CHECK(changes <= 20);
		CHECK(cost(&s, loads[i]) > 0.02);
	}
}

/* Few large sessions: there is no share that fits, since one of them is already too much. */
static void what_never_fits_is_tried_ever_more_seldom(void **state)
{
	struct share s;
	int over = 0;

	(void)state;
	share_init(&s, 0.05);
	for (int i = 0; i < 4000; i++) {
		double used = s.beginning > SHARE_ALL / 4 ? 0.3 : 0.02;

		pass(&s, used);
		over += i >= 2000 && used > s.limit;
	}
	CHECK(over > 0 && over <= 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_the_limit_all_is_heard),
		cmocka_unit_test(sessions_that_begin_are_shed_before_those_under_way),
		cmocka_unit_test(a_burst_does_not_take_all),
		cmocka_unit_test(drops_shed_too),
		cmocka_unit_test(with_room_it_grows_slowly),
		cmocka_unit_test(between_room_and_limit_nothing_changes),
		cmocka_unit_test(it_comes_to_rest),
		cmocka_unit_test(what_never_fits_is_tried_ever_more_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
