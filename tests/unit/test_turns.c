#include "check.h"

#include "base/mem.h"
#include "replay/turns.h"

enum {
	OPEN = MYP_STATUS_IN_TRANS | MYP_STATUS_AUTOCOMMIT,
	SHUT = MYP_STATUS_AUTOCOMMIT,
	UNKNOWN = -1
};

static const struct session session = {.id = 1};

/* A command of one session, and its answer. */
struct said {
	uint64_t n;
	const char *text;
	int64_t first_ns, last_ns; /* of the command's first byte, of the answer's last */
	int status;
	uint64_t after, turn; /* what is expected */
};

static uint64_t ask(struct turns_plan *p, struct turns_session *ts, const struct said *s)
{
	const struct command c = {.n = s->n,
				  .code = MYP_COM_QUERY,
				  .text = slice_cstr(s->text),
				  .text_known = true,
				  .first_ns = s->first_ns};

	return turns_command(p, ts, &session, &c).after;
}

static uint64_t answer(struct turns_plan *p, struct turns_session *ts, const struct said *s)
{
	const struct facts f = {.kind = s->status == UNKNOWN ? RESPONSE_ERROR : RESPONSE_OK,
				.status = (uint16_t)s->status,
				.status_known = s->status != UNKNOWN,
				.last_ns = s->last_ns};

	return turns_response(p, ts, s->n, &f);
}

static void one_after_the_other(enum order order, const struct said *said, size_t count)
{
	struct turns_plan p = {.order = order};
	struct turns_session ts = {.writes = 0};

	for (size_t i = 0; i < count; i++) {
		CHECK(ask(&p, &ts, &said[i]) == said[i].after);
		CHECK(answer(&p, &ts, &said[i]) == said[i].turn);
	}
}

static void a_session_s_own_order_needs_no_turns(void **state)
{
	static const struct said said[] = {{1, "commit", 10, 20, SHUT, 0, 0},
					   {2, "insert into t values (1)", 30, 40, SHUT, 0, 0}};

	(void)state;
	one_after_the_other(ORDER_SESSION, said, 2);
}

static void strict_order_counts_every_answer(void **state)
{
	static const struct said said[] = {{1, "select 1", 10, 20, SHUT, 0, 1},
					   {2, "wrong", 30, 40, UNKNOWN, 1, 2},
					   {3, "select 2", 50, 60, SHUT, 2, 3}};

	(void)state;
	one_after_the_other(ORDER_STRICT, said, 3);
}

static void commits_count_and_what_is_as_good(void **state)
{
	static const struct said said[] = {
		{1, "select 1", 10, 11, SHUT, 0, 0},
		{2, "insert into t values (1)", 20, 21, SHUT, 0, 1},
		{3, "begin", 30, 31, OPEN, 1, 0},
		{4, "select a from t where a = 1 for update", 40, 41, OPEN, 1, 2},
		{5, "commit and chain", 50, 51, OPEN, 2, 3},
		{6, "select 'for update'", 60, 61, OPEN, 3, 0},
		{7, "select wrong", 70, 71, UNKNOWN, 3, 0},
		{8, "rollback", 80, 81, SHUT, 3, 4},
		{9, "create table u (a int)", 90, 91, SHUT, 4, 5},
		{10, "select 1; insert into t values (2)", 100, 101, SHUT, 5, 6},
		{11, "insert into nowhere values (2)", 110, 111, UNKNOWN, 6, 7},
	};

	(void)state;
	one_after_the_other(ORDER_COMMIT, said, sizeof(said) / sizeof(*said));
}

/* The second began before the first was answered, though it is read behind that answer. */
static void what_overlaps_has_no_order(void **state)
{
	static const struct said first = {1, "insert into t values (1)", 10, 30, SHUT, 0, 0},
				 second = {1, "insert into t values (2)", 20, 40, SHUT, 0, 0},
				 third = {2, "select 1", 31, 50, SHUT, 0, 0};
	struct turns_plan p = {.order = ORDER_COMMIT};
	struct turns_session a = {.writes = 0}, b = {.writes = 0};

	(void)state;
	CHECK(ask(&p, &a, &first) == 0);
	CHECK(answer(&p, &a, &first) == 1);
	CHECK(ask(&p, &b, &second) == 0);
	CHECK(answer(&p, &b, &second) == 2);
	CHECK(ask(&p, &a, &third) == 1);
}

