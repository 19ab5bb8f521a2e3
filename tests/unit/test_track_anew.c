/* What COM_CHANGE_USER and COM_RESET_CONNECTION end. */
#include "track_says.h"

static void a_change_of_user_begins_anew(void **state)
{
	static const struct line lines[] = {
		C(0, "\x16select ?"),
		S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
		S(2, COLUMN),
		S(3, EOF_),
		C(0, "\x11root\0\0mysql\0\x2d\0mysql_native_password\0"),
		S(1, "\xfe"
		     "mysql_native_password\0"
		     "12345678901234567890\0"),
		C(2, "12345678901234567890"),
		S(3, OK),
		C(0, WITH_TYPE("\7")),
		S(1, ERROR_1064),
		C(0, "\x1f"),
		S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 STMT_PREPARE select ? [shop]\n< 1 prepared 1/0 err 0\n"
		     "> 2 CHANGE_USER root [shop]\n< 2 ok 1/0 err 0\n"
		     "> 3 STMT_EXECUTE ? [mysql]\n< 3 error 1/0 err 1064\n"
		     "> 4 RESET_CONNECTION ? [mysql]\n< 4 ok 1/0 err 0\nend fin\n");
}

/* The collation of a statement after SET NAMES and COM_RESET_CONNECTION. */
static uint16_t collation_after_reset(bool mariadb)
{
	static const struct line lines[] = {
		C(0, "\3set names latin1, sql_mode = 'NO_BACKSLASH_ESCAPES'"),
		S(1, OK),
		C(0, "\x1f"),
		S(1, OK),
		C(0, "\x16select ?"),
		S(1, "\0\5\0\0\0\0\0\1\0\0\0\0"),
		S(2, COLUMN),
		S(3, EOF_),
		C(0, EXECUTE_5 "\0\1\xfd\0\1\\"),
		S(1, OK)};
	static const char told[] = "> 4 STMT_EXECUTE select '\\\\' [shop]\n"
				   "< 4 ok 1/0 err 0\nend fin\n";
	struct slice end = slice_cstr(told), all;
	struct talk t;
	uint16_t collation;

	CHECK(talk_begin(&t, true));
	t.mariadb = mariadb;
	talk_logged_in(&t, OLD_END);
	tell(&t, lines, sizeof(lines) / sizeof(*lines));
	talk_end(&t, STREAM_END_FIN);
	all = buf_slice(&t.told);
	CHECK(all.len > end.len && slice_eq(slice_skip(all, all.len - end.len), end));
	collation = t.collation;
	talk_release(&t);
	return collation;
}

/* MariaDB goes back to the character set of the login, MySQL to the one of its greeting. */
static void a_reset_connection_ends_what_was_set(void **state)
{
	(void)state;
	CHECK(collation_after_reset(true) == 45);
	CHECK(collation_after_reset(false) == 255);
}

static void a_refused_change_of_user_changes_nothing(void **state)
{
	static const struct line lines[] = {C(0, "\x11root\0\0mysql\0\x2d\0"), S(1, ERROR_1064),
					    C(0, "\x0e"), S(1, OK)};

	(void)state;
	SAYS(OLD_END, lines,
	     SESSION "> 1 CHANGE_USER root [shop]\n< 1 error 1/0 err 1064\n"
		     "> 2 PING ? [shop]\n< 2 ok 1/0 err 0\nend fin\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_user_begins_anew),
		cmocka_unit_test(a_reset_connection_ends_what_was_set),
		cmocka_unit_test(a_refused_change_of_user_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
