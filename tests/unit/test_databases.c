#include "check.h"

#include "replay/databases.h"
#include "replay/remarks.h"
#include "replay/select.h"

static const struct opt_texts map = {.items = {"shop=test", "a.b=c`d"}, .count = 2};
static const struct sql_options plain = {.ansi_quotes = false};

static void default_databases_get_their_name(void **state)
{
	(void)state;
	CHECK(slice_eq(databases_map(&map, SLICE_LIT("shop")), SLICE_LIT("test")));
	CHECK(slice_eq(databases_map(&map, SLICE_LIT("a.b")), SLICE_LIT("c`d")));
	CHECK(slice_eq(databases_map(&map, SLICE_LIT("Shop")), SLICE_LIT("Shop")));
	CHECK(slice_eq(databases_map(&map, SLICE_LIT("")), SLICE_LIT("")));
}

static void a_use_is_written_anew(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	CHECK(databases_use(&map, SLICE_LIT(" use `shop`; "), plain, &out));
	CHECK(slice_eq(buf_slice(&out), SLICE_LIT("\x03USE `test`")));
	buf_reset(&out);
	CHECK(databases_use(&map, SLICE_LIT("USE `a.b`"), plain, &out));
	CHECK(slice_eq(buf_slice(&out), SLICE_LIT("\x03USE `c``d`")));
	buf_reset(&out);
	CHECK(!databases_use(&map, SLICE_LIT("USE other"), plain, &out));
	CHECK(!databases_use(&map, SLICE_LIT("USE shop; SELECT 1"), plain, &out));
	CHECK(!databases_use(&map, SLICE_LIT("SELECT 'use shop'"), plain, &out));
	CHECK(buf_slice(&out).len == 0);
	buf_release(&out);
}

static void names_before_a_dot_are_seen(void **state)
{
	(void)state;
	CHECK(databases_named(&map, SLICE_LIT("SELECT * FROM shop.item"), plain));
	CHECK(databases_named(&map, SLICE_LIT("SELECT * FROM `shop` . item"), plain));
	CHECK(!databases_named(&map, SLICE_LIT("SELECT 'shop.item', shop FROM x.shop"), plain));
}

static void wrong_mappings_are_refused(void **state)
{
	static const char *const wrong[] = {"shop", "=x", "shop=", ""};
	struct errinfo info;

	(void)state;
	CHECK(databases_check(&map, &info) == ERR_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct opt_texts one = {.items = {wrong[i]}, .count = 1};

		CHECK(databases_check(&one, &info) == ERR_USAGE);
	}
}

static void a_share_is_about_as_large_as_asked(void **state)
{
	unsigned in = 0;

	(void)state;
	for (uint64_t id = 0; id < 10000; id++) {
		in += select_in_share(id, 0.3);
		CHECK(select_in_share(id, 1));
		CHECK(!select_in_share(id, 0.3) || select_in_share(id, 0.31));
	}
	CHECK(in > 2800 && in < 3200);
}

static void remarks_are_counted_and_bounded(void **state)
{
	struct remarks r = {.count = 0}, sum = {.count = 0};
	char text[REMARK_TEXT_MAX + 10];

	(void)state;
	remarks_add(&r, SLICE_LIT("one"), 1);
	remarks_add(&r, SLICE_LIT("one"), 2);
	CHECK(r.count == 1 && r.lines[0].count == 3);
	memset(text, 'x', sizeof(text));
	remarks_add(&r, slice_of(text, sizeof(text)), 1);
	CHECK(strlen(r.lines[1].text) == REMARK_TEXT_MAX - 1);
	for (char c = 'a'; c < 'a' + REMARKS_MAX; c++)
		remarks_add(&r, slice_of(&c, 1), 1);
	CHECK(r.count == REMARKS_MAX && r.more == 2);
	remarks_merge(&sum, &r);
	remarks_merge(&sum, &r);
	CHECK(sum.count == REMARKS_MAX && sum.lines[0].count == 6 && sum.more == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_databases_get_their_name),
		cmocka_unit_test(a_use_is_written_anew),
		cmocka_unit_test(names_before_a_dot_are_seen),
		cmocka_unit_test(wrong_mappings_are_refused),
		cmocka_unit_test(a_share_is_about_as_large_as_asked),
		cmocka_unit_test(remarks_are_counted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
