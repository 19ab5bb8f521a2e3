/* Conversations told packet by packet: stages, events, meanings, violations, and what is not shown. */
#include "track_says.h"

static const struct tracker_options asked = {.max_statement = 1 << 20, .packets = true};

/* LINES packet by packet; behind a login with CAPS, which is not told, or JOINED. */
static void packets_are(bool joined, uint64_t caps, const struct line *lines, size_t count,
			const char *expected)
{
	struct talk t;

	CHECK(talk_begin_as(&t, !joined, &asked));
	if (!joined)
		talk_logged_in(&t, caps);
	buf_reset(&t.told);
	tell(&t, lines, count);
	check_told(&t, expected);
	CHECK(tracker_error(t.tracker, NULL) == ERR_OK);
	talk_release(&t);
}

#define PACKETS(caps, lines, expected)                                                             \
	packets_are(false, caps, lines, sizeof(lines) / sizeof(*(lines)), expected)

#define DO_1_SENT                                                                                  \
	"> 1 QUERY do 1 [shop]\n"                                                                  \
	"c 1 READY_FOR_COMMAND SEND_COMMAND command 5\n"
#define DO_1 DO_1_SENT "s 1 WAIT_FOR_RESULT PACKET_RECEIVED ok 7\n< 1 ok 1/0 err 0\n"

static void a_login_goes_through_its_stages(void **state)
{
	struct talk t;

	(void)state;
	CHECK(talk_begin_as(&t, true, &asked));
	talk_logged_in(&t, 0);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "- 0 CONNECTING CONNECTED connect 0\n"
		       "s 0 WAIT_FOR_INIT_PACKET INIT_PACKET_RECEIVED greeting 74\n"
		       "c 0 AUTHENTICATE SEND_AUTH_RESPONSE login 84\n"
		       "s 0 AUTHENTICATE AUTHENTICATED ok 7\n" SESSION "end fin\n");
	talk_release(&t);
}

static void a_result_has_definitions_and_rows(void **state)
{
	static const struct line old[] = {C(0, "\3select a"), S(1, "\1"),  S(2, COLUMN),
					  S(3, EOF_),         S(4, "\1x"), S(5, EOF_)};
	static const struct line new[] = {C(0, "\3select a"), S(1, "\1"), S(2, COLUMN), S(3, "\1x"),
					  S(4, "\xfe\0\0\2\0\0\0")};

	(void)state;
	PACKETS(OLD_END, old,
		"> 1 QUERY select a [shop]\n"
		"c 1 READY_FOR_COMMAND SEND_COMMAND command 9\n"
		"s 1 WAIT_FOR_RESULT PACKET_RECEIVED column_count 1\n"
		"s 1 WAIT_FOR_FIELD_DEF PACKET_RECEIVED field 23\n"
		"s 1 WAIT_FOR_FIELD_DEF PACKET_RECEIVED fields_end 5\n"
		"s 1 WAIT_FOR_ROW PACKET_RECEIVED row 2\n"
		"s 1 WAIT_FOR_ROW PACKET_RECEIVED rows_end 5\n"
		"< 1 resultset 1/1 err 0\n");
	PACKETS(NEW_END, new,
		"> 1 QUERY select a [shop]\n"
		"c 1 READY_FOR_COMMAND SEND_COMMAND command 9\n"
		"s 1 WAIT_FOR_RESULT PACKET_RECEIVED column_count 1\n"
		"s 1 WAIT_FOR_FIELD_DEF PACKET_RECEIVED field 23\n"
		"s 1 WAIT_FOR_ROW PACKET_RECEIVED row 2\n"
		"s 1 WAIT_FOR_ROW PACKET_RECEIVED rows_end 7\n"
		"< 1 resultset 1/1 err 0\n");
}

