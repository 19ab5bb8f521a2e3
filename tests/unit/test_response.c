#include "check.h"

#include "event/response.h"

static struct myp_item column(const char *name, uint8_t type)
{
	return (struct myp_item){
		.kind = MYP_ITEM_COLUMN,
		.payload = slice_cstr(name),
		.column = {.name = slice_cstr(name), .type = type},
	};
}

static struct myp_item row(struct slice payload)
{
	return (struct myp_item){.kind = MYP_ITEM_ROW, .payload = payload};
}

static struct myp_item ok(enum myp_item_kind kind, uint64_t affected, uint16_t warnings)
{
	return (struct myp_item){
		.kind = kind,
		.ok = {.affected_rows = affected, .warnings = warnings, .status = 2},
	};
}

static const struct myp_item one_column = {.kind = MYP_ITEM_COLUMN_COUNT, .column_count = 1};

static void add(struct response *r, struct myp_item item)
{
	response_add(r, &item, false, NULL);
}

/* A result of two rows with the values 1 and 22. */
static void add_rows(struct response *r)
{
	add(r, one_column);
	add(r, column("a", MYP_TYPE_LONG));
	add(r, ok(MYP_ITEM_COLUMNS_END, 0, 0));
	add(r, row(SLICE_LIT("\1"
			     "1")));
	add(r, row(SLICE_LIT("\2"
			     "22")));
	add(r, ok(MYP_ITEM_ROWS_END, 0, 7));
}

static void begin(struct response *r, uint8_t code)
{
	response_init(r);
	response_begin(r, 5, code);
}

static void an_ok_is_kept_beyond_its_packet(void **state)
{
	char info[] = "Rows matched: 3";
	struct myp_item item = ok(MYP_ITEM_OK, 3, 1);
	struct response r;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	item.ok.info = slice_cstr(info);
	item.ok.insert_id = 99;
	add(&r, item);
	memset(info, 'x', sizeof(info) - 1);
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_OK && r.heard && r.affected_rows == 3 && r.n == 5);
	CHECK(r.results[0].insert_id == 99 && r.results[0].warnings == 1);
	CHECK(slice_eq(r.results[0].info, SLICE_LIT("Rows matched: 3")));
	CHECK(response_last(&r) == &r.results[0] && !response_error(&r));
	response_release(&r);
}

static void responses_take_turns_in_one_room(void **state)
{
	struct response_room room = {.results = NULL};
	struct response a, b;
	const struct result *first;

	(void)state;
	response_init(&a);
	response_init(&b);
	response_borrow(&a, &room); /* there is none yet */
	response_begin(&a, 1, MYP_COM_QUERY);
	add_rows(&a);
	first = a.results;
	response_give_back(&a, &room);
	CHECK(!a.results && a.result_count == 0 && !a.arena.blocks);
	response_borrow(&b, &room);
	response_begin(&b, 2, MYP_COM_QUERY);
	add_rows(&b);
	CHECK(b.results == first && !room.results && !room.arena.blocks);
	response_borrow(&a, &room); /* while another one has it */
	response_begin(&a, 3, MYP_COM_QUERY);
	add_rows(&a);
	response_borrow(&a, &room); /* begun anew before it was given back */
	response_begin(&a, 3, MYP_COM_QUERY);
	add_rows(&a);
	CHECK(a.results != b.results && a.rows == b.rows);
	response_give_back(&a, &room);
	response_give_back(&b, &room); /* one is enough */
	CHECK(!b.results && !b.arena.blocks && room.results && room.arena.blocks);
	response_release(&a);
	response_release(&b);
	response_room_release(&room);
}

static void rows_are_counted_and_summed(void **state)
{
	struct response r, other;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	add_rows(&r);
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ROWS && r.rows == 2 && r.row_bytes == 5 && r.result_count == 1);
	CHECK(r.results[0].sum_known && r.results[0].warnings == 7);
	CHECK(slice_eq(r.results[0].columns[0].name, SLICE_LIT("a")));
	begin(&other, MYP_COM_QUERY);
	add(&other, one_column);
	add(&other, column("a", MYP_TYPE_LONG));
	add(&other, row(SLICE_LIT("\2"
				  "22")));
	add(&other, row(SLICE_LIT("\1"
				  "1")));
	add(&other, ok(MYP_ITEM_ROWS_END, 0, 0));
	response_end(&other, true);
	CHECK(other.results[0].sum.unordered == r.results[0].sum.unordered);
	CHECK(other.results[0].sum.ordered != r.results[0].sum.ordered);
	response_release(&other);
	response_release(&r);
}

