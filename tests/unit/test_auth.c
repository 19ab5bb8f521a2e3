#include "check.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "client/auth.h"

static struct auth_question question(enum auth_plugin plugin, const char *password)
{
	struct auth_question q = {.plugin = plugin, .password = password};

	for (size_t i = 0; i < AUTH_CHALLENGE_MAX; i++)
		q.challenge[i] = (uint8_t)('A' + i);
	q.challenge_len = plugin == AUTH_ED25519 || plugin == AUTH_PARSEC ? 32 : 20;
	return q;
}

/* The answer to Q as a buffer, which the caller releases; CHECKs that there is one. */
static struct buf answer(const struct auth_question *q, enum auth_next *next)
{
	struct buf b;

	buf_init(&b, AUTH_ANSWER_MAX);
	CHECK(auth_answer(q, &b, next, NULL) == ERR_OK);
	CHECK(buf_err(&b) == ERR_OK);
	return b;
}

static void check_answer(struct auth_question q, struct slice expected)
{
	enum auth_next next;
	struct buf b = answer(&q, &next);

	CHECK(slice_eq(buf_slice(&b), expected));
	CHECK(next == AUTH_NEXT_RESULT);
	buf_release(&b);
}

/* Expected values: hashlib of Python, from the formulas in MySQL's documentation. */
static void hashes_are_mixed_with_the_challenge(void **state)
{
	(void)state;
	check_answer(question(AUTH_NATIVE, "secret"),
		     SLICE_LIT("\x28\x44\x15\x90\x67\x42\x85\xe7\xd0\x3c"
			       "\xae\x7a\xf2\x37\x50\x47\x97\xf7\x0e\x91"));
	check_answer(question(AUTH_CACHING_SHA2, "secret"),
		     SLICE_LIT("\xd7\x21\xe1\x83\xc1\xf0\x36\xa1\x96\xc1\x38\x92\x01\xb8\xd5\x3f"
			       "\x38\x06\x4a\x16\xf1\xd0\x92\x36\x83\xab\x88\x67\x63\x15\x2d\x75"));
}

static void no_password_is_next_to_nothing(void **state)
{
	(void)state;
	check_answer(question(AUTH_NATIVE, ""), SLICE_LIT(""));
	check_answer(question(AUTH_CACHING_SHA2, ""), SLICE_LIT("\0"));
	check_answer(question(AUTH_SHA256, ""), SLICE_LIT("\0"));
	check_answer(question(AUTH_SOCKET, "x"), SLICE_LIT(""));
}

static void a_password_goes_in_clear_only_where_nobody_can_listen(void **state)
{
	struct auth_question q = question(AUTH_CLEAR, "secret");
	enum auth_next next;
	struct errinfo info;
	struct buf b;

	(void)state;
	buf_init(&b, AUTH_ANSWER_MAX);
	CHECK(auth_answer(&q, &b, &next, &info) == ERR_UNSUPPORTED);
	CHECK(b.len == 0 && !strstr(info.text, "secret"));
	q = question(AUTH_SHA256, "secret");
	CHECK(auth_answer(&q, &b, &next, NULL) == ERR_OK);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\1")) && next == AUTH_NEXT_PUBLIC_KEY);
	buf_reset(&b);
	q = question(AUTH_CACHING_SHA2, "secret");
	auth_answer_full(&q, &b, &next);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("\2")) && next == AUTH_NEXT_PUBLIC_KEY);
	buf_reset(&b);
	q.local = true;
	auth_answer_full(&q, &b, &next);
	CHECK(slice_eq(buf_slice(&b), SLICE_LIT("secret\0")) && next == AUTH_NEXT_RESULT);
	buf_release(&b);
	q.plugin = AUTH_CLEAR;
	check_answer(q, SLICE_LIT("secret\0"));
	q.plugin = AUTH_SHA256;
	q.tls = true;
	check_answer(q, SLICE_LIT("secret\0"));
}

static void a_short_challenge_is_refused(void **state)
{
	static const enum auth_plugin plugins[] = {AUTH_NATIVE, AUTH_CACHING_SHA2, AUTH_SHA256,
						   AUTH_ED25519, AUTH_PARSEC};
	enum auth_next next;
	struct buf b;

	(void)state;
	buf_init(&b, AUTH_ANSWER_MAX);
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		struct auth_question q = question(plugins[i], "secret");

		q.challenge_len--;
		CHECK(auth_answer(&q, &b, &next, NULL) == ERR_PROTO);
		CHECK(b.len == 0);
	}
	buf_release(&b);
}

