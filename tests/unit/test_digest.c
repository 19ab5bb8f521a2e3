#include "check.h"

#include "base/hash.h"
#include "sql/digest.h"
#include "sql_soup.h"

static const struct sql_options plain = {.ansi_quotes = false};

static void digest(struct slice sql, struct sql_options options, struct buf *out)
{
	uint8_t *exact = exact_copy(sql, sql.len);

	buf_reset(out);
	CHECK(sql_digest_text(slice_of(exact, sql.len), options, out) == ERR_OK);
	free(exact);
}

static void expect(const char *sql, const char *text)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	digest(slice_cstr(sql), plain, &b);
	if (!slice_eq(buf_slice(&b), slice_cstr(text)))
		fail_msg("%s\n is   %.*s\n not  %s", sql, (int)b.len, (const char *)b.ptr, text);
	buf_release(&b);
}

static void same(const char *a, const char *b)
{
	if (sql_digest_hash(slice_cstr(a), plain) != sql_digest_hash(slice_cstr(b), plain))
		fail_msg("not the same digest:\n%s\n%s", a, b);
}

static void differ(const char *a, const char *b)
{
	if (sql_digest_hash(slice_cstr(a), plain) == sql_digest_hash(slice_cstr(b), plain))
		fail_msg("the same digest:\n%s\n%s", a, b);
}

static void literals_become_question_marks(void **state)
{
	(void)state;
	expect("SELECT c FROM sbtest1 WHERE id=4999", "SELECT c FROM sbtest1 WHERE id = ?");
	expect("select b<'x',c<>'x',a>5,d like'x' or x'4D79'=b'101' or N'x'=_utf8mb4'x',a%7",
	       "SELECT b < ?, c <> ?, a > ?, d LIKE ? OR ? = ? OR ? = ?, a % ?");
	expect("where 0x4D79 = 1e10 and db.1tab.x = 'a' 'b'", "WHERE ? = ? AND db.`1tab`.x = ?");
	expect("create user 'u'@'h', root@localhost identified by 'x'",
	       "CREATE USER ?@?, root@? IDENTIFIED BY ?");
	expect("set a = null, b = true, c = \\N where d is not null and e is true and f is not "
	       "false",
	       "SET a = ?, b = ?, c = ? WHERE d IS NOT NULL AND e IS TRUE AND f IS NOT FALSE");
	expect("a int not null default null, b int null on delete set null",
	       "a INT NOT NULL DEFAULT ?, b INT NULL ON DELETE SET NULL");
	expect("select -1 - -1, a -1, interval - + 5 day, current_date - 1, - a, -?",
	       "SELECT ? - ?, a - ?, INTERVAL ? DAY, CURRENT_DATE - ?, - a, ?");
	expect("select * from t where a = ? and b = @x and c = @@y and @'u v' := 1",
	       "SELECT * FROM t WHERE a = ? AND b = @x AND c = @@y AND @`u v` := ?");
}

static void lists_are_folded(void **state)
{
	(void)state;
	expect("select 1,2,3 limit 5, 6", "SELECT ?, ... LIMIT ?, ...");
	expect("a in (1) or b in (1,-2,'x') or (c,d) in ((1,2),(3,4)) or e in (1,f)",
	       "a IN (...) OR b IN (...) OR (c, d) IN (...) OR e IN (?, f)");
	expect("f(1), f(1,2), f(a,1,2)", "f(?), f(...), f(a, ?, ...)");
	expect("insert into t (a,b) values (1,'a')", "INSERT INTO t(a, b) VALUES (...)");
	expect("insert into t values (1,'a'),(2,'b'),(3,'c');", "INSERT INTO t VALUES (...), ...");
	expect("insert into t values (1,now()),(2,f((3))) on duplicate key update a=values(a), "
	       "b=b-1",
	       "INSERT INTO t VALUES (?, NOW()), ... ON DUPLICATE KEY UPDATE a = VALUES (a), "
	       "b = b - ?");
	expect("values row(1,2),row(3,4)", "VALUES ROW(...), ...");
	expect("x = values(a), row = 5", "x = VALUES (a), ROW = ?");
	differ("insert into t values (1)", "insert into t values (1),(2)");
	same("insert into t values (1),(2)", "insert into t values (1),(2),(3)");
	same("select a in (1,2)", "select a in ('x')");
	same("select a in (?,?,?)", "select a in (1)");
}

static void words_names_and_blanks_have_one_form(void **state)
{
	(void)state;
	same("select a from t", "SELECT  `a`\n/* x */FROM /*!50000 t */ -- end");
	same("select status from t", "SELECT `status` FROM t");
	same("select count( * ) from t;", "SELECT COUNT(*) FROM t ; ;");
	differ("select a from t", "select a from T");
	expect("select `select`, `a b`, `a``b`, `5`, t.key, `t`.`order`",
	       "SELECT `select`, `a b`, `a``b`, `5`, t.`key`, t.`order`");
	expect("select a . b, `a`.*", "SELECT a.b, a.*");
	expect("select 1; ; select 'x';", "SELECT ?; SELECT ?");
	expect("; -a; -1", "- a; ?");
	expect("select /*+ MAX_EXECUTION_TIME(9) SET_VAR(x=16M) */ a, /*+ 'c' */ b",
	       "SELECT /*+ MAX_EXECUTION_TIME(?) SET_VAR(x = ?) */ a, b");
	expect("", "");
	expect("/* nothing */", "");
}

