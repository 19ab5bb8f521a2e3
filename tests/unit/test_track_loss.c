#include "track_says.h"

/* ---- holes ---- */

static void a_lost_response_is_its_command_s_only(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"),   LOST_S(1, OK),  C(0, "\3wrong"),
					    S(1, ERROR_1064), C(0, "\3do 3"), S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY do 1 [shop]\ngap s 11\n< 1 lost 0/0 err 0\n"
		     "> 2 QUERY wrong [shop]\n< 2 error 1/0 err 1064\n"
		     "> 3 QUERY do 3 [shop]\n< 3 ok 1/0 err 0\nend fin\n");
}

static void a_lost_command_s_response_is_nobody_s(void **state)
{
	static const struct line lines[] = {LOST_C(0, "\3wrong"), S(1, ERROR_1064), C(0, "\3do 2"),
					    S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "gap c 10\n> 1 QUERY do 2 [shop]\n< 1 ok 1/0 err 0\nend fin\n");
}

static void a_lost_command_may_have_been_sent_ahead(void **state)
{
	static const struct line lines[] = {
		LOST_C(0, "\3wrong"), AHEAD(0, "\3do 2"), S(1, ERROR_1064), S(1, OK),
		C(0, "\3do 3"),       S(1, OK),           C(0, "\3do 4"),   S(1, OK),
		C(0, "\3do 5"),       S(1, OK),           C(0, "\3do 6"),   S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "gap c 10\n> 1 QUERY do 2 [shop]\n< 1 lost 0/0 err 0\n"
		     "> 2 QUERY do 3 [shop]\n< 2 lost 0/0 err 0\n> 3 QUERY do 4 [shop]\n"
		     "< 3 lost 0/0 err 0\n> 4 QUERY do 5 [shop]\n< 4 lost 0/0 err 0\n"
		     "> 5 QUERY do 6 [shop]\n< 5 ok 1/0 err 0\nend fin\n");
}

static void a_client_that_sent_ahead_once_is_in_turn_when_one_waits(void **state)
{
	static const struct line lines[] = {
		C(0, "\3do 1"),  AHEAD(0, "\3do 2"), S(1, OK),        S(1, OK),
		C(0, "\3do 3"),  LOST_S(1, OK),      C(0, "\3wrong"), S(1, ERROR_1064),
		C(0, "\3do 5"),  AHEAD(0, "\3do 6"), LOST_S(1, OK),   S(1, OK),
		C(0, "\3wrong"), S(1, ERROR_1064),   C(0, "\3do 8"),  S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY do 1 [shop]\n> 2 QUERY do 2 [shop]\n< 1 ok 1/0 err 0\n"
		     "< 2 ok 1/0 err 0\n> 3 QUERY do 3 [shop]\ngap s 11\n< 3 lost 0/0 err 0\n"
		     "> 4 QUERY wrong [shop]\n< 4 error 1/0 err 1064\n> 5 QUERY do 5 [shop]\n"
		     "> 6 QUERY do 6 [shop]\ngap s 11\n< 5 lost 0/0 err 0\n< 6 lost 0/0 err 0\n"
		     "> 7 QUERY wrong [shop]\n< 7 lost 0/0 err 0\n> 8 QUERY do 8 [shop]\n"
		     "< 8 ok 1/0 err 0\nend fin\n");
}

static void two_in_a_row_wait_for_what_comes_next(void **state)
{
	/* The client had one answer when it sent two more, and each further one when it had another. */
	static const struct line lines[] = {
		C(0, "\3do 1"),   LOST_S(1, OK),   C(0, "\3wrong"), AHEAD(0, "\3do 3"),
		S(1, ERROR_1064), C(0, "\3do 4"),  S(1, OK),        C(0, "\3do 5"),
		S(1, OK),         C(0, "\3wrong"), S(1, OK),        S(1, ERROR_1064),
	};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 QUERY do 1 [shop]\ngap s 11\n< 1 lost 0/0 err 0\n> 2 QUERY wrong [shop]\n"
		     "< 2 lost 0/0 err 0\n> 3 QUERY do 3 [shop]\n< 3 lost 0/0 err 0\n"
		     "> 4 QUERY do 4 [shop]\n< 4 lost 0/0 err 0\n> 5 QUERY do 5 [shop]\n"
		     "< 5 lost 0/0 err 0\n> 6 QUERY wrong [shop]\n< 6 lost 0/0 err 0\nend fin\n");
}

