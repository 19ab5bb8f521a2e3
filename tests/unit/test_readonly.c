#include "check.h"

#include "sql/readonly.h"

static const char *const allowed_names[] = {"reads", "shop.total"};
static const struct sql_allowed allowed = {.names = allowed_names, .count = 2};
static const struct sql_options plain = {.charset = SQL_CHARSET_PLAIN};

static struct sql_read_only check(const char *text)
{
	struct sql_read_only out;

	sql_read_only_check(slice_cstr(text), plain, allowed, &out);
	return out;
}

static void check_all(const char *const *texts, enum sql_harm expected)
{
	for (; *texts; texts++) {
		enum sql_harm harm = check(*texts).harm;

		if (harm != expected)
			fail_msg("%s: %d, not %d", *texts, (int)harm, (int)expected);
	}
}

static void what_only_reads_is_harmless(void **state)
{
	static const char *const texts[] = {
		"",
		";",
		" -- nothing",
		"select 1",
		"(select a from t) union (select b from u) order by 1",
		"SELECT COUNT(*), max(a), `t`.`b`, NOW(6) FROM t WHERE a IN (1, 2) AND (b = 3)",
		"select 'insert into t', \"for update\", `delete` from `update`",
		"select a from t -- for update\n where b = 1",
		"select /* for update */ 1",
		"select /*!40001 SQL_NO_CACHE */ * from t",
		"/*!40101 SET NAMES plain */",
		"select a into @x from t",
		"select @a := 1",
		"select last_insert_id(5), get_lock('a', 1), sleep(0)",
		"select substring(a from 1 for 2) from t for system_time as of now()",
		"select cast(a as char(10)), convert(b, datetime(6)) from t",
		"select * from t use index for join (i) where (a, b) in ((1, 2))",
		"with x (a, b) as (select 1, 2), y (c) as (select 3) select * from x, y",
		"with recursive x as (select 1 union all select 1 from x) (select * from x)",
		"select sum(a) over (partition by b), row_number() over w from t window w as "
		"(order by a)",
		"select * from json_table('[]', '$[*]' columns (a int path '$', b datetime(6) path "
		"'$')) as j",
		"select a from (select 1) as d (a)",
		"select a from (select 1) d (a)",
		"table t",
		"values row(1, 2), row(3, 4)",
		"show tables",
		"show full columns from t where field = concat('a', 'b')",
		"desc t",
		"describe t a",
		"explain select 1",
		"explain extended select 1",
		"explain format=json update t set a = 1",
		"explain insert into t (a, b) values (1, 2)",
		"explain with x as (select 1) delete from t",
		"explain analyze select 1",
		"analyze format=json select 1",
		"set names utf8mb4",
		"set @a = 1, session sql_mode = '', @@session.time_zone = '+00:00', autocommit = 0",
		"set @x = @@global.sql_mode",
		"set transaction isolation level read committed",
		"set session transaction isolation level serializable, read only",
		"set statement max_statement_time = 1, sql_mode = '' for select 1",
		"set character set plain",
		"use shop",
		"begin",
		"begin work",
		"start transaction",
		"start transaction with consistent snapshot, read only",
		"commit and chain",
		"rollback to savepoint a",
		"savepoint a",
		"release savepoint a",
		"xa recover",
		"do 1",
		"do sleep(1)",
		"handler t open",
		"handler t read i >= (1)",
		"checksum table t",
		"unlock tables",
		"kill 5",
		"help 'select'",
		"select reads(1), `shop`.`total`(2), other.READS(3)",
		"call reads(1, now())",
		"call shop . total",
		"select * from t procedure analyse()",
		NULL};

	(void)state;
	check_all(texts, SQL_HARM_NONE);
}

