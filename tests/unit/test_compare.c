#include "check.h"

#include "replay/apart.h"
#include "sql/depends.h"

static struct facts rows(uint64_t count, uint64_t ordered, uint64_t unordered)
{
	return (struct facts){
		.kind = RESPONSE_ROWS,
		.columns = 2,
		.names_known = true,
		.results = 1,
		.rows = count,
		.sum_known = true,
		.sum = {.ordered = ordered, .unordered = unordered},
	};
}

static struct facts error(uint16_t code)
{
	return (struct facts){.kind = RESPONSE_ERROR, .error_code = code};
}

static enum verdict compare(struct facts recorded, struct facts replayed)
{
	return compare_facts(&recorded, &replayed);
}

static void errors_are_new_gone_or_changed(void **state)
{
	(void)state;
	CHECK(compare(rows(1, 1, 1), error(1146)) == VERDICT_ERROR_NEW);
	CHECK(compare(error(1146), rows(1, 1, 1)) == VERDICT_ERROR_GONE);
	CHECK(compare(error(1146), error(1064)) == VERDICT_ERROR_CHANGED);
	CHECK(compare(error(1146), error(1146)) == VERDICT_SAME);
}

static void what_depends_on_chance_is_no_error(void **state)
{
	(void)state;
	CHECK(compare(rows(1, 1, 1), error(1213)) == VERDICT_DEADLOCK_REPLAYED);
	CHECK(compare(error(1213), rows(1, 1, 1)) == VERDICT_DEADLOCK_RECORDED);
	CHECK(compare(error(1213), error(1205)) == VERDICT_LOCK_WAIT_REPLAYED);
	CHECK(compare(error(1205), rows(1, 1, 1)) == VERDICT_LOCK_WAIT_RECORDED);
	CHECK(compare(error(1213), error(1146)) == VERDICT_DEADLOCK_RECORDED);
	CHECK(compare(error(1317), rows(1, 1, 1)) == VERDICT_KILLED_RECORDED);
	CHECK(compare(error(1213), error(1213)) == VERDICT_SAME);
	CHECK(!verdict_differs(VERDICT_DEADLOCK_REPLAYED) && verdict_differs(VERDICT_ERROR_NEW));
}

static void rows_differ_in_number_columns_values_or_order(void **state)
{
	struct facts named = rows(2, 1, 1), unknown = rows(2, 9, 9), affected = rows(2, 1, 1);

	(void)state;
	named.names = 5;
	unknown.sum_known = false;
	unknown.names_known = false;
	affected.affected_rows = 1;
	CHECK(compare(rows(2, 1, 1), rows(2, 1, 1)) == VERDICT_SAME);
	CHECK(compare(rows(2, 1, 1), rows(3, 1, 1)) == VERDICT_OTHER_ROW_COUNT);
	CHECK(compare(rows(2, 1, 1), rows(2, 2, 1)) == VERDICT_OTHER_ORDER);
	CHECK(compare(rows(2, 1, 1), rows(2, 2, 2)) == VERDICT_OTHER_VALUES);
	CHECK(compare(rows(2, 1, 1), named) == VERDICT_OTHER_COLUMNS);
	CHECK(compare(rows(2, 1, 1), unknown) == VERDICT_SAME);
	CHECK(compare(rows(2, 1, 1), affected) == VERDICT_OTHER_AFFECTED);
	affected = rows(2, 1, 1);
	affected.insert_id = 8;
	CHECK(compare(rows(2, 1, 1), affected) == VERDICT_OTHER_INSERT_ID);
}

static void what_was_not_heard_is_not_compared(void **state)
{
	struct facts lost = {.kind = RESPONSE_LOST}, none = {.kind = RESPONSE_NONE};
	struct facts ok = {.kind = RESPONSE_OK, .results = 1}, warned = ok;

	(void)state;
	warned.warnings = 1;
	CHECK(compare(lost, error(1146)) == VERDICT_NOT_COMPARED);
	CHECK(compare(none, none) == VERDICT_NO_ANSWER);
	CHECK(compare(ok, rows(0, 0, 0)) == VERDICT_OTHER_KIND);
	CHECK(compare(ok, warned) == VERDICT_OTHER_WARNINGS);
}

