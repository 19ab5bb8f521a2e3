#include "check.h"

#include "base/buf.h"
#include "sql/classify.h"
#include "sql/mask.h"
#include "sql_soup.h"

static const struct sql_options plain = {.ansi_quotes = false};

static struct sql_class classify(const char *sql)
{
	struct sql_class c;

	sql_classify(slice_cstr(sql), plain, &c);
	return c;
}

static void expect(const char *sql, enum sql_verb verb, enum sql_transaction transaction,
		   uint32_t changes)
{
	struct sql_class c = classify(sql);

	if (c.verb != verb || c.transaction != transaction || c.changes != changes)
		fail_msg("%s: %s, transaction %d, changes %x", sql, sql_verb_text(c.verb),
			 (int)c.transaction, (unsigned)c.changes);
}

static void is(struct slice s, const char *text)
{
	if (!slice_eq(s, slice_cstr(text)))
		fail_msg("is %.*s, not %s", (int)s.len, (const char *)s.ptr, text);
}

#define NONE SQL_TRANSACTION_NONE
#define IMPLICIT SQL_TRANSACTION_IMPLICIT_COMMIT

static void the_first_word_tells_whatever_stands_before_it(void **state)
{
	(void)state;
	expect("SELECT 1", SQL_VERB_SELECT, NONE, 0);
	expect(" ((select 1) union (select 2))", SQL_VERB_SELECT, NONE, 0);
	expect("/* c */ -- d\n # e\n insert into t values (1)", SQL_VERB_INSERT, NONE, 0);
	expect("/*!40000 update t set a=1 */", SQL_VERB_UPDATE, NONE, 0);
	expect("with a as (select 1), `update` as (select 2) delete from t", SQL_VERB_DELETE, NONE,
	       0);
	expect("with recursive a (b) as (select 1) select * from a", SQL_VERB_SELECT, NONE, 0);
	expect("replace into t select * from u", SQL_VERB_REPLACE, NONE, 0);
	expect("set statement max_statement_time=1 for select 2", SQL_VERB_SELECT, NONE, 0);
	expect("analyze format=json select 1", SQL_VERB_SELECT, NONE, 0);
	expect("analyze table t", SQL_VERB_TABLE_ADMIN, IMPLICIT, 0);
	expect("explain delete from t", SQL_VERB_EXPLAIN, NONE, 0);
	expect("describe t", SQL_VERB_EXPLAIN, NONE, 0);
	expect("show tables", SQL_VERB_SHOW, NONE, 0);
	expect("load data local infile 'x' into table t", SQL_VERB_LOAD_DATA, NONE, 0);
	expect("call p(1)", SQL_VERB_CALL, NONE, 0);
	expect("", SQL_VERB_EMPTY, NONE, 0);
	expect("-- nothing", SQL_VERB_EMPTY, NONE, 0);
	expect("nonsense", SQL_VERB_OTHER, NONE, 0);
	CHECK(sql_verb_writes(SQL_VERB_INSERT) && !sql_verb_writes(SQL_VERB_SELECT));
}

