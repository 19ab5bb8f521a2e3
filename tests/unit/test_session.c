#include "check.h"

#include "base/mem.h"
#include "event/session.h"

static const struct endpoint client = {.port = 40000}, server = {.port = 3306};

static struct statement_pool pool;

static struct session *fresh(void)
{
	struct session *s = session_new(1, 5, &client, &server, &pool);

	CHECK(s);
	return s;
}

static void facts_are_owned(void **state)
{
	struct fact f = {.text = NULL};
	char name[] = "shop";

	(void)state;
	CHECK(fact_set(&f, slice_cstr(name), FACT_LOGIN) == ERR_OK);
	name[0] = 'x';
	CHECK(slice_eq(fact_slice(&f), SLICE_LIT("shop")) && f.changes == 1);
	CHECK(fact_set(&f, SLICE_LIT(""), FACT_STATEMENT) == ERR_OK);
	CHECK(f.len == 0 && f.source == FACT_STATEMENT && f.changes == 2);
	mem_free(f.text);
}

static void the_newest_of_a_key_is_kept(void **state)
{
	struct session *s = fresh();

	(void)state;
	CHECK(session_state_put(s, SLICE_LIT("names"), SLICE_LIT("set names latin1")) == ERR_OK);
	CHECK(session_state_put(s, SLICE_LIT("@a"), SLICE_LIT("set @a=1")) == ERR_OK);
	CHECK(session_state_put(s, SLICE_LIT("names"), SLICE_LIT("set names utf8")) == ERR_OK);
	CHECK(s->state_count == 2);
	CHECK(slice_eq(s->state[0].text, SLICE_LIT("set @a=1")));
	CHECK(slice_eq(s->state[1].text, SLICE_LIT("set names utf8")));
	session_state_remove(s, SLICE_LIT("@a"));
	session_state_remove(s, SLICE_LIT("@a"));
	CHECK(s->state_count == 1);
	session_reset_state(s);
	CHECK(s->state_count == 0 && s->state_bytes == 0);
	session_free(s);
}

static void too_much_state_is_told(void **state)
{
	struct session *s = fresh();
	char *text = calloc(1, SESSION_STATE_MAX);

	(void)state;
	CHECK(text);
	CHECK(session_state_put(s, SLICE_LIT("k"), slice_of(text, SESSION_STATE_MAX - 1)) ==
	      ERR_OK);
	CHECK(!s->state_incomplete && s->state_count == 1);
	CHECK(session_state_put(s, SLICE_LIT("l"), SLICE_LIT("x")) == ERR_OK);
	CHECK(s->state_incomplete && s->state_count == 1);
	free(text);
	session_free(s);
}

static int open_pool(void **state)
{
	(void)state;
	statement_pool_init(&pool, 1 << 20);
	return 0;
}

static int close_pool(void **state)
{
	(void)state;
	statement_pool_release(&pool);
	return 0;
}

static void statements_are_found_by_id(void **state)
{
	const struct slice one = SLICE_LIT("select ?"), two = SLICE_LIT("do ?");
	struct session *s = fresh();
	struct statement *st;

	(void)state;
	CHECK(session_statement_put(s, 1, &one, 11, &st) == ERR_OK);
	CHECK(session_statement_put(s, UINT32_MAX, NULL, 0, &st) == ERR_OK && !st->text);
	CHECK(session_statement_put(s, 1, &two, 12, &st) == ERR_OK);
	CHECK(slice_eq(statement_text(session_statement_get(s, 1)), two));
	session_statement_remove(s, 1);
	CHECK(!session_statement_get(s, 1) && session_statement_get(s, UINT32_MAX));
	session_statements_drop(s);
	CHECK(!session_statement_get(s, UINT32_MAX));
	session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_owned),
		cmocka_unit_test(the_newest_of_a_key_is_kept),
		cmocka_unit_test(too_much_state_is_told),
		cmocka_unit_test(statements_are_found_by_id),
	};

	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
