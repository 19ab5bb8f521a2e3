#include "check.h"

#include "base/hash.h"
#include "base/map.h"

enum { ITEMS = 5000 };

static bool same(const void *item, const void *key)
{
	return *(const int *)item == *(const int *)key;
}

/* A poor hash, so that runs of collisions form. */
static uint64_t poor(int v)
{
	return (uint64_t)(v % 97);
}

static void what_was_put_is_found_until_taken(void **state)
{
	static int items[ITEMS];
	struct map m;
	size_t at = 0, n = 0;

	(void)state;
	map_init(&m, ITEMS, same);
	for (int i = 0; i < ITEMS; i++) {
		items[i] = i;
		CHECK(map_put(&m, poor(i), &items[i]) == ERR_OK);
	}
	CHECK(map_put(&m, 1, &n) == ERR_LIMIT);
	for (int i = 0; i < ITEMS; i += 3)
		CHECK(map_take(&m, poor(i), &i) == &items[i]);
	for (int i = 0; i < ITEMS; i++)
		CHECK(map_get(&m, poor(i), &i) == (i % 3 ? &items[i] : NULL));
	while (map_next(&m, &at))
		n++;
	CHECK(n == m.count && n == ITEMS - (ITEMS + 2) / 3);
	map_release(&m);
}

static void an_empty_map_finds_nothing(void **state)
{
	struct map m;
	int key = 1;

	(void)state;
	map_init(&m, 10, same);
	CHECK(map_get(&m, 1, &key) == NULL);
	CHECK(map_take(&m, 1, &key) == NULL);
	map_release(&m);
}

static void a_cleared_map_is_empty_and_can_be_used(void **state)
{
	static int items[100];
	struct map m;

	(void)state;
	map_init(&m, 1000, NULL);
	map_clear(&m);
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < 100; i++)
			CHECK(map_put(&m, i * 7, &items[i]) == ERR_OK);
		map_clear(&m);
		CHECK(m.count == 0 && map_get(&m, 7, NULL) == NULL);
	}
	CHECK(map_put(&m, 7, &items[0]) == ERR_OK);
	map_clear(&m); /* few for so large a table: it is given back */
	CHECK(m.cap == 0);
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cleared_map_is_empty_and_can_be_used),
		cmocka_unit_test(what_was_put_is_found_until_taken),
		cmocka_unit_test(an_empty_map_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
