#include "check.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/config.h"

static char folder[] = "/tmp/myna-config-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[PATH_MAX];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

/* Writes TEXT, in which every @ is the folder, to NAME in it. Returns the path. */
static const char *file(const char *name, const char *text, mode_t mode)
{
	static char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	CHECK(f != NULL);
	for (; *text; text++) {
		if (text[0] == '@')
			(void)fputs(folder, f);
		else
			(void)fputc(*text, f);
	}
	CHECK(fclose(f) == 0);
	CHECK(chmod(path, mode) == 0);
	return path;
}

static struct settings read_text(const char *text)
{
	struct settings s;

	settings_init(&s);
	CHECK(config_read(file("my.cnf", text, 0600), true, &s, NULL) == ERR_OK);
	return s;
}

static void check_password(const char *line, const char *expected)
{
	char text[256];
	struct settings s;

	(void)snprintf(text, sizeof(text), "[client]\n%s\n", line);
	s = read_text(text);
	assert_non_null(s.items[SETTING_PASSWORD].text);
	assert_string_equal(s.items[SETTING_PASSWORD].text, expected);
	settings_release(&s);
}

static void only_our_groups_count_and_the_later_line_wins(void **state)
{
	struct settings s =
		read_text("port=1\n[mysqld]\nport=2\n[client]\nport=3\n# port=4\n;port=5\n"
			  "[mysql]\nport=6\n[myna]\nport = 7\nno-such-thing=8\n[other]\nport=9");

	(void)state;
	assert_string_equal(s.items[SETTING_PORT].text, "7");
	CHECK(strstr(settings_origin(&s, SETTING_PORT), "/my.cnf:11") != NULL);
	settings_release(&s);
}

static void values_have_quotes_escapes_and_comments(void **state)
{
	(void)state;
	check_password("password=plain", "plain");
	check_password("  password \t=  spaced  ", "spaced");
	check_password("password=\"a # b\"  # comment", "a # b");
	check_password("password='it\\'s'", "it's");
	check_password("password=\"say \\\"hi\\\"\"", "say \"hi\"");
	check_password("password=a\\sb\\tc\\\\d\\x", "a b\tc\\d\\x");
	check_password("password=before#after", "before");
	check_password("password=", "");
	check_password("password=a=b", "a=b");
	check_password("loose-password=loose\r", "loose");
}

static void underscores_are_dashes(void **state)
{
	struct settings s = read_text("[client]\nssl_ca=/ca\nskip-ssl\n");

	(void)state;
	assert_string_equal(s.items[SETTING_SSL_CA].text, "/ca");
	assert_string_equal(s.items[SETTING_SSL_MODE].text, "DISABLED");
	settings_release(&s);
}

static void included_files_are_followed_in_order(void **state)
{
	char sub[PATH_MAX];
	struct settings s;

	(void)state;
	(void)snprintf(sub, sizeof(sub), "%s/d", folder);
	CHECK(mkdir(sub, 0700) == 0);
	(void)file("one.inc", "[client]\nuser=one\nhost=one", 0600);
	(void)file("d/b.cnf", "[client]\nhost=b\n", 0600);
	(void)file("d/a.cnf", "[client]\nhost=a\nport=33\n", 0600);
	(void)file("d/c.ini", "[client]\nhost=c\n", 0600);
	s = read_text(
		"!include @/one.inc\n!includedir @/d\n!include @/missing\n!includedir @/none\n");
	assert_string_equal(s.items[SETTING_USER].text, "one");
	assert_string_equal(s.items[SETTING_HOST].text, "b");
	assert_string_equal(s.items[SETTING_PORT].text, "33");
	settings_release(&s);
}

static void a_file_that_includes_itself_is_refused(void **state)
{
	struct settings s;
	struct errinfo info;

	(void)state;
	settings_init(&s);
	CHECK(config_read(file("self.cnf", "!include @/self.cnf\n!include @/self.cnf\n", 0600),
			  true, &s, &info) == ERR_USAGE);
	CHECK(strstr(info.text, "self.cnf: too many") != NULL);
	settings_release(&s);
}

static void a_file_that_all_may_write_is_left_out(void **state)
{
	struct settings s;

	(void)state;
	settings_init(&s);
	CHECK(config_read(file("open.cnf", "[client]\nuser=evil\n", 0666), true, &s, NULL) ==
	      ERR_OK);
	CHECK(s.items[SETTING_USER].text == NULL);
	settings_release(&s);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
	struct settings s;
	struct errinfo info;

	(void)state;
	settings_init(&s);
	CHECK(config_read("/no/such/file", true, &s, &info) == ERR_IO);
	CHECK(strstr(info.text, "/no/such/file") != NULL);
	CHECK(config_read("/no/such/file", false, &s, &info) == ERR_OK);
	CHECK(config_read(file("bad.cnf", "\n[client\n", 0600), true, &s, &info) == ERR_USAGE);
	CHECK(strstr(info.text, "bad.cnf:2") != NULL);
	CHECK(config_read(file("bad.cnf", "!source x\n", 0600), true, &s, &info) == ERR_USAGE);
	settings_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_our_groups_count_and_the_later_line_wins),
		cmocka_unit_test(values_have_quotes_escapes_and_comments),
		cmocka_unit_test(underscores_are_dashes),
		cmocka_unit_test(included_files_are_followed_in_order),
		cmocka_unit_test(a_file_that_includes_itself_is_refused),
		cmocka_unit_test(a_file_that_all_may_write_is_left_out),
		cmocka_unit_test(what_is_wrong_is_told_with_its_place),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