static void what_writes_is_not(void **state)
{
	static const char *const texts[] = {
		"insert into t values (1)",
		"Replace t values (1)",
		"(update t set a = 1)",
		"delete from t",
		"load data infile 'x' into table t",
		"create table t (a int)",
		"create temporary table t (a int)",
		"alter table t add b int",
		"drop table t",
		"truncate t",
		"grant all on *.* to x",
		"flush tables",
		"analyze table t",
		"optimize table t",
		"check table t",
		"analyze update t set a = 1",
		"analyze format=json delete from t",
		"explain analyze delete from t",
		"with x as (select 1) delete from t where a in (select * from x)",
		"with x as (select 1) update t set a = 1",
		"select 1 into outfile '/tmp/x'",
		"select a from t into dumpfile '/tmp/x'",
		"table t into outfile '/tmp/x'",
		"select a into b from t",
		"explain select 1 into outfile 'x'",
		"/*! insert into t values (1) */",
		"/*M! delete from t */",
		"/*!50000 delete */ /*!50000 from t */",
		"select 1 /*! into outfile 'x' */",
		"/*!80000 explain */ delete from t",
		"/*!80000 explain analyze select 1; */ delete from t",
		"set password = 'x'",
		"set default role x",
		"set statement sql_mode = '' for delete from t",
		"set statement sql_mode = '' for set @a = 1",
		"select next value for s",
		"select s.nextval",
		"xa start 'a'",
		"xa prepare 'a'",
		"begin not atomic insert into t values (1); end",
		"start slave",
		"start group_replication",
		"if 1 then insert into t values (1); end if",
		"label: begin end",
		"import table from 'x'",
		"install plugin x soname 'y'",
		"shutdown",
		"purge binary logs to 'x'",
		"do_something",
		"`select` 1",
		"call",
		"123",
		NULL};

	(void)state;
	check_all(texts, SQL_HARM_WRITES);
}

static void locks_are_told_apart(void **state)
{
	static const char *const texts[] = {
		"select * from t for update",
		"select * from t for share",
		"select * from t FOR /* x */ UPDATE skip locked",
		"select * from t lock in share mode",
		"select * from (select * from t for update) d",
		"with x as (select * from t for update) select * from x",
		"lock tables t read",
		"lock instance for backup",
		"select 1 /*!80000 for update */",
		NULL};

	(void)state;
	check_all(texts, SQL_HARM_LOCKS);
}

