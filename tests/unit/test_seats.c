#include "check.h"

#include "broker/seats.h"

static void count_of_each(unsigned count, unsigned taken, const uint16_t *owners, unsigned *least,
			  unsigned *most)
{
	*least = count;
	*most = 0;
	for (unsigned seat = 0; seat < taken; seat++) {
		unsigned have = 0;

		for (unsigned q = 0; q < count; q++)
			have += owners[q] == seat;
		*least = have < *least ? have : *least;
		*most = have > *most ? have : *most;
	}
}

static void everyone_has_as_many_as_the_others_or_one_more(void **state)
{
	uint16_t owners[PLACE_QUEUES_MAX];

	(void)state;
	for (unsigned count = 1; count <= 40; count++)
		for (unsigned taken = 1; taken <= count; taken++) {
			unsigned least, most;

			seats_divide(count, taken, owners);
			count_of_each(count, taken, owners, &least, &most);
			CHECK(least >= 1);
			CHECK(most - least <= 1);
		}
}

static void one_more_takes_and_nobody_else_changes(void **state)
{
	uint16_t before[PLACE_QUEUES_MAX], after[PLACE_QUEUES_MAX];

	(void)state;
	for (unsigned count = 2; count <= PLACE_QUEUES_MAX; count += 7)
		for (unsigned taken = 1; taken < count && taken < 20; taken++) {
			unsigned wrong = 0;

			seats_divide(count, taken, before);
			seats_divide(count, taken + 1, after);
			for (unsigned q = 0; q < count; q++)
				wrong += after[q] != before[q] && after[q] != taken;
			CHECK(wrong == 0);
		}
}

static void the_most_there_can_be_are_divided(void **state)
{
	uint16_t owners[PLACE_QUEUES_MAX];
	unsigned least, most;

	(void)state;
	seats_divide(PLACE_QUEUES_MAX, PLACE_QUEUES_MAX, owners);
	count_of_each(PLACE_QUEUES_MAX, PLACE_QUEUES_MAX, owners, &least, &most);
	CHECK(least == 1 && most == 1);
}

static void a_new_connection_knows_nothing(void **state)
{
	struct seats s;

	(void)state;
	seats_reset(&s, "myna", 4);
	CHECK(s.mine == SEAT_NONE && s.taken == 0 && !s.refused && s.count == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_has_as_many_as_the_others_or_one_more),
		cmocka_unit_test(one_more_takes_and_nobody_else_changes),
		cmocka_unit_test(the_most_there_can_be_are_divided),
		cmocka_unit_test(a_new_connection_knows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
