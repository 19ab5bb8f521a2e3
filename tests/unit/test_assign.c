#include "check.h"

#include "sql/assign.h"

static void expect(const char *sql, size_t at, const char *wanted)
{
	const struct sql_options plain = {.ansi_quotes = false};
	struct slice found = sql_assigned_column(slice_cstr(sql), plain, at);

	if (!slice_eq(found, slice_cstr(wanted)))
		fail_msg("%s: %.*s, not %s", sql, (int)found.len, (const char *)found.ptr, wanted);
}

static void a_whole_value_is_its_columns(void **state)
{
	(void)state;
	expect("UPDATE t SET a = ?", 0, "a");
	expect("update low_priority `t` set t.`b c` := ?, d=?;", 0, "t.`b c`");
	expect("update low_priority `t` set t.`b c` := ?, d=?;", 1, "d");
	expect("UPDATE t SET a = ?, b = ? WHERE a = ?", 1, "b");
	expect("/* x */ UPDATE t SET a = (?), b = IF(?, 1, ?), c = ? LIMIT 1", 3, "c");
}

static void nothing_else_is(void **state)
{
	(void)state;
	expect("UPDATE t SET a = ?, b = ? WHERE c = ?", 2, "");
	expect("UPDATE t SET a = ? + 1", 0, "");
	expect("UPDATE t SET a = ?(1)", 0, "");
	expect("UPDATE t SET a = 1 + ?", 0, "");
	expect("UPDATE t SET a = (?)", 0, "");
	expect("UPDATE t SET a = (SELECT b FROM u WHERE c = ?), d = 1", 0, "");
	expect("UPDATE t JOIN u ON t.a = ? SET t.b = 1", 0, "");
	expect("UPDATE t SET a = 1 ORDER BY b = ?", 0, "");
	expect("INSERT INTO t SET a = ?", 0, "");
	expect("UPDATE t SET a = ?", 1, "");
	expect("UPDATE", 0, "");
	expect("", 0, "");
}

static void an_insert_is_known_by_its_first_word(void **state)
{
	const struct sql_options plain = {.ansi_quotes = false};

	(void)state;
	CHECK(sql_is_insert(SLICE_LIT("/* c */ insert into t values (?)"), plain));
	CHECK(sql_is_insert(SLICE_LIT("REPLACE t VALUES (?)"), plain));
	CHECK(!sql_is_insert(SLICE_LIT("UPDATE t SET a = ?"), plain));
	CHECK(!sql_is_insert(SLICE_LIT(""), plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_value_is_its_columns),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(an_insert_is_known_by_its_first_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
