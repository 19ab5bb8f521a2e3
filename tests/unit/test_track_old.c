/*
 * Sessions as servers and clients before 4.1 spoke: a greeting of version 9 or a short one, 16 bits of capabilities and 3 bytes
 * of packet size in the login, errors without state or even code, old column definitions, ends of one byte.
 */
#include "track/conversation.h"
#include "track_says.h"

#define GREETING_320                                                                               \
	"\x09"                                                                                     \
	"3.20.32a\0\1\0\0\0abcdefgh\0"
#define GREETING_321                                                                               \
	"\x0a"                                                                                     \
	"3.21.33b\0\2\0\0\0abcdefgh\0\x0c\0"
/* Capabilities: LONG_FLAG, CONNECT_WITH_DB, COMPRESS; 4.0 has TRANSACTIONS, too. latin1_swedish_ci, autocommit. */
#define REST_OF_GREETING "\x08\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETING_323                                                                               \
	"\x0a"                                                                                     \
	"3.23.58\0\3\0\0\0abcdefgh\0\x2c\0" REST_OF_GREETING
#define GREETING_40                                                                                \
	"\x0a"                                                                                     \
	"4.0.30\0\4\0\0\0abcdefgh\0\x2c\x20" REST_OF_GREETING

/* An old client's login, with the database where the server can take one. */
#define LOGIN_WITHOUT "\x04\0\0\0\0app\0ABCDEFGH"
#define LOGIN "\x0c\0\0\0\0app\0ABCDEFGH\0shop"
#define LOGIN_40 "\x0c\x20\0\0\1app\0ABCDEFGH\0shop"

#define OLD_OK "\0\0\0"
#define OLD_OK_40 "\0\0\0\2\0"
#define OLD_EOF "\xfe"
#define SHORT_COLUMN "\4item\2id\3\x0b\0\0\1\3\2\3\0"
#define LONG_COLUMN "\4item\4name\3\x64\0\0\1\xfd\3\1\0\0"

static void tells(const struct line *lines, size_t count, const char *expected)
{
	struct talk t;

	for (size_t pieces = 0; pieces < 40; pieces++) {
		CHECK(talk_begin(&t, true));
		t.pieces = pieces;
		tell(&t, lines, count);
		talk_end(&t, STREAM_END_FIN);
		check_told(&t, expected);
		CHECK(tracker_coverage(t.tracker)->undecoded_bytes == 0);
		CHECK(tracker_coverage(t.tracker)->undecodable == 0);
		talk_release(&t);
	}
}

#define TELLS(lines, expected) tells(lines, sizeof(lines) / sizeof(*(lines)), expected)

static void a_session_of_3_20(void **state)
{
	static const struct line lines[] = {
		S(0, GREETING_320),
		C(1, LOGIN_WITHOUT),
		S(2, OLD_OK),
		C(0, "\2shop"),
		S(1, OLD_OK),
		C(0, "\3select id from item"),
		S(1, "\1"),
		S(2, SHORT_COLUMN),
		S(3, OLD_EOF),
		S(4, "\0017"),
		S(5, "\xfb"),
		S(6, OLD_EOF),
		C(0, "\3update item"),
		S(1, "\0\2\0"),
		C(0, "\3select"),
		S(1, "\xffParse error"),
		C(0, "\x09"),
		S(1, "Uptime: 7"),
		C(0, "\1"),
	};

	(void)state;
	TELLS(lines, "session ok app@\n"
		     "> 1 INIT_DB shop []\n< 1 ok 1/0 err 0\n"
		     "> 2 QUERY select id from item [shop]\n< 2 resultset 1/2 err 0\n"
		     "> 3 QUERY update item [shop]\n< 3 ok 1/0 err 0\n"
		     "> 4 QUERY select [shop]\n< 4 error 1/0 err 2000\n"
		     "> 5 STATISTICS ? [shop]\n< 5 string 0/0 err 0\n"
		     "> 6 QUIT ? [shop]\n< 6 none 0/0 err 0\nend quit\n");
}

static void a_session_of_3_21(void **state)
{
	static const struct line lines[] = {
		S(0, GREETING_321),     C(1, LOGIN),   S(2, OLD_OK), C(0, "\4item\0"),
		S(1, LONG_COLUMN "\0"), S(2, OLD_EOF), C(0, "\3x"),  S(1, "\xff\x28\4wrong"),
	};

	(void)state;
	TELLS(lines, SESSION "> 1 FIELD_LIST item [shop]\n< 1 fields 0/0 err 0\n"
			     "> 2 QUERY x [shop]\n< 2 error 1/0 err 1064\nend fin\n");
}

