#include "check.h"

#include "mysql/answer.h"

#define OLD MYP_CAP_PROTOCOL_41
#define NEW (MYP_CAP_PROTOCOL_41 | MYP_CAP_DEPRECATE_EOF)

/* Packets that many answers are made of. */
#define COLUMN SLICE_LIT("\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\x08\x81\0\0\0\0")
#define ERROR SLICE_LIT("\xff\x25\x05#70100Query execution was interrupted")
#define EOF_PLAIN SLICE_LIT("\xfe\0\0\2\0")
#define EOF_MORE SLICE_LIT("\xfe\0\0\x0a\0")
#define EOF_CURSOR SLICE_LIT("\xfe\0\0\x42\0")
#define EOF_LAST_ROW SLICE_LIT("\xfe\0\0\x82\0")
#define END_PLAIN SLICE_LIT("\xfe\0\0\2\0\3\0")
#define END_MORE SLICE_LIT("\xfe\0\0\x0a\0\0\0")
#define END_CURSOR SLICE_LIT("\xfe\0\0\x42\0\0\0")
#define END_LAST_ROW SLICE_LIT("\xfe\0\0\x82\0\0\0")
#define OK_PLAIN SLICE_LIT("\0\1\0\2\0\0\0")
#define OK_MORE SLICE_LIT("\0\1\0\x0a\0\0\0")
#define TEXT_ROW SLICE_LIT("\1x")
#define BINARY_ROW SLICE_LIT("\0\0\1\0\0\0\0\0\0\0")

struct step {
	struct slice payload;
	enum myp_item_kind kind;
};

static enum err take(struct myp_answer *a, struct slice payload, struct myp_item *out)
{
	uint8_t *exact = exact_copy(payload, payload.len);
	struct myp_packet p = {
		.payload = slice_of(exact, payload.len),
		.payload_len = payload.len,
	};
	enum err e = myp_answer_packet(a, &p, out);

	free(exact);
	return e;
}

/* Each step has its kind, and the last one and no other ends the answer. */
static void runs(uint8_t command, uint64_t caps, const struct step *steps, size_t count)
{
	struct myp_answer a;
	struct myp_item item;

	myp_answer_begin(&a, command, caps);
	for (size_t i = 0; i < count; i++) {
		CHECK(!myp_answer_done(&a));
		assert_int_equal(take(&a, steps[i].payload, &item), ERR_OK);
		assert_int_equal(item.kind, steps[i].kind);
		CHECK(item.done == (i + 1 == count));
	}
	CHECK(myp_answer_done(&a));
	CHECK(take(&a, OK_PLAIN, &item) == ERR_PROTO);
}