static void transactions(void **state)
{
	(void)state;
	expect("begin", SQL_VERB_BEGIN, SQL_TRANSACTION_BEGIN, 0);
	expect("start transaction with consistent snapshot", SQL_VERB_BEGIN, SQL_TRANSACTION_BEGIN,
	       0);
	expect("begin not atomic select 1; select 2; end", SQL_VERB_COMPOUND, NONE, 0);
	expect("commit work", SQL_VERB_COMMIT, SQL_TRANSACTION_COMMIT, 0);
	expect("commit and no chain release", SQL_VERB_COMMIT, SQL_TRANSACTION_COMMIT, 0);
	expect("commit and chain", SQL_VERB_COMMIT, SQL_TRANSACTION_COMMIT_BEGIN, 0);
	expect("rollback", SQL_VERB_ROLLBACK, SQL_TRANSACTION_ROLLBACK, 0);
	expect("rollback work and chain", SQL_VERB_ROLLBACK, SQL_TRANSACTION_ROLLBACK_BEGIN, 0);
	expect("rollback to savepoint a", SQL_VERB_ROLLBACK, NONE, 0);
	is(classify("rollback to savepoint `a`").name, "`a`");
	is(classify("savepoint b").name, "b");
	is(classify("release savepoint c").name, "c");
	expect("xa start 'x'", SQL_VERB_XA, SQL_TRANSACTION_BEGIN, 0);
	expect("xa commit 'x'", SQL_VERB_XA, SQL_TRANSACTION_COMMIT, 0);
	expect("xa prepare 'x'", SQL_VERB_XA, NONE, 0);
	expect("create table t (a int)", SQL_VERB_CREATE, IMPLICIT, 0);
	expect("create or replace temporary table t (a int)", SQL_VERB_CREATE, NONE,
	       SQL_CHANGES_TEMPORARY);
	expect("drop temporary table t", SQL_VERB_DROP, NONE, SQL_CHANGES_TEMPORARY);
	expect("truncate t", SQL_VERB_TRUNCATE, IMPLICIT, 0);
	expect("lock tables t read", SQL_VERB_LOCK, IMPLICIT, SQL_CHANGES_TABLE_LOCK);
	expect("lock instance for backup", SQL_VERB_LOCK, NONE, 0);
	expect("unlock tables", SQL_VERB_UNLOCK, NONE, SQL_CHANGES_TABLE_LOCK);
	expect("flush tables with read lock", SQL_VERB_FLUSH, IMPLICIT, SQL_CHANGES_TABLE_LOCK);
	expect("start slave", SQL_VERB_REPLICATION, IMPLICIT, 0);
}

static void what_changes_the_session(void **state)
{
	(void)state;
	expect("use shop", SQL_VERB_USE, NONE, SQL_CHANGES_DATABASE);
	is(classify("use `my``shop` ;").name, "`my``shop`");
	expect("set @a = 1, @b := 2", SQL_VERB_SET, NONE, SQL_CHANGES_USER_VARIABLE);
	expect("select @a := 1", SQL_VERB_SELECT, NONE, SQL_CHANGES_USER_VARIABLE);
	expect("select 1 into @a", SQL_VERB_SELECT, NONE, SQL_CHANGES_USER_VARIABLE);
	expect("select @a, 'x@y'", SQL_VERB_SELECT, NONE, 0);
	expect("select GET_LOCK ('a', 1)", SQL_VERB_SELECT, NONE, SQL_CHANGES_USER_LOCK);
	expect("select release_all_locks()", SQL_VERB_SELECT, NONE, SQL_CHANGES_USER_LOCK);
	expect("do release_lock('a')", SQL_VERB_DO, NONE, SQL_CHANGES_USER_LOCK);
	expect("insert into clock (a) values (block(1))", SQL_VERB_INSERT, NONE, 0);
	expect("set sort_buffer_size = 1", SQL_VERB_SET, NONE, SQL_CHANGES_VARIABLE);
	expect("set global sort_buffer_size = 1", SQL_VERB_SET, NONE, SQL_CHANGES_GLOBAL);
	expect("set @@global.x = 1, @@y = 2", SQL_VERB_SET, NONE,
	       SQL_CHANGES_GLOBAL | SQL_CHANGES_VARIABLE);
	expect("set transaction isolation level serializable", SQL_VERB_SET, NONE,
	       SQL_CHANGES_ISOLATION);
	expect("set session transaction read only", SQL_VERB_SET, NONE, SQL_CHANGES_ISOLATION);
	expect("set role admin", SQL_VERB_SET, NONE, SQL_CHANGES_ROLE);
	expect("set default role r to 'u'@'h'", SQL_VERB_SET, NONE, 0);
	expect("handler t open", SQL_VERB_HANDLER, NONE, SQL_CHANGES_HANDLER);
	expect("handler t read next", SQL_VERB_HANDLER, NONE, 0);
}

