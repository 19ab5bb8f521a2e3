#include "check.h"

#include "mysql/login.h"

enum { MESSAGE_MAX = 64 << 10 };

static const uint64_t CAPS_ALL = UINT64_MAX;

/* A greeting of MariaDB 10.11 and the response of its own command-line client. */
static const uint8_t greeting_mariadb[] = "\x0a"
					  "5.5.5-10.11.19-MariaDB-0+deb12u1\0"
					  "\x04\0\0\0"
					  "Ky@p8bdP\0"
					  "\xfe\xf7"
					  "\x08"
					  "\x02\x00"
					  "\xff\x81"
					  "\x15"
					  "\0\0\0\0\0\0"
					  "\x1d\0\0\0"
					  "EGv<eia-VM]m\0"
					  "mysql_native_password";

static const uint8_t login_mariadb[] = "\x8c\xa2\xbf\0"
				       "\0\0\0\1"
				       "\x21"
				       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				       "\x1d\0\0\0"
				       "root\0"
				       "\0"
				       "mysql\0"
				       "mysql_native_password\0"
				       "\x22\x03_os\x05Linux\x0c_client_name\x0alibmariadb";

/* Protocol::HandshakeV10 and HandshakeResponse41 as the manual draws them, for 8.0. */
static const uint8_t greeting_mysql8[] = "\x0a"
					 "8.0.38\0"
					 "\x08\0\0\0"
					 "'J5Z0pu'\0"
					 "\xff\xff"
					 "\xff"
					 "\x02\x00"
					 "\xff\xdf"
					 "\x15"
					 "\0\0\0\0\0\0\0\0\0\0"
					 "abcdefghijkl\0"
					 "caching_sha2_password";

/* What 4.1 said, which knew no plugins. */
static const uint8_t greeting_41[] = "\x0a"
				     "4.1.22-max-log\0"
				     "\x03\0\0\0"
				     "12345678\0"
				     "\x2c\xa2"
				     "\x08"
				     "\x02\x00"
				     "\0\0\0\0\0\0\0\0\0\0\0\0\0"
				     "abcdefghijkl";

#define BYTES(array) slice_of((array), sizeof(array) - 1)
#define BYTES_NUL(array) slice_of((array), sizeof(array))

typedef enum err decode(struct slice payload, void *out);

static enum err decode_greeting(struct slice payload, void *out)
{
	return myp_greeting_decode(payload, out);
}

static enum err decode_login(struct slice payload, void *out)
{
	return myp_login_decode(payload, CAPS_ALL, out);
}

static enum err decode_change_user(struct slice payload, void *out)
{
	return myp_change_user_decode(payload, MYP_CAP_SECURE_CONNECTION | MYP_CAP_PLUGIN_AUTH,
				      out);
}

static enum err decode_auth(struct slice payload, void *out)
{
	return myp_auth_decode(payload, out);
}

/* Every beginning of WHOLE shorter than NEEDED fails and leaves the SIZE bytes of output alone. */
static void check_truncations(struct slice whole, size_t needed, decode *fn, size_t size)
{
	uint8_t *out = malloc(size), *same = malloc(size);

	CHECK(out && same);
	memset(out, 0xa5, size);
	memset(same, 0xa5, size);
	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *exact = exact_copy(whole, n);
		enum err e = fn(slice_of(exact, n), out);

		if (n < needed) {
			CHECK(e == ERR_PROTO);
			CHECK(memcmp(out, same, size) == 0);
		}
		free(exact);
	}
	CHECK(fn(whole, out) == ERR_OK);
	free(out);
	free(same);
}

static void mariadb_greets_with_a_prefix_and_its_own_capabilities(void **state)
{
	struct myp_greeting g;

	(void)state;
	CHECK(myp_greeting_decode(BYTES_NUL(greeting_mariadb), &g) == ERR_OK);
	CHECK(g.protocol == 10 && g.connection_id == 4 && g.is_mariadb);
	CHECK(slice_eq(g.server_version, SLICE_LIT("5.5.5-10.11.19-MariaDB-0+deb12u1")));
	CHECK(g.caps == UINT64_C(0x1d81fff7fe));
	CHECK(g.collation == 8 && g.status == 2);
	CHECK(slice_eq(g.auth_plugin, SLICE_LIT("mysql_native_password")));
	CHECK(slice_eq(slice_of(g.auth_scramble, g.auth_scramble_len),
		       SLICE_LIT("Ky@p8bdPEGv<eia-VM]m")));
}

