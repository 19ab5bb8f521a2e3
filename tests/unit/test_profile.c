#include "check.h"

#include "base/mem.h"
#include "profile/profile.h"

static const struct myp_params no_params = {.count = 0};

static struct command command_of(uint8_t code, const char *text)
{
	return (struct command){
		.code = code,
		.text = slice_cstr(text),
		.text_known = *text != '\0',
		.params = &no_params,
		.attributes = &no_params,
		.first_ns = 1000,
	};
}

/* Counts COMMAND as answered after LATENCY_NS with KIND. */
static void add(struct profile *p, const struct command *c, int64_t latency_ns,
		enum response_kind kind)
{
	const struct session s = {.id = 1};
	const struct response r = {.kind = kind, .rows = 2, .bytes = 100};
	const struct exchange x = {.session = &s,
				   .command = c,
				   .response = &r,
				   .latency_ns = latency_ns,
				   .duration_ns = latency_ns * 2};

	CHECK(profile_add(p, &x) == ERR_OK);
}

static const struct profile_row *row_of(const struct profile *p, const struct command *c)
{
	const struct session s = {.id = 1};

	return profile_get(p, profile_key(&s, c));
}

static void literals_do_not_part_statements(void **state)
{
	struct command one = command_of(MYP_COM_QUERY, "select 1");
	struct command two = command_of(MYP_COM_QUERY, "select 2");
	const struct profile_row *row;
	struct profile *p;

	(void)state;
	CHECK(profile_new(10, &p) == ERR_OK);
	add(p, &one, 10, RESPONSE_ROWS);
	add(p, &two, 20, RESPONSE_ERROR);
	add(p, &two, -1, RESPONSE_LOST);
	row = row_of(p, &one);
	assert_non_null(row);
	assert_string_equal(row->text, "SELECT ?");
	CHECK(profile_count(p) == 1 && row == row_of(p, &two));
	CHECK(row->stats.calls == 3 && row->stats.errors == 1 && row->stats.lost == 1);
	CHECK(row->stats.rows == 6 && row->stats.bytes == 300 && row->stats.total_ns == 60);
	CHECK(row->stats.latency.count == 2 && row->stats.latency.max_ns == 20);
	profile_free(p);
}

static void an_execution_counts_with_its_text_and_its_preparation_apart(void **state)
{
	struct command query = command_of(MYP_COM_QUERY, "select 1");
	struct command prepare = command_of(MYP_COM_STMT_PREPARE, "select ?");
	struct command execute = command_of(MYP_COM_STMT_EXECUTE, "select ?");
	struct command lost = command_of(MYP_COM_STMT_EXECUTE, "");
	struct command ping = command_of(MYP_COM_PING, "");
	struct statement_pool pool;
	struct session *s;
	struct statement *st;
	struct profile *p;

	(void)state;
	statement_pool_init(&pool, 1 << 10);
	s = session_new(1, 0, &(struct endpoint){.port = 1}, &(struct endpoint){.port = 2}, &pool);
	CHECK(s);
	CHECK(session_statement_put(s, 1, &prepare.text, command_digest(s, &prepare), &st) ==
	      ERR_OK);
	execute.statement = st;
	CHECK(profile_new(10, &p) == ERR_OK);
	add(p, &query, 1, RESPONSE_ROWS);
	add(p, &prepare, 1, RESPONSE_PREPARED);
	add(p, &execute, 1, RESPONSE_ROWS);
	add(p, &lost, 1, RESPONSE_ROWS);
	add(p, &ping, 1, RESPONSE_OK);
	CHECK(profile_count(p) == 4);
	CHECK(row_of(p, &query) == row_of(p, &execute));
	CHECK(row_of(p, &query)->stats.calls == 2);
	assert_string_equal(row_of(p, &prepare)->text, "PREPARE: SELECT ?");
	assert_string_equal(row_of(p, &lost)->text, "STMT_EXECUTE (statement not known)");
	assert_string_equal(row_of(p, &ping)->text, "PING");
	profile_free(p);
	session_free(s);
	statement_pool_release(&pool);
}

