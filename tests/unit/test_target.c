#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/target.h"

/* No test may depend on what the machine's own files and environment say. */
static int alone(void **state)
{
	static const char *const names[] = {"MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT",
					    "MYSQL_UNIX_PORT"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
	return 0;
}

static const char nothing[] = "/dev/null";

static struct target resolve(struct target_args args)
{
	struct target t;

	if (!args.defaults_file)
		args.defaults_file = nothing;
	CHECK(target_resolve(&args, &t, NULL) == ERR_OK);
	return t;
}

/* URL is refused, with a text in which PART stands and no password. */
static void check_refused(const char *url, const char *part)
{
	struct target_args args = {.url = url, .defaults_file = nothing};
	struct target t = {.port = 7};
	struct errinfo info;

	CHECK(target_resolve(&args, &t, &info) == ERR_USAGE);
	CHECK(strstr(info.text, part) != NULL);
	CHECK(strstr(info.text, "s3cret") == NULL);
	CHECK(t.port == 7);
}

static void a_url_says_everything(void **state)
{
	struct target t = resolve((struct target_args){
		.url = "mysql://a%40b:p%3a%2f@db.example:3307/shop?ssl-mode=verify_ca&"
		       "ssl-ca=/etc/ca.pem&connect-timeout=1500ms"});

	(void)state;
	assert_string_equal(t.user, "a@b");
	assert_string_equal(t.password, "p:/");
	assert_string_equal(t.host, "db.example");
	assert_null(t.socket);
	assert_string_equal(t.database, "shop");
	assert_string_equal(t.ssl_ca, "/etc/ca.pem");
	CHECK(t.port == 3307 && t.ssl_mode == TARGET_SSL_VERIFY_CA);
	CHECK(t.connect_timeout_ns == 1500 * NS_PER_MS);
	target_release(&t);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
	struct target t = resolve((struct target_args){.url = "mysql://app@[2001:db8::1]:3308/"});
	char text[64];

	(void)state;
	assert_string_equal(t.host, "2001:db8::1");
	CHECK(t.port == 3308);
	assert_string_equal(target_format(&t, text, sizeof(text)), "app@[2001:db8::1]:3308");
	target_release(&t);
}

static void a_bad_url_is_refused_without_repeating_it(void **state)
{
	(void)state;
	check_refused("http://root:s3cret@h/", "mysql://");
	check_refused("mysql://root:s3cret%zz@h/", "password");
	check_refused("mysql://root:s3cret@h:port/", "port");
	check_refused("mysql://root:s3cret@h:0/", "port");
	check_refused("mysql://root:s3cret@h:65536/", "port");
	check_refused("mysql://root:s3cret@[::1/", "IPv6");
	check_refused("mysql://root:s3cret@h/?sslmode=x", "sslmode");
	check_refused("mysql://root:s3cret@h/?ssl-mode=strict", "strict");
	check_refused("mysql://root:s3cret@h/?connect-timeout=soon", "soon");
	check_refused("mysql://root:s3cret@h/?unreachable-after=1s", "too short");
	check_refused("mysql://root:s3cret%00@h/", "NUL");
}

static void localhost_is_the_socket_unless_a_port_is_said(void **state)
{
	struct target t = resolve((struct target_args){.host = "localhost", .socket = "/s"});

	(void)state;
	assert_string_equal(t.socket, "/s");
	assert_null(t.host);
	target_release(&t);
	t = resolve((struct target_args){.host = "localhost", .port = "3310"});
	assert_string_equal(t.host, "localhost");
	CHECK(!t.socket && t.port == 3310);
	target_release(&t);
	t = resolve((struct target_args){.url = "mysql://app@localhost/?socket=/run/x.sock"});
	assert_string_equal(t.socket, "/run/x.sock");
	target_release(&t);
	t = resolve((struct target_args){.url = "mysql://app@10.0.0.1/", .socket = "/s"});
	assert_string_equal(t.socket, "/s");
	target_release(&t);
}

static void the_strongest_source_wins(void **state)
{
	struct target t;

	(void)state;
	CHECK(setenv("MYSQL_PWD", "from environment", 1) == 0);
	CHECK(setenv("MYSQL_HOST", "env.example", 1) == 0);
	t = resolve((struct target_args){.url = "mysql://app@url.example/", .host = "opt.example"});
	assert_string_equal(t.host, "opt.example");
	assert_string_equal(t.password, "from environment");
	target_release(&t);
	t = resolve((struct target_args){.user = "u"});
	assert_string_equal(t.host, "env.example");
	CHECK(t.port == 3306);
	target_release(&t);
}

static void a_certificate_to_trust_means_to_verify(void **state)
{
	struct target t = resolve((struct target_args){.host = "h", .ssl_ca = "ca.pem"});

	(void)state;
	CHECK(t.ssl_mode == TARGET_SSL_VERIFY_CA);
	target_release(&t);
	t = resolve((struct target_args){.host = "h", .ssl_ca = "ca.pem", .ssl_mode = "REQUIRED"});
	CHECK(t.ssl_mode == TARGET_SSL_REQUIRED);
	target_release(&t);
	t = resolve((struct target_args){.host = "h"});
	CHECK(t.ssl_mode == TARGET_SSL_PREFERRED && t.connect_timeout_ns == 10 * NS_PER_S);
	CHECK(t.unreachable_ns == 20 * NS_PER_S);
	target_release(&t);
}

static void the_rows_fill_a_command_s_struct(void **state)
{
	struct command {
		int other;
		struct target_args target;
	};
	static const struct opt rows[] = {TARGET_OPTS(struct command, target)};
	static const struct opt_group group = {
		.title = "Target", .rows = rows, .count = sizeof(rows) / sizeof(rows[0])};
	static const struct opt_page page = {.name = "x", .groups = &group, .group_count = 1};
	char h[] = "-h10.0.0.1", p[] = "-p", port[] = "--target-port=33", t[] = "-t",
	     url[] = "mysql://";
	char *argv[] = {h, p, port, t, url};
	struct opt_words words;
	struct command c;

	(void)state;
	memset(&c, 0, sizeof(c));
	CHECK(opt_parse(&page, 5, argv, &c, &words, NULL) == ERR_OK);
	assert_string_equal(c.target.host, "10.0.0.1");
	assert_string_equal(c.target.port, "33");
	assert_string_equal(c.target.url, "mysql://");
	CHECK(c.target.password == opt_no_value && !words.help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_url_says_everything, alone),
		cmocka_unit_test_setup(an_ipv6_address_stands_in_brackets, alone),
		cmocka_unit_test_setup(a_bad_url_is_refused_without_repeating_it, alone),
		cmocka_unit_test_setup(localhost_is_the_socket_unless_a_port_is_said, alone),
		cmocka_unit_test_setup(the_strongest_source_wins, alone),
		cmocka_unit_test_setup(a_certificate_to_trust_means_to_verify, alone),
		cmocka_unit_test_setup(the_rows_fill_a_command_s_struct, alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