static void what_comes_behind_a_held_response_refutes_it(void **state)
{
	/* Two are lost, the first is answered before the third is sent: its answer seems to be the third's. */
	static const struct line lines[] = {LOST_C(0, "\3wrong"),
					    LOST_C(0, "\3do 2"),
					    S(1, OK),
					    C(0, "\3do 3"),
					    S(1, ERROR_1064),
					    S(1, OK),
					    C(0, "\3do 4"),
					    S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "gap c 10\ngap c 9\n> 1 QUERY do 3 [shop]\n< 1 lost 0/0 err 0\n"
		     "> 2 QUERY do 4 [shop]\n< 2 ok 1/0 err 0\nend fin\n");
}

static void a_hole_inside_a_statement_leaves_the_next_its_place(void **state)
{
	static const struct line lines[] = {RAW_C("\x11\0\0\0\3select"),
					    HOLE_C(" 'lost"),
					    RAW_C("123'\1\0\0\0\x0e"),
					    S(1, OK),
					    S(1, OK),
					    C(0, "\3do 3"),
					    S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "gap c 6\n> 1 PING ? [shop]\n< 1 lost 0/0 err 0\n"
		     "> 2 QUERY do 3 [shop]\n< 2 lost 0/0 err 0\nend fin\n");
}

static void types_and_long_data_behind_a_hole_are_in_doubt(void **state)
{
	static const struct line lines[] = {C(0, "\x16insert ?"),
					    S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
					    S(2, COLUMN),
					    S(3, EOF_),
					    C(0, WITH_TYPE("\7")),
					    S(1, OK),
					    LOST_C(0, WITH_TYPE("\x08")),
					    S(1, OK),
					    C(0, WITHOUT_TYPE("\x09")),
					    S(1, OK),
					    C(0, WITH_TYPE("\x0a")),
					    S(1, OK),
					    C(0, "\x18\5\0\0\0\0\0"
						 "ha"),
					    LOST_C(0, "\x18\5\0\0\0\0\0"
						      "lf"),
					    C(0, EXECUTE_5 "\0\1\xfc\0"),
					    S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 STMT_PREPARE insert ? [shop]\n< 1 prepared 1/0 err 0\n"
		     "> 2 STMT_EXECUTE insert 7 [shop]\n< 2 ok 1/0 err 0\n"
		     "gap c 22\n> 3 STMT_EXECUTE ? [shop]\n< 3 ok 1/0 err 0\n"
		     "> 4 STMT_EXECUTE insert 10 [shop]\n< 4 ok 1/0 err 0\n"
		     "> 5 STMT_SEND_LONG_DATA insert ? [shop]\n< 5 none 0/0 err 0\n"
		     "gap c 13\n> 6 STMT_EXECUTE ? [shop]\n< 6 lost 0/0 err 0\nend fin\n");
}

/* ---- joined sessions ---- */

static void a_session_is_joined_at_a_command(void **state)
{
	static const struct line lines[] = {RAW_C("middle of a statement"),
					    S(4, "\1"
						 "7"),
					    S(5, EOF_),
					    C(0, "\3do 1"),
					    S(1, OK),
					    C(0, "\2db"),
					    S(1, OK),
					    C(0, WITH_TYPE("\7")),
					    S(1, OK)};

	(void)state;
	JOINS(lines, "joined session none @\n> 1 QUERY do 1 [?]\n< 1 ok 1/0 err 0\n"
		     "> 2 INIT_DB db [?]\n< 2 ok 1/0 err 0\n"
		     "> 3 STMT_EXECUTE ? [db]\n< 3 ok 1/0 err 0\nend fin\n");
}

