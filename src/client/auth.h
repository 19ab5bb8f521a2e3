/*
 * auth - what the authentication plugins want to hear, calculated. No I/O.
 *
 * Everything here is secret or made of secrets: answers go to the server and nowhere else.
 */
#ifndef CLIENT_AUTH_H
#define CLIENT_AUTH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cursor.h"

#define AUTH_PLUGINS(PLUGIN)                                                                       \
	PLUGIN(NATIVE, "mysql_native_password")                                                    \
	PLUGIN(CACHING_SHA2, "caching_sha2_password")                                              \
	PLUGIN(SHA256, "sha256_password")                                                          \
	PLUGIN(ED25519, "client_ed25519")                                                          \
	PLUGIN(PARSEC, "parsec")                                                                   \
	PLUGIN(CLEAR, "mysql_clear_password")                                                      \
	PLUGIN(SOCKET, "auth_socket")

enum auth_plugin {
#define PLUGIN(id, name) AUTH_##id,
	AUTH_PLUGINS(PLUGIN)
#undef PLUGIN
		AUTH_PLUGIN_COUNT,
};

enum { AUTH_CHALLENGE_MAX = 32, AUTH_ANSWER_MAX = 8192 }; /* bytes */

/* What an answer is made of. */
struct auth_question {
	enum auth_plugin plugin;
	const char *password; /* never NULL; empty: none */
	uint8_t challenge[AUTH_CHALLENGE_MAX];
	size_t challenge_len;
	bool tls;   /* the connection is inside TLS */
	bool local; /* or over a local socket, where nobody can listen either */
};

/* What the server will say next if it is content so far. */
enum auth_next {
	AUTH_NEXT_RESULT,     /* OK, or ERR; with caching_sha2_password also how to go on */
	AUTH_NEXT_PUBLIC_KEY, /* the RSA key that was asked for */
	AUTH_NEXT_SALT,       /* parsec's salt */
};

const char *auth_plugin_name(enum auth_plugin plugin);

/* The plugin of that NAME, or AUTH_PLUGIN_COUNT. */
enum auth_plugin auth_plugin_find(struct slice name);

/*
 * Appends the first answer to a challenge. ERR_PROTO: the challenge is not one of this plugin;
 * ERR_UNSUPPORTED: the password would have to be sent in clear over a connection that is not secure.
 */
enum err auth_answer(const struct auth_question *q, struct buf *out, enum auth_next *next,
		     struct errinfo *info) MUST_CHECK;

/*
 * caching_sha2_password only: the server does not know the password's hash yet. Appends the password
 * itself, or where that is not secure the request for the server's key.
 */
void auth_answer_full(const struct auth_question *q, struct buf *out, enum auth_next *next);

/* The password, encrypted with the server's KEY (PEM). */
enum err auth_answer_key(const struct auth_question *q, struct slice key, struct buf *out,
			 struct errinfo *info) MUST_CHECK;

/* parsec only: our part of the challenge and the signature, with the salt that the server sent. */
enum err auth_answer_salt(const struct auth_question *q, struct slice salt, struct buf *out,
			  struct errinfo *info) MUST_CHECK;

#endif
