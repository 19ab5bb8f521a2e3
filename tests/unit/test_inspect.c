/* What a server's answers mean. Real servers: tests/e2e/test_source_server.py. */
#include "check.h"

#include "inspect/census.h"
#include "inspect/server.h"

static bool host_is(const char *host, const char *expected, uint16_t port)
{
	char text[ENDPOINT_TEXT_MAX];
	struct endpoint e;
	bool known = census_parse_host(slice_cstr(host), &e);

	if (e.port != port || known != (expected != NULL))
		return false;
	return !expected || strcmp(endpoint_format(&e, text), expected) == 0;
}

static void hosts_are_read_as_process_lists_tell_them(void **state)
{
	(void)state;
	CHECK(host_is("10.0.0.7:51234", "10.0.0.7:51234", 51234));
	CHECK(host_is("::1:51234", "[::1]:51234", 51234));
	CHECK(host_is("db7.example:51234", NULL, 51234));
	CHECK(host_is("localhost:51234", NULL, 51234));
	CHECK(host_is("localhost", NULL, 0) && host_is("", NULL, 0) && host_is(":", NULL, 0));
	CHECK(host_is("10.0.0.7:", NULL, 0) && host_is("10.0.0.7:65536", NULL, 0));
	CHECK(host_is("10.0.0.7:999999999999", NULL, 0) && host_is("10.0.0.7:5x", NULL, 0));
}

static void version_is(const char *text, bool is_mariadb, unsigned number)
{
	struct server_version v = server_version_of(slice_cstr(text));

	CHECK(v.is_mariadb == is_mariadb && v.number == number);
}

static void versions_are_numbers(void **state)
{
	(void)state;
	version_is("8.4.3", false, 80403);
	version_is("5.6.24-log", false, 50624);
	version_is("5.5.5-10.11.19-MariaDB-0+deb12u1", true, 101119);
	version_is("11.8.3-MariaDB", true, 110803);
	version_is("", false, 0);
	version_is("none", false, 0);
}

static void what_is_lacking_is_said(void **state)
{
	char text[512];

	(void)state;
	for (unsigned i = 0; i < CENSUS_LACKS; i++)
		CHECK(strlen(census_lack_text((enum census_lack)i, 2, text, sizeof(text))) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_read_as_process_lists_tell_them),
		cmocka_unit_test(versions_are_numbers),
		cmocka_unit_test(what_is_lacking_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
