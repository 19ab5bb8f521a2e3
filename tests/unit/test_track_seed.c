/* A joined session begins with what the server said of it. */
#include "track_says.h"

#include "base/mem.h"

enum { PORT = 51234, LISTENS_ON = 3306 };

/* Who is asked: it counts only. */
struct asked {
	unsigned wanted;
};

static void want_census(void *ctx)
{
	struct asked *a = ctx;

	a->wanted++;
}

static struct endpoint at(uint8_t last, uint16_t port)
{
	return (struct endpoint){.addr = {.bytes = {10, 0, 0, last}}, .port = port};
}

/* A census in which 10.0.0.1 is connected as connection 9, and nobody else. */
static struct census *census_of(uint64_t number, int64_t begun_ns, struct census_session **out)
{
	struct census *c = census_new(number);
	struct endpoint client = at(1, PORT);

	CHECK(c != NULL);
	c->begun_ns = begun_ns;
	c->port = LISTENS_ON;
	c->version = SLICE_LIT("9.7.4");
	CHECK(census_add(c, 9, &client, true, out) == ERR_OK);
	(*out)->user = SLICE_LIT("app");
	(*out)->database = SLICE_LIT("shop");
	(*out)->variables_known = true;
	return c;
}

static void begin(struct talk *t, uint8_t client, struct asked *asked)
{
	const struct stream_flow flow = {
		.id = 7,
		.first_ns = 1,
		.client = at(client, PORT),
		.server = at(9, LISTENS_ON),
	};
	const struct informant informant = {.want_census = want_census, .ctx = asked};
	const struct tracker_options options = {.max_statement = 1 << 20, .informant = &informant};

	*asked = (struct asked){.wanted = 0};
	CHECK(talk_begin_flow(t, &flow, &options));
}

static const struct line execution[] = {C(0, WITH_TYPE("\7")), S(1, OK)};

static void what_the_server_says_is_there_before_the_first_command(void **state)
{
	struct census_statement st = {.id = 5, .text = SLICE_LIT("select ?, '?' -- ?")};
	struct census_session *s;
	struct asked asked;
	struct talk t;

	(void)state;
	begin(&t, 1, &asked);
	tracker_set_census(t.tracker, census_of(1, 0, &s));
	s->statements = &st;
	tell(&t, execution, 2);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "joined session none app@shop\n"
		       "> 1 STMT_EXECUTE select 7, '?' -- ? [shop]\n< 1 ok 1/0 err 0\nend fin\n");
	CHECK(tracker_coverage(t.tracker)->asked == 1 && asked.wanted == 0);
	talk_release(&t);
}

static void a_text_that_may_be_cut_is_not_known(void **state)
{
	struct census_statement st = {.id = 5, .text = SLICE_LIT("select ?"), .cut = true};
	struct census_session *s;
	struct asked asked;
	struct talk t;

	(void)state;
	begin(&t, 1, &asked);
	tracker_set_census(t.tracker, census_of(1, 0, &s));
	s->statements = &st;
	tell(&t, execution, 2);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "joined session none app@shop\n"
		       "> 1 STMT_EXECUTE ? [shop]\n< 1 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
}

/* The census comes when the session goes on already: what was heard stays, also the types of the parameters. */
static void what_was_heard_is_stronger(void **state)
{
	static const struct line again[] = {C(0, WITHOUT_TYPE("\x8")), S(1, OK)};
	static const struct line use[] = {C(0, "\2other"), S(1, OK)};
	struct census_statement st = {.id = 5, .text = SLICE_LIT("select ?")};
	struct census_session *s;
	struct asked asked;
	struct talk t;

	(void)state;
	begin(&t, 1, &asked);
	tell(&t, use, 2);
	tell(&t, execution, 2);
	tracker_set_census(t.tracker, census_of(1, 0, &s));
	s->statements = &st;
	tell(&t, again, 2);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "joined session none @\n> 1 INIT_DB other [?]\n< 1 ok 1/0 err 0\n"
		       "> 2 STMT_EXECUTE ? [other]\n< 2 ok 1/0 err 0\n"
		       "> 3 STMT_EXECUTE select 8 [other]\n< 3 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
}

static void one_more_is_wanted_for_whom_the_first_does_not_know(void **state)
{
	struct census_session *s;
	struct asked asked;
	struct talk t;

	(void)state;
	begin(&t, 2, &asked);
	tracker_set_census(t.tracker, census_of(1, 0, &s));
	tell(&t, execution, 2);
	CHECK(asked.wanted == 1 && tracker_coverage(t.tracker)->unmatched == 1);
	/* This one was taken while the session was open, and does not know it either. */
	tracker_set_census(t.tracker, census_of(2, INT64_MAX, &s));
	tell(&t, execution, 2);
	tracker_set_census(t.tracker, census_of(3, 0, &s));
	tell(&t, execution, 2);
	CHECK(asked.wanted == 1 && tracker_coverage(t.tracker)->unmatched == 1);
	CHECK(tracker_coverage(t.tracker)->asked == 0);
	talk_end(&t, STREAM_END_FIN);
	talk_release(&t);

	begin(&t, 1, &asked);
	tracker_set_census(t.tracker, census_new(1));
	tell(&t, execution, 2);
	CHECK(asked.wanted == 1 && tracker_coverage(t.tracker)->unmatched == 1);
	tracker_set_census(t.tracker, census_of(2, 0, &s));
	tell(&t, execution, 2);
	CHECK(tracker_coverage(t.tracker)->asked == 1 &&
	      tracker_coverage(t.tracker)->unmatched == 0);
	talk_end(&t, STREAM_END_FIN);
	talk_release(&t);
}