static void names_in_other_quotes_are_the_same_names(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 10);
	digest(SLICE_LIT("select \"a\", \"x\"\"y`z\", 'v'"),
	       (struct sql_options){.ansi_quotes = true}, &b);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("SELECT a, `x\"y``z`, ?")));
	digest(SLICE_LIT("select `\x81\x60`, '\x81\x5c', \x81\x60"),
	       (struct sql_options){.charset = SQL_CHARSET_GBK}, &b);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("SELECT `\x81\x60`, ?, `\x81\x60`")));
	buf_release(&b);
}

/* The number as digest.h defines it by the text. */
static uint64_t hash_of_text(struct slice text)
{
	uint64_t h = hash_bytes(slice_head(text, SQL_DIGEST_PIECE));

	while (text.len > SQL_DIGEST_PIECE) {
		text = slice_skip(text, SQL_DIGEST_PIECE);
		h = hash_seeded(slice_head(text, SQL_DIGEST_PIECE), h);
	}
	return h;
}

static bool holds_a_literal(struct slice text, struct sql_options options)
{
	struct sql_lexer lx;
	struct sql_token t;

	sql_lexer_init(&lx, text, options);
	while (sql_lexer_next(&lx, &t))
		if (t.kind >= SQL_TOKEN_STRING && t.kind <= SQL_TOKEN_NULL)
			return true;
	return false;
}

static void any_soup_has_a_digest_without_literals(void **state)
{
	uint64_t seed = 1;
	struct buf soup, text;

	(void)state;
	buf_init(&soup, 1 << 20);
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 40000; i++) {
		struct sql_options o = soup_options(&seed);

		buf_reset(&soup);
		soup_cook(&seed, i % 1000 == 0 ? 2000 : 30, &soup);
		digest(buf_slice(&soup), o, &text);
		if (holds_a_literal(buf_slice(&text), o))
			fail_msg("%.*s\n gives %.*s", (int)soup.len, (const char *)soup.ptr,
				 (int)text.len, (const char *)text.ptr);
		CHECK(sql_digest_hash(buf_slice(&soup), o) == hash_of_text(buf_slice(&text)));
	}
	buf_release(&soup);
	buf_release(&text);
}

static void the_digest_of_a_digest_is_itself(void **state)
{
	uint64_t seed = 2;
	struct buf soup, text, again;

	(void)state;
	buf_init(&soup, 1 << 20);
	buf_init(&text, 1 << 20);
	buf_init(&again, 1 << 20);
	for (int i = 0; i < 40000; i++) {
		buf_reset(&soup);
		soup_statement(&seed, &soup);
		digest(buf_slice(&soup), plain, &text);
		digest(buf_slice(&text), plain, &again);
		if (!slice_eq(buf_slice(&text), buf_slice(&again)))
			fail_msg("%.*s\n gives %.*s\n and   %.*s", (int)soup.len,
				 (const char *)soup.ptr, (int)text.len, (const char *)text.ptr,
				 (int)again.len, (const char *)again.ptr);
	}
	buf_release(&soup);
	buf_release(&text);
	buf_release(&again);
}

static void other_literals_do_not_change_it(void **state)
{
	struct buf a, b;

	(void)state;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	for (uint64_t i = 1; i < 20000; i++) {
		uint64_t seed = i;

		buf_reset(&a);
		buf_reset(&b);
		soup_with_literals(&seed, 0, &a);
		seed = i;
		soup_with_literals(&seed, 1, &b);
		if (sql_digest_hash(buf_slice(&a), plain) != sql_digest_hash(buf_slice(&b), plain))
			fail_msg("%.*s\n%.*s", (int)a.len, (const char *)a.ptr, (int)b.len,
				 (const char *)b.ptr);
	}
	buf_release(&a);
	buf_release(&b);
}

static void every_truncation_is_a_text_too(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < SOUP_SAMPLES; i++) {
		struct slice s = slice_cstr(soup_samples[i]);

		for (size_t n = 0; n <= s.len; n++)
			for (uint64_t seed = 0; seed < 8; seed++) {
				uint64_t choice = seed;

				digest(slice_head(s, n), soup_options(&choice), &b);
			}
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_become_question_marks),
		cmocka_unit_test(lists_are_folded),
		cmocka_unit_test(words_names_and_blanks_have_one_form),
		cmocka_unit_test(names_in_other_quotes_are_the_same_names),
		cmocka_unit_test(any_soup_has_a_digest_without_literals),
		cmocka_unit_test(the_digest_of_a_digest_is_itself),
		cmocka_unit_test(other_literals_do_not_change_it),
		cmocka_unit_test(every_truncation_is_a_text_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
