#include "check.h"

#include "replay/redact.h"

static void expect(uint16_t code, const char *message, const char *wanted)
{
	struct buf out;

	buf_init(&out, 1000);
	redact_message(code, slice_cstr(message), &out);
	if (!slice_eq(buf_slice(&out), slice_cstr(wanted)))
		fail_msg("%s: is %.*s", message, (int)out.len, (const char *)out.ptr);
	buf_release(&out);
}

static void what_is_quoted_goes(void **state)
{
	(void)state;
	expect(1062, "Duplicate entry 'bob@x.org' for key 'mail'", "Duplicate entry '...'");
	expect(1054, "Unknown column 'a' in 'field list' of it", "Unknown column '...' of it");
	expect(1064, "near 'WHERE a = 'it''s' AND `b`' at line 12", "near '...' at line ?");
	expect(1064, "near \"x\" at", "near '...' at");
	expect(1366, "Incorrect integer value: 'abc", "Incorrect integer value: '...'");
	expect(1046, "No database selected", "No database selected");
}

static void numbers_and_what_an_application_says_go(void **state)
{
	(void)state;
	expect(1000, "value 4111 is above 99", "value ? is above ?");
	expect(1644, "Bob owes 17", "...");
	expect(1000, "", "");
	expect(1000, "'", "'...'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_quoted_goes),
		cmocka_unit_test(numbers_and_what_an_application_says_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