static void only_floats_and_kinds_of_types_are_told_apart(void **state)
{
	struct facts a = rows(2, 1, 1), b = rows(2, 2, 2);

	(void)state;
	a.has_floats = b.has_floats = true;
	a.but_floats = b.but_floats = 7;
	CHECK(compare(a, b) == VERDICT_OTHER_FLOATS);
	b.but_floats = 8;
	CHECK(compare(a, b) == VERDICT_OTHER_VALUES);
	b = a;
	b.types = 1;
	CHECK(compare(a, b) == VERDICT_OTHER_TYPES);
}

static struct facts error_of(uint16_t code, const char *sqlstate)
{
	struct facts f = error(code);

	(void)snprintf(f.sqlstate, sizeof(f.sqlstate), "%s", sqlstate);
	return f;
}

static void another_sqlstate_is_another_error(void **state)
{
	(void)state;
	CHECK(compare(error_of(1, "42S02"), error_of(1, "42000")) == VERDICT_ERROR_CHANGED);
	CHECK(compare(error_of(1, "42S02"), error_of(1, "42S02")) == VERDICT_SAME);
	CHECK(compare(error_of(1, "42S02"), error_of(1, "HY000")) == VERDICT_SAME);
	CHECK(compare(error_of(1, ""), error_of(1, "42S02")) == VERDICT_SAME);
}

static enum apart why(enum verdict v, struct evidence e)
{
	const struct facts a = rows(1, 1, 1), b = rows(1, 2, 2);

	return apart_why(v, &a, &b, &e);
}

static void the_statement_s_words_are_a_reason(void **state)
{
	const struct evidence clock = {.depends = SQL_DEPENDS_CLOCK}, none = {.depends = 0};
	const struct evidence server = {.depends = SQL_DEPENDS_SERVER};

	(void)state;
	CHECK(why(VERDICT_OTHER_VALUES, clock) == APART_CLOCK);
	CHECK(why(VERDICT_OTHER_AFFECTED, clock) == APART_CLOCK);
	CHECK(why(VERDICT_OTHER_VALUES, none) == NOT_APART);
	CHECK(why(VERDICT_OTHER_COLUMNS, clock) == NOT_APART);
	CHECK(why(VERDICT_OTHER_COLUMNS, server) == APART_SERVER);
	CHECK(why(VERDICT_ERROR_NEW, clock) == NOT_APART);
	CHECK(why(VERDICT_SAME, clock) == NOT_APART);
}

static void an_order_that_nobody_asked_for_is_none(void **state)
{
	(void)state;
	CHECK(why(VERDICT_OTHER_ORDER, (struct evidence){.depends = SQL_DEPENDS_ANY_ORDER}) ==
	      APART_ANY_ORDER);
	CHECK(why(VERDICT_OTHER_ORDER, (struct evidence){.depends = 0}) == NOT_APART);
	CHECK(why(VERDICT_OTHER_VALUES, (struct evidence){.depends = SQL_DEPENDS_ANY_ORDER}) ==
	      NOT_APART);
}

static void ids_are_apart_when_several_sessions_draw_them(void **state)
{
	struct evidence e = {.own_ids_differ = true, .ids_differ = true};
	struct facts a = rows(1, 1, 1), b = rows(1, 2, 2);

	(void)state;
	CHECK(why(VERDICT_OTHER_INSERT_ID, e) == NOT_APART);
	e.among_others = true;
	CHECK(why(VERDICT_OTHER_INSERT_ID, e) == APART_AUTO_INCREMENT);
	CHECK(why(VERDICT_OTHER_VALUES, e) == NOT_APART);
	a.has_ids = b.has_ids = true;
	a.but_ids = b.but_ids = 3;
	CHECK(apart_why(VERDICT_OTHER_VALUES, &a, &b, &e) == APART_AUTO_INCREMENT);
	b.but_ids = 4;
	CHECK(apart_why(VERDICT_OTHER_VALUES, &a, &b, &e) == NOT_APART);
	e.depends = SQL_DEPENDS_INSERT_ID;
	CHECK(apart_why(VERDICT_OTHER_VALUES, &a, &b, &e) == APART_AUTO_INCREMENT);
	e.own_ids_differ = false;
	CHECK(apart_why(VERDICT_OTHER_VALUES, &a, &b, &e) == NOT_APART);
}