static void what_is_over_the_limit_shares_a_row(void **state)
{
	static const char *const texts[] = {"select a", "select b", "select c", "select d"};
	const struct profile_row **rows;
	struct profile_stats total;
	struct profile *p, *q;

	(void)state;
	CHECK(profile_new(2, &p) == ERR_OK && profile_new(3, &q) == ERR_OK);
	for (size_t i = 0; i < 4; i++) {
		struct command c = command_of(MYP_COM_QUERY, texts[i]);

		add(p, &c, (int64_t)i * 100, RESPONSE_ROWS);
		add(q, &c, 7, RESPONSE_ROWS);
	}
	CHECK(profile_count(p) == 3);
	CHECK(profile_merge(q, p) == ERR_OK);
	CHECK(profile_count(q) == 4);
	CHECK(profile_sorted(q, PROFILE_BY_TIME, &rows) == ERR_OK);
	assert_string_equal(rows[0]->text, "(others)");
	CHECK(rows[0]->stats.calls == 3);
	mem_free(rows);
	CHECK(profile_total(q, &total) == ERR_OK);
	CHECK(total.calls == 8 && total.latency.count == 8 && total.latency.max_ns == 300);
	profile_stats_release(&total);
	profile_free(p);
	profile_free(q);
}

/* The exchange number ORDER of all, one of four statements of PART's. */
static void add_in_order(struct profile *p, uint64_t order, uint64_t part)
{
	char text[] = "select a";
	const struct session s = {.id = 1};
	const struct response r = {.kind = RESPONSE_ROWS, .rows = order};
	struct command c;
	struct exchange x = {.session = &s, .response = &r, .order = order / 2};

	text[sizeof(text) - 2] = (char)('a' + part * 4 + order * order % 7 % 4);
	c = command_of(MYP_COM_QUERY, text);
	x.command = &c;
	x.latency_ns = x.duration_ns = (int64_t)(order * 7919 % 100000);
	CHECK(profile_add(p, &x) == ERR_OK);
}

static void merged_profiles_are_what_one_would_be(void **state)
{
	enum { PARTS = 3, EXCHANGES = 100, ROWS = 5 };
	const struct profile_row **want, **got;
	struct profile *one, *parts[PARTS];

	(void)state;
	CHECK(profile_new(ROWS, &one) == ERR_OK);
	for (size_t i = 0; i < PARTS; i++)
		CHECK(profile_new(ROWS, &parts[i]) == ERR_OK);
	for (uint64_t order = 1; order <= EXCHANGES; order++) {
		/* Exchanges with the same order are of the same frame, so of the same part. */
		uint64_t part = order / 2 * 5 % PARTS;

		add_in_order(one, order, part);
		add_in_order(parts[part], order, part);
	}
	for (size_t i = 1; i < PARTS; i++)
		CHECK(profile_merge(parts[0], parts[i]) == ERR_OK);
	CHECK(profile_count(one) == ROWS + 1 && profile_count(parts[0]) == ROWS + 1);
	CHECK(profile_sorted(one, PROFILE_BY_CALLS, &want) == ERR_OK);
	CHECK(profile_sorted(parts[0], PROFILE_BY_CALLS, &got) == ERR_OK);
	for (size_t i = 0; i < ROWS + 1; i++) {
		assert_string_equal(got[i]->text, want[i]->text);
		CHECK(got[i]->stats.calls == want[i]->stats.calls);
		CHECK(got[i]->stats.rows == want[i]->stats.rows);
		CHECK(got[i]->stats.latency.sum_ns == want[i]->stats.latency.sum_ns);
	}
	mem_free(want);
	mem_free(got);
	profile_free(one);
	for (size_t i = 0; i < PARTS; i++)
		profile_free(parts[i]);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	static char text[3 * PROFILE_TEXT_MAX];
	struct command c;
	const char *kept;
	struct profile *p;

	(void)state;
	memcpy(text, "select x", 8);
	for (size_t i = 8; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	c = command_of(MYP_COM_QUERY, text);
	CHECK(profile_new(2, &p) == ERR_OK);
	add(p, &c, 1, RESPONSE_ROWS);
	kept = row_of(p, &c)->text;
	CHECK(strlen(kept) <= PROFILE_TEXT_MAX);
	assert_string_equal(kept + strlen(kept) - 5, "\xc3\xa4...");
	profile_free(p);
}

static void no_memory_is_an_error_not_a_crash(void **state)
{
	struct command c = command_of(MYP_COM_QUERY, "select 1");
	const struct session s = {.id = 1};
	struct profile_row *row;
	struct profile *p;
	enum err e = ERR_NOMEM;

	(void)state;
	CHECK(profile_new(2, &p) == ERR_OK);
	for (size_t n = 1; e != ERR_OK; n++) {
		mem_fail_from(n);
		e = profile_find(p, &s, &c, &row);
		mem_fail_from(0);
		CHECK(e == ERR_OK || e == ERR_NOMEM);
	}
	CHECK(profile_count(p) == 1);
	profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_do_not_part_statements),
		cmocka_unit_test(an_execution_counts_with_its_text_and_its_preparation_apart),
		cmocka_unit_test(what_is_over_the_limit_shares_a_row),
		cmocka_unit_test(merged_profiles_are_what_one_would_be),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(no_memory_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