static void charset_and_time_zone(void **state)
{
	struct sql_class c;

	(void)state;
	expect("set names utf8mb4 collate utf8mb4_bin", SQL_VERB_SET, NONE,
	       SQL_CHANGES_CHARSET | SQL_CHANGES_VARIABLE);
	is(classify("/*!40101 SET NAMES gbk */").charset, "gbk");
	is(classify("set names 'utf8'").charset, "'utf8'");
	is(classify("set character set latin1").charset, "latin1");
	is(classify("set @a = 1, @@session.character_set_client = sjis").charset, "sjis");
	c = classify("set time_zone = '+00:00', autocommit = 0");
	CHECK(c.changes == (SQL_CHANGES_TIME_ZONE | SQL_CHANGES_AUTOCOMMIT | SQL_CHANGES_VARIABLE));
	is(c.time_zone, "'+00:00'");
	CHECK(c.autocommit == SQL_SWITCH_OFF);
	is(classify("set time_zone = @old").time_zone, "");
	CHECK(classify("SET @@autocommit=ON").autocommit == SQL_SWITCH_ON);
	CHECK(classify("SET LOCAL autocommit='true'").autocommit == SQL_SWITCH_ON);
	CHECK(classify("SET autocommit=@x").autocommit == SQL_SWITCH_UNKNOWN);
	CHECK(classify("SET autocommit=1+0").autocommit == SQL_SWITCH_UNKNOWN);
}

static void sql_mode_is_known_when_it_is_a_literal(void **state)
{
	struct sql_class c;

	(void)state;
	c = classify("set sql_mode='STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'");
	CHECK(c.sql_mode_known && c.no_backslash_escapes && !c.ansi_quotes);
	c = classify("set session sql_mode = \"ansi\"");
	CHECK(c.sql_mode_known && !c.no_backslash_escapes && c.ansi_quotes);
	c = classify("set @@session.`sql_mode` = ansi_quotes");
	CHECK(c.sql_mode_known && c.ansi_quotes);
	c = classify("set sql_mode = 1048580");
	CHECK(c.sql_mode_known && c.ansi_quotes && c.no_backslash_escapes);
	c = classify("set sql_mode = ''");
	CHECK(c.sql_mode_known && !c.ansi_quotes && !c.no_backslash_escapes);
	c = classify("set sql_mode = concat(@@sql_mode, ',ANSI_QUOTES'), @a = 1");
	CHECK(!c.sql_mode_known && (c.changes & SQL_CHANGES_SQL_MODE) &&
	      (c.changes & SQL_CHANGES_USER_VARIABLE));
	CHECK(!classify("set sql_mode = default").sql_mode_known);
	CHECK(!(classify("set global sql_mode = ''").changes & SQL_CHANGES_SQL_MODE));
}

static void prepared_statements_and_kill(void **state)
{
	struct sql_class c;

	(void)state;
	c = classify("prepare s from 'select ?'");
	CHECK(c.verb == SQL_VERB_PREPARE && c.changes == SQL_CHANGES_PREPARED);
	is(c.name, "s");
	is(c.prepared, "'select ?'");
	is(classify("prepare s from @a").prepared, "@a");
	is(classify("execute s using @a, @b").name, "s");
	is(classify("execute immediate 'select 1'").prepared, "'select 1'");
	c = classify("drop prepare s");
	CHECK(c.verb == SQL_VERB_DEALLOCATE && c.changes == SQL_CHANGES_PREPARED);
	is(c.name, "s");
	is(classify("deallocate prepare t").name, "t");
	c = classify("kill 15");
	CHECK(c.kill_known && c.kill_id == 15 && !c.kill_query);
	c = classify("KILL SOFT QUERY 18446744073709551615");
	CHECK(c.kill_known && c.kill_id == UINT64_MAX && c.kill_query);
	CHECK(!classify("kill 18446744073709551616").kill_known);
	CHECK(!classify("kill connection_id()").kill_known);
	CHECK(!classify("kill user 'x'").kill_known);
}

