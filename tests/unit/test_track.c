#include "track_says.h"

#include "base/mem.h"

/* ---- logins ---- */

static void login_is(const struct line *lines, size_t count, const char *expected)
{
	struct talk t;
	struct buf b;
	struct line greeting = {.who = 's'}, login = {.who = 'c', .sequence = 1};

	buf_init(&b, 1 << 12);
	CHECK(talk_begin(&t, true));
	greeting.payload = talk_greeting(MYP_CAP_CONNECT_WITH_DB, &b);
	talk_line(&t, &greeting);
	login.payload = talk_login(0, false, &b);
	talk_line(&t, &login);
	tell(&t, lines, count);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, expected);
	talk_release(&t);
	buf_release(&b);
}

static void a_login_ends_well_or_not(void **state)
{
	static const struct line good[] = {S(2, OK), C(0, "\1")};
	static const struct line refused[] = {S(2, "\xff\x15\x04#28000no")};
	static const struct line switched[] = {S(2, "\xfe"
						    "mysql_native_password\0"
						    "12345678901234567890\0"),
					       C(3, "12345678901234567890"), S(4, OK), C(0, "\x0e"),
					       S(1, OK)};
	static const struct line more[] = {S(2, "\1\4"), C(3, "password"), S(4, OK)};
	static const struct line unheard[] = {LOST_S(2, OK), C(0, "\3select 1"), S(1, OK)};

	(void)state;
	login_is(good, 2, SESSION "> 1 QUIT ? [shop]\n< 1 none 0/0 err 0\nend quit\n");
	login_is(refused, 1, "session error app@shop\nend fin\n");
	login_is(switched, 5, SESSION "> 1 PING ? [shop]\n< 1 ok 1/0 err 0\nend fin\n");
	login_is(more, 3, SESSION "end fin\n");
	login_is(unheard, 3,
		 "session none app@shop\n> 1 QUERY select 1 [shop]\n< 1 ok 1/0 err 0\nend fin\n");
	login_is(NULL, 0, "session none app@shop\nend fin\n");
}

static void tls_is_told_and_passed_over(void **state)
{
	struct line greeting = {.who = 's'}, request = {.who = 'c', .sequence = 1};
	static const struct line hello = RAW_C("\x16\3\1\0\5hello");
	struct talk t;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 12);
	CHECK(talk_begin(&t, true));
	greeting.payload = talk_greeting(MYP_CAP_SSL, &b);
	talk_line(&t, &greeting);
	request.payload = talk_login(MYP_CAP_SSL, true, &b);
	talk_line(&t, &request);
	talk_line(&t, &hello);
	talk_end(&t, STREAM_END_RESET);
	check_told(&t, "session tls @\nend reset\n");
	CHECK(tracker_coverage(t.tracker)->encrypted == 1);
	CHECK(tracker_coverage(t.tracker)->passed_bytes == 10);
	talk_release(&t);
	buf_release(&b);
}

static void a_lost_end_of_a_login_hides_no_compression(void **state)
{
	struct line greeting = {.who = 's'}, login = {.who = 'c', .sequence = 1};
	static const struct line rest[] = {LOST_S(2, OK), C(0, "\3select 1")};
	struct talk t;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 12);
	CHECK(talk_begin(&t, true));
	greeting.payload = talk_greeting(MYP_CAP_COMPRESS | MYP_CAP_CONNECT_WITH_DB, &b);
	talk_line(&t, &greeting);
	login.payload = talk_login(MYP_CAP_COMPRESS, false, &b);
	talk_line(&t, &login);
	tell(&t, rest, 2);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session none app@shop compressed\nend fin\n");
	CHECK(tracker_coverage(t.tracker)->compressed == 1);
	talk_release(&t);
	buf_release(&b);
}

static void an_error_in_place_of_the_greeting(void **state)
{
	static const struct line lines[] = {S(0, "\xff\x10\x04Too many connections")};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	tell(&t, lines, 1);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session error @\nend fin\n");
	talk_release(&t);
}

/* ---- commands and responses ---- */

