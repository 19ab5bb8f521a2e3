#include "check.h"

#include "sql/depends.h"

static void expect(const char *sql, uint32_t wanted)
{
	const struct sql_options plain = {.ansi_quotes = false};
	uint32_t found = sql_depends(slice_cstr(sql), plain);

	if (found != wanted)
		fail_msg("%s: %x, not %x", sql, (unsigned)found, (unsigned)wanted);
}

#define CLOCK SQL_DEPENDS_CLOCK
#define CHANCE SQL_DEPENDS_CHANCE
#define CONNECTION SQL_DEPENDS_CONNECTION
#define INSERT_ID SQL_DEPENDS_INSERT_ID
#define SERVER SQL_DEPENDS_SERVER
#define OTHERS SQL_DEPENDS_OTHERS
#define ANY_ORDER SQL_DEPENDS_ANY_ORDER

static void functions_are_found_where_they_are_called(void **state)
{
	(void)state;
	expect("INSERT INTO t VALUES (now(), 1)", CLOCK);
	expect("INSERT INTO t VALUES (NOW (6))", CLOCK);
	expect("INSERT INTO t VALUES (CURRENT_TIMESTAMP)", CLOCK);
	expect("UPDATE t SET a = 1 WHERE b < utc_date - 1", CLOCK);
	expect("DELETE FROM t WHERE a < UNIX_TIMESTAMP() - 60", CLOCK);
	expect("DELETE FROM t WHERE a < UNIX_TIMESTAMP(b) - 60", 0);
	expect("INSERT INTO t VALUES (UUID(), RAND())", CHANCE);
	expect("DO CONNECTION_ID() + CURRENT_USER()", CONNECTION);
	expect("INSERT INTO u VALUES (LAST_INSERT_ID())", INSERT_ID);
	expect("DO SLEEP(1), GET_LOCK('a', 1)", OTHERS);
	expect("/*! INSERT INTO t VALUES (version()) */", SERVER);
}

static void names_strings_and_comments_are_no_functions(void **state)
{
	(void)state;
	expect("INSERT INTO t (now, uuid) VALUES ('NOW()', 1) -- rand()", 0);
	expect("INSERT INTO t SELECT `now`, version FROM u ORDER BY rand", 0);
	expect("UPDATE t SET t.user = 1", 0);
	expect("DO mine.now(1)", 0);
	expect("INSERT /* NOW() */ INTO t VALUES (1)", 0);
	expect("", 0);
}

static void variables_of_the_server(void **state)
{
	(void)state;
	expect("DO @@version_comment", SERVER);
	expect("DO @@global.max_connections", SERVER);
	expect("DO @@identity", INSERT_ID);
	expect("DO @@timestamp", CLOCK);
	expect("DO @version", 0);
}

static void what_is_shown_of_the_server(void **state)
{
	(void)state;
	expect("SHOW GLOBAL STATUS LIKE 'Uptime'", SERVER);
	expect("show full processlist", SERVER);
	expect("SHOW TABLES", 0);
	expect("SHOW CREATE TABLE version", 0);
	expect("EXPLAIN SELECT a FROM t ORDER BY a", SERVER);
	expect("SELECT a FROM `performance_schema`.threads ORDER BY a", SERVER);
}

static void an_order_counts_where_it_orders_the_result(void **state)
{
	(void)state;
	expect("SELECT a FROM t", ANY_ORDER);
	expect("SELECT a FROM t ORDER BY a", 0);
	expect("SELECT a FROM (SELECT a FROM t ORDER BY a) x", ANY_ORDER);
	expect("SELECT GROUP_CONCAT(a ORDER BY a), ROW_NUMBER() OVER (ORDER BY a) FROM t",
	       ANY_ORDER);
	expect("(SELECT a FROM t) UNION (SELECT b FROM t) ORDER BY 1", 0);
	expect("((SELECT a FROM t ORDER BY a))", 0);
	expect("WITH x AS (SELECT 1 ORDER BY 1) SELECT * FROM x", ANY_ORDER);
	expect("SELECT a FROM t; SELECT b FROM t ORDER BY b", 0);
	expect("SELECT a FROM t; SELECT b FROM t;", ANY_ORDER);
	expect("SELECT a FROM t; CALL p()", 0);
	expect("CALL p()", 0);
	expect("SELECT a FROM t WHERE b = NOW()", ANY_ORDER | CLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_where_they_are_called),
		cmocka_unit_test(names_strings_and_comments_are_no_functions),
		cmocka_unit_test(variables_of_the_server),
		cmocka_unit_test(what_is_shown_of_the_server),
		cmocka_unit_test(an_order_counts_where_it_orders_the_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