static void mysql_greets_without_them(void **state)
{
	struct myp_greeting g;

	(void)state;
	CHECK(myp_greeting_decode(BYTES_NUL(greeting_mysql8), &g) == ERR_OK);
	CHECK(!g.is_mariadb && g.caps == 0xdfffffff && g.collation == 255);
	CHECK(slice_eq(g.auth_plugin, SLICE_LIT("caching_sha2_password")));
	CHECK(g.auth_scramble_len == 20);
}

static void a_plugin_name_may_lack_its_nul(void **state)
{
	struct myp_greeting g;

	(void)state;
	CHECK(myp_greeting_decode(BYTES(greeting_mysql8), &g) == ERR_OK);
	CHECK(slice_eq(g.auth_plugin, SLICE_LIT("caching_sha2_password")));
}

static void old_servers_greet_shorter(void **state)
{
	static const uint8_t v321[] = "\x0a"
				      "3.21.0\0"
				      "\x01\0\0\0"
				      "12345678\0"
				      "\x2c\x00";
	static const uint8_t v320[] = "\x09"
				      "3.20.32\0"
				      "\x05\0\0\0"
				      "12345678";
	struct myp_greeting g;

	(void)state;
	CHECK(myp_greeting_decode(BYTES_NUL(greeting_41), &g) == ERR_OK);
	CHECK(g.auth_scramble_len == 20 && g.caps == 0xa22c && g.auth_plugin.len == 0);
	CHECK(myp_greeting_decode(BYTES(v321), &g) == ERR_OK);
	CHECK(g.auth_scramble_len == 8 && g.caps == 0x2c && g.status == 0);
	CHECK(myp_greeting_decode(BYTES_NUL(v320), &g) == ERR_OK);
	CHECK(g.protocol == 9 && g.connection_id == 5 && g.auth_scramble_len == 8);
	CHECK(slice_eq(g.server_version, SLICE_LIT("3.20.32")));
}

static void an_error_is_not_a_greeting(void **state)
{
	struct myp_greeting g;

	(void)state;
	CHECK(myp_greeting_decode(SLICE_LIT("\xff\x10\x04Too many connections"), &g) == ERR_PROTO);
}

static void a_truncated_greeting_fails(void **state)
{
	const size_t no_more_than_caps = 1 + 33 + 4 + 9 + 2;
	const size_t name = sizeof("mysql_native_password");
	size_t needed = sizeof(greeting_mariadb) - name;
	struct slice whole = BYTES_NUL(greeting_mariadb);

	(void)state;
	check_truncations(slice_head(whole, no_more_than_caps), no_more_than_caps, decode_greeting,
			  sizeof(struct myp_greeting));
	for (size_t n = no_more_than_caps + 1; n < needed; n++) {
		uint8_t *exact = exact_copy(whole, n);
		struct myp_greeting g;

		CHECK(myp_greeting_decode(slice_of(exact, n), &g) == ERR_PROTO);
		free(exact);
	}
}

static void a_login_is_read_as_its_sender_meant_it(void **state)
{
	struct myp_login l;

	(void)state;
	CHECK(myp_login_decode(BYTES(login_mariadb), UINT64_C(0x1d81fff7fe), &l) == ERR_OK);
	CHECK(l.caps == UINT64_C(0x1d00bfa28c) && l.max_packet == 1 << 24 && l.collation == 33);
	CHECK(slice_eq(l.user, SLICE_LIT("root")) && l.auth_data.len == 0);
	CHECK(slice_eq(l.database, SLICE_LIT("mysql")));
	CHECK(slice_eq(l.auth_plugin, SLICE_LIT("mysql_native_password")));
	CHECK(l.attributes.len == 0x22 && !l.is_ssl_request);
}