#define RUNS(command, caps, ...)                                                                   \
	runs((command), (caps), (const struct step[]){__VA_ARGS__},                                \
	     sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* After START, the packet BAD cannot stand, and the answer goes on as if it had not been. */
static void refuses(uint8_t command, uint64_t caps, const struct step *start, size_t count,
		    struct slice bad)
{
	struct myp_answer a, before;
	struct myp_item item;

	myp_answer_begin(&a, command, caps);
	for (size_t i = 0; i < count; i++)
		CHECK(take(&a, start[i].payload, &item) == ERR_OK);
	before = a;
	CHECK(take(&a, bad, &item) == ERR_PROTO);
	CHECK(memcmp(&a, &before, sizeof(a)) == 0);
}

static void some_commands_have_no_answer(void **state)
{
	struct myp_answer a;

	(void)state;
	myp_answer_begin(&a, MYP_COM_STMT_CLOSE, OLD);
	CHECK(myp_answer_done(&a));
	myp_answer_begin(&a, MYP_COM_QUIT, OLD);
	CHECK(myp_answer_done(&a));
}

static void simple_commands(void **state)
{
	(void)state;
	RUNS(MYP_COM_PING, OLD, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_PING, NEW, {OK_MORE, MYP_ITEM_OK});
	RUNS(MYP_COM_INIT_DB, OLD, {ERROR, MYP_ITEM_ERR});
	RUNS(MYP_COM_SET_OPTION, OLD, {EOF_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_SET_OPTION, NEW, {END_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_DEBUG, 0, {SLICE_LIT("\xfe"), MYP_ITEM_OK});
	RUNS(MYP_COM_PING, MYP_CAP_TRANSACTIONS, {SLICE_LIT("\0\0\0\2\0"), MYP_ITEM_OK});
	RUNS(0x7f, OLD, {OK_PLAIN, MYP_ITEM_OK});
	refuses(MYP_COM_PING, OLD, NULL, 0, TEXT_ROW);
	refuses(0x7f, OLD, NULL, 0, TEXT_ROW);
	refuses(MYP_COM_PING, OLD, NULL, 0, SLICE_LIT(""));
}

static void text_results_of_both_styles(void **state)
{
	const struct step start[] = {
		{SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
		{COLUMN, MYP_ITEM_COLUMN},
	};

	(void)state;
	RUNS(MYP_COM_QUERY, OLD, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {EOF_PLAIN, MYP_ITEM_COLUMNS_END}, {TEXT_ROW, MYP_ITEM_ROW},
	     {EOF_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_QUERY, NEW, {SLICE_LIT("\2"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {COLUMN, MYP_ITEM_COLUMN}, {TEXT_ROW, MYP_ITEM_ROW},
	     {TEXT_ROW, MYP_ITEM_ROW}, {END_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_PROCESS_INFO, OLD, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {EOF_PLAIN, MYP_ITEM_COLUMNS_END},
	     {EOF_PLAIN, MYP_ITEM_ROWS_END});
	refuses(MYP_COM_QUERY, OLD, start, 2, TEXT_ROW);
	refuses(MYP_COM_QUERY, OLD, start, 1, EOF_PLAIN);
	refuses(MYP_COM_QUERY, OLD, NULL, 0, SLICE_LIT("\1\1"));
	refuses(MYP_COM_QUERY, OLD, NULL, 0, SLICE_LIT("\xfd\1\1\1"));
	refuses(MYP_COM_QUERY, OLD, NULL, 0, SLICE_LIT("\xfe\1\0\0\0\0\0\0\1"));
}

static void text_rows_may_look_like_anything(void **state)
{
	/* an empty first value, NULL, and one of 0x1000000 bytes, of which eight were kept */
	const struct step old[] = {
		{SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
		{COLUMN, MYP_ITEM_COLUMN},
		{EOF_PLAIN, MYP_ITEM_COLUMNS_END},
	};
	struct myp_packet huge = {
		.payload = SLICE_LIT("\xfe\0\0\0\1\0\0\0\0ABCDEFGH"),
		.payload_len = 0x1000009,
	};
	struct myp_answer a;
	struct myp_item item;

	(void)state;
	RUNS(MYP_COM_QUERY, OLD, old[0], old[1], old[2], {SLICE_LIT("\0"), MYP_ITEM_ROW},
	     {SLICE_LIT("\xfb"), MYP_ITEM_ROW}, {SLICE_LIT("\xfe\0\0\0\0\0\0\0\0"), MYP_ITEM_ROW},
	     {EOF_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_QUERY, NEW, old[0], old[1], {SLICE_LIT("\0"), MYP_ITEM_ROW},
	     {SLICE_LIT("\xfb"), MYP_ITEM_ROW}, {END_PLAIN, MYP_ITEM_ROWS_END});
	myp_answer_begin(&a, MYP_COM_QUERY, NEW);
	CHECK(take(&a, old[0].payload, &item) == ERR_OK);
	CHECK(take(&a, old[1].payload, &item) == ERR_OK);
	CHECK(myp_answer_packet(&a, &huge, &item) == ERR_OK);
	CHECK(item.kind == MYP_ITEM_ROW && !item.done);
}

static void the_end_s_info_may_be_long_in_the_new_style(void **state)
{
	(void)state;
	RUNS(MYP_COM_QUERY, NEW | MYP_CAP_SESSION_TRACK, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN},
	     {SLICE_LIT("\xfe\0\0\2\x40\0\0\0\7\1\5\4test"), MYP_ITEM_ROWS_END});
}

static void a_proxy_may_end_in_the_other_style(void **state)
{
	(void)state;
	RUNS(MYP_COM_QUERY, NEW, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {TEXT_ROW, MYP_ITEM_ROW}, {EOF_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_QUERY, OLD, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {EOF_PLAIN, MYP_ITEM_COLUMNS_END}, {TEXT_ROW, MYP_ITEM_ROW},
	     {END_PLAIN, MYP_ITEM_ROWS_END});
}

static void an_error_may_come_anywhere(void **state)
{
	const struct step all[] = {
		{SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
		{COLUMN, MYP_ITEM_COLUMN},
		{EOF_PLAIN, MYP_ITEM_COLUMNS_END},
		{TEXT_ROW, MYP_ITEM_ROW},
		{EOF_MORE, MYP_ITEM_ROWS_END},
	};

	(void)state;
	for (size_t n = 0; n <= 5; n++) {
		struct step steps[6];

		memcpy(steps, all, sizeof(all));
		steps[n] = (struct step){.payload = ERROR, .kind = MYP_ITEM_ERR};
		runs(MYP_COM_QUERY, OLD, steps, n + 1);
	}
}

static void several_results_are_one_answer(void **state)
{
	(void)state;
	RUNS(MYP_COM_QUERY, OLD, {OK_MORE, MYP_ITEM_OK}, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {EOF_MORE, MYP_ITEM_COLUMNS_END}, {TEXT_ROW, MYP_ITEM_ROW},
	     {EOF_MORE, MYP_ITEM_ROWS_END}, {OK_MORE, MYP_ITEM_OK}, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_QUERY, NEW, {SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {TEXT_ROW, MYP_ITEM_ROW}, {END_MORE, MYP_ITEM_ROWS_END},
	     {SLICE_LIT("\xfb/tmp/f"), MYP_ITEM_INFILE}, {OK_MORE, MYP_ITEM_OK},
	     {ERROR, MYP_ITEM_ERR});
}

static void local_infile(void **state)
{
	const struct step infile = {SLICE_LIT("\xfb/tmp/f"), MYP_ITEM_INFILE};
	struct myp_answer a;
	struct myp_item item;
	struct myp_packet p = {.payload = infile.payload, .payload_len = infile.payload.len};

	(void)state;
	RUNS(MYP_COM_QUERY, OLD, infile, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_QUERY, OLD, infile, {ERROR, MYP_ITEM_ERR});
	refuses(MYP_COM_QUERY, OLD, &infile, 1, TEXT_ROW);
	myp_answer_begin(&a, MYP_COM_QUERY, OLD);
	CHECK(myp_answer_packet(&a, &p, &item) == ERR_OK);
	CHECK(slice_eq(item.text, SLICE_LIT("/tmp/f")) && a.phase == MYP_ANSWER_INFILE);
}

static void binary_rows_and_out_parameters(void **state)
{
	const struct step start[] = {
		{SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
		{COLUMN, MYP_ITEM_COLUMN},
	};

	(void)state;
	/* CALL p(?): a result of the procedure, its OUT parameters, the procedure's OK */
	RUNS(MYP_COM_STMT_EXECUTE, NEW, start[0], start[1], {BINARY_ROW, MYP_ITEM_ROW},
	     {END_MORE, MYP_ITEM_ROWS_END}, start[0], start[1], {BINARY_ROW, MYP_ITEM_ROW},
	     {SLICE_LIT("\xfe\0\0\x0a\x10\0\0"), MYP_ITEM_ROWS_END}, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_STMT_EXECUTE, OLD, start[0], start[1], {EOF_PLAIN, MYP_ITEM_COLUMNS_END},
	     {BINARY_ROW, MYP_ITEM_ROW}, {EOF_PLAIN, MYP_ITEM_ROWS_END});
	/* the same of MySQL 5.6, whose end of the parameters' row has forgotten that it is not the last */
	RUNS(MYP_COM_STMT_EXECUTE, OLD, start[0], start[1],
	     {SLICE_LIT("\xfe\0\0\x0a\x10"), MYP_ITEM_COLUMNS_END}, {BINARY_ROW, MYP_ITEM_ROW},
	     {EOF_PLAIN, MYP_ITEM_ROWS_END}, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_STMT_BULK_EXECUTE, NEW, {OK_PLAIN, MYP_ITEM_OK});
	refuses(MYP_COM_STMT_EXECUTE, NEW, start, 2, TEXT_ROW);
}

static void a_cursor_s_rows_come_by_fetch(void **state)
{
	const struct step start[] = {
		{SLICE_LIT("\1"), MYP_ITEM_COLUMN_COUNT},
		{COLUMN, MYP_ITEM_COLUMN},
	};

	(void)state;
	RUNS(MYP_COM_STMT_EXECUTE, OLD, start[0], start[1], {EOF_CURSOR, MYP_ITEM_COLUMNS_END});
	RUNS(MYP_COM_STMT_EXECUTE, NEW, start[0], start[1], {END_CURSOR, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_FETCH, OLD, {BINARY_ROW, MYP_ITEM_ROW}, {BINARY_ROW, MYP_ITEM_ROW},
	     {EOF_CURSOR, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_FETCH, OLD, {EOF_LAST_ROW, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_FETCH, NEW, {BINARY_ROW, MYP_ITEM_ROW},
	     {END_LAST_ROW, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_FETCH, NEW, {BINARY_ROW, MYP_ITEM_ROW}, {ERROR, MYP_ITEM_ERR});
}

static void definitions_may_be_left_out(void **state)
{
	const uint64_t mysql = MYP_CAP_OPTIONAL_RESULTSET_METADATA;
	const uint64_t mariadb = MYP_CAP_MARIADB_CACHE_METADATA;

	(void)state;
	RUNS(MYP_COM_QUERY, NEW | mysql, {SLICE_LIT("\1\0"), MYP_ITEM_COLUMN_COUNT},
	     {TEXT_ROW, MYP_ITEM_ROW}, {END_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_QUERY, NEW | mysql, {SLICE_LIT("\1\1"), MYP_ITEM_COLUMN_COUNT},
	     {COLUMN, MYP_ITEM_COLUMN}, {END_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_EXECUTE, NEW | mariadb, {SLICE_LIT("\1\0"), MYP_ITEM_COLUMN_COUNT},
	     {BINARY_ROW, MYP_ITEM_ROW}, {END_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_EXECUTE, OLD | mariadb, {SLICE_LIT("\1\0"), MYP_ITEM_COLUMN_COUNT},
	     {EOF_PLAIN, MYP_ITEM_COLUMNS_END}, {BINARY_ROW, MYP_ITEM_ROW},
	     {EOF_PLAIN, MYP_ITEM_ROWS_END});
	RUNS(MYP_COM_STMT_PREPARE, NEW | mysql,
	     {SLICE_LIT("\0\1\0\0\0\2\0\1\0\0\0\0\0"), MYP_ITEM_PREPARED});
	refuses(MYP_COM_QUERY, NEW, NULL, 0, SLICE_LIT("\1\0"));
}

static void prepared_statements(void **state)
{
	const struct step both = {SLICE_LIT("\0\1\0\0\0\2\0\1\0\0\0\0"), MYP_ITEM_PREPARED};
	const struct step params = {SLICE_LIT("\0\1\0\0\0\0\0\2\0\0\0\0"), MYP_ITEM_PREPARED};
	const struct step columns = {SLICE_LIT("\0\1\0\0\0\1\0\0\0\0\0\0"), MYP_ITEM_PREPARED};
	const struct step neither = {SLICE_LIT("\0\1\0\0\0\0\0\0\0\0\0\0"), MYP_ITEM_PREPARED};
	const struct step param = {COLUMN, MYP_ITEM_PARAM};
	const struct step column = {COLUMN, MYP_ITEM_COLUMN};
	const struct step params_end = {EOF_PLAIN, MYP_ITEM_PARAMS_END};
	const struct step columns_end = {EOF_PLAIN, MYP_ITEM_COLUMNS_END};

	(void)state;
	RUNS(MYP_COM_STMT_PREPARE, OLD, both, param, params_end, column, column, columns_end);
	RUNS(MYP_COM_STMT_PREPARE, NEW, both, param, column, column);
	RUNS(MYP_COM_STMT_PREPARE, OLD, params, param, param, params_end);
	RUNS(MYP_COM_STMT_PREPARE, NEW, params, param, param);
	RUNS(MYP_COM_STMT_PREPARE, OLD, columns, column, columns_end);
	RUNS(MYP_COM_STMT_PREPARE, NEW, columns, column);
	RUNS(MYP_COM_STMT_PREPARE, OLD, neither);
	RUNS(MYP_COM_STMT_PREPARE, NEW, neither);
	RUNS(MYP_COM_STMT_PREPARE, OLD, {ERROR, MYP_ITEM_ERR});
	refuses(MYP_COM_STMT_PREPARE, OLD, NULL, 0, TEXT_ROW);
}

static void other_shapes(void **state)
{
	const struct step text = {SLICE_LIT("Uptime: 1  Threads: 2"), MYP_ITEM_STRING};
	const struct step change = {SLICE_LIT("\xfemysql_native_password\0abc\0"), MYP_ITEM_AUTH};
	const struct step event = {SLICE_LIT("\0\0\0\0\0\x0f"), MYP_ITEM_REPLICATION};
	struct myp_answer a;
	struct myp_item item;

	(void)state;
	RUNS(MYP_COM_FIELD_LIST, OLD, {COLUMN, MYP_ITEM_COLUMN}, {COLUMN, MYP_ITEM_COLUMN},
	     {EOF_PLAIN, MYP_ITEM_COLUMNS_END});
	RUNS(MYP_COM_FIELD_LIST, NEW, {END_PLAIN, MYP_ITEM_COLUMNS_END});
	RUNS(MYP_COM_FIELD_LIST, NEW, {ERROR, MYP_ITEM_ERR});
	RUNS(MYP_COM_STATISTICS, OLD, text);
	RUNS(MYP_COM_STATISTICS, OLD, {ERROR, MYP_ITEM_ERR});
	RUNS(MYP_COM_CHANGE_USER, OLD, change, {SLICE_LIT("\1\4"), MYP_ITEM_AUTH},
	     {SLICE_LIT(""), MYP_ITEM_AUTH}, {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_CHANGE_USER, OLD, {SLICE_LIT("\xfe"), MYP_ITEM_AUTH}, {ERROR, MYP_ITEM_ERR});
	RUNS(MYP_COM_BINLOG_DUMP, OLD, event, event, {EOF_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_BINLOG_DUMP_GTID, NEW, event, {ERROR, MYP_ITEM_ERR});
	myp_answer_begin(&a, MYP_COM_CHANGE_USER, OLD);
	CHECK(take(&a, change.payload, &item) == ERR_OK && item.payload.len == 0);
}

static void progress_is_passed_by(void **state)
{
	const struct step progress = {SLICE_LIT("\xff\xff\xff\1\1\2\x10\x27\0"), MYP_ITEM_PROGRESS};

	(void)state;
	RUNS(MYP_COM_QUERY, NEW | MYP_CAP_MARIADB_PROGRESS, progress, progress,
	     {OK_PLAIN, MYP_ITEM_OK});
	RUNS(MYP_COM_QUERY, NEW, {progress.payload, MYP_ITEM_ERR});
}

static void a_server_before_41(void **state)
{
	RUNS(MYP_COM_QUERY, MYP_CAP_LONG_FLAG, {SLICE_LIT("\1\5"), MYP_ITEM_COLUMN_COUNT},
	     {SLICE_LIT("\1t\2id\3\x0b\0\0\1\3\3\1\x42\0"), MYP_ITEM_COLUMN},
	     {SLICE_LIT("\xfe"), MYP_ITEM_COLUMNS_END}, {TEXT_ROW, MYP_ITEM_ROW},
	     {SLICE_LIT("\xfe"), MYP_ITEM_ROWS_END});
	(void)state;
}

static void items_have_what_the_packet_says(void **state)
{
	struct myp_answer a;
	struct myp_item item;

	(void)state;
	myp_answer_begin(&a, MYP_COM_QUERY, NEW);
	CHECK(take(&a, SLICE_LIT("\1"), &item) == ERR_OK && item.column_count == 1);
	CHECK(take(&a, COLUMN, &item) == ERR_OK && item.column.type == MYP_TYPE_LONGLONG);
	CHECK(take(&a, TEXT_ROW, &item) == ERR_OK && item.payload.len == 2);
	CHECK(take(&a, END_PLAIN, &item) == ERR_OK);
	CHECK(item.ok.status == MYP_STATUS_AUTOCOMMIT && item.ok.warnings == 3);
	myp_answer_begin(&a, MYP_COM_QUERY, OLD);
	CHECK(take(&a, ERROR, &item) == ERR_OK && item.err.code == 1317);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_packets_do_no_harm(void **state)
{
	static const uint8_t firsts[] = {0, 1, 2, 3, 0xfb, 0xfc, 0xfe, 0xff};
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t caps = (uint64_t)next_random(&seed) << 16 ^ next_random(&seed);
		uint8_t bytes[40];
		struct myp_answer a;
		struct myp_item item;

		myp_answer_begin(&a, (uint8_t)(next_random(&seed) % 34), caps);
		for (int n = 0; n < 6; n++) {
			size_t len = next_random(&seed) % sizeof(bytes);

			for (size_t k = 0; k < len; k++)
				bytes[k] = (uint8_t)next_random(&seed);
			if (next_random(&seed) % 2)
				bytes[0] = firsts[next_random(&seed) % sizeof(firsts)];
			if (take(&a, slice_of(bytes, len), &item) == ERR_OK)
				CHECK(item.done == myp_answer_done(&a));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_commands_have_no_answer),
		cmocka_unit_test(simple_commands),
		cmocka_unit_test(text_results_of_both_styles),
		cmocka_unit_test(text_rows_may_look_like_anything),
		cmocka_unit_test(the_end_s_info_may_be_long_in_the_new_style),
		cmocka_unit_test(a_proxy_may_end_in_the_other_style),
		cmocka_unit_test(an_error_may_come_anywhere),
		cmocka_unit_test(several_results_are_one_answer),
		cmocka_unit_test(local_infile),
		cmocka_unit_test(binary_rows_and_out_parameters),
		cmocka_unit_test(a_cursor_s_rows_come_by_fetch),
		cmocka_unit_test(definitions_may_be_left_out),
		cmocka_unit_test(prepared_statements),
		cmocka_unit_test(other_shapes),
		cmocka_unit_test(progress_is_passed_by),
		cmocka_unit_test(a_server_before_41),
		cmocka_unit_test(items_have_what_the_packet_says),
		cmocka_unit_test(random_packets_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
