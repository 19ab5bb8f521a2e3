/*
 * handshake - our part of a login as pure logic: the server's packets in, ours out. No I/O.
 *
 * The owner gives every packet of the server to handshake_packet() and does what it says, until the
 * step is DONE or something failed. A handshake is kept only as long as the login takes; passwords in
 * it are wiped when it is freed.
 */
#ifndef CLIENT_HANDSHAKE_H
#define CLIENT_HANDSHAKE_H

#include "client/auth.h"
#include "client/target.h"
#include "mysql/login.h"
#include "mysql/reply.h"

enum {
	HANDSHAKE_SWITCHES_MAX = 8, /* of the plugin, in one login */
	HANDSHAKE_VERSION_MAX = 96, /* bytes that are kept of the server's version, */
	HANDSHAKE_PLUGIN_MAX = 32,  /* and of its plugin's name; servers have 60 and 22 */
};

enum handshake_step {
	HANDSHAKE_SEND, /* send OUT as a packet, even if it is empty; the server's next packet then */
	HANDSHAKE_WAIT, /* nothing to send, the server goes on */
	HANDSHAKE_TLS,  /* send OUT, begin TLS, then handshake_tls_ready() */
	HANDSHAKE_DONE,
};

enum handshake_state {
	HANDSHAKE_GREETING,   /* the server's first packet is awaited */
	HANDSHAKE_TLS_BEGINS, /* our request is on the way */
	HANDSHAKE_RESULT,     /* we have answered and wait for the verdict */
	HANDSHAKE_PUBLIC_KEY, /* the server's RSA key was asked for */
	HANDSHAKE_SALT,       /* parsec's salt was asked for */
	HANDSHAKE_OVER,
	HANDSHAKE_STATES,
};

/* Whom to log in as. All is copied. */
struct handshake_options {
	const char *user;
	const char *password; /* NULL: none */
	const char *database; /* NULL: none */
	struct slice attributes;
	uint64_t caps;      /* wanted; see connection_options */
	uint16_t collation; /* 0: by the server's kind */
	enum target_ssl_mode ssl_mode;
	struct target_compression compression;
	bool local; /* over a local socket */
};

/*
 * What a login leaves behind: who the server is and what was agreed. It is in one piece, so that what stays does not
 * scatter over the memory that logins need for a moment. Not to be copied but by handshake_take_session().
 */
struct handshake_session {
	struct myp_greeting greeting; /* its strings are those below, its challenge is zero */
	char version[HANDSHAKE_VERSION_MAX], plugin[HANDSHAKE_PLUGIN_MAX];
	size_t version_len, plugin_len;
	char *attributes; /* owned; what we said of ourselves */
	size_t attributes_len;
	uint64_t caps;
	uint16_t collation;              /* that was asked for */
	uint8_t challenge[MYP_SCRAMBLE]; /* for a later change of user */
};

struct handshake;

enum err handshake_new(const struct handshake_options *options, struct handshake **out,
		       struct errinfo *info) MUST_CHECK;
void handshake_free(struct handshake *h); /* NULL is fine */

/*
 * Takes a PAYLOAD of the server, appends to OUT what is to be sent back. ERR_PROTO: not a server that
 * we understand; ERR_UNSUPPORTED: a plugin, a version or a need for TLS that cannot be met; ERR_IO: the
 * server refused, see handshake_server_error().
 */
enum err handshake_packet(struct handshake *h, struct slice payload, struct buf *out,
			  enum handshake_step *step, struct errinfo *info) MUST_CHECK;

/* Bytes of OUT that one call may need: with so much reserved, no copy of a secret is left behind. */
size_t handshake_answer_max(const struct handshake *h);

/* TLS is on: appends the login, to be sent as a packet. */
enum err handshake_tls_ready(struct handshake *h, struct buf *out, struct errinfo *info) MUST_CHECK;

/*
 * In place of a greeting: appends COM_CHANGE_USER of SESSION, which is over TLS or not. The attributes have to be
 * SESSION's: MySQL 5.6 lets nobody in who had some and has none now.
 */
enum err handshake_change_user(struct handshake *h, const struct handshake_session *session,
			       bool tls, struct buf *out, struct errinfo *info) MUST_CHECK;

/* The ERR packet that ended the login, or NULL. Borrowed from H. */
const struct myp_err *handshake_server_error(const struct handshake *h);

/* After DONE: moves what is known of the server into *INTO, which held nothing before. */
void handshake_take_session(struct handshake *h, struct handshake_session *into);
void handshake_session_release(struct handshake_session *s);

#endif
