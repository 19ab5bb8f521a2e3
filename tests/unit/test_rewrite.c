#include "check.h"

#include "base/mem.h"
#include "mysql/bulk.h"
#include "replay/fifo.h"
#include "replay/rewrite.h"

static const uint8_t execute_with_types[] = {0x17, 7, 0, 0,   0, 0,  1, 0, 0, 0, 0,
					     1,    3, 0, 253, 0, 42, 0, 0, 0, 1, 'x'};
static const uint8_t execute_without_types[] = {0x17, 7, 0, 0,  0, 0, 1, 0, 0,
						0,    0, 0, 42, 0, 0, 0, 1, 'x'};
static const uint16_t types[] = {MYP_TYPE_LONG, MYP_TYPE_VAR_STRING};

static void ids_are_mapped_until_they_are_closed(void **state)
{
	struct mapped a = {.recorded_id = 7, .target_id = 1},
		      b = {.recorded_id = 8, .failed = true};
	struct statements s;
	struct texts texts;

	(void)state;
	texts_init(&texts);
	b.text = texts_take(&texts, SLICE_LIT("BEGIN"));
	statements_init(&s);
	CHECK(statements_put(&s, &a) == ERR_OK && statements_put(&s, &b) == ERR_OK);
	CHECK(statements_get(&s, 7)->target_id == 1 && statements_get(&s, 8)->failed);
	CHECK(!statements_get(&s, 7)->text &&
	      slice_eq(text_slice(statements_get(&s, 8)->text), SLICE_LIT("BEGIN")));
	a.target_id = 5;
	a.params = 2;
	CHECK(statements_put(&s, &a) == ERR_OK);
	CHECK(statements_get(&s, 7)->target_id == 5);
	CHECK(mapped_set_long_data(statements_get(&s, 7), 1) == ERR_OK);
	CHECK(mapped_set_long_data(statements_get(&s, 7), 2) ==
	      ERR_OK); /* there is none: nothing */
	CHECK(statements_get(&s, 7)->long_data[1] == 1);
	statements_remove(&s, 7);
	statements_remove(&s, 7);
	CHECK(statements_get(&s, 7) == NULL);
	statements_release(&s);
	CHECK(statements_get(&s, 8) == NULL);
	texts_release(&texts);
}

static void what_was_lost_is_to_be_prepared_again(void **state)
{
	struct mapped a = {.recorded_id = 7, .target_id = 1, .params = 2, .bound = true};
	const struct mapped *m;
	struct statements s;
	struct texts texts;

	(void)state;
	texts_init(&texts);
	a.text = texts_take(&texts, SLICE_LIT("SELECT ?"));
	CHECK(texts_take(&texts, SLICE_LIT("SELECT ?")) == a.text && a.text->users == 2);
	text_drop(a.text);
	statements_init(&s);
	CHECK(statements_put(&s, &a) == ERR_OK);
	m = statements_get(&s, 7);
	CHECK(mapped_set_long_data(statements_get(&s, 7), 1) == ERR_OK);
	statements_lose(&s);
	CHECK(m->stale && !m->bound && m->data_lost && !m->long_data && m->text == a.text);
	statements_release(&s);
	texts_release(&texts);
}

static void the_statement_id_is_written_over(void **state)
{
	uint8_t payload[] = {0x19, 1, 2, 3, 4};

	(void)state;
	CHECK(!rewrite_statement_id(payload, 4, 9) && payload[1] == 1);
	CHECK(rewrite_statement_id(payload, 5, 0x01020304));
	CHECK(payload[0] == 0x19 && payload[1] == 4 && payload[4] == 1);
}

static void types_are_sent_where_the_target_does_not_know_them(void **state)
{
	struct mapped m = {.recorded_id = 7, .target_id = 1, .params = 2};
	struct rewrite_types known = {.types = types, .count = 2}, unknown = {.count = 0};
	struct slice with = slice_of(execute_with_types, sizeof(execute_with_types));
	struct slice without = slice_of(execute_without_types, sizeof(execute_without_types));
	struct slice payload = without;
	struct rewriter w;

	(void)state;
	rewriter_init(&w);
	CHECK(rewrite_execute(&w, 0, 0, &m, known, &payload) == ERR_OK);
	CHECK(slice_eq(payload, with));
	payload = with;
	CHECK(rewrite_execute(&w, 0, 0, &m, unknown, &payload) == ERR_OK);
	CHECK(payload.ptr == with.ptr);
	payload = without;
	CHECK(rewrite_execute(&w, 0, 0, &m, unknown, &payload) == ERR_PROTO);
	m.bound = true;
	CHECK(rewrite_execute(&w, 0, 0, &m, unknown, &payload) == ERR_OK);
	CHECK(payload.ptr == without.ptr);
	rewriter_release(&w);
}

