#include "check.h"

#include "base/intern.h"
#include "base/mem.h"

enum { MANY = 300 };

static uint64_t one_for_all(struct slice bytes, uint64_t mark)
{
	(void)bytes;
	(void)mark;
	return 7;
}

static const void *take(struct interned *in, struct slice bytes, uint64_t mark)
{
	const void *copy = NULL;

	CHECK(intern_take(in, bytes, mark, &copy) == ERR_OK);
	return copy;
}

static void the_same_is_kept_once_until_its_last_user_goes(void **state)
{
	char text[] = "select ?";
	struct interned in;
	const void *a, *b;

	(void)state;
	intern_init(&in, 1 << 10);
	a = take(&in, slice_cstr(text), 5);
	text[0] = 'x'; /* it was copied */
	b = take(&in, SLICE_LIT("select ?"), 5);
	CHECK(a == b && in.copies.count == 1);
	CHECK(slice_eq(intern_bytes(b), SLICE_LIT("select ?")) && intern_mark(b) == 5);
	intern_drop(&in, a);
	CHECK(slice_eq(intern_bytes(b), SLICE_LIT("select ?")));
	CHECK(take(&in, intern_bytes(b), 5) == b); /* by bytes that lie in the copy */
	intern_drop(&in, b);
	intern_drop(&in, b);
	intern_drop(&in, NULL);
	CHECK(in.copies.count == 0 && in.bytes == 0);
	intern_release(&in);
}

static void another_mark_or_length_is_another_copy(void **state)
{
	struct interned in;
	const void *all[4];

	(void)state;
	intern_init(&in, 1 << 10);
	all[0] = take(&in, SLICE_LIT("ab"), 1);
	all[1] = take(&in, SLICE_LIT("ab"), 2);
	all[2] = take(&in, SLICE_LIT("a"), 1);
	all[3] = take(&in, SLICE_LIT(""), 1);
	CHECK(in.copies.count == 4 && intern_bytes(all[3]).len == 0);
	for (size_t i = 0; i < 4; i++)
		intern_drop(&in, all[i]);
	intern_release(&in);
}

static void equal_hashes_do_not_mix_up(void **state)
{
	const void *copies[MANY];
	struct interned in;

	(void)state;
	intern_init(&in, 1 << 20);
	in.hash = one_for_all;
	for (int i = 0; i < MANY; i++)
		copies[i] = take(&in, slice_of(&i, sizeof(i)), 0);
	for (int i = 0; i < MANY; i += 3)
		intern_drop(&in, copies[i]);
	for (int i = 0; i < MANY; i++) {
		const void *again = take(&in, slice_of(&i, sizeof(i)), 0);

		CHECK(slice_eq(intern_bytes(again), slice_of(&i, sizeof(i))));
		CHECK(i % 3 == 0 || again == copies[i]);
		intern_drop(&in, again);
		if (i % 3)
			intern_drop(&in, copies[i]);
	}
	CHECK(in.copies.count == 0 && in.bytes == 0);
	intern_release(&in);
}

static void copies_are_aligned(void **state)
{
	struct interned in;
	const void *copy;

	(void)state;
	intern_init(&in, 1 << 10);
	copy = take(&in, SLICE_LIT("x"), 0);
	CHECK((uintptr_t)copy % _Alignof(max_align_t) == 0);
	intern_drop(&in, copy);
	intern_release(&in);
}

static void over_the_limit_nothing_is_kept(void **state)
{
	struct interned in;
	const void *first, *none = &in;
	size_t bytes;

	(void)state;
	intern_init(&in, 100);
	first = take(&in, SLICE_LIT("0123456789"), 0);
	bytes = in.bytes;
	CHECK(intern_take(&in, slice_of("0123456789012345678901234567890123456789", 40), 0,
			  &none) == ERR_LIMIT);
	CHECK(none == &in && in.bytes == bytes && in.copies.count == 1);
	CHECK(take(&in, SLICE_LIT("0123456789"), 0) == first); /* no room is needed for it */
	intern_drop(&in, first);
	intern_drop(&in, first);
	intern_release(&in);
}

static void without_memory_nothing_is_kept(void **state)
{
	struct interned in;
	const void *copy = NULL;

	(void)state;
	intern_init(&in, 1 << 10);
	for (size_t n = 1; n <= 2; n++) { /* the copy, the table */
		mem_fail_at(n);
		CHECK(intern_take(&in, SLICE_LIT("x"), 0, &copy) == ERR_NOMEM);
		CHECK(!copy && in.bytes == 0 && in.copies.count == 0);
	}
	mem_fail_at(0);
	CHECK(intern_take(&in, SLICE_LIT("x"), 0, &copy) == ERR_OK);
	intern_drop(&in, copy);
	intern_release(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_kept_once_until_its_last_user_goes),
		cmocka_unit_test(another_mark_or_length_is_another_copy),
		cmocka_unit_test(equal_hashes_do_not_mix_up),
		cmocka_unit_test(copies_are_aligned),
		cmocka_unit_test(over_the_limit_nothing_is_kept),
		cmocka_unit_test(without_memory_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
