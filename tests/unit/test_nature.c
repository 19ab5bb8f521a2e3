#include "check.h"

#include <stdlib.h>

#include "replay/nature.h"

static struct command query(const char *text)
{
	return (struct command){
		.code = MYP_COM_QUERY, .text = slice_cstr(text), .text_known = true};
}

static bool is_secret(struct natures *n, struct profile *p, const char *text, uint64_t *key)
{
	const struct session s = {.id = 1};
	struct command c = query(text);
	struct profile_row *row;

	CHECK(profile_find(p, &s, &c, &row) == ERR_OK);
	*key = row->key;
	(void)nature_of(n, &s, &c, row);
	return nature_is_secret(n, &s, &c, row);
}

/* Only the literals differ, so that both count under one row. */
static void a_password_is_found_behind_a_statement_of_its_row_without_one(void **state)
{
	static const char *const pairs[][2] = {
		{"SELECT PASSWORD(5)", "SELECT PASSWORD('x')"},
		{"SELECT Old_Password(5)", "SELECT Old_Password('x')"},
		{"SET x = 5", "SET x = 'create user u identified by 1'"},
		{"ALTER USER u IDENTIFIED BY 5", "ALTER USER u IDENTIFIED BY 'x'"},
		{"CREATE SERVER s OPTIONS (PASSWORD 5)", "CREATE SERVER s OPTIONS (PASSWORD 'x')"},
		{"SELECT 1; SET x = 5", "SELECT 1; SET x = 'set password = 1'"},
	};
	struct natures *n = calloc(1, sizeof(*n));
	struct profile *p;
	uint64_t first, second;

	(void)state;
	CHECK(profile_new(PROFILE_ROWS_MAX, &p) == ERR_OK);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		CHECK(!is_secret(n, p, pairs[i][0], &first));
		CHECK(is_secret(n, p, pairs[i][1], &second));
		CHECK(first == second);
	}
	CHECK(!is_secret(n, p, "SELECT 'identified by'", &first));
	CHECK(!is_secret(n, p, "SELECT 'password'", &first));
	CHECK(!is_secret(n, p, "INSERT INTO t VALUES ('set password = 1')", &first));
	profile_free(p);
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_found_behind_a_statement_of_its_row_without_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