static void what_the_server_did_not_offer_is_not_there(void **state)
{
	/* A new client that says plugin and attributes to a 4.1 server writes neither. */
	static const uint8_t bytes[] = "\x8c\xa2\xbf\0"
				       "\0\0\0\1"
				       "\x21"
				       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				       "app\0"
				       "\x03"
				       "xyz"
				       "shop";
	struct myp_login l;

	(void)state;
	CHECK(myp_login_decode(BYTES_NUL(bytes), 0xa22c, &l) == ERR_OK);
	CHECK(slice_eq(l.auth_data, SLICE_LIT("xyz")) && l.auth_plugin.len == 0);
	CHECK(slice_eq(l.database, SLICE_LIT("shop")));
	CHECK(myp_login_decode(BYTES(bytes), 0xa22c, &l) == ERR_OK);
	CHECK(slice_eq(l.database, SLICE_LIT("shop")));
}

static void a_truncated_login_fails_up_to_its_attributes(void **state)
{
	(void)state;
	check_truncations(BYTES(login_mariadb), 32 + 5 + 1, decode_login, sizeof(struct myp_login));
}

static void a_cut_attribute_block_fails(void **state)
{
	struct slice whole = BYTES(login_mariadb);
	struct myp_login l;

	(void)state;
	for (size_t n = whole.len - 0x22; n < whole.len; n++) {
		uint8_t *exact = exact_copy(whole, n);

		CHECK(myp_login_decode(slice_of(exact, n), CAPS_ALL, &l) == ERR_PROTO);
		free(exact);
	}
}

static void attributes_come_in_pairs(void **state)
{
	struct slice key, value;
	struct cursor c;
	struct myp_login l;

	(void)state;
	CHECK(myp_login_decode(BYTES(login_mariadb), CAPS_ALL, &l) == ERR_OK);
	c = cur_of(l.attributes);
	CHECK(myp_attribute_next(&c, &key, &value));
	CHECK(slice_eq(key, SLICE_LIT("_os")) && slice_eq(value, SLICE_LIT("Linux")));
	CHECK(myp_attribute_next(&c, &key, &value));
	CHECK(slice_eq(key, SLICE_LIT("_client_name")) && slice_eq(value, SLICE_LIT("libmariadb")));
	CHECK(!myp_attribute_next(&c, &key, &value) && cur_done(&c));
	c = cur_of(slice_head(l.attributes, l.attributes.len - 1));
	CHECK(myp_attribute_next(&c, &key, &value));
	CHECK(!myp_attribute_next(&c, &key, &value));
	CHECK(slice_eq(key, SLICE_LIT("_os")));
}

static void logins_before_41_are_shorter(void **state)
{
	struct myp_login l;

	(void)state;
	CHECK(myp_login_decode(SLICE_LIT("\x0d\x00\xff\xff\xff"
					 "app\0"
					 "scramble\0"
					 "shop"),
			       CAPS_ALL, &l) == ERR_OK);
	CHECK(slice_eq(l.user, SLICE_LIT("app")) && slice_eq(l.auth_data, SLICE_LIT("scramble")));
	CHECK(slice_eq(l.database, SLICE_LIT("shop")) && l.max_packet == 0xffffff);
	CHECK(myp_login_decode(SLICE_LIT("\x05\x00\xff\xff\xff"
					 "app\0"),
			       CAPS_ALL, &l) == ERR_OK);
	CHECK(slice_eq(l.user, SLICE_LIT("app")) && l.auth_data.len == 0 && l.database.len == 0);
}

static void a_request_for_tls_is_short(void **state)
{
	static const uint8_t jdbc[] = "\x8d\xaa\x0f\0";
	static const uint8_t v320[] = "\x05\x08\xff\xff\xff";
	static const uint8_t head[32] = "\x8d\xaa\x0f\0"
					"\0\0\0\1"
					"\x21";
	struct myp_login l;

	(void)state;
	CHECK(myp_login_decode(slice_of(head, sizeof(head)), CAPS_ALL, &l) == ERR_OK);
	CHECK(l.is_ssl_request && l.collation == 33);
	CHECK(myp_login_decode(BYTES(jdbc), CAPS_ALL, &l) == ERR_OK && l.is_ssl_request);
	CHECK(myp_login_decode(BYTES(v320), CAPS_ALL, &l) == ERR_OK && l.is_ssl_request);
	for (size_t n = 5; n < sizeof(head); n++) {
		uint8_t *exact = exact_copy(slice_of(head, sizeof(head)), n);

		CHECK(myp_login_decode(slice_of(exact, n), CAPS_ALL, &l) == ERR_PROTO);
		free(exact);
	}
}