static void what_keeps_locks_goes_in_the_order_of_answers(void **state)
{
	static const struct said begin = {1, "begin", 10, 20, OPEN, 0, 0},
				 read = {2, "select 1", 30, 40, OPEN, 0, 0},
				 write = {3, "update t set a = 1", 50, 60, OPEN, 0, 1};
	struct turns_plan p = {.order = ORDER_COMMIT};
	struct turns_session ts = {.writes = 0};
	const struct command c = {.n = 4,
				  .code = MYP_COM_QUERY,
				  .text = SLICE_LIT("delete from t"),
				  .text_known = true,
				  .first_ns = 70};

	(void)state;
	CHECK(ask(&p, &ts, &begin) == 0 && answer(&p, &ts, &begin) == 0);
	CHECK(ask(&p, &ts, &read) == 0 && answer(&p, &ts, &read) == 0);
	CHECK(ask(&p, &ts, &write) == 0 && answer(&p, &ts, &write) == 1);
	CHECK(turns_command(&p, &ts, &session, &c).as_answered);
	ts = (struct turns_session){.writes = 0};
	CHECK(!turns_command(&p, &ts, &session, &c).as_answered); /* alone, it commits itself */
	ts.no_autocommit = true;
	CHECK(turns_command(&p, &ts, &session, &c).as_answered);
}

static void what_was_not_heard_may_have_written(void **state)
{
	const struct command c = {.n = 1, .code = MYP_COM_STMT_EXECUTE};
	const struct facts lost = {.kind = RESPONSE_LOST}, error = {.kind = RESPONSE_ERROR};
	struct turns_plan p = {.order = ORDER_COMMIT};
	struct turns_session ts = {.writes = 0};

	(void)state;
	CHECK(turns_command(&p, &ts, &session, &c).after == 0);
	CHECK(turns_response(&p, &ts, 1, &error) == 1);
	CHECK(turns_response(&p, &ts, 1, &lost) == 2);
}

static void turns_come_in_their_order(void **state)
{
	enum { COUNT = 20000, STEP = 7919 }; /* which has no divisor in common with COUNT */
	struct turns t;
	uint64_t reached = 2;
	bool moved = false;

	(void)state;
	CHECK(turns_init(&t) == ERR_OK);
	CHECK(turns_done(&t, 2, &moved) == ERR_OK && !moved && t.reached == 0);
	CHECK(turns_done(&t, 1, &moved) == ERR_OK && moved && t.reached == 2);
	for (uint64_t i = 0; i < COUNT; i++) {
		CHECK(turns_done(&t, 3 + i * STEP % COUNT, &moved) == ERR_OK);
		CHECK(t.reached >= reached);
		CHECK(moved == (t.reached > reached));
		reached = t.reached;
		moved = false;
	}
	CHECK(t.reached == COUNT + 2);
	turns_release(&t);
}

static void a_turn_for_which_is_no_memory_is_told(void **state)
{
	struct turns t;
	bool moved = false;

	(void)state;
	mem_fail_from(1);
	CHECK(turns_init(&t) == ERR_NOMEM);
	mem_fail_from(0);
	turns_release(&t);
	CHECK(turns_init(&t) == ERR_OK);
	mem_fail_from(1);
	CHECK(turns_done(&t, 1 << 20, &moved) == ERR_NOMEM);
	mem_fail_from(0);
	CHECK(turns_done(&t, 1, &moved) == ERR_OK && moved && t.reached == 1);
	turns_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_s_own_order_needs_no_turns),
		cmocka_unit_test(strict_order_counts_every_answer),
		cmocka_unit_test(commits_count_and_what_is_as_good),
		cmocka_unit_test(what_overlaps_has_no_order),
		cmocka_unit_test(what_keeps_locks_goes_in_the_order_of_answers),
		cmocka_unit_test(what_was_not_heard_may_have_written),
		cmocka_unit_test(turns_come_in_their_order),
		cmocka_unit_test(a_turn_for_which_is_no_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