static void a_prepared_statement_is_described(void **state)
{
	static const struct line lines[] = {C(0, "\x16select ?"), S(1, PREPARED_1_1), S(2, COLUMN),
					    S(3, EOF_),           S(4, COLUMN),       S(5, EOF_),
					    C(0, "\x19\5\0\0\0")};

	(void)state;
	PACKETS(OLD_END, lines,
		"> 1 STMT_PREPARE select ? [shop]\n"
		"c 1 READY_FOR_COMMAND SEND_COMMAND command 9\n"
		"s 1 WAIT_FOR_PS_DESCRIPTION PACKET_RECEIVED prepared 12\n"
		"s 1 WAIT_FOR_PARAM_DEF PACKET_RECEIVED param 23\n"
		"s 1 WAIT_FOR_PARAM_DEF PACKET_RECEIVED params_end 5\n"
		"s 1 WAIT_FOR_FIELD_DEF PACKET_RECEIVED field 23\n"
		"s 1 WAIT_FOR_FIELD_DEF PACKET_RECEIVED fields_end 5\n"
		"< 1 prepared 1/0 err 0\n"
		"> 2 STMT_CLOSE select ? [shop]\n"
		"c 2 READY_FOR_COMMAND SEND_COMMAND command 5\n"
		"< 2 none 0/0 err 0\n");
}

static void a_file_is_asked_for_and_sent(void **state)
{
	static const struct line lines[] = {C(0, "\3load"),
					    S(1, "\xfb"
						 "f"),
					    C(2, "1\n2\n"), C(3, ""), S(4, OK)};

	(void)state;
	PACKETS(OLD_END, lines,
		"> 1 QUERY load [shop]\n"
		"c 1 READY_FOR_COMMAND SEND_COMMAND command 5\n"
		"s 1 WAIT_FOR_RESULT PACKET_RECEIVED file_request 2\n"
		"c 1 FILE_REQUEST SEND_FILE file_data 4\n"
		"data 1 4\n"
		"c 1 FILE_REQUEST SEND_FILE file_end 0\n"
		"data 1 0\n"
		"s 1 WAIT_FOR_RESULT PACKET_RECEIVED ok 7\n"
		"< 1 ok 1/0 err 0\n");
}

static void a_user_is_changed(void **state)
{
	static const struct line lines[] = {C(0, "\x11other\0\4pass"
						 "shop\0"),
					    S(1, "\1\3"), C(2, "password"), S(3, OK)};

	(void)state;
	PACKETS(OLD_END, lines,
		"> 1 CHANGE_USER other [shop]\n"
		"c 1 READY_FOR_COMMAND SEND_COMMAND command 17\n"
		"s 1 AUTHENTICATE PACKET_RECEIVED auth_more 2\n"
		"c 1 AUTHENTICATE SEND_AUTH_DATA auth_data 8\n"
		"s 1 AUTHENTICATE AUTHENTICATED ok 7\n"
		"< 1 ok 1/0 err 0\n");
}

static void commands_sent_ahead_are_legal(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), AHEAD(0, "\3do 2"), S(1, OK), S(1, OK)};

	(void)state;
	PACKETS(OLD_END, lines,
		DO_1_SENT "> 2 QUERY do 2 [shop]\n"
			  "c 2 READY_FOR_COMMAND SEND_COMMAND command 5\n"
			  "s 1 WAIT_FOR_RESULT PACKET_RECEIVED ok 7\n< 1 ok 1/0 err 0\n"
			  "s 2 WAIT_FOR_RESULT PACKET_RECEIVED ok 7\n< 2 ok 1/0 err 0\n");
}

static void an_idle_connection_may_be_told_why_it_ends(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), S(1, OK), S(0, ERROR_1064)};

	(void)state;
	PACKETS(OLD_END, lines, DO_1 "s 0 READY_FOR_COMMAND PACKET_RECEIVED error 14\n");
}

static void what_cannot_stand_there_is_a_violation(void **state)
{
	static const struct line sequence[] = {C(0, "\3do 1"), S(2, OK)};
	static const struct line answer[] = {C(0, "\3do 1"), S(1, "\xfc")};
	static const struct line unasked[] = {C(0, "\3do 1"), S(1, OK), S(2, OK)};
	static const struct line command[] = {C(3, "\3do 1")};
	static const struct line empty[] = {C(0, "")};

	(void)state;
	PACKETS(OLD_END, sequence,
		DO_1_SENT "s 1 WAIT_FOR_RESULT ERROR ok 7: its sequence id is not the next one\n"
			  "< 1 ok 1/0 err 0\n");
	PACKETS(OLD_END, answer, DO_1_SENT "s 1 ? ERROR unknown 1: no answer to what was asked\n");
	PACKETS(OLD_END, unasked, DO_1 "s 0 ? ERROR unknown 7: nothing was asked\n");
	PACKETS(OLD_END, command, "c 0 ? ERROR unknown 5: no command: its sequence id is not 0\n");
	PACKETS(OLD_END, empty, "c 0 ? ERROR unknown 0: no command: it is empty\n");
}

