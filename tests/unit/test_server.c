/* What a server said of itself. */
#include "check.h"

#include "event/server.h"

static void set(struct server_facts *s, enum server_fact_id id, const char *text)
{
	CHECK(server_fact_set(s, id, SERVER_KNOWN, slice_cstr(text)) == ERR_OK);
}

static void settings_differ_by_what_they_mean(void **state)
{
	struct server_facts a = {.name = NULL}, b = {.name = NULL};

	(void)state;
	set(&a, SERVER_SQL_MODE, "ANSI_QUOTES,STRICT_ALL_TABLES");
	CHECK(!server_fact_differs(&a, &b, SERVER_SQL_MODE)); /* not known of both */
	set(&b, SERVER_SQL_MODE, "strict_all_tables,ANSI_QUOTES");
	CHECK(!server_fact_differs(&a, &b, SERVER_SQL_MODE));
	set(&b, SERVER_SQL_MODE, "ANSI_QUOTES");
	CHECK(server_fact_differs(&a, &b, SERVER_SQL_MODE));
	set(&a, SERVER_AUTOCOMMIT, "ON");
	set(&b, SERVER_AUTOCOMMIT, "on");
	CHECK(!server_fact_differs(&a, &b, SERVER_AUTOCOMMIT));
	set(&b, SERVER_AUTOCOMMIT, "OFF");
	CHECK(server_fact_differs(&a, &b, SERVER_AUTOCOMMIT));
	CHECK(server_fact_find(SLICE_LIT("SQL_Mode")) == SERVER_SQL_MODE);
	CHECK(server_fact_find(SLICE_LIT("sql_mod")) == SERVER_FACTS);
	server_facts_release(&a);
	server_facts_release(&b);
}

static int64_t asked_at(const struct server_log *log, int64_t time_ns)
{
	const struct server_facts *f = server_log_at(log, time_ns);

	return f ? f->asked_ns : -1;
}

static void the_log_knows_what_was_said_last(void **state)
{
	struct server_log log = {.items = NULL};
	struct server_facts s = {.asked_ns = 20};

	(void)state;
	CHECK(asked_at(&log, 5) == -1);
	CHECK(server_log_add(&log, &s) == ERR_OK && server_log_add(&log, &s) == ERR_OK);
	CHECK(log.count == 1);
	s.asked_ns = 40;
	CHECK(server_log_add(&log, &s) == ERR_OK);
	s.asked_ns = 10;
	CHECK(server_log_add(&log, &s) == ERR_OK);
	CHECK(asked_at(&log, 5) == 10 && asked_at(&log, 10) == 10 && asked_at(&log, 39) == 20);
	CHECK(asked_at(&log, 100) == 40);
	for (s.asked_ns = 1000; s.asked_ns < 1100; s.asked_ns++)
		CHECK(server_log_add(&log, &s) == ERR_OK);
	CHECK(log.count == SERVER_LOG_MAX && asked_at(&log, INT64_MAX) == 1099);
	server_log_release(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_differ_by_what_they_mean),
		cmocka_unit_test(the_log_knows_what_was_said_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
