#include "check.h"

#include "event/command.h"

static const struct sql_options plain = {.charset = SQL_CHARSET_PLAIN};

enum { UTF8MB4 = 45, GBK = 28 };

static struct myp_param text(const char *s)
{
	return (struct myp_param){
		.type = MYP_TYPE_VAR_STRING,
		.value = {.kind = MYP_VALUE_TEXT, .bytes = slice_cstr(s)},
	};
}

static struct myp_param number(int64_t v)
{
	return (struct myp_param){.type = MYP_TYPE_LONGLONG,
				  .value = {.kind = MYP_VALUE_INT, .i = v}};
}

static void binds(const char *sql, struct myp_param *items, size_t count,
		  struct sql_options options, uint16_t collation, const char *expected)
{
	const struct myp_params params = {.items = items, .count = count};
	struct buf out;
	bool bound;

	buf_init(&out, 1 << 20);
	bound = command_bind(slice_cstr(sql), &params, options, collation, &out);
	CHECK(bound == (expected != NULL));
	if (expected && !slice_eq(buf_slice(&out), slice_cstr(expected)))
		fail_msg("%.*s, not %s", (int)out.len, (const char *)out.ptr, expected);
	buf_release(&out);
}

static void values_take_the_places_of_placeholders(void **state)
{
	struct myp_param two[] = {number(-7), text("it's")};

	(void)state;
	binds("SELECT ?, ?", two, 2, plain, UTF8MB4, "SELECT -7, 'it''s'");
	binds("SELECT ?+?", two, 2, plain, UTF8MB4, "SELECT -7+'it''s'");
	binds("SELECT 1", NULL, 0, plain, UTF8MB4, "SELECT 1");
	binds("?", two, 1, plain, UTF8MB4, "-7");
}

static void what_only_looks_like_a_placeholder_stays(void **state)
{
	struct myp_param one[] = {number(5)};

	(void)state;
	binds("SELECT '?', \"?\", `?`, /* ? */ ? -- ?\n # ?", one, 1, plain, UTF8MB4,
	      "SELECT '?', \"?\", `?`, /* ? */ 5 -- ?\n # ?");
	binds("SELECT 'a\\'?', ?", one, 1, plain, UTF8MB4, "SELECT 'a\\'?', 5");
}

static void numbers_that_differ_are_refused(void **state)
{
	struct myp_param two[] = {number(1), number(2)};

	(void)state;
	binds("SELECT ?", two, 2, plain, UTF8MB4, NULL);
	binds("SELECT ?, ?, ?", two, 2, plain, UTF8MB4, NULL);
	binds("SELECT '?, ?", two, 2, plain, UTF8MB4, NULL); /* a string that is not closed */
}

static void the_session_s_rules_decide_about_quotes(void **state)
{
	const struct sql_options no_backslash = {.charset = SQL_CHARSET_PLAIN,
						 .no_backslash_escapes = true};
	struct myp_param one[] = {text("a\\b")};

	(void)state;
	binds("SELECT ?", one, 1, plain, UTF8MB4, "SELECT 'a\\\\b'");
	binds("SELECT ?", one, 1, no_backslash, UTF8MB4, "SELECT 'a\\b'");
	binds("SELECT '\\', ?", one, 1, no_backslash, UTF8MB4, "SELECT '\\', 'a\\b'");
}

/* In gbk the second byte of a character may be a backslash: no such text in quotes. */
static void tricky_character_sets_get_hexadecimal(void **state)
{
	const struct sql_options gbk = {.charset = sql_charset_find(SLICE_LIT("gbk"))};
	struct myp_param one[] = {text("\x95\x5c")};
	const struct myp_params params = {.items = one, .count = 1};
	struct buf out;

	(void)state;
	CHECK(gbk.charset != SQL_CHARSET_PLAIN);
	buf_init(&out, 1 << 20);
	CHECK(command_bind(SLICE_LIT("SELECT ?"), &params, gbk, GBK, &out));
	CHECK(memchr(out.ptr, '\\', out.len) == NULL && memchr(out.ptr, '\x95', out.len) == NULL);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_take_the_places_of_placeholders),
		cmocka_unit_test(what_only_looks_like_a_placeholder_stays),
		cmocka_unit_test(numbers_that_differ_are_refused),
		cmocka_unit_test(the_session_s_rules_decide_about_quotes),
		cmocka_unit_test(tricky_character_sets_get_hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