static void behind_a_hole_nothing_is_a_violation_until_both_are_in_step(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), LOST_S(1, OK),  C(0, "\3do 2"),
					    S(1, OK),       C(0, "\3do 3"), S(1, OK),
					    C(0, "\3do 4"), S(2, OK)};

	(void)state;
	PACKETS(OLD_END, lines,
		DO_1_SENT "gap s 11\n"
			  "< 1 lost 0/0 err 0\n"
			  "> 2 QUERY do 2 [shop]\n"
			  "c 2 READY_FOR_COMMAND SEND_COMMAND command 5\n"
			  "s 2 WAIT_FOR_RESULT PACKET_RECEIVED ok 7 doubtful\n"
			  "< 2 ok 1/0 err 0\n"
			  "> 3 QUERY do 3 [shop]\n"
			  "c 3 READY_FOR_COMMAND SEND_COMMAND command 5\n"
			  "s 3 WAIT_FOR_RESULT PACKET_RECEIVED ok 7\n"
			  "< 3 ok 1/0 err 0\n"
			  "> 4 QUERY do 4 [shop]\n"
			  "c 4 READY_FOR_COMMAND SEND_COMMAND command 5\n"
			  "s 4 WAIT_FOR_RESULT ERROR ok 7: its sequence id is not the next one\n"
			  "< 4 ok 1/0 err 0\n");
}

static void a_joined_session_has_no_violations(void **state)
{
	static const struct line lines[] = {S(7, "\xfc"), C(0, "\3do 1"), S(1, OK), S(9, "\xfc")};

	(void)state;
	packets_are(true, 0, lines, 4,
		    "joined session none @\n"
		    "> 1 QUERY do 1 [?]\n"
		    "c 1 READY_FOR_COMMAND SEND_COMMAND command 5\n"
		    "s 1 WAIT_FOR_RESULT PACKET_RECEIVED ok 7 doubtful\n"
		    "s 0 ? PACKET_RECEIVED unknown 1 doubtful\n");
}

/* ---- what is not shown ---- */

/* Gathers every payload and text. */
static enum err on_shown(void *ctx, const struct event *e, struct errinfo *info)
{
	struct buf *shown = ctx;

	(void)info;
	if (e->type != EVENT_PACKET)
		return ERR_OK;
	buf_put_slice(shown, e->packet->payload);
	buf_put_slice(shown, e->packet->text);
	return buf_err(shown);
}

static bool is_shown(const struct buf *shown, const char *text)
{
	return memmem(shown->ptr, shown->len, text, strlen(text)) != NULL;
}

/* What is shown of LINES behind a login, by a tracker that keeps MAX bytes of a statement. */
static void show(struct buf *shown, const struct line *lines, size_t count, size_t max)
{
	const struct tracker_options options = {.max_statement = max, .packets = true};
	struct talk t;

	buf_init(shown, 1 << 20);
	CHECK(talk_begin_as(&t, true, &options));
	t.check.next = (struct event_sink){.event = on_shown, .ctx = shown};
	talk_logged_in(&t, 0);
	tell(&t, lines, count);
	talk_release(&t);
}

static void logins_show_names_and_no_data(void **state)
{
	struct buf s;

	(void)state;
	show(&s, NULL, 0, 1 << 20);
	CHECK(is_shown(&s, "app") && is_shown(&s, "shop") && is_shown(&s, "caching_sha2_password"));
	CHECK(!is_shown(&s, "secret") && !is_shown(&s, "12345678") && !is_shown(&s, "9012"));
	buf_release(&s);
}