static void a_session_of_3_23(void **state)
{
	static const struct line lines[] = {
		S(0, GREETING_323),
		C(1, LOGIN),
		S(2, OLD_OK),
		C(0, "\3load data local infile 'f'"),
		S(1, "\xfb"
		     "f"),
		C(2, "1\n2\n"),
		C(3, ""),
		S(4, "\0\2\0\x0eRecords: 2 ..."),
		C(0, "\3show fields from item"),
		S(1, "\1\1"), /* a column, and how many rows will come */
		S(2, LONG_COLUMN),
		S(3, OLD_EOF),
		S(4, "\2id"),
		S(5, OLD_EOF),
		C(0, "\x11"
		     "other\0ABCDEFGH\0test"),
		S(1, OLD_OK),
		C(0, "\x0a"),
		S(1, "\1"),
		S(2, LONG_COLUMN),
		S(3, OLD_EOF),
		S(4, "\0018"),
		S(5, OLD_EOF),
		C(0, "\x0c\7\0\0\0"),
		S(1, OLD_OK),
		C(0, "\x0e"),
		S(1, OLD_OK),
		C(0, "\x08"),
		S(1, OLD_EOF),
	};

	(void)state;
	TELLS(lines, SESSION
	      "> 1 QUERY load data local infile 'f' [shop]\ndata 1 4\ndata 1 0\n< 1 ok 1/0 err 0\n"
	      "> 2 QUERY show fields from item [shop]\n< 2 resultset 1/1 err 0\n"
	      "> 3 CHANGE_USER other [shop]\n< 3 ok 1/0 err 0\n"
	      "> 4 PROCESS_INFO ? [test]\n< 4 resultset 1/1 err 0\n"
	      "> 5 PROCESS_KILL ? [test]\n< 5 ok 1/0 err 0\n"
	      "> 6 PING ? [test]\n< 6 ok 1/0 err 0\n"
	      "> 7 SHUTDOWN ? [test]\n< 7 ok 1/0 err 0\nend fin\n");
}

static void a_session_of_4_0(void **state)
{
	static const struct line lines[] = {
		S(0, GREETING_40),
		C(1, LOGIN_40),
		S(2, OLD_OK_40),
		C(0, "\3begin"),
		S(1, "\0\0\0\1\0"),
		C(0, "\3select 'caf\xe9'"),
		S(1, "\1"),
		S(2, LONG_COLUMN),
		S(3, OLD_EOF),
		S(4, "\4caf\xe9"),
		S(5, "\xfe\0\0\0\0\1\0\0\0x"),
		S(6, OLD_EOF),
	};
	const struct conversation *c;
	struct talk t;

	(void)state;
	TELLS(lines,
	      SESSION "> 1 QUERY begin [shop]\n< 1 ok 1/0 err 0\n"
		      "> 2 QUERY select 'caf\xe9' [shop]\n< 2 resultset 1/2 err 0\nend fin\n");
	CHECK(talk_begin(&t, true));
	tell(&t, lines, sizeof(lines) / sizeof(lines[0]));
	c = t.conversation;
	CHECK(c->session->collation == 8);
	CHECK(c->session->open == SESSION_OPEN_TRANSACTION);
	talk_end(&t, STREAM_END_FIN);
	talk_release(&t);
}

static void refused_before_and_in_the_login(void **state)
{
	static const struct line host[] = {S(0, "\xff\x6a\4Host 'x' is not allowed")};
	static const struct line user[] = {S(0, GREETING_320), C(1, LOGIN_WITHOUT),
					   S(2, "\xff"
						"Access denied")};

	(void)state;
	TELLS(host, "session error @\nend fin\n");
	TELLS(user, "session error app@\nend fin\n");
}

/* What an old server says to one who joins in the middle cannot be followed, and is not told as something else. */
static void a_joined_old_session_is_told_as_undecodable(void **state)
{
	static const struct line lines[] = {
		C(0, "\3select id from item"),
		S(1, "\1"),
		S(2, LONG_COLUMN),
		S(3, OLD_EOF),
		S(4, "\0017"),
		S(5, OLD_EOF),
		C(0, "\3do 1"),
		S(1, OLD_OK),
	};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, false));
	tell(&t, lines, sizeof(lines) / sizeof(lines[0]));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t,
		   "joined session none @\n> 1 QUERY select id from item [?]\n< 1 lost 0/0 err 0\n"
		   "> 2 QUERY do 1 [?]\n< 2 lost 0/0 err 0\nend fin\n");
	CHECK(tracker_coverage(t.tracker)->undecodable == 1);
	CHECK(tracker_coverage(t.tracker)->lost_responses == 2);
	talk_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_of_3_20),
		cmocka_unit_test(a_session_of_3_21),
		cmocka_unit_test(a_session_of_3_23),
		cmocka_unit_test(a_session_of_4_0),
		cmocka_unit_test(refused_before_and_in_the_login),
		cmocka_unit_test(a_joined_old_session_is_told_as_undecodable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
