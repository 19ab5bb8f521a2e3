#include "check.h"

#include <openssl/evp.h>

#include "client/ed25519.h"

/* RFC 8032, section 7.1, TEST 3. */
static const uint8_t rfc_secret[] =
	"\xc5\xaa\x8d\xf4\x3f\x9f\x83\x7b\xed\xb7\x44\x2f\x31\xdc\xb7\xb1"
	"\x66\xd3\x85\x35\x07\x6f\x09\x4b\x85\xce\x3a\x2e\x0b\x44\x58\xf7";
static const uint8_t rfc_public[] =
	"\xfc\x51\xcd\x8e\x62\x18\xa1\xa3\x8d\xa4\x7e\xd0\x02\x30\xf0\x58"
	"\x08\x16\xed\x13\xba\x33\x03\xac\x5d\xeb\x91\x15\x48\x90\x80\x25";
static const uint8_t rfc_signature[] =
	"\x62\x91\xd6\x57\xde\xec\x24\x02\x48\x27\xe6\x9c\x3a\xbe\x01\xa3"
	"\x0c\xe5\x48\xa2\x84\x74\x3a\x44\x5e\x36\x80\xd7\xdb\x5a\xc3\xac"
	"\x18\xff\x9b\x53\x8d\x16\xf2\x90\xae\x67\xf7\x60\x98\x4d\xc6\x59"
	"\x4a\x7c\x15\xe9\x71\x6e\xd2\x8d\xc0\x27\xbe\xce\xea\x1e\xc4\x0a";

static void the_rfc_example_is_signed_as_in_the_rfc(void **state)
{
	uint8_t signature[ED25519_SIGNATURE], public_key[ED25519_KEY];
	struct slice secret = slice_of(rfc_secret, 32);

	(void)state;
	CHECK(ed25519_public(secret, public_key) == ERR_OK);
	CHECK(memcmp(public_key, rfc_public, 32) == 0);
	CHECK(ed25519_sign(secret, SLICE_LIT("\xaf\x82"), signature) == ERR_OK);
	CHECK(memcmp(signature, rfc_signature, 64) == 0);
}

static bool verifies(const uint8_t *public_key, struct slice message, const uint8_t *signature)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = key && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestVerify(c, signature, 64, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	return ok;
}

static void a_secret_of_any_length_signs_what_its_key_verifies(void **state)
{
	uint8_t signature[ED25519_SIGNATURE], public_key[ED25519_KEY], secret[70];

	(void)state;
	for (size_t len = 0; len <= sizeof(secret); len += 7) {
		struct slice s = slice_of(secret, len), message = slice_of(secret, len / 2);

		memset(secret, (int)(len * 37 + 1), sizeof(secret));
		CHECK(ed25519_public(s, public_key) == ERR_OK);
		CHECK(ed25519_sign(s, message, signature) == ERR_OK);
		CHECK(verifies(public_key, message, signature));
		signature[len % 64] ^= 1;
		CHECK(!verifies(public_key, message, signature));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc_example_is_signed_as_in_the_rfc),
		cmocka_unit_test(a_secret_of_any_length_signs_what_its_key_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
