#include "check.h"

#include "net/addr.h"

static void what_is_formatted_can_be_parsed(void **state)
{
	static const char *const texts[] = {"10.0.0.1:3306", "[fe80::1]:65535", "[::]:0",
					    "255.255.255.255:1", "[::ffff:10.0.0.1]:3306"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct endpoint e = {0};
		char text[ENDPOINT_TEXT_MAX];

		CHECK(endpoint_parse(slice_cstr(texts[i]), &e));
		assert_string_equal(endpoint_format(&e, text), texts[i]);
	}
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:65536",
		"10.0.0.1:-1",
		"10.0.0:3306",
		"fe80::1:3306",
		"[10.0.0.1]:3306",
		"[]:1",
		"[fe80::1]",
		"10.0.0.1:3306 ",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1"};
	struct endpoint e = {.port = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(!endpoint_parse(slice_cstr(texts[i]), &e));
	CHECK(!endpoint_parse(SLICE_LIT("10.0.0.1\0:3306"), &e));
	CHECK(e.port == 7);
}

static void equal_means_family_address_and_port(void **state)
{
	struct endpoint a = {0}, b = {0};

	(void)state;
	CHECK(endpoint_parse(SLICE_LIT("10.0.0.1:3306"), &a));
	CHECK(endpoint_parse(SLICE_LIT("10.0.0.1:3307"), &b));
	CHECK(endpoint_eq(&a, &a));
	CHECK(!endpoint_eq(&a, &b));
	CHECK(endpoint_parse(SLICE_LIT("[a00:1::]:3306"), &b)); /* the same bytes */
	CHECK(!endpoint_eq(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_formatted_can_be_parsed),
		cmocka_unit_test(what_is_no_endpoint_is_refused),
		cmocka_unit_test(equal_means_family_address_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
