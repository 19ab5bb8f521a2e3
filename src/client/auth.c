/*
 * auth - what the authentication plugins want to hear.
 *
 * Sources: MySQL source documentation, "Authentication Methods"; MariaDB KB, "Authentication plugins" and the
 * comments of its auth_ed25519 and auth_parsec.
 */
#include "client/auth.h"

#include <assert.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "client/ed25519.h"

enum {
	SCRAMBLE = 20, /* bytes of a challenge of MySQL's plugins */
	NONCE = 32,    /* and of MariaDB's newer ones */
	HASH_MAX = 32, /* SHA-256 */
	SHA256_KEY_REQUEST = 0x01,
	CACHING_SHA2_KEY_REQUEST = 0x02,
	PARSEC_SALT = 18,
	PARSEC_FACTOR_MAX = 3,
};

static const char *const names[AUTH_PLUGIN_COUNT] = {
#define PLUGIN(id, name) [AUTH_##id] = name,
	AUTH_PLUGINS(PLUGIN)
#undef PLUGIN
};

const char *auth_plugin_name(enum auth_plugin plugin)
{
	return names[plugin];
}

enum auth_plugin auth_plugin_find(struct slice name)
{
	enum auth_plugin p = 0;

	if (slice_eq(name, SLICE_LIT("unix_socket")))
		return AUTH_SOCKET;
	while (p < AUTH_PLUGIN_COUNT && !slice_eq(name, slice_cstr(names[p])))
		p++;
	return p;
}

static bool digest(const EVP_MD *md, struct slice a, struct slice b, uint8_t *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex(c, md, NULL) && EVP_DigestUpdate(c, a.ptr, a.len) &&
		  EVP_DigestUpdate(c, b.ptr, b.len) && EVP_DigestFinal_ex(c, out, NULL);

	EVP_MD_CTX_free(c);
	return ok;
}

static enum err no_crypto(struct errinfo *info)
{
	ERR_clear_error();
	return err_set(info, ERR_NOMEM, 0, "OpenSSL cannot calculate the answer to a login");
}

/*
 * HASH(password) XOR HASH(of challenge and HASH(HASH(password))): with SHA-1 and the challenge in
 * front it is mysql_native_password's, with SHA-256 and the challenge behind caching_sha2_password's.
 */
static enum err answer_hash(const struct auth_question *q, const EVP_MD *md, bool challenge_first,
			    struct buf *out, struct errinfo *info)
{
	size_t len = (size_t)EVP_MD_get_size(md);
	struct slice challenge = slice_of(q->challenge, SCRAMBLE), none = {0}, twice;
	uint8_t once[HASH_MAX], again[HASH_MAX], mixed[HASH_MAX];
	bool ok;

	assert(len <= HASH_MAX);
	twice = slice_of(again, len);
	ok = digest(md, slice_cstr(q->password), none, once) &&
	     digest(md, slice_of(once, len), none, again) &&
	     digest(md, challenge_first ? challenge : twice, challenge_first ? twice : challenge,
		    mixed);
	for (size_t i = 0; ok && i < len; i++)
		mixed[i] ^= once[i];
	if (ok)
		buf_put(out, mixed, len);
	OPENSSL_cleanse(once, sizeof(once));
	OPENSSL_cleanse(again, sizeof(again));
	return ok ? ERR_OK : no_crypto(info);
}

static bool is_secure(const struct auth_question *q)
{
	return q->tls || q->local;
}

static void put_password(const struct auth_question *q, struct buf *out)
{
	buf_put(out, q->password, strlen(q->password) + 1);
}

static enum err answer_ed25519(const struct auth_question *q, struct buf *out, struct errinfo *info)
{
	uint8_t signature[ED25519_SIGNATURE];

	if (ed25519_sign(slice_cstr(q->password), slice_of(q->challenge, NONCE), signature) !=
	    ERR_OK)
		return no_crypto(info);
	buf_put(out, signature, sizeof(signature));
	return ERR_OK;
}

static enum err answer_clear(const struct auth_question *q, struct buf *out, struct errinfo *info)
{
	if (!is_secure(q))
		return err_set(
			info, ERR_UNSUPPORTED, 0,
			"the server wants the password in clear (%s), which is sent over TLS "
			"or a local socket only",
			names[q->plugin]);
	put_password(q, out);
	return ERR_OK;
}

static size_t challenge_needed(enum auth_plugin plugin)
{
	switch (plugin) {
	case AUTH_NATIVE:
	case AUTH_CACHING_SHA2:
	case AUTH_SHA256:
		return SCRAMBLE;
	case AUTH_ED25519:
	case AUTH_PARSEC:
		return NONCE;
	case AUTH_CLEAR:
	case AUTH_SOCKET:
	case AUTH_PLUGIN_COUNT:
		break;
	}
	return 0;
}

/* Older than caching_sha2_password: the server takes TLS for secure, but no local socket. */
static enum err answer_sha256(const struct auth_question *q, struct buf *out, enum auth_next *next)
{
	if (q->tls) {
		put_password(q, out);
		return ERR_OK;
	}
	buf_put_u8(out, SHA256_KEY_REQUEST);
	*next = AUTH_NEXT_PUBLIC_KEY;
	return ERR_OK;
}