static EVP_PKEY *public_pem(struct buf *pem)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long len;

	CHECK(key && b && PEM_write_bio_PUBKEY(b, key) == 1);
	len = BIO_get_mem_data(b, &text);
	buf_put(pem, text, (size_t)len);
	BIO_free(b);
	return key;
}

static void the_key_encrypts_the_password_mixed_with_the_challenge(void **state)
{
	struct auth_question q = question(AUTH_CACHING_SHA2, "a password longer than a challenge");
	uint8_t plain[256];
	size_t len = sizeof(plain);
	EVP_PKEY_CTX *c;
	struct buf pem, b;
	EVP_PKEY *key;

	(void)state;
	buf_init(&pem, AUTH_ANSWER_MAX);
	buf_init(&b, AUTH_ANSWER_MAX);
	key = public_pem(&pem);
	CHECK(auth_answer_key(&q, buf_slice(&pem), &b, NULL) == ERR_OK);
	CHECK(b.len == 256);
	c = EVP_PKEY_CTX_new(key, NULL);
	CHECK(EVP_PKEY_decrypt_init(c) == 1);
	CHECK(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1);
	CHECK(EVP_PKEY_decrypt(c, plain, &len, b.ptr, b.len) == 1);
	CHECK(len == strlen(q.password) + 1);
	for (size_t i = 0; i < len; i++)
		CHECK((plain[i] ^ q.challenge[i % 20]) == (uint8_t)q.password[i]);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
	buf_reset(&b);
	CHECK(auth_answer_key(&q, slice_head(buf_slice(&pem), 100), &b, NULL) == ERR_PROTO);
	CHECK(b.len == 0);
	buf_release(&b);
	buf_release(&pem);
}

static void a_password_too_long_for_the_key_is_told(void **state)
{
	struct auth_question q;
	char password[300];
	struct buf pem, b;

	(void)state;
	memset(password, 'x', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	q = question(AUTH_SHA256, password);
	buf_init(&pem, AUTH_ANSWER_MAX);
	buf_init(&b, AUTH_ANSWER_MAX);
	EVP_PKEY_free(public_pem(&pem));
	CHECK(auth_answer_key(&q, buf_slice(&pem), &b, NULL) == ERR_UNSUPPORTED);
	CHECK(b.len == 0);
	buf_release(&b);
	buf_release(&pem);
}

static void a_parsec_salt_has_one_form(void **state)
{
	struct auth_question q = question(AUTH_PARSEC, "secret");
	static const uint8_t salt[] = "P\0"
				      "abcdefghijklmnopqr";
	struct slice whole = slice_of(salt, 20);
	struct buf b;

	(void)state;
	buf_init(&b, AUTH_ANSWER_MAX);
	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *exact = exact_copy(whole, n);

		CHECK(auth_answer_salt(&q, slice_of(exact, n), &b, NULL) == ERR_UNSUPPORTED);
		free(exact);
	}
	CHECK(b.len == 0);
	CHECK(auth_answer_salt(&q, whole, &b, NULL) == ERR_OK);
	CHECK(b.len == 32 + 64);
	buf_release(&b);
}

static void plugins_are_found_by_name(void **state)
{
	(void)state;
	for (unsigned p = 0; p < AUTH_PLUGIN_COUNT; p++)
		CHECK(auth_plugin_find(slice_cstr(auth_plugin_name((enum auth_plugin)p))) == p);
	CHECK(auth_plugin_find(SLICE_LIT("unix_socket")) == AUTH_SOCKET);
	CHECK(auth_plugin_find(SLICE_LIT("mysql_old_password")) == AUTH_PLUGIN_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_mixed_with_the_challenge),
		cmocka_unit_test(no_password_is_next_to_nothing),
		cmocka_unit_test(a_password_goes_in_clear_only_where_nobody_can_listen),
		cmocka_unit_test(a_short_challenge_is_refused),
		cmocka_unit_test(the_key_encrypts_the_password_mixed_with_the_challenge),
		cmocka_unit_test(a_password_too_long_for_the_key_is_told),
		cmocka_unit_test(a_parsec_salt_has_one_form),
		cmocka_unit_test(plugins_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