static void another_run_is_a_reason_for_everything_that_differs(void **state)
{
	const struct evidence e = {.unstable = true};

	(void)state;
	CHECK(why(VERDICT_OTHER_VALUES, e) == APART_REPEAT);
	CHECK(why(VERDICT_ERROR_NEW, e) == APART_REPEAT);
	CHECK(why(VERDICT_SAME, e) == NOT_APART && why(VERDICT_OTHER_WARNINGS, e) == NOT_APART);
}

/* Builds a response as the decoders do. */
static void facts_sum_up_a_response(void **state)
{
	struct myp_item ok = {.kind = MYP_ITEM_OK, .ok = {.affected_rows = 3, .status = 2}};
	struct myp_item err = {.kind = MYP_ITEM_ERR, .err = {.code = 1062, .sqlstate = "23000"}};
	struct response r;
	struct facts f;

	(void)state;
	response_init(&r);
	response_begin(&r, 1, MYP_COM_QUERY);
	response_add(&r, &ok, false, NULL);
	response_end(&r, true);
	facts_of(&r, &f);
	CHECK(f.kind == RESPONSE_OK && f.affected_rows == 3 && f.results == 1);
	CHECK(f.status_known && f.status == 2 && f.error_code == 0);
	err.err.message = slice_cstr("Duplicate entry");
	response_begin(&r, 2, MYP_COM_QUERY);
	response_add(&r, &ok, false, NULL);
	response_add(&r, &err, false, NULL);
	response_end(&r, true);
	facts_of(&r, &f);
	CHECK(f.kind == RESPONSE_ERROR && f.error_code == 1062 && f.results == 2);
	assert_string_equal(f.message, "Duplicate entry");
	CHECK(!f.status_known && f.affected_rows == 3);
	response_release(&r);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	char text[FACTS_MESSAGE_MAX * 2];
	struct facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '\xa4' : '\xc3';
	facts_set_message(&f, slice_of(text, sizeof(text)));
	CHECK(strlen(f.message) == FACTS_MESSAGE_MAX - 2);
	facts_set_message(&f, slice_of(text, 4));
	CHECK(strlen(f.message) == 4);
}

static void it_is_told_which_columns_differ(void **state)
{
	struct facts a = rows(2, 1, 1), b = rows(2, 2, 2);

	(void)state;
	a.columns = b.columns = 20;
	assert_string_equal(compare_where(VERDICT_OTHER_VALUES, &a, &b).text, "");
	b.column_sums[1] = 7;
	assert_string_equal(compare_where(VERDICT_OTHER_VALUES, &a, &b).text, "column 2");
	for (size_t i = 0; i < FACTS_COLUMNS_MAX; i++)
		b.column_sums[i] = 7;
	assert_string_equal(compare_where(VERDICT_OTHER_FLOATS, &a, &b).text,
			    "columns 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16");
	assert_string_equal(compare_where(VERDICT_OTHER_ROW_COUNT, &a, &b).text, "");
	a.column_kinds[2] = 'f';
	b.column_kinds[2] = 't';
	assert_string_equal(compare_where(VERDICT_OTHER_TYPES, &a, &b).text,
			    "column 3: floating point, now date and time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_new_gone_or_changed),
		cmocka_unit_test(what_depends_on_chance_is_no_error),
		cmocka_unit_test(rows_differ_in_number_columns_values_or_order),
		cmocka_unit_test(what_was_not_heard_is_not_compared),
		cmocka_unit_test(only_floats_and_kinds_of_types_are_told_apart),
		cmocka_unit_test(another_sqlstate_is_another_error),
		cmocka_unit_test(the_statement_s_words_are_a_reason),
		cmocka_unit_test(an_order_that_nobody_asked_for_is_none),
		cmocka_unit_test(ids_are_apart_when_several_sessions_draw_them),
		cmocka_unit_test(another_run_is_a_reason_for_everything_that_differs),
		cmocka_unit_test(facts_sum_up_a_response),
		cmocka_unit_test(it_is_told_which_columns_differ),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