enum err auth_answer(const struct auth_question *q, struct buf *out, enum auth_next *next,
		     struct errinfo *info)
{
	bool empty = *q->password == '\0';

	*next = AUTH_NEXT_RESULT;
	if (q->challenge_len < challenge_needed(q->plugin))
		return err_set(info, ERR_PROTO, 0, "the server's challenge for %s is too short",
			       names[q->plugin]);
	switch (q->plugin) {
	case AUTH_NATIVE:
		return empty ? ERR_OK : answer_hash(q, EVP_sha1(), true, out, info);
	case AUTH_CACHING_SHA2:
		if (!empty)
			return answer_hash(q, EVP_sha256(), false, out, info);
		buf_put_u8(out, 0);
		return ERR_OK;
	case AUTH_SHA256:
		if (!empty)
			return answer_sha256(q, out, next);
		buf_put_u8(out, 0);
		return ERR_OK;
	case AUTH_ED25519:
		return answer_ed25519(q, out, info);
	case AUTH_PARSEC:
		*next = AUTH_NEXT_SALT; /* an empty packet asks for it */
		return ERR_OK;
	case AUTH_CLEAR:
		return answer_clear(q, out, info);
	case AUTH_SOCKET: /* the server asks the kernel */
	case AUTH_PLUGIN_COUNT:
		break;
	}
	return ERR_OK;
}

void auth_answer_full(const struct auth_question *q, struct buf *out, enum auth_next *next)
{
	*next = AUTH_NEXT_RESULT;
	if (is_secure(q)) {
		put_password(q, out);
		return;
	}
	buf_put_u8(out, CACHING_SHA2_KEY_REQUEST);
	*next = AUTH_NEXT_PUBLIC_KEY;
}

static EVP_PKEY *read_key(struct slice pem)
{
	BIO *b = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *key = b ? PEM_read_bio_PUBKEY(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	if (key && EVP_PKEY_is_a(key, "RSA") != 1) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

/* Encrypts PLAIN with RSA-OAEP onto OUT. */
static bool encrypt(EVP_PKEY *key, struct slice plain, struct buf *out)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	size_t len = 0;
	uint8_t *to;
	bool ok = c && EVP_PKEY_encrypt_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_encrypt(c, NULL, &len, plain.ptr, plain.len) == 1;

	to = ok ? buf_reserve(out, len) : NULL;
	ok = to && EVP_PKEY_encrypt(c, to, &len, plain.ptr, plain.len) == 1;
	if (ok)
		buf_advance(out, len);
	EVP_PKEY_CTX_free(c);
	return ok;
}

enum err auth_answer_key(const struct auth_question *q, struct slice key_pem, struct buf *out,
			 struct errinfo *info)
{
	struct slice password = slice_of(q->password, strlen(q->password) + 1);
	EVP_PKEY *key = key_pem.len <= AUTH_ANSWER_MAX ? read_key(key_pem) : NULL;
	struct buf mixed;
	bool ok;

	if (!key) {
		ERR_clear_error();
		return err_set(info, ERR_PROTO, 0, "the server's RSA key cannot be read");
	}
	buf_init(&mixed, password.len);
	ok = buf_reserve(&mixed, password.len) != NULL;
	for (size_t i = 0; ok && i < password.len; i++)
		buf_put_u8(&mixed, password.ptr[i] ^ q->challenge[i % SCRAMBLE]);
	ok = ok && encrypt(key, buf_slice(&mixed), out);
	if (mixed.ptr)
		OPENSSL_cleanse(mixed.ptr, mixed.cap);
	buf_release(&mixed);
	EVP_PKEY_free(key);
	if (ok)
		return ERR_OK;
	ERR_clear_error();
	return err_set(
		info, ERR_UNSUPPORTED, 0,
		"the password cannot be encrypted with the server's RSA key; it may be too long");
}

/* The parsec key of a password and SALT: PBKDF2, 1024 rounds times two to the power of FACTOR. */
static bool parsec_key(const char *password, struct slice salt, unsigned factor,
		       uint8_t key[ED25519_KEY])
{
	return PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt.ptr, (int)salt.len,
				 1024 << factor, EVP_sha512(), ED25519_KEY, key) == 1;
}

enum err auth_answer_salt(const struct auth_question *q, struct slice salt, struct buf *out,
			  struct errinfo *info)
{
	struct cursor c = cur_of(salt);
	uint8_t method = cur_u8(&c), factor = cur_u8(&c);
	struct slice random = cur_bytes(&c, PARSEC_SALT);
	uint8_t message[2 * NONCE], key[ED25519_KEY], signature[ED25519_SIGNATURE];
	bool ok;

	if (!cur_done(&c) || method != 'P' || factor > PARSEC_FACTOR_MAX)
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the server's parsec salt is of a kind that is not known");
	memcpy(message, q->challenge, NONCE);
	ok = RAND_bytes(message + NONCE, NONCE) == 1 &&
	     parsec_key(q->password, random, factor, key) &&
	     ed25519_sign(slice_of(key, sizeof(key)), slice_of(message, sizeof(message)),
			  signature) == ERR_OK;
	OPENSSL_cleanse(key, sizeof(key));
	if (!ok)
		return no_crypto(info);
	buf_put(out, message + NONCE, NONCE);
	buf_put(out, signature, sizeof(signature));
	return ERR_OK;
}