/* What rebuilds the state, and what is open. */
static enum err put_state(void *ctx, const struct event *e, struct errinfo *info)
{
	const struct session *s = e->session;
	struct buf *said = ctx;

	(void)info;
	if (e->type != EVENT_SESSION)
		return ERR_OK;
	for (size_t i = 0; i < s->state_count; i++)
		buf_printf(said, "%.*s: %.*s\n", (int)s->state[i].key.len,
			   (const char *)s->state[i].key.ptr, (int)s->state[i].text.len,
			   (const char *)s->state[i].text.ptr);
	buf_printf(said, "%s%s%u %s\n", s->ansi_quotes ? "ansi " : "",
		   s->state_incomplete ? "incomplete " : "", s->open, s->database.text);
	return ERR_OK;
}

static void settings_become_statements(void **state)
{
	struct census_variable v[] = {
		{.name = SLICE_LIT("sql_mode"), .value = SLICE_LIT("ANSI_QUOTES,IGNORE_SPACE")},
		{.name = SLICE_LIT("transaction_isolation"), .value = SLICE_LIT("READ-COMMITTED")},
		{.name = SLICE_LIT("transaction_read_only"), .value = SLICE_LIT("ON")},
		{.name = SLICE_LIT("group_concat_max_len"), .value = SLICE_LIT("77")},
		{.name = SLICE_LIT("lc_time_names"), .value = SLICE_LIT("o'd")},
		{.name = SLICE_LIT("character_set_client"), .value = SLICE_LIT("latin1")},
		{.name = SLICE_LIT("character_set_results"), .value = SLICE_LIT("latin1")},
		{.name = SLICE_LIT("collation_connection"), .value = SLICE_LIT("latin1_bin")},
		{.name = SLICE_LIT("time_zone"), .value = SLICE_LIT("back\\slash")},
	};
	struct census_statement named = {.name = SLICE_LIT("p"), .text = SLICE_LIT("select '?'")};
	const size_t count = sizeof(v) / sizeof(v[0]);
	struct census_session *s;
	struct asked asked;
	struct buf said;
	struct talk t;

	(void)state;
	buf_init(&said, 1 << 16);
	begin(&t, 1, &asked);
	t.check.next = (struct event_sink){.event = put_state, .ctx = &said};
	tracker_set_census(t.tracker, census_of(1, 0, &s));
	for (size_t i = 0; i + 1 < count; i++)
		v[i].next = &v[i + 1];
	s->variables = v;
	s->statements = &named;
	s->idle = s->in_transaction = true;
	tell(&t, execution, 2);
	buf_put_u8(&said, 0);
	assert_string_equal((const char *)said.ptr,
			    "names: SET NAMES latin1 COLLATE latin1_bin\n"
			    "sql_mode,: SET SESSION sql_mode='ANSI_QUOTES,IGNORE_SPACE'\n"
			    "isolation: SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED\n"
			    "access: SET SESSION TRANSACTION READ ONLY\n"
			    "group_concat_max_len,: SET SESSION group_concat_max_len=77\n"
			    "lc_time_names,: SET SESSION lc_time_names='o''d'\n"
			    "prepare p: PREPARE `p` FROM 'select ''?'''\n"
			    "ansi incomplete 1 shop\n");
	talk_end(&t, STREAM_END_FIN);
	talk_release(&t);
	buf_release(&said);
}

static void no_allocation_that_fails_does_harm(void **state)
{
	struct census_variable v = {.name = SLICE_LIT("sql_mode"), .value = SLICE_LIT("")};
	struct census_statement st = {.id = 5, .text = SLICE_LIT("select ?")};
	struct census_session *s;
	struct asked asked;
	struct talk t;
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		begin(&t, 1, &asked);
		tracker_set_census(t.tracker, census_of(1, 0, &s));
		s->statements = &st;
		s->variables = &v;
		mem_fail_at(n);
		tell(&t, execution, 1);
		failed = mem_failed() > 0;
		mem_fail_at(0);
		CHECK(!failed || t.out_of_memory || tracker_error(t.tracker, NULL) == ERR_NOMEM ||
		      t.told.no_memory || t.text.no_memory);
		talk_end(&t, STREAM_END_FIN);
		talk_release(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_says_is_there_before_the_first_command),
		cmocka_unit_test(a_text_that_may_be_cut_is_not_known),
		cmocka_unit_test(what_was_heard_is_stronger),
		cmocka_unit_test(one_more_is_wanted_for_whom_the_first_does_not_know),
		cmocka_unit_test(settings_become_statements),
		cmocka_unit_test(no_allocation_that_fails_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
