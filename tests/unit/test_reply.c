#include "check.h"

#include "mysql/reply.h"

#define P41 MYP_CAP_PROTOCOL_41
#define TRACK (MYP_CAP_PROTOCOL_41 | MYP_CAP_SESSION_TRACK)

/* DECODE(slice, CAPS, &out) fails for every truncation below NEED bytes, and leaves OUT as it was. */
#define CHECK_TRUNCATIONS(decode, bytes, need, caps, type)                                         \
	for (size_t n = 0; n < (need); n++) {                                                      \
		uint8_t *exact = exact_copy((bytes), n);                                           \
		type cut, before;                                                                  \
                                                                                                   \
		memset(&cut, 0xa5, sizeof(cut));                                                   \
		memset(&before, 0xa5, sizeof(before));                                             \
		CHECK(decode(slice_of(exact, n), (caps), &cut) == ERR_PROTO);                      \
		CHECK(memcmp(&cut, &before, sizeof(cut)) == 0);                                    \
		free(exact);                                                                       \
	}

static void ok_of_the_manual(void **state)
{
	/* OK with status AUTOCOMMIT, as in the manual's example */
	const struct slice bytes = SLICE_LIT("\0\0\0\2\0\0\0");
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(bytes, P41, &ok) == ERR_OK);
	CHECK(ok.affected_rows == 0 && ok.insert_id == 0 && ok.warnings == 0);
	CHECK(ok.status == MYP_STATUS_AUTOCOMMIT && ok.info.len == 0 && ok.state.len == 0);
	CHECK_TRUNCATIONS(myp_ok_decode, bytes, bytes.len, P41, struct myp_ok);
	CHECK(myp_ok_decode(SLICE_LIT("\1\0\0\2\0\0\0"), P41, &ok) == ERR_PROTO);
}

static void ok_with_large_numbers(void **state)
{
	const struct slice bytes = SLICE_LIT("\0\xfc\x10\x27\xfd\1\2\3\3\0\7\0");
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(bytes, P41, &ok) == ERR_OK);
	CHECK(ok.affected_rows == 10000 && ok.insert_id == 0x030201);
	CHECK(ok.status == 3 && ok.warnings == 7);
	CHECK_TRUNCATIONS(myp_ok_decode, bytes, bytes.len, P41, struct myp_ok);
}

static void ok_before_41_has_less(void **state)
{
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(SLICE_LIT("\0\1\2"), 0, &ok) == ERR_OK);
	CHECK(ok.affected_rows == 1 && ok.insert_id == 2 && ok.status == 0);
	CHECK(myp_ok_decode(SLICE_LIT("\0\1\2\2\0Hi!"), MYP_CAP_TRANSACTIONS, &ok) == ERR_OK);
	CHECK(ok.status == 2 && ok.warnings == 0 && slice_eq(ok.info, SLICE_LIT("Hi!")));
}

static void state_changes_tell_themselves_where_nothing_is_known(void **state)
{
	const struct slice bytes = SLICE_LIT("\0\0\0\2\x40\0\0\0\x08\1\6\5mysql");
	const struct slice no_state = SLICE_LIT("\0\0\0\2\x40\0\0Hello!");
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(bytes, P41, &ok) == ERR_OK);
	CHECK(ok.info.len == 0 && slice_eq(ok.state, SLICE_LIT("\1\6\5mysql")));
	CHECK(myp_ok_decode(no_state, P41, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("Hello!")) && ok.state.len == 0);
}

static void the_info_may_have_a_length_or_not(void **state)
{
	const struct slice counted = SLICE_LIT("\0\1\0\2\0\0\0\x06Hello!");
	const struct slice plain = SLICE_LIT("\0\1\0\2\0\0\0Hello!");
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(counted, P41, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("Hello!")));
	CHECK(myp_ok_decode(plain, P41, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("Hello!")));
	CHECK(myp_ok_decode(counted, TRACK, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("Hello!")));
	CHECK(myp_ok_decode(plain, TRACK, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("Hello!")));
}

static void session_changes_of_the_manual(void **state)
{
	/* SET autocommit=OFF, then USE test, in one packet */
	const struct slice bytes = SLICE_LIT("\0\0\0\0\x40\0\0\0\x18"
					     "\0\x0f\x0a"
					     "autocommit\3OFF"
					     "\1\5\4test");
	struct myp_states states;
	struct myp_state change;
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(bytes, TRACK, &ok) == ERR_OK);
	CHECK(ok.info.len == 0 && ok.state.len == 0x18);
	states = myp_states_of(ok.state);
	CHECK(myp_state_next(&states, &change));
	CHECK(change.type == MYP_STATE_SYSTEM_VARIABLE);
	CHECK(slice_eq(change.name, SLICE_LIT("autocommit")));
	CHECK(slice_eq(change.value, SLICE_LIT("OFF")));
	CHECK(myp_state_next(&states, &change));
	CHECK(change.type == MYP_STATE_SCHEMA && slice_eq(change.value, SLICE_LIT("test")));
	CHECK(change.name.len == 0);
	CHECK(!myp_state_next(&states, &change));
	CHECK(!myp_state_next(&states, &change));
}

