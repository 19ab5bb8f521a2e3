#include "check.h"

#include "replay/plan.h"

static const struct session session = {.id = 1};

static struct plan plan_of(uint8_t code, const char *text)
{
	struct command c = {
		.code = code,
		.text = slice_cstr(text),
		.text_known = true,
		.payload = SLICE_LIT("\x0c\x05\0\0\0"),
	};
	struct plan p;

	plan_command(&session, &c, &p);
	return p;
}

static void ordinary_statements_are_sent(void **state)
{
	static const char *const texts[] = {"select 1",
					    "SET x=1",
					    "insert into t values (1)",
					    "",
					    "commit",
					    "rollback",
					    "replace into t values (1)",
					    "s",
					    "show tables",
					    "create table t (a int)",
					    "/* x */ do 1"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CHECK(plan_of(MYP_COM_QUERY, texts[i]).reason == SENT);
	CHECK(plan_of(MYP_COM_PING, "").reason == SENT);
}

static void what_acts_on_the_server_is_not(void **state)
{
	(void)state;
	CHECK(plan_of(MYP_COM_QUERY, "shutdown").reason == NOT_SENT_NEVER);
	CHECK(plan_of(MYP_COM_QUERY, " /* x */ STOP SLAVE").reason == NOT_SENT_NEVER);
	CHECK(plan_of(MYP_COM_QUERY, "CHANGE MASTER TO MASTER_HOST='x'").reason == NOT_SENT_NEVER);
	CHECK(plan_of(MYP_COM_QUERY, "reset master").reason == NOT_SENT_NEVER);
	CHECK(plan_of(MYP_COM_SHUTDOWN, "").reason == NOT_SENT_NEVER);
	CHECK(plan_of(MYP_COM_BINLOG_DUMP_GTID, "").reason == NOT_SENT_NEVER);
	CHECK(plan_of(0x77, "").reason == NOT_SENT_UNKNOWN_COMMAND);
	CHECK(plan_of(MYP_COM_STMT_EXECUTE, "").reason == NOT_SENT_UNKNOWN_COMMAND);
}

static void kill_says_whom(void **state)
{
	struct plan p = plan_of(MYP_COM_QUERY, "kill query 12");

	(void)state;
	CHECK(p.reason == SENT && p.kill_id == 12 && p.kill_query);
	p = plan_of(MYP_COM_QUERY, "KILL 13");
	CHECK(p.reason == SENT && p.kill_id == 13 && !p.kill_query);
	p = plan_of(MYP_COM_PROCESS_KILL, "");
	CHECK(p.reason == SENT && p.kill_id == 5);
	p = plan_of(MYP_COM_QUERY, "KILL QUERY CONNECTION_ID()");
	CHECK(p.reason == SENT && p.kill_id == 0);
	p = plan_of(MYP_COM_QUERY, "kill connection_id ( )");
	CHECK(p.reason == SENT && p.kill_id == 0);
	CHECK(plan_of(MYP_COM_QUERY, "KILL CONNECTION_ID() + 1").reason == NOT_SENT_KILL_UNKNOWN);
	CHECK(plan_of(MYP_COM_QUERY, "KILL @x").reason == NOT_SENT_KILL_UNKNOWN);
	CHECK(plan_of(MYP_COM_STMT_PREPARE, "KILL 12").reason == NOT_SENT_KILL_UNKNOWN);
}

static void what_ends_a_transaction_is_known(void **state)
{
	(void)state;
	CHECK(plan_of(MYP_COM_QUERY, "BEGIN").begins);
	CHECK(plan_of(MYP_COM_QUERY, "start transaction").begins);
	CHECK(plan_of(MYP_COM_QUERY, "create table t (a int)").begins);
	CHECK(!plan_of(MYP_COM_QUERY, "select 1").begins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_statements_are_sent),
		cmocka_unit_test(what_acts_on_the_server_is_not),
		cmocka_unit_test(kill_says_whom),
		cmocka_unit_test(what_ends_a_transaction_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
