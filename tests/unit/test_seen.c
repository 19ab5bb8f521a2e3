#include "check.h"

#include <stdlib.h>

#include "base/percent.h"
#include "broker/seen.h"

enum { ROUNDS = 20000, AHEAD = 3 * SEEN_MAX };

static void numbers_are_told_apart_as_far_back_as_is_kept(void **state)
{
	struct seen s = {.last = 0};
	bool was[ROUNDS + AHEAD] = {false};
	uint64_t last = 0;

	(void)state;
	srandom(1);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t n = i + (uint64_t)random() % (i % 100 ? 50 : AHEAD);

		if (n + SEEN_MAX <= last) { /* too far back */
			CHECK(seen_has(&s, n));
			continue;
		}
		CHECK(seen_has(&s, n) == was[n]);
		seen_add(&s, n);
		was[n] = true;
		last = n > last ? n : last;
		CHECK(seen_has(&s, n) && s.last == last);
	}
	seen_forget(&s, last);
	CHECK(!seen_has(&s, last) && s.last == last - 1);
}

static void bytes_are_taken_as_often_as_they_were_added(void **state)
{
	struct seen_bytes s = {.count = 0};

	(void)state;
	CHECK(!seen_bytes_take(&s, 7));
	for (uint64_t i = 0; i < SEEN_BYTES_MAX + 10; i++)
		seen_bytes_add(&s, i / 2);
	CHECK(s.count == SEEN_BYTES_MAX);
	CHECK(seen_bytes_take(&s, 7) && seen_bytes_take(&s, 7) && !seen_bytes_take(&s, 7));
	seen_bytes_release(&s);
	CHECK(!seen_bytes_take(&s, 8));
}

static void what_is_escaped_is_the_same_again(void **state)
{
	uint8_t all[256];
	struct buf escaped, again;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	buf_init(&escaped, 4096);
	buf_init(&again, 4096);
	percent_encode(slice_of(all, sizeof(all)), &escaped);
	for (size_t i = 0; i < escaped.len; i++)
		CHECK(!strchr(":/@?#& \"'<>", escaped.ptr[i]));
	CHECK(percent_decode(buf_slice(&escaped), &again));
	CHECK(slice_eq(buf_slice(&again), slice_of(all, sizeof(all))));
	buf_release(&escaped);
	buf_release(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_told_apart_as_far_back_as_is_kept),
		cmocka_unit_test(bytes_are_taken_as_often_as_they_were_added),
		cmocka_unit_test(what_is_escaped_is_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