static void session_changes_are_read_where_they_are(void **state)
{
	const struct slice bytes = SLICE_LIT("\0\0\0\2\x40\0\0\2hi\7\1\5\4test");
	struct myp_ok ok;

	(void)state;
	CHECK(myp_ok_decode(bytes, TRACK, &ok) == ERR_OK);
	CHECK(slice_eq(ok.info, SLICE_LIT("hi")));
	CHECK(slice_eq(ok.state, SLICE_LIT("\1\5\4test")));
	CHECK(myp_ok_decode(bytes, P41, &ok) == ERR_OK);
	CHECK(slice_eq(ok.state, SLICE_LIT("\1\5\4test")));
	for (size_t n = 7; n < bytes.len; n++) {
		uint8_t *exact = exact_copy(bytes, n);

		CHECK(myp_ok_decode(slice_of(exact, n), TRACK, &ok) == ERR_OK);
		CHECK(ok.state.len == 0);
		free(exact);
	}
}

static void changes_of_both_servers(void **state)
{
	/* MariaDB: two variables in one entry; then GTIDs, with the number of their encoding */
	const struct slice bytes = SLICE_LIT("\0\x08\1a\1b\1c\1d"
					     "\3\5\0\3x:1"
					     "\2\2\1"
					     "1"
					     "\x63\2??");
	struct myp_states states = myp_states_of(bytes);
	struct myp_state change;

	(void)state;
	CHECK(myp_state_next(&states, &change) && slice_eq(change.name, SLICE_LIT("a")));
	CHECK(slice_eq(change.value, SLICE_LIT("b")));
	CHECK(myp_state_next(&states, &change) && slice_eq(change.name, SLICE_LIT("c")));
	CHECK(slice_eq(change.value, SLICE_LIT("d")));
	CHECK(myp_state_next(&states, &change) && change.type == MYP_STATE_GTIDS);
	CHECK(slice_eq(change.value, SLICE_LIT("x:1")));
	CHECK(myp_state_next(&states, &change) && change.type == MYP_STATE_CHANGED);
	CHECK(slice_eq(change.value, SLICE_LIT("1")));
	CHECK(myp_state_next(&states, &change) && change.type == 0x63);
	CHECK(slice_eq(change.value, SLICE_LIT("??")));
	CHECK(!myp_state_next(&states, &change));
	for (size_t n = 0; n < bytes.len; n++) {
		uint8_t *exact = exact_copy(bytes, n);

		states = myp_states_of(slice_of(exact, n));
		while (myp_state_next(&states, &change))
			CHECK(change.name.len + change.value.len <= n);
		free(exact);
	}
}

static void err_of_the_manual(void **state)
{
	const struct slice bytes = SLICE_LIT("\xff\x48\x04#HY000No tables used");
	struct myp_err e;

	(void)state;
	CHECK(myp_err_decode(bytes, P41, &e) == ERR_OK);
	CHECK(e.code == 1096 && strcmp(e.sqlstate, "HY000") == 0);
	CHECK(slice_eq(e.message, SLICE_LIT("No tables used")));
	CHECK_TRUNCATIONS(myp_err_decode, bytes, 3, P41, struct myp_err);
	CHECK(myp_err_decode(SLICE_LIT("\xfe\x48\x04"), P41, &e) == ERR_PROTO);
	for (size_t n = 3; n < bytes.len; n++) {
		uint8_t *exact = exact_copy(bytes, n);

		CHECK(myp_err_decode(slice_of(exact, n), P41, &e) == ERR_OK);
		CHECK(strcmp(e.sqlstate, "HY000") == 0);
		free(exact);
	}
}

static void err_before_the_handshake(void **state)
{
	struct myp_err e;

	(void)state;
	CHECK(myp_err_decode(SLICE_LIT("\xff\x10\x04Too many connections"), 0, &e) == ERR_OK);
	CHECK(e.code == 1040 && strcmp(e.sqlstate, "HY000") == 0);
	CHECK(slice_eq(e.message, SLICE_LIT("Too many connections")));
	CHECK(myp_err_decode(SLICE_LIT("\xff\x10\x04#08004Too many"), 0, &e) == ERR_OK);
	CHECK(strcmp(e.sqlstate, "08004") == 0 && slice_eq(e.message, SLICE_LIT("Too many")));
	CHECK(myp_err_decode(SLICE_LIT("\xff\x10\x04#1 of 2"), 0, &e) == ERR_OK);
	CHECK(slice_eq(e.message, SLICE_LIT("#1 of 2")));
	CHECK(myp_err_decode(SLICE_LIT("\xff\x10\x04#\1\2\3\4\5odd"), P41, &e) == ERR_OK);
	CHECK(strcmp(e.sqlstate, "HY000") == 0 && slice_eq(e.message, SLICE_LIT("odd")));
	CHECK(myp_err_decode(SLICE_LIT("\xffNo such table"), 0, &e) == ERR_OK);
	CHECK(e.code == 2000 && slice_eq(e.message, SLICE_LIT("No such table")));
}

