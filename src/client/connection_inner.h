/*
 * connection_inner - what the two halves of a connection share: connection.c, which keeps it, and connection_login.c,
 * which logs it in. Internal to client/.
 */
#ifndef CLIENT_CONNECTION_INNER_H
#define CLIENT_CONNECTION_INNER_H

#include "client/connection.h"
#include "client/dial.h"
#include "client/handshake.h"
#include "client/link.h"

enum {
	LOGIN_PAYLOAD_MAX = 64 << 10, /* bytes of a packet of the login; more is not believed */
};

enum connection_state {
	STATE_CONNECT, /* the socket is connecting */
	STATE_TLS,     /* TLS is being negotiated */
	STATE_LOGIN,   /* packets of the login go to and fro */
	STATE_READY,
	STATE_FAILED,
	STATES,
};

struct connection {
	const struct target *target;
	struct client_tls *tls;
	struct compressor *compressor, *own_compressor;
	bool tls_is_ours;
	uint8_t sequence; /* of the packet that follows the server's last one */
	enum connection_state state;
	struct link link;
	struct myp_reader reader;
	size_t payload_max;
	struct handshake_session session;
	struct handshake *handshake; /* while a login goes on */
	struct dial dial;            /* while connecting */
	int64_t deadline_ns;         /* of the login; monotonic */
	struct errinfo error;
	struct myp_err server_error;
	char *server_message; /* owned; what server_error.message borrows */
};

void connection_set_state(struct connection *c, enum connection_state to);

/* The end: WHY, with the place in front, is what connection_error() says from now on. */
void connection_fail(struct connection *c, const struct errinfo *why);
void connection_fail_with(struct connection *c, enum err code, const char *text);

/* What only a login needs is given back. */
void connection_end_login(struct connection *c);

/* Reads what the socket has. False if there was nothing, or the connection has failed now. */
bool connection_read_more(struct connection *c);

/* Writes what waits. False if not all could be written. */
bool connection_flush(struct connection *c);

/* The next whole packet of what was read. ERR_AGAIN, ERR_PROTO, ERR_LIMIT, ERR_NOMEM. */
enum err connection_next_packet(struct connection *c, struct myp_packet *out) MUST_CHECK;

/* Moves the login on as far as can be without waiting for the socket; true: call again. */
bool connection_log_in(struct connection *c);

#endif
