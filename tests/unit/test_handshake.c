#include "check.h"

#include "client/handshake.h"

enum { MESSAGE_MAX = 64 << 10 };

/* MySQL 8's, with or without CLIENT_SSL in its second byte of capabilities. */
#define GREETING(version, caps_2, plugin)                                                          \
	SLICE_LIT("\x0a" version "\0"                                                              \
		  "\x08\0\0\0"                                                                     \
		  "ABCDEFGH\0"                                                                     \
		  "\xff" caps_2 "\xff"                                                             \
		  "\x02\x00"                                                                       \
		  "\xff\xdf"                                                                       \
		  "\x15"                                                                           \
		  "\0\0\0\0\0\0\0\0\0\0"                                                           \
		  "IJKLMNOPQRST\0" plugin "\0")

#define PLAIN GREETING("8.0.38", "\xf7", "caching_sha2_password")
#define WITH_TLS GREETING("8.0.38", "\xff", "caching_sha2_password")

struct dialog {
	struct handshake *h;
	struct buf out;
	enum handshake_step step;
	struct errinfo info;
};

static struct dialog dialog(enum target_ssl_mode mode, bool local, const char *password)
{
	const struct handshake_options o = {
		.user = "app",
		.password = password,
		.database = "shop",
		.ssl_mode = mode,
		.local = local,
		.attributes = SLICE_LIT("\1a\1b"),
	};
	struct dialog d = {.step = HANDSHAKE_WAIT};

	buf_init(&d.out, MESSAGE_MAX);
	CHECK(handshake_new(&o, &d.h, NULL) == ERR_OK);
	return d;
}

static void dialog_end(struct dialog *d)
{
	handshake_free(d->h);
	buf_release(&d->out);
}

static enum err say(struct dialog *d, struct slice packet)
{
	uint8_t *exact = exact_copy(packet, packet.len);
	enum err e;

	buf_reset(&d->out);
	e = handshake_packet(d->h, slice_of(exact, packet.len), &d->out, &d->step, &d->info);
	free(exact);
	return e;
}

static struct myp_login sent(const struct dialog *d)
{
	struct myp_login l;

	CHECK(myp_login_decode(buf_slice(&d->out), UINT64_MAX, &l) == ERR_OK);
	return l;
}

static void the_short_way_in(void **state)
{
	struct dialog d = dialog(TARGET_SSL_PREFERRED, false, "secret");
	struct handshake_session session;
	struct myp_login l;

	(void)state;
	CHECK(say(&d, PLAIN) == ERR_OK && d.step == HANDSHAKE_SEND);
	l = sent(&d);
	CHECK(slice_eq(l.user, SLICE_LIT("app")) && slice_eq(l.database, SLICE_LIT("shop")));
	CHECK(slice_eq(l.auth_plugin, SLICE_LIT("caching_sha2_password")));
	CHECK(l.auth_data.len == 32 && l.collation == 255 && l.attributes.len == 4);
	CHECK(!(l.caps & (MYP_CAP_SSL | MYP_CAP_COMPRESS)));
	CHECK(say(&d, SLICE_LIT("\1\3")) == ERR_OK && d.step == HANDSHAKE_WAIT);
	CHECK(d.out.len == 0);
	CHECK(say(&d, SLICE_LIT("\0\0\0\2\0\0\0")) == ERR_OK && d.step == HANDSHAKE_DONE);
	handshake_take_session(d.h, &session);
	CHECK(slice_eq(session.greeting.server_version, SLICE_LIT("8.0.38")));
	CHECK(session.caps == l.caps && session.greeting.auth_scramble[0] == 0);
	handshake_session_release(&session);
	dialog_end(&d);
}