static void query_attributes_are_left_out_where_the_target_lacks_them(void **state)
{
	static const uint8_t plain[] = {0x03, 's', 'e', 'l'};
	const uint64_t both = MYP_CAP_QUERY_ATTRIBUTES;
	struct slice payload = slice_of(plain, sizeof(plain));
	struct rewriter there, back;

	(void)state;
	rewriter_init(&there);
	rewriter_init(&back);
	CHECK(rewrite_query(&there, 0, 0, &payload) == ERR_OK && payload.ptr == plain);
	CHECK(rewrite_query(&there, 0, both, &payload) == ERR_OK);
	CHECK(payload.len == sizeof(plain) + 2 && payload.ptr[1] == 0 && payload.ptr[2] == 1);
	CHECK(rewrite_query(&back, both, 0, &payload) == ERR_OK);
	CHECK(slice_eq(payload, slice_of(plain, sizeof(plain))));
	rewriter_release(&there);
	rewriter_release(&back);
}

static void an_execution_becomes_text(void **state)
{
	const struct rewrite_text how = {
		.text = SLICE_LIT("HANDLER t READ i = (?, '?', ?)"),
		.collation = 45, /* utf8mb4_general_ci */
		.types = {.types = types, .count = 2},
	};
	struct rewrite_text other = how;
	struct slice payload = slice_of(execute_without_types, sizeof(execute_without_types));
	const struct slice execute = payload;
	struct rewriter w;

	(void)state;
	rewriter_init(&w);
	CHECK(rewrite_as_text(&w, 0, 0, &how, &payload) == ERR_OK);
	CHECK(slice_eq(payload, SLICE_LIT("\3HANDLER t READ i = (42, '?', 'x')")));
	other.text = SLICE_LIT("HANDLER t READ i = (?)"); /* not this one's values */
	payload = execute;
	CHECK(rewrite_as_text(&w, 0, 0, &other, &payload) == ERR_PROTO);
	other = how;
	other.types.types = NULL;
	CHECK(rewrite_as_text(&w, 0, 0, &other, &payload) == ERR_PROTO);
	rewriter_release(&w);
}

static void a_kill_names_the_target_s_connection(void **state)
{
	struct slice payload;
	struct rewriter w;

	(void)state;
	rewriter_init(&w);
	CHECK(rewrite_kill(&w, 0, 4711, true, &payload) == ERR_OK);
	CHECK(slice_eq(payload, SLICE_LIT("\3KILL QUERY 4711")));
	CHECK(rewrite_kill(&w, 0, 1, false, &payload) == ERR_OK);
	CHECK(slice_eq(payload, SLICE_LIT("\3KILL 1")));
	rewriter_release(&w);
}

/* Items of many sizes, taken as they come, in a pattern that moves and grows the queue. */
static void a_queue_gives_back_what_was_put_in(void **state)
{
	struct fifo f = {.first = NULL};
	struct batch_pool pool;
	uint64_t in = 0, out = 0;

	(void)state;
	batch_pool_init(&pool, 1000);
	for (int round = 0; round < 2000; round++) {
		struct {
			struct item head;
			uint64_t body[40];
		} item = {.head.at_ns = (int64_t)in};

		item.head.size = (uint32_t)(sizeof(item.head) + (in * 7 % 40) * 8);
		CHECK(fifo_push(&f, &pool, &item.head) == ERR_OK);
		in++;
		while (out < in && (round % 50 == 49 || (in + out) % 3 == 0)) {
			const struct item *front = fifo_front(&f);

			CHECK(front && front->at_ns == (int64_t)out);
			CHECK(fifo_pop(&f, &pool) == sizeof(item.head) + (out * 7 % 40) * 8);
			out++;
		}
	}
	CHECK(fifo_front(&f) == NULL || in > out);
	fifo_release(&f, &pool);
	batch_pool_release(&pool);
}