static void texts_and_their_answers(void **state)
{
	static const struct line lines[] = {C(0, "\3select a"),
					    S(1, "\1"),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, "\1"
						 "7"),
					    S(5, "\xfb"),
					    S(6, EOF_),
					    C(0, "\3do 1; do 2"),
					    S(1, "\0\0\0\x0a\0\0\0"),
					    S(2, OK),
					    C(0, "\3wrong"),
					    S(1, ERROR_1064),
					    C(0, "\3select a"),
					    S(1, "\1"),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, "\1"
						 "7"),
					    S(5, ERROR_1064),
					    C(0, "\x09"),
					    S(1, "Uptime: 1"),
					    C(0, "\x55"),
					    S(1, ERROR_1064),
					    C(0, "\1")};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY select a [shop]\n< 1 resultset 1/2 err 0\n"
		     "> 2 QUERY do 1; do 2 [shop]\n< 2 ok 2/0 err 0\n"
		     "> 3 QUERY wrong [shop]\n< 3 error 1/0 err 1064\n"
		     "> 4 QUERY select a [shop]\n< 4 error 1/1 err 1064\n"
		     "> 5 STATISTICS ? [shop]\n< 5 string 0/0 err 0\n"
		     "> 6 unknown ? [shop]\n< 6 error 1/0 err 1064\n"
		     "> 7 QUIT ? [shop]\n< 7 none 0/0 err 0\nend quit\n");
}

/* Rows that come together are taken together; what is no row ends them. */
static void whole_answers_in_one_segment(void **state)
{
	static const struct line lines[] = {
		C(0, "\3select a"),
		RAW_S("\1\0\0\1\1\x17\0\0\2" COLUMN "\5\0\0\3" EOF_ "\2\0\0\4\1"
		      "7\1\0\0\5\xfb\1\0\0\6\0\5\0\0\7" EOF_),
		C(0, "\3select b"),
		RAW_S("\1\0\0\1\1\x17\0\0\2" COLUMN "\5\0\0\3" EOF_ "\2\0\0\4\1"
		      "7\x0e\0\0\5" ERROR_1064),
		C(0, "\x16select a+?"),
		RAW_S("\x0c\0\0\1" PREPARED_1_1 "\x17\0\0\2" COLUMN "\5\0\0\3" EOF_
		      "\x17\0\0\4" COLUMN "\5\0\0\5" EOF_),
		C(0, WITH_TYPE("\7")),
		RAW_S("\1\0\0\1\1\x17\0\0\2" COLUMN "\5\0\0\3" EOF_
		      "\x0a\0\0\4\0\0\1\0\0\0\0\0\0\0\x0a\0\0\5\0\0\2\0\0\0\0\0\0\0"
		      "\5\0\0\6" EOF_)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY select a [shop]\n< 1 resultset 1/3 err 0\n"
		     "> 2 QUERY select b [shop]\n< 2 error 1/1 err 1064\n"
		     "> 3 STMT_PREPARE select a+? [shop]\n< 3 prepared 1/0 err 0\n"
		     "> 4 STMT_EXECUTE select a+7 [shop]\n< 4 resultset 1/2 err 0\nend fin\n");
}

/* What cannot be a row of the answer is none among rows, either. */
static void a_packet_among_rows_that_is_none(void **state)
{
	static const struct line lines[] = {C(0, "\x16select a+?"),
					    S(1, PREPARED_1_1),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, COLUMN),
					    S(5, EOF_),
					    C(0, WITH_TYPE("\7")),
					    RAW_S("\1\0\0\1\1\x17\0\0\2" COLUMN "\5\0\0\3" EOF_
						  "\x0a\0\0\4\0\0\1\0\0\0\0\0\0\0\1\0\0\5\7"
						  "\x0a\0\0\6\0\0\2\0\0\0\0\0\0\0\5\0\0\7" EOF_),
					    C(0, "\x0e"),
					    S(1, OK)};

	(void)state;
	for (uint32_t spared = 0; spared <= EVENT_RESULTS; spared++) {
		struct talk t;

		CHECK(talk_begin(&t, true));
		tracker_spare(t.tracker, spared);
		talk_logged_in(&t, OLD_END);
		tell(&t, lines, sizeof(lines) / sizeof(*lines));
		talk_end(&t, STREAM_END_FIN);
		check_told(&t, SESSION "> 1 STMT_PREPARE select a+? [shop]\n"
				       "< 1 prepared 1/0 err 0\n"
				       "> 2 STMT_EXECUTE select a+7 [shop]\n"
				       "< 2 lost 1/1 err 0\n"
				       "> 3 PING ? [shop]\n< 3 ok 1/0 err 0\nend fin\n");
		talk_release(&t);
	}
}

static void the_new_end_of_results(void **state)
{
	static const struct line lines[] = {C(0, "\3select a"),
					    S(1, "\1"),
					    S(2, COLUMN),
					    S(3, "\1"
						 "7"),
					    S(4, "\xfe\0\0\2\0\0\0"),
					    C(0, "\x0e"),
					    S(1, OK)};

	(void)state;
	SAYS(NEW_END, lines,
	     SESSION "> 1 QUERY select a [shop]\n< 1 resultset 1/1 err 0\n"
		     "> 2 PING ? [shop]\n< 2 ok 1/0 err 0\nend fin\n");
}