/* The EOF behind a statement's parameters, which is not heard, may still have been there. */
static void what_is_in_a_hole_says_nothing_of_how_results_end(void **state)
{
	static const struct line lines[] = {C(0, "\x16insert ?"),
					    S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
					    S(2, COLUMN),
					    LOST_S(3, EOF_),
					    C(0, "\3do 1"),
					    S(1, OK),
					    C(0, "\3select a"),
					    S(1, "\1"),
					    S(2, COLUMN),
					    S(3, EOF_),
					    S(4, "\1"
						 "7"),
					    S(5, EOF_),
					    C(0, "\x0e"),
					    S(1, OK)};

	(void)state;
	JOINS(lines, "joined session none @\n> 1 STMT_PREPARE insert ? [?]\ngap s 9\n"
		     "< 1 lost 0/0 err 0\n> 2 QUERY do 1 [?]\n< 2 ok 1/0 err 0\n"
		     "> 3 QUERY select a [?]\n< 3 resultset 1/1 err 0\n"
		     "> 4 PING ? [?]\n< 4 ok 1/0 err 0\nend fin\n");
}

/* A stored frame of a compressed session, after its first segment ended behind its head. */
static void what_no_client_says_shows_that_no_command_began(void **state)
{
	static const struct line lines[] = {
		RAW_C("\5\0\0\0\3do 1"),
		S(1, OK),
		RAW_C("\x09\0\0\0\0\0\0\5\0\0\0\3do 2"),
	};

	(void)state;
	JOINS(lines, "joined session none @\n> 1 QUERY do 1 [?]\n< 1 lost 0/0 err 0\nend fin\n");
}

/* CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION; no authentication data. */
#define HANDSHAKE(filler) "\x08\x82\0\0\0\0\0\1\x21" filler "app\0\0shop"
#define ZEROS_19 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void a_login_without_its_greeting_says_who_it_is(void **state)
{
	static const struct line joined[] = {C(1, HANDSHAKE(ZEROS_19 "\0\0\0\0")), C(0, "\3do 1"),
					     S(1, OK)};
	static const struct line hole[] = {LOST_S(0, "a greeting"),
					   C(1, HANDSHAKE(ZEROS_19 "\x1d\0\0\0")), C(0, "\3do 1"),
					   S(1, OK)};
	static const struct line no_login[] = {C(2, HANDSHAKE(ZEROS_19 "\0\0\0\0")),
					       C(1, HANDSHAKE("\1" ZEROS_19 "\0\0\0")),
					       C(0, "\3do 1"), S(1, OK)};
	struct talk t;

	(void)state;
	JOINS(joined, "joined session none app@shop\n> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\n"
		      "end fin\n");
	JOINS(no_login, "joined session none @\n> 1 QUERY do 1 [?]\n< 1 ok 1/0 err 0\nend fin\n");
	CHECK(talk_begin(&t, true));
	tell(&t, hole, sizeof(hole) / sizeof(*hole));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session none app@shop\n> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\nend fin\n");
	CHECK(tracker_coverage(t.tracker)->undecoded_bytes == 0);
	talk_release(&t);
}

static void a_greeting_may_be_lost_without_a_hole(void **state)
{
	static const struct line lines[] = {C(1, "\x0d\xa2\x3b\0 and so on"), S(2, OK),
					    C(0, "\3do 1"), S(1, OK)};
	static const struct line server[] = {S(2, OK), C(0, "\3do 1"), S(1, OK)};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	tell(&t, lines, sizeof(lines) / sizeof(*lines));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session none @\n> 1 QUERY do 1 [?]\n< 1 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
	CHECK(talk_begin(&t, true));
	tell(&t, server, sizeof(server) / sizeof(*server));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session none @\n> 1 QUERY do 1 [?]\n< 1 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
}

