#include "check.h"

#include "base/mem.h"
#include "event/statement.h"
#include "mysql/value.h"

static struct statement_pool pool;

static int open_pool(void **state)
{
	(void)state;
	statement_pool_init(&pool, 1 << 20);
	return 0;
}

static int close_pool(void **state)
{
	(void)state;
	CHECK(pool.count == 0 && pool.shared.bytes == 0);
	statement_pool_release(&pool);
	return 0;
}

static struct statement *put(struct statement_table *t, uint32_t id, const char *sql)
{
	struct slice text = slice_cstr(sql);
	struct statement *st = NULL;

	CHECK(statement_table_put(t, &pool, id, &text, 9, &st) == ERR_OK);
	CHECK(st->id == id && slice_eq(statement_text(st), text) && statement_digest(st) == 9);
	return st;
}

static void sessions_share_what_they_prepared(void **state)
{
	const uint16_t types[] = {8, 253}, others[] = {8, 254};
	struct rowsum_column column = {.type = MYP_TYPE_LONG, .flags = 3};
	struct statement_table one = {.cap = 0}, two = {.cap = 0};
	struct statement *a = put(&one, 1, "select ?, ?"), *b = put(&two, 70, "select ?, ?");

	(void)state;
	CHECK(a != b && a->text == b->text && a->serial != b->serial);
	CHECK(statement_set_types(&pool, a, types, 2) == ERR_OK);
	CHECK(statement_set_types(&pool, b, types, 2) == ERR_OK);
	CHECK(a->types == b->types && a->param_count == 2);
	column.sum.ordered = 5; /* sums are of one result */
	CHECK(statement_set_columns(&pool, a, &column, 1) == ERR_OK);
	column.sum.ordered = 6;
	CHECK(statement_set_columns(&pool, b, &column, 1) == ERR_OK);
	CHECK(a->columns == b->columns && a->columns->flags == 3 && a->columns->sum.ordered == 0);
	/* What one of them says anew is its own. */
	CHECK(statement_set_types(&pool, b, others, 2) == ERR_OK);
	CHECK(a->types[1] == 253 && b->types[1] == 254);
	CHECK(statement_set_types(&pool, a, a->types, 2) == ERR_OK && a->types[1] == 253);
	statement_table_clear(&one, &pool);
	CHECK(slice_eq(statement_text(b), SLICE_LIT("select ?, ?")) && b->columns->flags == 3);
	statement_table_remove(&two, &pool, 70);
	CHECK(two.count == 0 && pool.shared.copies.count == 0);
	statement_table_clear(&two, &pool);
}

static uint32_t id_at(uint32_t i)
{
	uint32_t inverse = UINT32_C(0x9e3779b1);

	for (int n = 0; n < 4; n++) /* Newton's, for an odd number modulo a power of two */
		inverse *= 2 - UINT32_C(0x9e3779b1) * inverse;
	return i * inverse;
}

static void statements_stay_where_they_are(void **state)
{
	enum { MANY = 1000 };
	static struct statement *all[MANY];
	struct statement_table t = {.cap = 0};
	size_t at = 0, n = 0;

	(void)state;
	/* Ids whose searches all begin in the same slot: times the table's factor they are small. */
	for (uint32_t i = 0; i < MANY; i++)
		all[i] = put(&t, id_at(i), "do 1");
	for (uint32_t i = 0; i < MANY; i += 3)
		statement_table_remove(&t, &pool, id_at(i));
	statement_table_remove(&t, &pool, 5); /* there is none */
	for (uint32_t i = 0; i < MANY; i++)
		CHECK(statement_table_get(&t, id_at(i)) == (i % 3 ? all[i] : NULL));
	while (statement_table_next(&t, &at))
		n++;
	CHECK(n == t.count && n == MANY - (MANY + 2) / 3);
	statement_table_clear(&t, &pool);
	CHECK(!statement_table_get(&t, id_at(1)) && t.cap == 0);
}

static void an_id_that_is_used_again_is_another_statement(void **state)
{
	struct statement_table t = {.cap = 0};
	uint64_t serial = put(&t, 1, "select ?")->serial;

	(void)state;
	CHECK(put(&t, 1, "select ?")->serial != serial && t.count == 1);
	statement_table_clear(&t, &pool);
}

static void a_session_has_so_many_statements_and_no_more(void **state)
{
	const struct slice text = SLICE_LIT("do 1");
	struct statement_table t = {.cap = 0};
	struct statement *st = NULL;

	(void)state;
	for (uint32_t i = 0; i < SESSION_STATEMENTS_MAX; i++)
		CHECK(statement_table_put(&t, &pool, i, &text, 0, &st) == ERR_OK);
	st = NULL;
	CHECK(statement_table_put(&t, &pool, SESSION_STATEMENTS_MAX, &text, 0, &st) == ERR_LIMIT);
	CHECK(!st && t.count == SESSION_STATEMENTS_MAX);
	CHECK(statement_table_put(&t, &pool, 0, &text, 0, &st) == ERR_OK); /* in the place of one */
	CHECK(pool.count == SESSION_STATEMENTS_MAX && pool.shared.copies.count == 1);
	statement_table_clear(&t, &pool);
}

