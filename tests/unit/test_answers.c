#include "check.h"

#include <stdlib.h>

#include "replay/answers.h"

static void answers_are_found_by_session_and_number(void **state)
{
	struct answers *a;
	struct facts f = {.kind = RESPONSE_ROWS};

	(void)state;
	CHECK(answers_new(&a, NULL) == ERR_OK);
	for (uint64_t n = 1; n <= 2000; n++) {
		f.rows = n;
		answers_add(a, n % 7, n, &f);
	}
	CHECK(answers_seal(a, NULL) == ERR_OK && answers_count(a) == 2000);
	for (uint64_t n = 2000; n > 0; n--)
		CHECK(answers_get(a, n % 7, n, &f) && f.rows == n);
	f.rows = 42;
	CHECK(!answers_get(a, 1, 2, &f) && !answers_get(a, 9, 1, &f) && f.rows == 42);
	answers_free(a);
}

static void none_are_fine(void **state)
{
	struct answers *a;
	struct facts f;

	(void)state;
	CHECK(answers_new(&a, NULL) == ERR_OK);
	CHECK(answers_seal(a, NULL) == ERR_OK && !answers_get(a, 1, 1, &f));
	answers_free(a);
	answers_free(NULL);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
	struct answers *a;
	struct errinfo info;

	(void)state;
	setenv("TMPDIR", "/nowhere", 1);
	CHECK(answers_new(&a, &info) == ERR_IO && strstr(info.text, "/nowhere"));
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_found_by_session_and_number),
		cmocka_unit_test(none_are_fine),
		cmocka_unit_test(a_folder_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