static void nothing_shows_a_password(void **state)
{
	static const struct line lines[] = {
		C(0, "\x11other\0\4Pa55"
		     "shop\0"),
		S(1, "\xfe"
		     "mysql_native_password\0"
		     "challenge_challenge_"),
		C(2, "Pa66"),
		S(3, "\1more"),
		C(4, "Pa77"),
		S(5, OK),
		C(0, "\3set password = 'geheim'"),
		S(1, "\xff\x28\x04#42000wrong near 'geheim'"),
		C(0,
		  "\3/"
		  "*...........................................................................*/ "
		  "set password = 'geheim'"),
		S(1, OK),
		C(0, "\3select password('geheim')"),
		S(1, "\1"),
		S(2, "\3def\0\0\0\6geheim\0\x0c\x3f\0\x14\0\0\0\x08\x80\0\0\0\0"),
		S(3, EOF_),
		S(4, "\7*geheim"),
		S(5, EOF_),
		C(0, "\x16"
		     "alter user x identified by ?"),
		S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
		S(2, COLUMN),
		S(3, EOF_),
		C(0, "\x18\5\0\0\0\0\0geheim"),
		C(0, "\x17\5\0\0\0\0\1\0\0\0\0\1\xfd\0\6geheim"),
		S(1, OK),
		C(3, "geheim"),
		C(0, "\3select 'open'"),
	};
	static const size_t limits[] = {1 << 20, 100}; /* the second cuts the longest */
	struct buf s;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		show(&s, lines, sizeof(lines) / sizeof(lines[0]), limits[i]);
		CHECK(is_shown(&s, "open") && is_shown(&s, "set password"));
		CHECK(!is_shown(&s, "Pa55") && !is_shown(&s, "Pa66") && !is_shown(&s, "Pa77"));
		CHECK(!is_shown(&s, "geheim") && !is_shown(&s, "gehei"));
		CHECK(!is_shown(&s, "challenge") && !is_shown(&s, "more"));
		buf_release(&s);
	}
}

static void nobody_is_told_who_did_not_ask(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), S(1, OK)};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	talk_logged_in(&t, 0);
	tell(&t, lines, 2);
	check_told(&t, SESSION "> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\n");
	talk_release(&t);
}

static void stages_follow_the_answer(void **state)
{
	static const struct {
		uint8_t command;
		enum packet_stage stage;
	} rows[] = {
		{MYP_COM_QUERY, STAGE_WAIT_FOR_RESULT},
		{MYP_COM_PING, STAGE_WAIT_FOR_RESULT},
		{MYP_COM_STMT_EXECUTE, STAGE_WAIT_FOR_RESULT},
		{MYP_COM_STMT_BULK_EXECUTE, STAGE_WAIT_FOR_RESULT},
		{MYP_COM_STMT_PREPARE, STAGE_WAIT_FOR_PS_DESCRIPTION},
		{MYP_COM_STMT_FETCH, STAGE_WAIT_FOR_ROW},
		{MYP_COM_FIELD_LIST, STAGE_WAIT_FOR_FIELD_DEF},
		{MYP_COM_STATISTICS, STAGE_WAIT_FOR_PACKET},
		{MYP_COM_CHANGE_USER, STAGE_AUTHENTICATE},
		{MYP_COM_QUIT, STAGE_READY_FOR_COMMAND},
		{MYP_COM_STMT_CLOSE, STAGE_READY_FOR_COMMAND},
		{MYP_COM_STMT_SEND_LONG_DATA, STAGE_READY_FOR_COMMAND},
	};
	struct myp_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		myp_answer_begin(&a, rows[i].command, 0);
		CHECK(packet_stage_of(&a) == rows[i].stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_goes_through_its_stages),
		cmocka_unit_test(a_result_has_definitions_and_rows),
		cmocka_unit_test(a_prepared_statement_is_described),
		cmocka_unit_test(a_file_is_asked_for_and_sent),
		cmocka_unit_test(a_user_is_changed),
		cmocka_unit_test(commands_sent_ahead_are_legal),
		cmocka_unit_test(an_idle_connection_may_be_told_why_it_ends),
		cmocka_unit_test(what_cannot_stand_there_is_a_violation),
		cmocka_unit_test(behind_a_hole_nothing_is_a_violation_until_both_are_in_step),
		cmocka_unit_test(a_joined_session_has_no_violations),
		cmocka_unit_test(logins_show_names_and_no_data),
		cmocka_unit_test(nothing_shows_a_password),
		cmocka_unit_test(nobody_is_told_who_did_not_ask),
		cmocka_unit_test(stages_follow_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