static void several_statements_are_taken_one_by_one(void **state)
{
	(void)state;
	is(classify("select 1; update t set a=1; ").rest, "update t set a=1; ");
	is(classify("select ';'").rest, "");
	is(classify("select 1 ; ;\n").rest, "");
	is(classify("set a=1;set b=2").rest, "set b=2");
	is(classify("use a;select 1").rest, "select 1");
	is(classify(";select 1").rest, "select 1");
	is(classify("create procedure p() begin select 1; select 2; end").rest, "");
	is(classify("drop procedure p; select 1").rest, "select 1");
	is(classify("create table t (a int); select 1").rest, "select 1");
	is(classify("commit; select 1").rest, "select 1");
	is(classify("kill 5;select 1").rest, "select 1");
	is(classify("prepare s from 'x'; select 1").rest, "select 1");
}

static void masked(const char *sql, const char *text)
{
	struct sql_class c = classify(sql);
	bool secret = c.secret;
	struct buf b;

	while (c.rest.len > 0) {
		sql_classify(c.rest, plain, &c);
		secret |= c.secret;
	}
	buf_init(&b, 1 << 16);
	CHECK(sql_mask(slice_cstr(sql), plain, &b) == ERR_OK);
	if (!slice_eq(buf_slice(&b), slice_cstr(text)))
		fail_msg("%s\n is   %.*s\n not  %s", sql, (int)b.len, (const char *)b.ptr, text);
	if (secret != (strcmp(sql, text) != 0))
		fail_msg("%s: secret is %d", sql, secret);
	buf_release(&b);
}

static void passwords_are_masked(void **state)
{
	(void)state;
	masked("create user 'u'@'h' identified by 'p''w' comment 'c'",
	       "create user 'u'@'h' identified by '<secret>' comment 'c'");
	masked("CREATE USER u IDENTIFIED WITH p BY \"x\" REPLACE 'y', v IDENTIFIED BY PASSWORD "
	       "'*1F'",
	       "CREATE USER u IDENTIFIED WITH p BY '<secret>' REPLACE '<secret>', v IDENTIFIED BY "
	       "PASSWORD '<secret>'");
	masked("alter user u identified via ed25519 using 'h' or p as 0x41 or q using "
	       "password('z')",
	       "alter user u identified via ed25519 using '<secret>' or p as '<secret>' or q using "
	       "password('<secret>')");
	masked("create user u identified with 'plugin' as 'hash' require subject 's'",
	       "create user u identified with 'plugin' as '<secret>' require subject 's'");
	masked("grant all on *.* to 'u'@'h' identified by/* c */'x' 'y'",
	       "grant all on *.* to 'u'@'h' identified by/* c */'<secret>' '<secret>'");
	masked("set password = 'x'", "set password = '<secret>'");
	masked("SET PASSWORD FOR 'u'@'h' = OLD_PASSWORD('x'), @a = 'y'",
	       "SET PASSWORD FOR 'u'@'h' = OLD_PASSWORD('<secret>'), @a = 'y'");
	masked("set password = password(?)", "set password = password('<secret>')");
	masked("select password(?), ?", "select password('<secret>'), ?");
	masked("set password for u to 'x'", "set password for u to '<secret>'");
	masked("select password(concat('x', upper('y')), 'z'), 'w'",
	       "select password(concat('<secret>', upper('<secret>')), '<secret>'), 'w'");
	masked("set @a = password(concat('x')), @b = 'y'",
	       "set @a = password(concat('<secret>')), @b = 'y'");
	masked("select validate_password_strength('x'), encrypt('y', 'z')",
	       "select validate_password_strength('<secret>'), encrypt('<secret>', '<secret>')");
	masked("begin not atomic set password for u = 'x'; set password = 'y'; end",
	       "begin not atomic set password for u = '<secret>'; set password = '<secret>'; end");
	masked("if 1 then set password = 'x'; end if",
	       "if 1 then set password = '<secret>'; end if");
	masked("create event e on schedule every 1 day do set password for u@h = 'x'",
	       "create event e on schedule every 1 day do set password for u@h = '<secret>'");
	masked("create table t (a int) engine=spider comment='wrapper \"mysql\", password \"x\"'",
	       "create table t (a int) engine=spider comment='<secret>'");
	masked("change master to master_user='u', master_password='x', master_port=1",
	       "change master to master_user='u', master_password='<secret>', master_port=1");
	masked("change replication source to source_password = 'x'",
	       "change replication source to source_password = '<secret>'");
	masked("start replica user='u' password='x'", "start replica user='u' password='<secret>'");
	masked("create server s foreign data wrapper mysql options (user 'u', password 'x', port "
	       "1)",
	       "create server s foreign data wrapper mysql options (user 'u', password '<secret>', "
	       "port 1)");
	masked("create table t (a int) connection='mysql://u:p@h/d'",
	       "create table t (a int) connection='<secret>'");
	masked("/*!50000 create user u identified by 'x' */",
	       "/*!50000 create user u identified by "
	       "'<secret>' */");
	masked("select password('x'), Old_Password ( 'y' )",
	       "select password('<secret>'), Old_Password ( '<secret>' )");
	masked("update u set p = PASSWORD('x') where n = 'y'",
	       "update u set p = PASSWORD('<secret>') where n = 'y'");
	masked("prepare s from 'create user x identified by ''y'''", "prepare s from '<secret>'");
	masked("execute immediate 'set password = 1'", "execute immediate '<secret>'");
	masked("set @s = 'alter user u IDENTIFIED BY 1', @t = 'x'",
	       "set @s = '<secret>', @t = 'x'");
	masked("set global wsrep_sst_auth = 'u:p'", "set global wsrep_sst_auth = '<secret>'");
	masked("select 1; set password = 'x", "select 1; set password = '<secret>'");
	masked("create user u identified by '", "create user u identified by '<secret>'");
}

