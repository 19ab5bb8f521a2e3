#include "check.h"

#include "base/clock.h"
#include "replay/timeline.h"

static uint64_t all(const struct timeline *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < TIMELINE_SLOTS; i++)
		n += t->slots[i].count;
	return n;
}

static void slots_grow_wider_and_lose_nothing(void **state)
{
	struct timeline t;

	(void)state;
	timeline_init(&t);
	for (int64_t s = 0; s < 3600; s++)
		CHECK(timeline_add(&t, s * NS_PER_S, s * NS_PER_MS, s % 100 == 0) == ERR_OK);
	CHECK(all(&t) == 3600 && t.width_ns == 64 * NS_PER_S && timeline_used(&t) == 57);
	CHECK(t.slots[10].min_ns == 640 * NS_PER_MS && t.slots[10].max_ns == 703 * NS_PER_MS);
	CHECK(t.errors[0] == 1 && t.errors[1] == 1);
	CHECK(timeline_add(&t, -5, -1, true) == ERR_OK);
	CHECK(all(&t) == 3600 && t.errors[0] == 2);
	CHECK(timeline_add(&t, INT64_MAX, 1, false) == ERR_OK);
	CHECK(all(&t) == 3601);
	timeline_release(&t);
}

static void those_of_other_widths_are_merged(void **state)
{
	struct timeline a, b;

	(void)state;
	timeline_init(&a);
	timeline_init(&b);
	CHECK(timeline_add(&a, NS_PER_S, 1, false) == ERR_OK);
	CHECK(timeline_add(&b, 60 * NS_PER_S, 2, true) == ERR_OK);
	CHECK(timeline_merge(&a, &b) == ERR_OK);
	CHECK(all(&a) == 2 && a.width_ns == NS_PER_S && a.slots[60].count == 1 &&
	      a.errors[60] == 1);
	CHECK(timeline_merge(&b, &a) == ERR_OK);
	CHECK(all(&b) == 3 && b.slots[60].count == 2 && b.slots[1].count == 1);
	timeline_release(&a);
	timeline_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_grow_wider_and_lose_nothing),
		cmocka_unit_test(those_of_other_widths_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
