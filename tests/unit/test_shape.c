#include "check.h"

#include "sql/digest.h"
#include "sql/shape.h"
#include "sql_soup.h"

static const struct sql_options plain = {.charset = SQL_CHARSET_PLAIN};
static const struct sql_options ansi = {.charset = SQL_CHARSET_PLAIN, .ansi_quotes = true};
static const struct sql_options no_backslash = {.charset = SQL_CHARSET_PLAIN,
						.no_backslash_escapes = true};

static uint64_t shape(const char *sql)
{
	return sql_shape(slice_cstr(sql), plain);
}

static void literals_make_no_shape(void **state)
{
	(void)state;
	CHECK(shape("SELECT c FROM sbtest1 WHERE id=4999") != 0);
	CHECK(shape("SELECT c FROM sbtest1 WHERE id=4999") ==
	      shape("SELECT c FROM sbtest1 WHERE id=1"));
	CHECK(shape("SELECT c FROM sbtest1 WHERE id=1") !=
	      shape("SELECT c FROM sbtest2 WHERE id=1"));
	CHECK(shape("select 'it''s', 1.5, -3") == shape("select 'x', 77.123, -4"));
	CHECK(shape("select \"a\\\"b\" from `a 1`") == shape("select \"\" from `a 1`"));
	CHECK(shape("select 1 from `a 1`") != shape("select 1 from `a 2`"));
	CHECK(shape("select 1.2.3") != shape("select 1.2.4"));
	CHECK(shape("select 0x1F, 1e5, t.1a") != shape("select 0x2F, 1e5, t.1a"));
	CHECK(shape("select t.1") != shape("select t.2"));
}

static void what_needs_a_lexer_has_no_shape(void **state)
{
	static const char *const texts[] = {
		"select 1 -- it's", "select 1 # x",     "select /*+ a(1) */ 1",
		"select @a",        "select 'open",     "select `open",
		"select \\N",       "grant x to u@'h'", "",
		"select 'open\\'",  "select \x01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(shape(texts[i]) == 0);
	CHECK(sql_shape(SLICE_LIT("select 1"),
			(struct sql_options){.charset = sql_charset_find(SLICE_LIT("gbk"))}) == 0);
}

static void the_session_s_rules_are_part_of_it(void **state)
{
	(void)state;
	CHECK(sql_shape(SLICE_LIT("select 1"), plain) != sql_shape(SLICE_LIT("select 1"), ansi));
	CHECK(sql_shape(SLICE_LIT("select \"a\""), ansi) !=
	      sql_shape(SLICE_LIT("select \"b\""), ansi));
	CHECK(sql_shape(SLICE_LIT("select 'a\\'"), plain) == 0);
	CHECK(sql_shape(SLICE_LIT("select 'a\\'"), no_backslash) != 0);
}

/* A change of the kind that values undergo, somewhere in SQL. */
static void change_something(uint64_t *seed, struct slice sql, struct buf *out)
{
	static const char *const instead[] = {"7",   "42", "",   "x",  "''",
					      "1.5", " ",  "9'", "\"", "-"};
	size_t at = (size_t)soup_random(seed, sql.len + 1), gone = 0;
	const char *put = instead[soup_random(seed, sizeof(instead) / sizeof(instead[0]))];

	for (size_t tries = 0; tries < 40 && soup_random(seed, 8) > 0; tries++) {
		at = (size_t)soup_random(seed, sql.len + 1);
		if (at < sql.len && sql.ptr[at] >= '0' && sql.ptr[at] <= '9')
			break;
	}
	if (at < sql.len)
		gone = (size_t)soup_random(seed, 2);
	buf_put(out, sql.ptr, at);
	buf_put_cstr(out, put);
	buf_put_slice(out, slice_skip(sql, at + gone));
}

/* The promise: where shapes are equal, digests are. */
static void statements_of_a_shape_have_one_digest(void **state)
{
	uint64_t seed = 4711;
	size_t equal = 0;
	struct buf a, b;

	(void)state;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	for (int round = 0; round < 200000; round++) {
		struct sql_options options = soup_options(&seed);
		uint64_t shape_a;

		options.charset = SQL_CHARSET_PLAIN;
		buf_reset(&a);
		buf_reset(&b);
		if (round % 3 == 0)
			buf_put_cstr(&a, soup_samples[soup_random(&seed, SOUP_SAMPLES)]);
		else if (round % 3 == 1)
			soup_cook(&seed, 1 + (size_t)soup_random(&seed, 12), &a);
		else
			soup_statement(&seed, &a);
		change_something(&seed, buf_slice(&a), &b);
		shape_a = sql_shape(buf_slice(&a), options);
		if (shape_a == 0 || shape_a != sql_shape(buf_slice(&b), options))
			continue;
		equal += !slice_eq(buf_slice(&a), buf_slice(&b));
		if (sql_digest_hash(buf_slice(&a), options) !=
		    sql_digest_hash(buf_slice(&b), options))
			fail_msg("%.*s | %.*s", (int)a.len, (const char *)a.ptr, (int)b.len,
				 (const char *)b.ptr);
	}
	CHECK(equal > 1000);
	buf_release(&a);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_make_no_shape),
		cmocka_unit_test(what_needs_a_lexer_has_no_shape),
		cmocka_unit_test(the_session_s_rules_are_part_of_it),
		cmocka_unit_test(statements_of_a_shape_have_one_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