static void check_login_equal(const struct myp_login *a, const struct myp_login *b)
{
	CHECK(a->caps == b->caps && a->max_packet == b->max_packet);
	CHECK(a->collation == b->collation && a->zstd_level == b->zstd_level);
	CHECK(slice_eq(a->user, b->user) && slice_eq(a->database, b->database));
	CHECK(slice_eq(a->auth_plugin, b->auth_plugin) && slice_eq(a->auth_data, b->auth_data));
	CHECK(slice_eq(a->attributes, b->attributes) && a->is_ssl_request == b->is_ssl_request);
}

/* A login that says only what its capabilities have room for. */
static struct myp_login login_with(uint64_t caps, uint8_t auth[], size_t auth_len)
{
	struct myp_login l = {
		.caps = caps | MYP_CAP_PROTOCOL_41,
		.max_packet = 1 << 24,
		.collation = 45,
		.user = SLICE_LIT("app"),
		.auth_data = slice_of(auth, auth_len),
	};

	if (caps & MYP_CAP_CONNECT_WITH_DB)
		l.database = SLICE_LIT("shop");
	if (caps & MYP_CAP_PLUGIN_AUTH)
		l.auth_plugin = SLICE_LIT("client_ed25519");
	if (caps & MYP_CAP_CONNECT_ATTRS)
		l.attributes = SLICE_LIT("\1a\1b\0\0");
	if (caps & MYP_CAP_ZSTD_COMPRESSION)
		l.zstd_level = 7;
	return l;
}

static void what_is_written_is_read_back(void **state)
{
	static const uint64_t bits[] = {
		MYP_CAP_CONNECT_WITH_DB,  MYP_CAP_PLUGIN_AUTH,
		MYP_CAP_CONNECT_ATTRS,    MYP_CAP_SECURE_CONNECTION,
		MYP_CAP_ZSTD_COMPRESSION, MYP_CAP_PLUGIN_AUTH_LENENC_DATA,
	};
	uint8_t auth[300];
	struct buf b;

	(void)state;
	memset(auth, 'x', sizeof(auth));
	buf_init(&b, MESSAGE_MAX);
	for (unsigned set = 0; set < 1u << 6; set++) {
		uint64_t caps = MYP_CAP_MARIADB_CACHE_METADATA;
		struct myp_login l, back;

		for (unsigned i = 0; i < 6; i++)
			caps |= set >> i & 1 ? bits[i] : 0;
		l = login_with(caps, auth, caps & MYP_CAP_PLUGIN_AUTH_LENENC_DATA ? 300 : 250);
		buf_reset(&b);
		myp_login_put(&b, &l);
		CHECK(buf_err(&b) == ERR_OK);
		CHECK(myp_login_decode(buf_slice(&b), CAPS_ALL, &back) == ERR_OK);
		check_login_equal(&l, &back);

		l = login_with(caps & ~MYP_CAP_ZSTD_COMPRESSION, auth, 20);
		l.database = SLICE_LIT("shop");
		l.max_packet = 0;
		l.collation = 2304;
		buf_reset(&b);
		myp_change_user_put(&b, &l);
		CHECK(myp_change_user_decode(buf_slice(&b), l.caps, &back) == ERR_OK);
		check_login_equal(&l, &back);
	}
	buf_release(&b);
}

static void a_written_tls_request_has_32_bytes(void **state)
{
	struct myp_login l = {
		.caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_SSL,
		.max_packet = 1 << 24,
		.is_ssl_request = true,
	};
	struct myp_login back;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	myp_login_put(&b, &l);
	CHECK(b.len == 32);
	CHECK(myp_login_decode(buf_slice(&b), CAPS_ALL, &back) == ERR_OK);
	check_login_equal(&l, &back);
	buf_release(&b);
}