static void what_is_no_password_stays(void **state)
{
	static const char *const stays[] = {
		"select * from u where password = 'x'",
		"insert into u (name, password) values ('a', 'b')",
		"create table t (password varchar(10) default 'x' comment 'c')",
		"create user u password expire interval 90 day",
		"select 'identified by ''x'''",
		"set names 'utf8', @a = 'b'",
		"grant select on t to 'u'@'h'",
		"prepare s from 'select 1'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		masked(stays[i], stays[i]);
}

static void a_name_or_string_says(struct slice text, struct sql_options o, struct slice expected)
{
	uint8_t *exact = exact_copy(text, text.len);
	struct buf b;

	buf_init(&b, 1 << 10);
	sql_unquote(slice_of(exact, text.len), o, &b);
	CHECK(slice_eq(buf_slice(&b), expected));
	buf_release(&b);
	free(exact);
}

static void quotes_come_off(void **state)
{
	struct sql_options no_escapes = {.no_backslash_escapes = true};
	struct sql_options gbk = {.charset = SQL_CHARSET_GBK};

	(void)state;
	a_name_or_string_says(SLICE_LIT("plain"), plain, SLICE_LIT("plain"));
	a_name_or_string_says(SLICE_LIT("`a``b\\n`"), plain, SLICE_LIT("a`b\\n"));
	a_name_or_string_says(SLICE_LIT("'it''s \\'\\n\\0\\%\\q'"), plain,
			      SLICE_LIT("it's '\n\0\\%q"));
	a_name_or_string_says(SLICE_LIT("_utf8\"a\"\"b\""), plain, SLICE_LIT("a\"b"));
	a_name_or_string_says(SLICE_LIT("'a\\'"), no_escapes, SLICE_LIT("a\\"));
	a_name_or_string_says(SLICE_LIT("'\x95\x5c'"), gbk, SLICE_LIT("\x95\x5c"));
	a_name_or_string_says(SLICE_LIT("'open\\"), plain, SLICE_LIT("open\\"));
	a_name_or_string_says(SLICE_LIT("'"), plain, SLICE_LIT(""));
	a_name_or_string_says(SLICE_LIT("''"), plain, SLICE_LIT(""));
	a_name_or_string_says(SLICE_LIT(""), plain, SLICE_LIT(""));
}

/* The slices of C lie inside SQL. */
static void lies_inside(struct slice part, struct slice sql)
{
	if (part.len > 0)
		CHECK(part.ptr >= sql.ptr && part.ptr + part.len <= sql.ptr + sql.len);
}

static void any_text_has_a_class(struct slice text, struct sql_options o, struct buf *out)
{
	uint8_t *exact = exact_copy(text, text.len);
	struct slice sql = slice_of(exact, text.len), rest = sql;
	bool secret = false;
	struct sql_class c;

	if (sql_is_ordinary(sql)) {
		sql_classify(sql, o, &c);
		CHECK(c.verb >= SQL_VERB_SELECT && c.verb <= SQL_VERB_REPLACE);
		CHECK(!c.changes && !c.secret && c.rest.len == 0);
	}
	do {
		sql_classify(rest, o, &c);
		CHECK(c.rest.len < rest.len || rest.len == 0);
		lies_inside(c.name, sql);
		lies_inside(c.prepared, sql);
		lies_inside(c.charset, sql);
		lies_inside(c.time_zone, sql);
		secret |= c.secret;
		rest = c.rest;
	} while (rest.len > 0);
	buf_reset(out);
	CHECK(sql_mask(sql, o, out) == ERR_OK);
	if (!secret)
		CHECK(slice_eq(buf_slice(out), sql));
	free(exact);
}

static void ordinary_statements_are_known_at_a_glance(void **state)
{
	static const char *const ordinary[] = {
		"SELECT c FROM t WHERE id=1", "insert\tinto t values (1);", "Update t set a = 1 ; ",
		"delete from t", "replace into t values (1, 'x')"};
	static const char *const others[] = {"",
					     "select",
					     "select 1; select 2",
					     "select @a",
					     "select get_lock ('a', 1)",
					     "selected 1",
					     "select(1)",
					     "set a = 1",
					     "/* x */ select 1",
					     "replaces 1",
					     "insert into t values (password('x'))"};

	(void)state;
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(*ordinary); i++)
		CHECK(sql_is_ordinary(slice_cstr(ordinary[i])));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		CHECK(!sql_is_ordinary(slice_cstr(others[i])));
}