static void a_text_over_the_limit_leaves_no_statement(void **state)
{
	char *text = calloc(1, 1 << 20);
	const struct slice whole = slice_of(text, 1 << 20);
	const uint16_t types[] = {8};
	struct statement_table t = {.cap = 0};
	struct statement *st = NULL;

	(void)state;
	CHECK(text);
	(void)put(&t, 1, "select ?");
	CHECK(statement_table_put(&t, &pool, 1, &whole, 0, &st) == ERR_LIMIT);
	CHECK(!st && !statement_table_get(&t, 1) && pool.count == 0);
	/* Types that cannot be kept are not those of before. */
	st = put(&t, 1, "select ?");
	CHECK(statement_set_types(&pool, st, types, 1) == ERR_OK);
	CHECK(statement_set_types(&pool, st, (const uint16_t *)(const void *)text, 1) == ERR_OK);
	pool.shared.max = pool.shared.bytes;
	CHECK(statement_set_types(&pool, st, types, 1) == ERR_LIMIT && !st->types);
	CHECK(statement_set_columns(&pool, st, &(struct rowsum_column){.type = 1}, 1) == ERR_LIMIT);
	CHECK(!st->columns);
	pool.shared.max = 1 << 20;
	statement_table_clear(&t, &pool);
	free(text);
}

static void without_memory_there_is_no_statement(void **state)
{
	const struct slice text = SLICE_LIT("select ?");
	struct rowsum_column column = {.type = MYP_TYPE_LONG};
	const uint16_t types[] = {8};
	enum err e = ERR_NOMEM;

	(void)state;
	for (size_t n = 1; e != ERR_OK; n++) {
		struct statement_table t = {.cap = 0};
		struct statement *st = NULL;

		close_pool(NULL); /* so that it takes all it needs anew */
		open_pool(NULL);
		mem_fail_at(n);
		e = statement_table_put(&t, &pool, 1, &text, 0, &st);
		CHECK(e == ERR_OK || (!st && t.count == 0 && pool.count == 0));
		if (e == ERR_OK)
			e = statement_set_types(&pool, st, types, 1);
		CHECK(e == ERR_OK || !st || !st->types);
		if (e == ERR_OK)
			e = statement_set_columns(&pool, st, &column, 1);
		CHECK(e == ERR_OK || !st || !st->columns);
		CHECK(e == (mem_failed() ? ERR_NOMEM : ERR_OK));
		mem_fail_at(0);
		statement_table_clear(&t, &pool);
		CHECK(n < 20);
	}
}

static void long_data_is_put_together(void **state)
{
	struct statement_table t = {.cap = 0};
	struct statement *st = put(&t, 1, "insert ?, ?");

	(void)state;
	st->param_count = 2;
	CHECK(statement_add_long_data(st, 2, SLICE_LIT("x"), 10) == ERR_PROTO);
	CHECK(statement_add_long_data(st, 1, SLICE_LIT("abc"), 10) == ERR_OK);
	CHECK(statement_add_long_data(st, 1, SLICE_LIT("def"), 10) == ERR_OK);
	CHECK(statement_has_long_data(st, 1) && !statement_has_long_data(st, 0));
	CHECK(slice_eq(buf_slice(&st->long_data[1]), SLICE_LIT("abcdef")));
	CHECK(statement_add_long_data(st, 1, SLICE_LIT("ghijk"), 10) == ERR_LIMIT);
	CHECK(statement_add_long_data(st, 0, SLICE_LIT(""), 10) == ERR_OK);
	CHECK(statement_has_long_data(st, 0)); /* an empty value is one, too */
	statement_drop_long_data(st);
	CHECK(!statement_has_long_data(st, 0) && !statement_has_long_data(st, 1));
	statement_table_clear(&t, &pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions_share_what_they_prepared, open_pool,
						close_pool),
		cmocka_unit_test_setup_teardown(statements_stay_where_they_are, open_pool,
						close_pool),
		cmocka_unit_test_setup_teardown(an_id_that_is_used_again_is_another_statement,
						open_pool, close_pool),
		cmocka_unit_test_setup_teardown(a_session_has_so_many_statements_and_no_more,
						open_pool, close_pool),
		cmocka_unit_test_setup_teardown(a_text_over_the_limit_leaves_no_statement,
						open_pool, close_pool),
		cmocka_unit_test_setup_teardown(without_memory_there_is_no_statement, open_pool,
						close_pool),
		cmocka_unit_test_setup_teardown(long_data_is_put_together, open_pool, close_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
