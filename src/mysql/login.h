/*
 * login - the messages of the connection phase, both ways: greeting, SSL request, handshake response,
 * authentication switch and its exchange, COM_CHANGE_USER.
 *
 * Authentication data never leaves mysql/ and client/: the struct fields that hold it are named so.
 * Decoders: ERR_PROTO leaves *OUT alone; slices live as long as the payload.
 */
#ifndef MYSQL_LOGIN_H
#define MYSQL_LOGIN_H

#include "mysql/proto.h"

enum { MYP_SCRAMBLE = 20 }; /* bytes of a challenge; mysql_old_password uses the first 8 */

/* Protocol version 10 (and 9 of 3.20: only version, connection id and 8 bytes of challenge). */
struct myp_greeting {
	uint8_t protocol;
	struct slice server_version; /* as sent; MariaDB 10 puts "5.5.5-" before its own */
	uint32_t connection_id;
	uint64_t caps; /* with MariaDB's extended ones in the upper half */
	uint8_t collation;
	uint16_t status;
	struct slice auth_plugin; /* empty if none is named */
	uint8_t auth_scramble[MYP_SCRAMBLE];
	uint8_t auth_scramble_len; /* 8 or 20 */
	bool is_mariadb;
};

enum err myp_greeting_decode(struct slice payload, struct myp_greeting *out) MUST_CHECK;

struct myp_login {
	uint64_t caps; /* as the client sent them */
	uint32_t max_packet;
	uint16_t
		collation; /* one byte in the handshake, two in CHANGE_USER; 0 in the form before 4.1 */
	struct slice user;
	struct slice database;    /* empty if none */
	struct slice auth_plugin; /* empty if none */
	struct slice auth_data;   /* secret */
	struct slice attributes;  /* raw: see myp_attribute_next() */
	uint8_t zstd_level;
	bool is_ssl_request; /* the short form: TLS follows, then the whole response inside it */
};

/*
 * Handshake response 4.1, the form before it (320), or an SSL request (32 bytes; 5 before 4.1; 4 of
 * Connector/J). SERVER_CAPS are the greeting's, or UINT64_MAX where it was not heard: a client writes
 * only what the server knows, whatever its own flags say. Newer parts that are missing at the end are empty.
 */
enum err myp_login_decode(struct slice payload, uint64_t server_caps,
			  struct myp_login *out) MUST_CHECK;

/*
 * True if PAYLOAD has the zeros that a handshake response 4.1 has: 19 behind the flags, the size and the character set,
 * where nothing else that a client says has them. Behind those stand 4 bytes that are MariaDB's.
 */
bool myp_login_has_filler(struct slice payload);

/*
 * Writes the handshake response (or, with is_ssl_request, the SSL request); 4.1 form only. L->caps decide
 * what is written, so they are those that both sides have. Without CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA, and in
 * CHANGE_USER, auth_data is at most 255 bytes.
 */
void myp_login_put(struct buf *out, const struct myp_login *l);

/* COM_CHANGE_USER, first byte included, under the session's CAPS. */
enum err myp_change_user_decode(struct slice payload, uint64_t caps,
				struct myp_login *out) MUST_CHECK;
void myp_change_user_put(struct buf *out, const struct myp_login *l);

/* Connection attributes: true and *KEY, *VALUE filled, or false at the end or at nonsense. */
bool myp_attribute_next(struct cursor *attributes, struct slice *key, struct slice *value);
void myp_attribute_put(struct buf *out, struct slice key, struct slice value);

/* A server's packet between the handshake response and its OK or ERR. */
enum myp_auth_kind {
	MYP_AUTH_SWITCH,     /* use another plugin, with another challenge */
	MYP_AUTH_SWITCH_OLD, /* one byte 0xfe: use mysql_old_password */
	MYP_AUTH_MORE,       /* data of the plugin (0x01 in front) */
	MYP_AUTH_OK,
	MYP_AUTH_ERR,
	MYP_AUTH_NEXT_FACTOR,
};

struct myp_auth {
	enum myp_auth_kind kind;
	struct slice auth_plugin; /* SWITCH, NEXT_FACTOR */
	struct slice auth_data;   /* challenge, or the plugin's data */
};

enum err myp_auth_decode(struct slice payload, struct myp_auth *out) MUST_CHECK;

/* The capabilities that hold for the session: what both sides have. */
uint64_t myp_caps_agreed(uint64_t server_caps, uint64_t client_caps);

#endif