static void routines_that_are_not_known_may_write(void **state)
{
	static const struct {
		const char *text, *routine;
	} rows[] = {
		{"select f(1)", "f"},
		{"select 1 + shop.f (1)", "shop.f"},
		{"select `a b` . `c`()", "`a b` . `c`"},
		{"select `now`()", "`now`"},
		{"select shop.count(1)", "shop.count"},
		{"select * from t where a = f(b) for update", "f"},
		{"call p()", "p"},
		{"call shop.p", "shop.p"},
		{"call reads(f(1))", "f"},
		{"do f(1)", "f"},
		{"set @a = f(1)", "f"},
		{"set session sql_mode = concat(f(1), '')", "f"},
		{"select nextval(s)", "nextval"},
		{"select setval(s, 1)", "setval"},
		{"with x (a) as (select f(1)) select * from x", "f"},
		{"with x as (select 1) (select 1) order by 1, f(2)", "f"},
		{"explain select f(1)", "f"},
		{"select total(1)", "total"},
		{"select .f(1)", NULL},
		{"select 1 /*!50000 + f(1) */", "f"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sql_read_only r = check(rows[i].text);

		if (r.harm != SQL_HARM_ROUTINE)
			fail_msg("%s: %d", rows[i].text, (int)r.harm);
		if (rows[i].routine)
			CHECK(slice_eq(r.routine, slice_cstr(rows[i].routine)));
	}
}

static void what_is_set_beyond_the_session_is_told(void **state)
{
	static const char *const global[] = {
		"set global a = 1",           "set @@global.a = 1",
		"set @x = 1, @@GLOBAL.a = 1", "set persist a = 1",
		"set @@persist_only.a = 1",   "set global transaction read only",
		"set resource group x",       NULL};
	static const char *const allows[] = {
		"set session transaction read write",
		"set transaction read write",
		"set transaction isolation level serializable, read write",
		"set transaction_read_only = 0",
		"set @@session.tx_read_only = 0",
		"set session `tx_read_only` = 0",
		"set statement tx_read_only = 0 for select 1",
		NULL};

	(void)state;
	check_all(global, SQL_HARM_GLOBAL);
	check_all(allows, SQL_HARM_ALLOWS);
}

static void what_depends_on_the_version_is_unclear(void **state)
{
	static const char *const texts[] = {
		"select 1 /*!50000 , 2 */ /*!80000 , 3 */", "select 1 /*!50000 /* */ , 2 */",
		"select 1 /*!99999 /* */ , 2 */", "begin /*!80000 ; select 1 */", NULL};

	(void)state;
	check_all(texts, SQL_HARM_UNCLEAR);
}

static void parts_are_checked_one_by_one(void **state)
{
	struct sql_read_only r = check("select ';'; delete from t");

	(void)state;
	CHECK(r.harm == SQL_HARM_NONE && slice_eq(r.rest, SLICE_LIT(" delete from t")));
	r = check("delete from t; select 1");
	CHECK(r.harm == SQL_HARM_WRITES && slice_eq(r.rest, SLICE_LIT(" select 1")));
	CHECK(check("select 1").rest.len == 0);
}

static void what_is_prepared_is_for_the_caller(void **state)
{
	(void)state;
	CHECK(check("prepare p from 'select 1'").prepared == SQL_PREPARED_MADE);
	CHECK(check("execute p using @a").prepared == SQL_PREPARED_EXECUTED);
	CHECK(check("deallocate prepare p").prepared == SQL_PREPARED_GONE);
	CHECK(check("drop prepare p").prepared == SQL_PREPARED_GONE);
	CHECK(check("drop prepare p").harm == SQL_HARM_NONE);
	CHECK(check("execute p using f(1)").harm == SQL_HARM_ROUTINE);
	CHECK(check("select 1").prepared == SQL_PREPARED_NONE);
}

static void transactions_tell_what_they_ask_for(void **state)
{
	struct sql_read_only r = check("start transaction with consistent snapshot, read write");

	(void)state;
	CHECK(r.harm == SQL_HARM_NONE && r.read_write && r.snapshot);
	r = check("start transaction read only");
	CHECK(r.harm == SQL_HARM_NONE && !r.read_write && !r.snapshot);
}

static void functions_are_found(void **state)
{
	(void)state;
	CHECK(sql_function_reads(SLICE_LIT("abs")));
	CHECK(sql_function_reads(SLICE_LIT("Yearweek")));
	CHECK(sql_function_reads(SLICE_LIT("ABS")));
	CHECK(!sql_function_reads(SLICE_LIT("absx")));
	CHECK(!sql_function_reads(SLICE_LIT("")));
	CHECK(!sql_function_reads(SLICE_LIT("nextval")));
}

/* Each is found only if the list is sorted as it is searched. */
static void all_functions_are_found(void **state)
{
	(void)state;
#define FUNCTION(name) CHECK(sql_function_reads(SLICE_LIT(#name)));
#include "sql/function_list.h"
#undef FUNCTION
}

static void every_truncation_is_read(void **state)
{
	static const char text[] = "with x (a) as (select f(1) /*!80000 , 2 */ from `a`.b) set "
				   "statement a = 1 for explain select .c ( 'x'; call a.b(1); "
				   "set @@global.a = 1, session transaction read write";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *exact = malloc(n ? n : 1);
		struct sql_read_only out;
		struct slice rest = slice_of(exact, n);

		memcpy(exact, text, n);
		do {
			sql_read_only_check(rest, plain, allowed, &out);
			CHECK(out.rest.len < n || n == 0);
			rest = out.rest;
		} while (rest.len > 0);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_reads_is_harmless),
		cmocka_unit_test(what_writes_is_not),
		cmocka_unit_test(locks_are_told_apart),
		cmocka_unit_test(routines_that_are_not_known_may_write),
		cmocka_unit_test(what_is_set_beyond_the_session_is_told),
		cmocka_unit_test(what_depends_on_the_version_is_unclear),
		cmocka_unit_test(parts_are_checked_one_by_one),
		cmocka_unit_test(what_is_prepared_is_for_the_caller),
		cmocka_unit_test(transactions_tell_what_they_ask_for),
		cmocka_unit_test(functions_are_found),
		cmocka_unit_test(all_functions_are_found),
		cmocka_unit_test(every_truncation_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