static void eof_of_both_ages(void **state)
{
	const struct slice bytes = SLICE_LIT("\xfe\1\0\2\0");
	struct myp_eof eof;

	(void)state;
	CHECK(myp_eof_decode(bytes, P41, &eof) == ERR_OK);
	CHECK(eof.warnings == 1 && eof.status == MYP_STATUS_AUTOCOMMIT);
	CHECK(myp_eof_decode(SLICE_LIT("\xfe"), 0, &eof) == ERR_OK);
	CHECK(eof.warnings == 0 && eof.status == 0);
	CHECK(myp_eof_decode(SLICE_LIT("\xfe"), P41, &eof) == ERR_OK);
	CHECK(myp_eof_decode(bytes, 0, &eof) == ERR_PROTO);
	CHECK(myp_eof_decode(SLICE_LIT("\xfe\1\0\2\0\0"), P41, &eof) == ERR_PROTO);
	CHECK(myp_eof_decode(SLICE_LIT("\xfe\1\0\2"), P41, &eof) == ERR_PROTO);
	CHECK(myp_eof_decode(SLICE_LIT(""), P41, &eof) == ERR_PROTO);
}

static void progress_is_an_error_only_by_its_looks(void **state)
{
	const struct slice bytes = SLICE_LIT("\xff\xff\xff\1\1\2\x10\x27\0");

	(void)state;
	CHECK(myp_is_progress(bytes, MYP_CAP_MARIADB_PROGRESS));
	CHECK(!myp_is_progress(bytes, P41));
	CHECK(!myp_is_progress(SLICE_LIT("\xff\xff\xfe"), MYP_CAP_MARIADB_PROGRESS));
	CHECK(!myp_is_progress(SLICE_LIT("\xff\xff"), MYP_CAP_MARIADB_PROGRESS));
}

/* myp_is_column() reads on its own what myp_column_decode() reads. */
static void check_is_column(struct slice bytes, uint64_t caps)
{
	struct myp_column c;

	for (size_t n = 0; n <= bytes.len; n++)
		CHECK(myp_is_column(slice_head(bytes, n), caps) ==
		      (myp_column_decode(slice_head(bytes, n), caps, &c) == ERR_OK));
}

static void column_of_the_manual(void **state)
{
	/* SELECT @@version_comment, as in the manual */
	const struct slice bytes = SLICE_LIT("\3def\0\0\0\x11@@version_comment\0\x0c"
					     "\x08\0\x1c\0\0\0\xfd\0\0\x1f\0\0");
	struct myp_column c;

	(void)state;
	CHECK(myp_column_decode(bytes, P41, &c) == ERR_OK);
	CHECK(slice_eq(c.name, SLICE_LIT("@@version_comment")));
	CHECK(c.schema.len == 0 && c.org_name.len == 0 && c.def.len == 0 && c.extended.len == 0);
	CHECK(c.charset == 8 && c.length == 28 && c.type == MYP_TYPE_VAR_STRING);
	CHECK(c.flags == 0 && c.decimals == 0x1f);
	check_is_column(bytes, P41);
	CHECK_TRUNCATIONS(myp_column_decode, bytes, bytes.len, P41, struct myp_column);
}

static void column_with_a_default(void **state)
{
	const struct slice bytes = SLICE_LIT("\3def\4test\1t\1t\2id\2id\x0c"
					     "\x3f\0\x0b\0\0\0\3\x03\x42\0\0\0\2"
					     "17");
	struct slice null = SLICE_LIT("\3def\4test\1t\1t\2id\2id\x0c"
				      "\x3f\0\x0b\0\0\0\3\x03\x42\0\0\0\xfb");
	struct myp_column c;

	(void)state;
	CHECK(myp_column_decode(bytes, P41, &c) == ERR_OK);
	CHECK(slice_eq(c.schema, SLICE_LIT("test")) && slice_eq(c.table, SLICE_LIT("t")));
	CHECK(slice_eq(c.def, SLICE_LIT("17")) && c.flags == 0x4203);
	CHECK(c.charset == MYP_CHARSET_BINARY && c.type == MYP_TYPE_LONG);
	CHECK(myp_column_decode(null, P41, &c) == ERR_OK && c.def.len == 0);
	check_is_column(bytes, P41);
	check_is_column(null, P41);
}