static void how_results_end_is_found_out(void **state)
{
	static const struct line new_end[] = {C(0, "\3select a"),
					      S(1, "\1"),
					      S(2, COLUMN),
					      S(3, "\1"
						   "7"),
					      S(4, "\xfe\0\0\2\0\0\0"),
					      C(0, "\3select a"),
					      S(1, "\1"),
					      S(2, COLUMN),
					      S(3, "\xfe\0\0\2\0\0\0"),
					      C(0, "\x0e"),
					      S(1, OK)};
	static const struct line prepare[] = {C(0, "\x16select 1"),
					      S(1, "\0\5\0\0\0\1\0\0\0\0\0\0"), S(2, COLUMN),
					      C(0, "\x0e"), S(1, OK)};
	static const struct line attributes[] = {C(0, "\3\0\1select 1"), S(1, OK)};
	static const struct line extended[] = {
		C(0, "\3select a"),
		S(1, "\1"),
		S(2, "\3def\0\0\0\1a\0\6\0\4json\x0c\x3f\0\x14\0\0\0\x08\x80\0\0\0\0"),
		S(3, EOF_),
		S(4, EOF_),
		C(0, "\x0e"),
		S(1, OK)};
	static const struct line metadata[] = {
		C(0, "\3select a"), S(1, "\1\1"), S(2, COLUMN), S(3, EOF_),
		S(4, EOF_),         C(0, "\x0e"), S(1, OK)};

	(void)state;
	JOINS(new_end, "joined session none @\n> 1 QUERY select a [?]\n< 1 resultset 1/1 err 0\n"
		       "> 2 QUERY select a [?]\n< 2 resultset 1/0 err 0\n> 3 PING ? [?]\n< 3 ok "
		       "1/0 err 0\nend fin\n");
	JOINS(prepare,
	      "joined session none @\n> 1 STMT_PREPARE select 1 [?]\n< 1 prepared 1/0 err 0\n"
	      "> 2 PING ? [?]\n< 2 ok 1/0 err 0\nend fin\n");
	JOINS(attributes,
	      "joined session none @\n> 1 QUERY select 1 [?]\n< 1 ok 1/0 err 0\nend fin\n");
	JOINS(extended, "joined session none @\n> 1 QUERY select a [?]\n< 1 resultset 1/0 err 0\n"
			"> 2 PING ? [?]\n< 2 ok 1/0 err 0\nend fin\n");
	JOINS(metadata, "joined session none @\n> 1 QUERY select a [?]\n< 1 resultset 1/0 err 0\n"
			"> 2 PING ? [?]\n< 2 ok 1/0 err 0\nend fin\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_response_is_its_command_s_only),
		cmocka_unit_test(a_lost_command_s_response_is_nobody_s),
		cmocka_unit_test(a_lost_command_may_have_been_sent_ahead),
		cmocka_unit_test(a_client_that_sent_ahead_once_is_in_turn_when_one_waits),
		cmocka_unit_test(two_in_a_row_wait_for_what_comes_next),
		cmocka_unit_test(what_comes_behind_a_held_response_refutes_it),
		cmocka_unit_test(a_hole_inside_a_statement_leaves_the_next_its_place),
		cmocka_unit_test(types_and_long_data_behind_a_hole_are_in_doubt),
		cmocka_unit_test(a_session_is_joined_at_a_command),
		cmocka_unit_test(what_is_in_a_hole_says_nothing_of_how_results_end),
		cmocka_unit_test(what_no_client_says_shows_that_no_command_began),
		cmocka_unit_test(a_login_without_its_greeting_says_who_it_is),
		cmocka_unit_test(a_greeting_may_be_lost_without_a_hole),
		cmocka_unit_test(how_results_end_is_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