/* The two rows of add_rows() and what comes behind them, as packets. */
#define TWO_ROWS                                                                                   \
	"\2\0\0\4\1"                                                                               \
	"1"                                                                                        \
	"\3\0\0\5\2"                                                                               \
	"22"

static void rows_may_be_taken_together(void **state)
{
	struct slice bytes = SLICE_LIT(TWO_ROWS "\5\0\0\6\xfe\0\0\2\0"), none = {.len = 0};
	struct myp_answer a = {.phase = MYP_ANSWER_ROWS};
	struct response one_by_one, r;

	(void)state;
	begin(&one_by_one, MYP_COM_QUERY);
	add_rows(&one_by_one);
	begin(&r, MYP_COM_QUERY);
	response_take_rows(&r, &a, &bytes); /* there is nothing that they could belong to */
	add(&r, one_column);
	add(&r, column("a", MYP_TYPE_LONG));
	response_take_rows(&r, &a, &none);
	CHECK(r.rows == 0 && bytes.len == 22);
	response_take_rows(&r, &a, &bytes);
	CHECK(bytes.len == 9 && r.packets == 2 && r.bytes == 13);
	CHECK(r.rows == 2 && r.row_bytes == 5 && r.results[0].rows == 2);
	CHECK(r.results[0].row_bytes == 5 && r.results[0].sum_known);
	CHECK(r.results[0].sum.ordered == one_by_one.results[0].sum.ordered);
	CHECK(r.results[0].column_sums[0].sum.unordered ==
	      one_by_one.results[0].column_sums[0].sum.unordered);
	response_release(&one_by_one);
	response_release(&r);
}

static void what_is_spared_is_left_out(void **state)
{
	struct slice bytes = SLICE_LIT(TWO_ROWS);
	struct myp_answer a = {.phase = MYP_ANSWER_ROWS};
	struct response r;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	r.spares_results = true;
	response_begin(&r, 6, MYP_COM_QUERY);
	add_rows(&r);
	response_take_rows(&r, &a, &bytes); /* they come too late, but that is not for it to say */
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ROWS && r.rows == 4 && r.row_bytes == 10 && !r.failed);
	CHECK(r.results[0].column_count == 1 && r.results[0].warnings == 7);
	CHECK(!r.results[0].sum_known && !r.results[0].columns && !r.results[0].column_sums);
	response_release(&r);
}

static void several_results_are_kept_apart(void **state)
{
	struct response r;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	add_rows(&r);
	add(&r, ok(MYP_ITEM_OK, 4, 0));
	add_rows(&r);
	response_end(&r, true);
	CHECK(r.result_count == 3 && r.results_all == 3 && r.rows == 4 && r.affected_rows == 4);
	CHECK(r.results[0].rows == 2 && r.results[1].kind == RESPONSE_OK && r.results[2].rows == 2);
	CHECK(r.results[0].sum.ordered == r.results[2].sum.ordered);
	response_release(&r);
}

static void an_error_ends_the_rows_before_it(void **state)
{
	struct myp_item err = {.kind = MYP_ITEM_ERR,
			       .err = {.code = 1317, .message = SLICE_LIT("interrupted")}};
	struct response r;

	(void)state;
	memcpy(err.err.sqlstate, "70100", sizeof(err.err.sqlstate));
	begin(&r, MYP_COM_QUERY);
	add_rows(&r);
	add(&r, one_column);
	add(&r, column("b", MYP_TYPE_LONG));
	add(&r, row(SLICE_LIT("\1"
			      "1")));
	add(&r, err);
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ERROR && r.result_count == 2 && r.rows == 3);
	CHECK(response_error(&r) && response_error(&r)->error.code == 1317);
	CHECK(strcmp(response_error(&r)->error.sqlstate, "70100") == 0);
	CHECK(r.results[1].rows == 1 && r.results[1].kind == RESPONSE_ERROR);
	response_release(&r);
}