/* However long a replay is: what was waiting makes room for what comes. */
static void a_queue_that_was_empty_needs_no_new_memory(void **state)
{
	enum { COUNT = 1000, ROUNDS = 10 };
	struct item item = {.size = sizeof(item)};
	struct fifo f = {.first = NULL};
	struct batch_pool pool;
	struct batch *large;

	(void)state;
	batch_pool_init(&pool, FIFO_PIECE);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < COUNT; i++)
			CHECK(fifo_push(&f, &pool, &item) == ERR_OK);
		CHECK(f.count == COUNT);
		while (fifo_front(&f))
			(void)fifo_pop(&f, &pool);
		CHECK(!f.first && f.count == 0);
		mem_fail_from(1);
	}
	large = batch_new(&pool, FIFO_PIECE + 1); /* is of no use for others */
	CHECK(!large);
	mem_fail_from(0);
	large = batch_new(&pool, FIFO_PIECE + 1);
	CHECK(large && batch_room(large) == FIFO_PIECE + 1);
	batch_free(&pool, large);
	mem_fail_from(1);
	CHECK(!batch_new(&pool, FIFO_PIECE + 1));
	mem_fail_from(0);
	fifo_release(&f, &pool);
	batch_pool_release(&pool);
}

static struct myp_param param(int64_t v, enum myp_indicator indicator)
{
	return (struct myp_param){
		.type = MYP_TYPE_LONGLONG,
		.indicator = (uint8_t)indicator,
		.value = {.kind = indicator == MYP_INDICATOR_NONE ? MYP_VALUE_INT : MYP_VALUE_NULL,
			  .type = MYP_TYPE_LONGLONG,
			  .i = v},
	};
}

static void expect_set(const char *sql, enum myp_indicator first, const char *wanted)
{
	struct myp_param items[] = {param(5, first), param(6, MYP_INDICATOR_NONE)};
	struct myp_params set = {.items = items, .count = 2};
	const struct rewrite_text how = {.text = slice_cstr(sql)};
	struct slice payload = {.ptr = NULL};
	struct rewriter w;
	enum err e;

	rewriter_init(&w);
	e = rewrite_bulk_set_as_text(&w, 0, &how, &set, &payload);
	CHECK(e == (wanted ? ERR_OK : ERR_PROTO));
	if (wanted)
		CHECK(slice_eq(slice_skip(payload, 1), slice_cstr(wanted)));
	rewriter_release(&w);
}

static void words_stand_for_indicators(void **state)
{
	(void)state;
	expect_set("INSERT INTO t VALUES (?, ?)", MYP_INDICATOR_NONE,
		   "INSERT INTO t VALUES (5, 6)");
	expect_set("INSERT INTO t VALUES (?, ?)", MYP_INDICATOR_NULL,
		   "INSERT INTO t VALUES (NULL, 6)");
	expect_set("INSERT INTO t VALUES (?, ?)", MYP_INDICATOR_DEFAULT,
		   "INSERT INTO t VALUES (DEFAULT, 6)");
	expect_set("INSERT INTO t VALUES (?, ?)", MYP_INDICATOR_IGNORE,
		   "INSERT INTO t VALUES (DEFAULT, 6)");
	expect_set("UPDATE t SET a = ? WHERE b = ?", MYP_INDICATOR_IGNORE,
		   "UPDATE t SET a = a WHERE b = 6");
	expect_set("UPDATE t SET a = ? + ?", MYP_INDICATOR_IGNORE, NULL);
	expect_set("INSERT INTO t VALUES (?)", MYP_INDICATOR_DEFAULT, NULL);
	expect_set("INSERT INTO t VALUES (?, ?, ?)", MYP_INDICATOR_DEFAULT, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_mapped_until_they_are_closed),
		cmocka_unit_test(what_was_lost_is_to_be_prepared_again),
		cmocka_unit_test(the_statement_id_is_written_over),
		cmocka_unit_test(types_are_sent_where_the_target_does_not_know_them),
		cmocka_unit_test(query_attributes_are_left_out_where_the_target_lacks_them),
		cmocka_unit_test(an_execution_becomes_text),
		cmocka_unit_test(a_kill_names_the_target_s_connection),
		cmocka_unit_test(a_queue_gives_back_what_was_put_in),
		cmocka_unit_test(a_queue_that_was_empty_needs_no_new_memory),
		cmocka_unit_test(words_stand_for_indicators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