static void prepared_statements(void **state)
{
	static const struct line lines[] = {
		C(0, "\x16select a+?"), S(1, PREPARED_1_1), S(2, COLUMN), S(3, EOF_), S(4, COLUMN),
		S(5, EOF_), C(0, WITH_TYPE("\7")), S(1, "\1"), S(2, COLUMN), S(3, EOF_),
		S(4, "\0\0\1\0\0\0\0\0\0\0"), S(5, EOF_), C(0, WITHOUT_TYPE("\x08")),
		S(1, ERROR_1064),
		/* with a cursor, and its rows */
		C(0, "\x17\5\0\0\0\1\1\0\0\0\0\0\x09\0\0\0"), S(1, "\1"), S(2, COLUMN),
		S(3, "\xfe\0\0\x42\0"), C(0, "\x1c\5\0\0\0\2\0\0\0"), S(1, "\0\0\1\0\0\0\0\0\0\0"),
		S(2, "\xfe\0\0\x82\0"), C(0, "\x1a\5\0\0\0"), S(1, OK),
		/* long data, which an execution uses up */
		C(0, "\x18\5\0\0\0\0\0"
		     "on"),
		C(0, "\x18\5\0\0\0\0\0"
		     "ce"),
		C(0, EXECUTE_5 "\0\1\xfe\0"), S(1, OK), C(0, "\x19\5\0\0\0"),
		C(0, WITHOUT_TYPE("\x08")), S(1, ERROR_1064)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 STMT_PREPARE select a+? [shop]\n< 1 prepared 1/0 err 0\n"
		     "> 2 STMT_EXECUTE select a+7 [shop]\n< 2 resultset 1/1 err 0\n"
		     "> 3 STMT_EXECUTE select a+8 [shop]\n< 3 error 1/0 err 1064\n"
		     "> 4 STMT_EXECUTE select a+9 [shop]\n< 4 resultset 1/0 err 0\n"
		     "> 5 STMT_FETCH select a+? [shop]\n< 5 resultset 1/1 err 0\n"
		     "> 6 STMT_RESET select a+? [shop]\n< 6 ok 1/0 err 0\n"
		     "> 7 STMT_SEND_LONG_DATA select a+? [shop]\n< 7 none 0/0 err 0\n"
		     "> 8 STMT_SEND_LONG_DATA select a+? [shop]\n< 8 none 0/0 err 0\n"
		     "> 9 STMT_EXECUTE select a+'once' [shop]\n< 9 ok 1/0 err 0\n"
		     "> 10 STMT_CLOSE select a+? [shop]\n< 10 none 0/0 err 0\n"
		     "> 11 STMT_EXECUTE ? [shop]\n< 11 error 1/0 err 1064\nend fin\n");
}

/* Types are kept all the same, for whoever wants values later. */
static void values_may_be_spared(void **state)
{
	static const struct line sent[] = {C(0, "\x16select a+?"),
					   S(1, PREPARED_1_1),
					   S(2, COLUMN),
					   S(3, EOF_),
					   S(4, COLUMN),
					   S(5, EOF_),
					   C(0, WITH_TYPE("\7")),
					   S(1, OK),
					   C(0, WITHOUT_TYPE("\x08")),
					   S(1, OK)};
	static const struct line wanted[] = {C(0, WITHOUT_TYPE("\x09")), S(1, OK)};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	tracker_spare(t.tracker, EVENT_VALUES | EVENT_RESULTS);
	talk_logged_in(&t, OLD_END);
	tell(&t, sent, sizeof(sent) / sizeof(*sent));
	tracker_spare(t.tracker, 0);
	tell(&t, wanted, sizeof(wanted) / sizeof(*wanted));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, SESSION "> 1 STMT_PREPARE select a+? [shop]\n< 1 prepared 1/0 err 0\n"
			       "> 2 STMT_EXECUTE select a+7 [shop]\n< 2 ok 1/0 err 0\n"
			       "> 3 STMT_EXECUTE ? [shop]\n< 3 ok 1/0 err 0\n"
			       "> 4 STMT_EXECUTE select a+9 [shop]\n< 4 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
}