static void what_was_not_heard_whole_is_lost(void **state)
{
	struct response r;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	response_end(&r, false);
	CHECK(r.kind == RESPONSE_LOST && !r.heard && !response_last(&r));
	response_begin(&r, 6, MYP_COM_QUERY);
	add(&r, one_column);
	add(&r, column("a", MYP_TYPE_LONG));
	add(&r, row(SLICE_LIT("\1"
			      "1")));
	response_end(&r, false);
	CHECK(r.kind == RESPONSE_LOST && r.heard && r.rows == 1 && !response_error(&r));
	response_release(&r);
}

static void fetched_rows_have_the_statement_s_columns(void **state)
{
	static const uint8_t binary_row[] = {0, 0, 22, 0, 0, 0};
	struct rowsum_column columns[] = {{.type = MYP_TYPE_LONG}};
	const struct statement known = {.columns = columns, .column_count = 1};
	const struct myp_item item = row(slice_of(binary_row, sizeof(binary_row)));
	const struct myp_item end = ok(MYP_ITEM_ROWS_END, 0, 0);
	struct response r;

	(void)state;
	begin(&r, MYP_COM_STMT_FETCH);
	response_add(&r, &item, true, &known);
	response_add(&r, &end, true, &known);
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ROWS && r.rows == 1 && r.results[0].sum_known);
	response_begin(&r, 6, MYP_COM_STMT_FETCH); /* of a statement that nobody knows */
	response_add(&r, &item, true, NULL);
	response_add(&r, &end, true, NULL);
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ROWS && r.rows == 1 && !r.results[0].sum_known);
	response_release(&r);
}

/* More columns than were announced, rows that are none, more results than are kept. */
static void contradictions_are_counted_and_not_summed(void **state)
{
	struct response r;

	(void)state;
	begin(&r, MYP_COM_QUERY);
	add(&r, one_column);
	add(&r, column("a", MYP_TYPE_LONG));
	add(&r, column("b", MYP_TYPE_LONG));
	add(&r, row(SLICE_LIT("\5"
			      "1")));
	add(&r, ok(MYP_ITEM_ROWS_END, 0, 0));
	for (int i = 0; i < RESPONSE_RESULTS_MAX + 5; i++)
		add(&r, ok(MYP_ITEM_OK, 1, 0));
	response_end(&r, true);
	CHECK(r.rows == 1 && !r.results[0].sum_known && r.results[0].column_count == 1);
	CHECK(r.result_count == RESPONSE_RESULTS_MAX);
	CHECK(r.results_all == RESPONSE_RESULTS_MAX + 6 && r.failed);
	CHECK(r.affected_rows == RESPONSE_RESULTS_MAX + 5);
	add(&r, (struct myp_item){.kind = MYP_ITEM_ERR, .err = {.code = 1064}});
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_ERROR && response_error(&r)->error.code == 1064);
	CHECK(r.result_count == RESPONSE_RESULTS_MAX);
	response_release(&r);
}

static void what_is_prepared_is_told(void **state)
{
	const struct myp_item prepared = {
		.kind = MYP_ITEM_PREPARED,
		.prepared = {.statement_id = 8, .columns = 1, .params = 2, .warnings = 1},
	};
	struct response r;

	(void)state;
	begin(&r, MYP_COM_STMT_PREPARE);
	add(&r, prepared);
	add(&r, column("a", MYP_TYPE_LONG));
	response_end(&r, true);
	CHECK(r.kind == RESPONSE_PREPARED && r.statement_id == 8 && r.prepared_params == 2);
	CHECK(r.results[0].warnings == 1 && slice_eq(r.results[0].columns[0].name, SLICE_LIT("a")));
	response_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ok_is_kept_beyond_its_packet),
		cmocka_unit_test(responses_take_turns_in_one_room),
		cmocka_unit_test(rows_are_counted_and_summed),
		cmocka_unit_test(rows_may_be_taken_together),
		cmocka_unit_test(what_is_spared_is_left_out),
		cmocka_unit_test(several_results_are_kept_apart),
		cmocka_unit_test(an_error_ends_the_rows_before_it),
		cmocka_unit_test(what_was_not_heard_whole_is_lost),
		cmocka_unit_test(fetched_rows_have_the_statement_s_columns),
		cmocka_unit_test(contradictions_are_counted_and_not_summed),
		cmocka_unit_test(what_is_prepared_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