static void tls_comes_before_the_name(void **state)
{
	struct dialog d = dialog(TARGET_SSL_PREFERRED, false, "secret");

	(void)state;
	CHECK(say(&d, WITH_TLS) == ERR_OK && d.step == HANDSHAKE_TLS);
	CHECK(d.out.len == 32 && sent(&d).is_ssl_request);
	buf_reset(&d.out);
	CHECK(handshake_tls_ready(d.h, &d.out, NULL) == ERR_OK);
	CHECK(sent(&d).caps & MYP_CAP_SSL && slice_eq(sent(&d).user, SLICE_LIT("app")));
	CHECK(say(&d, SLICE_LIT("\1\4")) == ERR_OK && d.step == HANDSHAKE_SEND);
	CHECK(slice_eq(buf_slice(&d.out), SLICE_LIT("secret\0")));
	dialog_end(&d);
}

static void the_ssl_mode_decides(void **state)
{
	static const struct {
		enum target_ssl_mode mode;
		bool local, offered;
		enum err expected;
		enum handshake_step step;
	} rows[] = {
		{TARGET_SSL_DISABLED, false, true, ERR_OK, HANDSHAKE_SEND},
		{TARGET_SSL_PREFERRED, false, true, ERR_OK, HANDSHAKE_TLS},
		{TARGET_SSL_PREFERRED, true, true, ERR_OK, HANDSHAKE_SEND},
		{TARGET_SSL_REQUIRED, true, true, ERR_OK, HANDSHAKE_TLS},
		{TARGET_SSL_PREFERRED, false, false, ERR_OK, HANDSHAKE_SEND},
		{TARGET_SSL_REQUIRED, false, false, ERR_UNSUPPORTED, HANDSHAKE_WAIT},
		{TARGET_SSL_VERIFY_CA, false, false, ERR_UNSUPPORTED, HANDSHAKE_WAIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dialog d = dialog(rows[i].mode, rows[i].local, "secret");

		CHECK(say(&d, rows[i].offered ? WITH_TLS : PLAIN) == rows[i].expected);
		CHECK(d.step == rows[i].step);
		dialog_end(&d);
	}
}

static void without_tls_the_key_is_asked_for(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");

	(void)state;
	CHECK(say(&d, PLAIN) == ERR_OK);
	CHECK(say(&d, SLICE_LIT("\1\4")) == ERR_OK && d.step == HANDSHAKE_SEND);
	CHECK(slice_eq(buf_slice(&d.out), SLICE_LIT("\2")));
	CHECK(say(&d, SLICE_LIT("\0\0\0\2\0\0\0")) == ERR_PROTO); /* no key, no way in */
	CHECK(say(&d, SLICE_LIT("\1-----BEGIN NOTHING")) == ERR_PROTO);
	CHECK(!strstr(d.info.text, "secret"));
	dialog_end(&d);
}

static void the_server_may_switch_the_plugin(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");

	(void)state;
	CHECK(say(&d, GREETING("5.5.5-10.11.6-MariaDB", "\xf7", "mysql_native_password")) ==
	      ERR_OK);
	CHECK(sent(&d).collation == 45 && sent(&d).auth_data.len == 20);
	CHECK(say(&d, SLICE_LIT("\xfe"
				"client_ed25519\0"
				"0123456789abcdef0123456789abcdef")) == ERR_OK);
	CHECK(d.step == HANDSHAKE_SEND && d.out.len == 64);
	CHECK(say(&d, SLICE_LIT("\xfe"
				"mysql_native_password\0"
				"0123456789abcdefghij\0")) == ERR_OK);
	CHECK(d.out.len == 20);
	CHECK(say(&d, SLICE_LIT("\xfe"
				"unix_socket\0")) == ERR_OK);
	CHECK(d.step == HANDSHAKE_SEND && d.out.len == 0);
	dialog_end(&d);
}

static void a_server_that_never_stops_switching_is_left(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");
	int times = 0;

	(void)state;
	CHECK(say(&d, PLAIN) == ERR_OK);
	while (say(&d, SLICE_LIT("\xfe"
				 "auth_socket\0")) == ERR_OK)
		CHECK(++times <= HANDSHAKE_SWITCHES_MAX);
	dialog_end(&d);
}

static void what_cannot_be_done_is_named(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");

	(void)state;
	CHECK(say(&d, PLAIN) == ERR_OK);
	CHECK(say(&d, SLICE_LIT("\xfe"
				"authentication_kerberos_client\0x")) == ERR_UNSUPPORTED);
	CHECK(strstr(d.info.text, "authentication_kerberos_client") != NULL);
	CHECK(say(&d, SLICE_LIT("\xfe")) == ERR_UNSUPPORTED);
	CHECK(say(&d, SLICE_LIT("\2dialog\0")) == ERR_UNSUPPORTED);
	CHECK(say(&d, SLICE_LIT("\xfe"
				"mysql_clear_password\0")) == ERR_UNSUPPORTED);
	CHECK(d.out.len == 0 && !strstr(d.info.text, "secret"));
	dialog_end(&d);
	d = dialog(TARGET_SSL_DISABLED, false, "secret");
	CHECK(say(&d, SLICE_LIT("\x09"
				"3.20.32\0"
				"\x05\0\0\0"
				"12345678\0")) == ERR_UNSUPPORTED);
	dialog_end(&d);
}

static void the_server_s_own_words_are_kept(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");
	const struct myp_err *e;

	(void)state;
	CHECK(handshake_server_error(d.h) == NULL);
	CHECK(say(&d, SLICE_LIT("\xff\x10\x04"
				"#08004Too many connections")) == ERR_IO);
	e = handshake_server_error(d.h);
	CHECK(e && e->code == 1040 && slice_eq(e->message, SLICE_LIT("Too many connections")));
	dialog_end(&d);
}

static void what_is_not_a_server_is_told(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");
	struct slice whole = PLAIN;

	(void)state;
	CHECK(say(&d, SLICE_LIT("HTTP/1.1 400 Bad Request")) == ERR_PROTO);
	CHECK(say(&d, SLICE_LIT("")) == ERR_PROTO);
	for (size_t n = 0; n < whole.len - 22; n++)
		if (say(&d, slice_head(whole, n)) != ERR_PROTO)
			CHECK(say(&d, slice_head(whole, n)) == ERR_UNSUPPORTED); /* 3.21's */
	CHECK(say(&d, whole) == ERR_OK);
	CHECK(say(&d, SLICE_LIT("\x03nonsense")) == ERR_PROTO);
	dialog_end(&d);
}

static void a_change_of_user_answers_the_last_challenge(void **state)
{
	struct dialog d = dialog(TARGET_SSL_DISABLED, false, "secret");
	struct handshake_session session;
	struct myp_login l;

	(void)state;
	CHECK(say(&d, PLAIN) == ERR_OK);
	CHECK(say(&d, SLICE_LIT("\0\0\0\2\0\0\0")) == ERR_OK && d.step == HANDSHAKE_DONE);
	handshake_take_session(d.h, &session);
	dialog_end(&d);
	CHECK(session.attributes_len == 4);
	d = dialog(TARGET_SSL_DISABLED, false, "other");
	CHECK(handshake_change_user(d.h, &session, false, &d.out, NULL) == ERR_OK);
	CHECK(myp_change_user_decode(buf_slice(&d.out), session.caps, &l) == ERR_OK);
	CHECK(slice_eq(l.user, SLICE_LIT("app")) && l.auth_data.len == 32 && l.collation == 255);
	CHECK(l.attributes.len == 4);
	CHECK(say(&d, SLICE_LIT("\0\0\0\2\0\0\0")) == ERR_OK && d.step == HANDSHAKE_DONE);
	handshake_session_release(&session);
	dialog_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_short_way_in),
		cmocka_unit_test(tls_comes_before_the_name),
		cmocka_unit_test(the_ssl_mode_decides),
		cmocka_unit_test(without_tls_the_key_is_asked_for),
		cmocka_unit_test(the_server_may_switch_the_plugin),
		cmocka_unit_test(a_server_that_never_stops_switching_is_left),
		cmocka_unit_test(what_cannot_be_done_is_named),
		cmocka_unit_test(the_server_s_own_words_are_kept),
		cmocka_unit_test(what_is_not_a_server_is_told),
		cmocka_unit_test(a_change_of_user_answers_the_last_challenge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