static void prepared_and_executed_at_once(void **state)
{
	static const struct line lines[] = {
		C(0, "\x16select ?"),
		AHEAD(0, "\x17\xff\xff\xff\xff\0\1\0\0\0\0\1\3\0\7\0\0\0"),
		S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
		S(2, COLUMN),
		S(3, EOF_),
		S(1, OK),
		C(0, WITHOUT_TYPE("\x08")),
		S(1, OK),
		C(0, "\x17\xff\xff\xff\xff\0\1\0\0\0\0\0\x09\0\0\0"),
		S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 STMT_PREPARE select ? [shop]\n> 2 STMT_EXECUTE select 7 [shop]\n"
		     "< 1 prepared 1/0 err 0\n< 2 ok 1/0 err 0\n"
		     "> 3 STMT_EXECUTE select 8 [shop]\n< 3 ok 1/0 err 0\n"
		     "> 4 STMT_EXECUTE select 9 [shop]\n< 4 ok 1/0 err 0\nend fin\n");
}

static void local_infile(void **state)
{
	static const struct line lines[] = {C(0, "\3load"),
					    S(1, "\xfb"
						 "a.txt"),
					    C(2, "1\n2\n"), C(3, ""), S(4, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY load [shop]\ndata 1 4\ndata 1 0\n< 1 ok 1/0 err 0\nend fin\n");
}

/* Pieces are numbered on and on, and every 256th as a command is. */
static void a_long_local_infile(void **state)
{
	static const struct line load[] = {C(0, "\3load"), S(1, "\xfb"
								"a.txt")};
	static const struct line after[] = {C(0, "\3do 1"), S(1, OK)};
	const struct slice end = SLICE_LIT("data 1 0\n< 1 ok 1/0 err 0\n> 2 QUERY do 1 [shop]\n"
					   "< 2 ok 1/0 err 0\nend fin\n");
	struct slice told;
	struct talk t;
	uint8_t sequence = 2;

	(void)state;
	CHECK(talk_begin(&t, true));
	talk_logged_in(&t, OLD_END);
	tell(&t, load, 2);
	for (size_t i = 0; i < 600; i++, sequence++) {
		struct line piece = {
			.who = 'c', .sequence = sequence, .payload = SLICE_LIT("\3do nothing")};

		talk_line(&t, &piece);
	}
	talk_line(&t, &(struct line){.who = 'c', .sequence = sequence});
	talk_line(&t, &(struct line){.who = 's',
				     .sequence = (uint8_t)(sequence + 1),
				     .payload = SLICE_LIT(OK)});
	tell(&t, after, 2);
	talk_end(&t, STREAM_END_FIN);
	told = buf_slice(&t.told);
	CHECK(tracker_coverage(t.tracker)->commands == 2);
	CHECK(tracker_coverage(t.tracker)->lost_responses == 0);
	CHECK(tracker_coverage(t.tracker)->undecoded_bytes == 0);
	CHECK(told.len > end.len && slice_eq(slice_skip(told, told.len - end.len), end));
	talk_release(&t);
}

static void the_database_follows_what_succeeds(void **state)
{
	static const struct line lines[] = {C(0, "\3use `a b`"),
					    S(1, OK),
					    C(0, "\2other"),
					    S(1, OK),
					    C(0, "\2none"),
					    S(1, ERROR_1064),
					    C(0, "\3use x; wrong"),
					    S(1, "\0\0\0\x0a\0\0\0"),
					    S(2, ERROR_1064),
					    C(0, "\x0e"),
					    S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY use `a b` [shop]\n< 1 ok 1/0 err 0\n"
		     "> 2 INIT_DB other [a b]\n< 2 ok 1/0 err 0\n"
		     "> 3 INIT_DB none [other]\n< 3 error 1/0 err 1064\n"
		     "> 4 QUERY use x; wrong [other]\n< 4 error 2/0 err 1064\n"
		     "> 5 PING ? [x]\n< 5 ok 1/0 err 0\nend fin\n");
}

static void a_replica_is_passed_over(void **state)
{
	static const struct line lines[] = {C(0, "\x12\4\0\0\0\0\0\1\0\0\0bin.1"), S(1, "\0event"),
					    S(2, "\0event")};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 BINLOG_DUMP ? [shop]\n< 1 replication 0/0 err 0\nend fin\n");
}

static void a_server_may_say_why_it_leaves(void **state)
{
	static const struct line lines[] = {C(0, "\x0e"), S(1, OK), S(0, "\xff\xb9\x0fgone")};

	(void)state;
	SAYS(OLD_END, lines, SESSION "> 1 PING ? [shop]\n< 1 ok 1/0 err 0\nend fin\n");
}

static void a_server_may_refuse_a_command_before_it_is_whole(void **state)
{
	static const struct line lines[] = {
		RAW_C("\x14\0\0\0\3select "),
		S(1, "\xff\x81\4#08S01too long"),
		RAW_C("'0123456789'"),
	};
	struct talk t;

	(void)state;
	for (size_t count = 2; count <= 3; count++) {
		CHECK(talk_begin(&t, true));
		talk_logged_in(&t, OLD_END);
		tell(&t, lines, count);
		talk_end(&t, STREAM_END_FIN);
		check_told(&t, count == 2 ? SESSION "end fin\n"
					  : SESSION "> 1 QUERY select '0123456789' [shop]\n"
						    "< 1 lost 0/0 err 0\nend fin\n");
		CHECK(tracker_coverage(t.tracker)->orphan_responses == 0);
		CHECK(tracker_coverage(t.tracker)->undecoded_bytes == 0);
		talk_release(&t);
	}
}

static void commands_may_be_sent_ahead(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), AHEAD(0, "\3wrong"), AHEAD(0, "\3do 3"),
					    S(1, OK),       S(1, ERROR_1064),    S(1, OK),
					    C(0, "\3do 4")};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY do 1 [shop]\n> 2 QUERY wrong [shop]\n> 3 QUERY do 3 [shop]\n"
		     "< 1 ok 1/0 err 0\n< 2 error 1/0 err 1064\n< 3 ok 1/0 err 0\n"
		     "> 4 QUERY do 4 [shop]\n< 4 lost 0/0 err 0\nend fin\n");
}