static void column_with_extended_metadata(void **state)
{
	const struct slice bytes = SLICE_LIT("\3def\4test\1t\1t\1j\1j\6\1\4json\x0c"
					     "\x2d\0\xff\xff\xff\xff\xfc\x90\0\0\0\0");
	struct myp_column c;

	(void)state;
	CHECK(myp_column_decode(bytes, P41 | MYP_CAP_MARIADB_EXTENDED_METADATA, &c) == ERR_OK);
	CHECK(slice_eq(c.extended, SLICE_LIT("\1\4json")));
	CHECK(c.charset == 45 && c.type == MYP_TYPE_BLOB && c.flags == 0x90);
	CHECK_TRUNCATIONS(myp_column_decode, bytes, bytes.len,
			  P41 | MYP_CAP_MARIADB_EXTENDED_METADATA, struct myp_column);
	CHECK(myp_column_decode(bytes, P41, &c) == ERR_PROTO);
	check_is_column(bytes, P41 | MYP_CAP_MARIADB_EXTENDED_METADATA);
	check_is_column(bytes, P41);
}

static void column_before_41(void **state)
{
	const struct slice bytes = SLICE_LIT("\1t\2id\3\x0b\0\0\1\3\3\1\x42\0");
	const struct slice flags1 = SLICE_LIT("\1t\2id\3\x0b\0\0\1\3\2\1\0");
	const struct slice flags4 = SLICE_LIT("\1t\2id\3\x0b\0\0\1\3\4\1\0\0\0");
	struct myp_column c;

	(void)state;
	CHECK(myp_column_decode(bytes, MYP_CAP_LONG_FLAG, &c) == ERR_OK);
	CHECK(slice_eq(c.table, SLICE_LIT("t")) && slice_eq(c.name, SLICE_LIT("id")));
	CHECK(c.length == 11 && c.type == MYP_TYPE_LONG && c.flags == 0x4201);
	CHECK_TRUNCATIONS(myp_column_decode, bytes, bytes.len, MYP_CAP_LONG_FLAG,
			  struct myp_column);
	CHECK(myp_column_decode(flags1, 0, &c) == ERR_OK && c.flags == 1);
	CHECK(myp_column_decode(flags1, MYP_CAP_LONG_FLAG, &c) == ERR_OK && c.flags == 1);
	CHECK(myp_column_decode(flags4, MYP_CAP_LONG_FLAG, &c) == ERR_PROTO);
	check_is_column(bytes, MYP_CAP_LONG_FLAG);
	check_is_column(flags4, MYP_CAP_LONG_FLAG);
}

static void prepared_of_the_manual(void **state)
{
	const struct slice bytes = SLICE_LIT("\0\1\0\0\0\1\0\2\0\0\0\0");
	const struct slice without = SLICE_LIT("\0\1\0\0\0\1\0\2\0\0\3\0\0");
	struct myp_prepared p;

	(void)state;
	CHECK(myp_prepared_decode(bytes, P41, &p) == ERR_OK);
	CHECK(p.statement_id == 1 && p.columns == 1 && p.params == 2 && p.warnings == 0);
	CHECK(p.metadata_follows);
	CHECK_TRUNCATIONS(myp_prepared_decode, bytes, 9, P41, struct myp_prepared);
	CHECK(myp_prepared_decode(slice_head(bytes, 9), P41, &p) == ERR_OK && p.params == 2);
	CHECK(myp_prepared_decode(without, P41, &p) == ERR_OK);
	CHECK(p.metadata_follows && p.warnings == 3);
	CHECK(myp_prepared_decode(without, P41 | MYP_CAP_OPTIONAL_RESULTSET_METADATA, &p) ==
	      ERR_OK);
	CHECK(!p.metadata_follows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ok_of_the_manual),
		cmocka_unit_test(ok_with_large_numbers),
		cmocka_unit_test(ok_before_41_has_less),
		cmocka_unit_test(state_changes_tell_themselves_where_nothing_is_known),
		cmocka_unit_test(the_info_may_have_a_length_or_not),
		cmocka_unit_test(session_changes_of_the_manual),
		cmocka_unit_test(session_changes_are_read_where_they_are),
		cmocka_unit_test(changes_of_both_servers),
		cmocka_unit_test(err_of_the_manual),
		cmocka_unit_test(err_before_the_handshake),
		cmocka_unit_test(eof_of_both_ages),
		cmocka_unit_test(progress_is_an_error_only_by_its_looks),
		cmocka_unit_test(column_of_the_manual),
		cmocka_unit_test(column_with_a_default),
		cmocka_unit_test(column_with_extended_metadata),
		cmocka_unit_test(column_before_41),
		cmocka_unit_test(prepared_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