static void soups_and_truncations_have_a_class(void **state)
{
	uint64_t seed = 3;
	struct buf soup, out;

	(void)state;
	buf_init(&soup, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 0; i < 40000; i++) {
		buf_reset(&soup);
		if (i % 2)
			soup_cook(&seed, 30, &soup);
		else
			soup_statement(&seed, &soup);
		any_text_has_a_class(buf_slice(&soup), soup_options(&seed), &out);
	}
	for (size_t i = 0; i < SOUP_SAMPLES; i++)
		for (size_t n = 0; n <= strlen(soup_samples[i]); n++)
			any_text_has_a_class(slice_of(soup_samples[i], n), soup_options(&seed),
					     &out);
	buf_release(&soup);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_word_tells_whatever_stands_before_it),
		cmocka_unit_test(transactions),
		cmocka_unit_test(what_changes_the_session),
		cmocka_unit_test(charset_and_time_zone),
		cmocka_unit_test(sql_mode_is_known_when_it_is_a_literal),
		cmocka_unit_test(prepared_statements_and_kill),
		cmocka_unit_test(several_statements_are_taken_one_by_one),
		cmocka_unit_test(passwords_are_masked),
		cmocka_unit_test(what_is_no_password_stays),
		cmocka_unit_test(quotes_come_off),
		cmocka_unit_test(ordinary_statements_are_known_at_a_glance),
		cmocka_unit_test(soups_and_truncations_have_a_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