static void too_many_commands_without_an_answer(void **state)
{
	static const struct line ping = AHEAD(0, "\x0e");
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	talk_logged_in(&t, OLD_END);
	for (int i = 0; i < 5000; i++)
		talk_line(&t, &ping);
	CHECK(tracker_coverage(t.tracker)->limits == 1);
	CHECK(tracker_coverage(t.tracker)->undecodable == 1);
	talk_end(&t, STREAM_END_FIN);
	talk_release(&t);
}

/* ---- memory ---- */

static bool survives(size_t n)
{
	static const struct line lines[] = {C(0, "\3set names utf8mb4"),
					    S(1, OK),
					    C(0, "\3use x"),
					    S(1, OK),
					    C(0, "\x16select ?"),
					    S(1, PREPARED_1_1),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, COLUMN),
					    S(5, EOF_),
					    C(0, "\x18\5\0\0\0\0\0"
						 "on"),
					    C(0, EXECUTE_5 "\0\1\xfe\0"),
					    S(1, "\1"),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, "\0\0\1\0\0\0\0\0\0\0"),
					    S(5, EOF_),
					    C(0, "\3prepare p from 'do 1'"),
					    S(1, OK),
					    C(0, "\x11root\0\0mysql\0\x2d\0"),
					    S(1, OK),
					    C(0, "\1")};
	struct talk t;
	bool whole;

	mem_fail_from(n);
	if (talk_begin(&t, true)) {
		talk_logged_in(&t, OLD_END);
		tell(&t, lines, sizeof(lines) / sizeof(*lines));
	}
	mem_fail_from(0);
	whole = t.conversation && !t.out_of_memory && tracker_error(t.tracker, NULL) == ERR_OK &&
		buf_err(&t.told) == ERR_OK;
	talk_release(&t);
	return whole;
}

static void memory_may_run_out_anywhere(void **state)
{
	size_t n = 1;

	(void)state;
	while (!survives(n))
		n++;
	CHECK(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_ends_well_or_not),
		cmocka_unit_test(tls_is_told_and_passed_over),
		cmocka_unit_test(a_lost_end_of_a_login_hides_no_compression),
		cmocka_unit_test(an_error_in_place_of_the_greeting),
		cmocka_unit_test(texts_and_their_answers),
		cmocka_unit_test(whole_answers_in_one_segment),
		cmocka_unit_test(a_packet_among_rows_that_is_none),
		cmocka_unit_test(the_new_end_of_results),
		cmocka_unit_test(prepared_statements),
		cmocka_unit_test(values_may_be_spared),
		cmocka_unit_test(prepared_and_executed_at_once),
		cmocka_unit_test(local_infile),
		cmocka_unit_test(a_long_local_infile),
		cmocka_unit_test(the_database_follows_what_succeeds),
		cmocka_unit_test(a_replica_is_passed_over),
		cmocka_unit_test(a_server_may_say_why_it_leaves),
		cmocka_unit_test(a_server_may_refuse_a_command_before_it_is_whole),
		cmocka_unit_test(commands_may_be_sent_ahead),
		cmocka_unit_test(too_many_commands_without_an_answer),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