static void a_change_of_user_may_end_early(void **state)
{
	struct myp_login l;

	(void)state;
	CHECK(myp_change_user_decode(SLICE_LIT("\x11"
					       "bob\0"
					       "\x02"
					       "xy"
					       "shop\0"),
				     MYP_CAP_SECURE_CONNECTION | MYP_CAP_PLUGIN_AUTH,
				     &l) == ERR_OK);
	CHECK(slice_eq(l.user, SLICE_LIT("bob")) && slice_eq(l.auth_data, SLICE_LIT("xy")));
	CHECK(slice_eq(l.database, SLICE_LIT("shop")) && l.collation == 0);
	CHECK(myp_change_user_decode(SLICE_LIT("\x11"
					       "bob\0"
					       "scramble\0"
					       "shop"),
				     0, &l) == ERR_OK);
	CHECK(slice_eq(l.auth_data, SLICE_LIT("scramble")));
	CHECK(slice_eq(l.database, SLICE_LIT("shop")));
	CHECK(myp_change_user_decode(SLICE_LIT("\x03x\0"), 0, &l) == ERR_PROTO);
}

static void a_truncated_change_of_user_fails_up_to_its_database(void **state)
{
	static const uint8_t whole[] = "\x11"
				       "bob\0"
				       "\x02"
				       "xy"
				       "shop\0"
				       "\x2d\x00"
				       "mysql_native_password";

	(void)state;
	check_truncations(BYTES_NUL(whole), 8, decode_change_user, sizeof(struct myp_login));
}

static void every_kind_of_answer_to_a_login_is_told(void **state)
{
	struct myp_auth a;

	(void)state;
	CHECK(myp_auth_decode(SLICE_LIT("\xfe"
					"client_ed25519\0"
					"0123"),
			      &a) == ERR_OK);
	CHECK(a.kind == MYP_AUTH_SWITCH && slice_eq(a.auth_plugin, SLICE_LIT("client_ed25519")));
	CHECK(slice_eq(a.auth_data, SLICE_LIT("0123")));
	CHECK(myp_auth_decode(SLICE_LIT("\xfe"), &a) == ERR_OK && a.kind == MYP_AUTH_SWITCH_OLD);
	CHECK(myp_auth_decode(SLICE_LIT("\1\4"), &a) == ERR_OK && a.kind == MYP_AUTH_MORE);
	CHECK(slice_eq(a.auth_data, SLICE_LIT("\4")));
	CHECK(myp_auth_decode(SLICE_LIT("\2dialog\0x"), &a) == ERR_OK);
	CHECK(a.kind == MYP_AUTH_NEXT_FACTOR && slice_eq(a.auth_plugin, SLICE_LIT("dialog")));
	CHECK(myp_auth_decode(SLICE_LIT("\0\0\0\2\0"), &a) == ERR_OK && a.kind == MYP_AUTH_OK);
	CHECK(myp_auth_decode(SLICE_LIT("\xff\x15\x04"), &a) == ERR_OK && a.kind == MYP_AUTH_ERR);
	CHECK(myp_auth_decode(SLICE_LIT("\3"), &a) == ERR_PROTO);
	CHECK(myp_auth_decode(SLICE_LIT(""), &a) == ERR_PROTO);
	CHECK(myp_auth_decode(SLICE_LIT("\xfe"
					"client"),
			      &a) == ERR_PROTO);
	check_truncations(SLICE_LIT("\2dialog\0"), 8, decode_auth, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mariadb_greets_with_a_prefix_and_its_own_capabilities),
		cmocka_unit_test(mysql_greets_without_them),
		cmocka_unit_test(a_plugin_name_may_lack_its_nul),
		cmocka_unit_test(old_servers_greet_shorter),
		cmocka_unit_test(an_error_is_not_a_greeting),
		cmocka_unit_test(a_truncated_greeting_fails),
		cmocka_unit_test(a_login_is_read_as_its_sender_meant_it),
		cmocka_unit_test(what_the_server_did_not_offer_is_not_there),
		cmocka_unit_test(a_truncated_login_fails_up_to_its_attributes),
		cmocka_unit_test(a_cut_attribute_block_fails),
		cmocka_unit_test(attributes_come_in_pairs),
		cmocka_unit_test(logins_before_41_are_shorter),
		cmocka_unit_test(a_request_for_tls_is_short),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_written_tls_request_has_32_bytes),
		cmocka_unit_test(a_change_of_user_may_end_early),
		cmocka_unit_test(a_truncated_change_of_user_fails_up_to_its_database),
		cmocka_unit_test(every_kind_of_answer_to_a_login_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
