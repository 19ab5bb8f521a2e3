/* What becomes of the commands that wait when a session ends: was an answer missed, or was there none? */
#include "track_says.h"

#define ASKED "> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\n> 2 QUERY select a [shop]\n"

/* LINES in a session, joined or not, that ends by END: what is told of it, and how that is counted. */
static void ends(const struct line *lines, size_t count, bool joined, enum stream_end end,
		 const char *expected)
{
	bool unanswered = strstr(expected, "unanswered") != NULL;
	struct talk t;

	CHECK(talk_begin(&t, !joined));
	if (!joined)
		talk_logged_in(&t, OLD_END);
	tell(&t, lines, count);
	talk_end(&t, end);
	check_told(&t, expected);
	CHECK(tracker_coverage(t.tracker)->unanswered == unanswered);
	CHECK(tracker_coverage(t.tracker)->lost_responses == !unanswered);
	talk_release(&t);
}

#define ENDS(lines, joined, end, expected)                                                         \
	ends(lines, sizeof(lines) / sizeof(*(lines)), joined, end, expected)

static const struct line ASKS[] = {C(0, "\3do 1"), S(1, OK), C(0, "\3select a")};

static void a_connection_that_ends_leaves_no_answer_to_be_missed(void **state)
{
	(void)state;
	ENDS(ASKS, false, STREAM_END_FIN, SESSION ASKED "< 2 unanswered 0/0 err 0\nend fin\n");
	ENDS(ASKS, false, STREAM_END_RESET, SESSION ASKED "< 2 unanswered 0/0 err 0\nend reset\n");
	ENDS(ASKS, false, STREAM_END_CAPTURE,
	     SESSION ASKED "< 2 unanswered 0/0 err 0\nend capture\n");
}

static void an_answer_may_be_cut(void **state)
{
	static const struct line lines[] = {C(0, "\3do 1"), S(1, OK),     C(0, "\3select a"),
					    S(1, "\1"),     S(2, COLUMN), S(3, EOF_),
					    S(4, "\0017")};

	(void)state;
	ENDS(lines, false, STREAM_END_RESET, SESSION ASKED "< 2 unanswered 1/1 err 0\nend reset\n");
}

/* Nobody heard the end, so nobody knows what came before it. */
static void an_end_that_was_not_heard_proves_nothing(void **state)
{
	(void)state;
	ENDS(ASKS, false, STREAM_END_TIMEOUT, SESSION ASKED "< 2 lost 0/0 err 0\nend timeout\n");
	ENDS(ASKS, false, STREAM_END_REUSED, SESSION ASKED "< 2 lost 0/0 err 0\nend fin\n");
}

static void what_the_server_said_and_was_not_heard_may_be_the_answer(void **state)
{
	static const struct line hole[] = {C(0, "\3do 1"), S(1, OK), C(0, "\3select a"),
					   LOST_S(1, OK)};
	static const struct line part[] = {C(0, "\3do 1"), S(1, OK),     C(0, "\3select a"),
					   S(1, "\1"),     S(2, COLUMN), LOST_S(3, EOF_)};
	static const struct line command[] = {C(0, "\3do 1"), S(1, OK), C(0, "\3select a"),
					      LOST_C(0, "\3do 3")};

	(void)state;
	ENDS(hole, false, STREAM_END_FIN, SESSION ASKED "gap s 11\n< 2 lost 0/0 err 0\nend fin\n");
	ENDS(part, false, STREAM_END_RESET,
	     SESSION ASKED "gap s 9\n< 2 lost 1/0 err 0\nend reset\n");
	ENDS(command, false, STREAM_END_FIN,
	     SESSION ASKED "gap c 9\n< 2 lost 0/0 err 0\nend fin\n");
}

static void of_a_joined_session_acknowledgements_tell(void **state)
{
	static const struct line one[] = {C(0, "\3do 1")};
	static const struct line heard[] = {C(0, "\3do 1"), S(1, "\1")};
	struct stream_chunk chunk = {.time_ns = 1, .frame = 1, .acked = STREAM_ACK_UNKNOWN};
	struct talk t;

	(void)state;
	ENDS(one, true, STREAM_END_RESET,
	     "joined session none @\n> 1 QUERY do 1 [?]\n< 1 unanswered 0/0 err 0\nend reset\n");
	ENDS(heard, true, STREAM_END_RESET,
	     "joined session none @\n> 1 QUERY do 1 [?]\n< 1 lost 0/0 err 0\nend reset\n");
	CHECK(talk_begin(&t, false));
	chunk.bytes = SLICE_LIT("\5\0\0\0\3do 1");
	t.handler.chunk(t.handler.ctx, t.conversation, &chunk);
	t.frame = 1;
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "joined session none @\n> 1 QUERY do 1 [?]\n< 1 lost 0/0 err 0\nend fin\n");
	talk_release(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_ends_leaves_no_answer_to_be_missed),
		cmocka_unit_test(an_answer_may_be_cut),
		cmocka_unit_test(an_end_that_was_not_heard_proves_nothing),
		cmocka_unit_test(what_the_server_said_and_was_not_heard_may_be_the_answer),
		cmocka_unit_test(of_a_joined_session_acknowledgements_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
