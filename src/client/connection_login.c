/* connection_login - a connection until it is ready: dialled, TLS, login; and a login anew. */
#include <assert.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/connection_inner.h"
#include "client/tls.h"

static bool step_connect(struct connection *c)
{
	struct errinfo why;
	enum err e = dial_check(&c->dial, &c->link.fd, &why);

	if (e == ERR_OK)
		connection_set_state(c, STATE_LOGIN);
	else if (e != ERR_AGAIN)
		connection_fail(c, &why);
	return e == ERR_OK;
}

static bool begin_tls(struct connection *c)
{
	struct errinfo why;
	enum err e = ERR_OK;

	if (link_unread(&c->link).len > 0) {
		connection_fail_with(c, ERR_PROTO, "the server says something in clear before TLS");
		return false;
	}
	if (!c->tls) {
		e = client_tls_new(c->target, &c->tls, &why);
		c->tls_is_ours = e == ERR_OK;
	}
	if (e == ERR_OK)
		e = tls_open(c->tls, c->target, c->link.fd, &c->link.tls, &why);
	if (e != ERR_OK)
		connection_fail(c, &why);
	return e == ERR_OK;
}

/* Sends PAYLOAD as the next packet of the login. */
static bool send_login(struct connection *c, struct slice payload)
{
	struct errinfo why;
	enum err e = link_send(&c->link, payload, c->sequence++, &why);

	if (e != ERR_OK)
		connection_fail(c, &why);
	return e == ERR_OK;
}

/* A buffer of its full size at once, so that no copy of a secret is left behind when it grows. */
static bool secret_buf(struct connection *c, struct buf *b)
{
	size_t size = handshake_answer_max(c->handshake);

	buf_init(b, size);
	if (buf_reserve(b, size))
		return true;
	connection_fail_with(c, ERR_NOMEM, "no memory for a login");
	return false;
}

static bool step_tls(struct connection *c)
{
	struct errinfo why;
	struct buf login;
	enum err e;

	if (!c->link.tls && (!connection_flush(c) || !begin_tls(c)))
		return false;
	e = tls_handshake(c->link.tls, &why);
	if (e == ERR_AGAIN)
		return false;
	if (e != ERR_OK) {
		connection_fail(c, &why);
		return false;
	}
	connection_set_state(c, STATE_LOGIN);
	if (!secret_buf(c, &login))
		return false;
	e = handshake_tls_ready(c->handshake, &login, &why);
	if (e != ERR_OK)
		connection_fail(c, &why);
	else if (!send_login(c, buf_slice(&login)))
		e = ERR_IO;
	secret_release(&login);
	return e == ERR_OK;
}

/* Behind a login all is compressed, if that was agreed on. False: no memory. */
static bool begin_compression(struct connection *c)
{
	const enum myp_compression how = compressor_algorithm(c->session.caps);

	if (how != MYP_COMPRESS_STORED && !c->compressor &&
	    compressor_new(c->target->compression.zstd_level, &c->own_compressor) == ERR_OK)
		c->compressor = c->own_compressor;
	if (link_compress(&c->link, c->compressor, how) == ERR_OK)
		return true;
	connection_fail_with(c, ERR_NOMEM, "no memory for compression");
	return false;
}

static void become_ready(struct connection *c)
{
	handshake_session_release(&c->session);
	handshake_take_session(c->handshake, &c->session);
	connection_end_login(c);
	myp_reader_release(&c->reader);
	myp_reader_init(&c->reader, c->payload_max);
	link_rest(&c->link);
	c->link.secret = false;
	if (begin_compression(c))
		connection_set_state(c, STATE_READY);
}

/* Does what the handshake wants after a packet. */
static bool do_step(struct connection *c, enum handshake_step step, struct slice answer)
{
	switch (step) {
	case HANDSHAKE_SEND:
		return send_login(c, answer);
	case HANDSHAKE_TLS:
		if (!send_login(c, answer))
			return false;
		connection_set_state(c, STATE_TLS);
		return true;
	case HANDSHAKE_DONE:
		become_ready(c);
		return false;
	case HANDSHAKE_WAIT:
		break;
	}
	return true;
}

static bool take_login_packet(struct connection *c, const struct myp_packet *p)
{
	enum handshake_step step = HANDSHAKE_WAIT;
	struct errinfo why;
	struct buf answer;
	bool go_on = false;
	enum err e;

	if (!secret_buf(c, &answer))
		return false;
	e = handshake_packet(c->handshake, p->payload, &answer, &step, &why);
	if (e == ERR_OK)
		go_on = do_step(c, step, buf_slice(&answer));
	else
		connection_fail(c, &why);
	secret_release(&answer);
	return go_on;
}

static bool step_login(struct connection *c)
{
	struct myp_packet p;
	enum err e;

	if (!connection_flush(c) && c->state == STATE_FAILED)
		return false;
	e = connection_next_packet(c, &p);
	if (e == ERR_OK && p.payload_len == p.payload.len)
		return take_login_packet(c, &p);
	if (e == ERR_NOMEM) {
		connection_fail_with(c, ERR_NOMEM, "no memory to read from the server");
		return false;
	}
	if (e == ERR_OK || c->reader.payload_len + c->reader.frame_left > LOGIN_PAYLOAD_MAX) {
		connection_fail_with(c, ERR_PROTO, "this is not a MySQL or MariaDB server");
		return false;
	}
	return connection_read_more(c);
}

bool connection_log_in(struct connection *c)
{
	switch (c->state) {
	case STATE_CONNECT:
		return step_connect(c);
	case STATE_TLS:
		return step_tls(c);
	case STATE_LOGIN:
		return step_login(c);
	case STATE_READY:
	case STATE_FAILED:
	case STATES:
		break;
	}
	return false;
}

enum err connection_change_user(struct connection *c, const char *user, const char *password,
				const char *database, uint16_t collation)
{
	const struct handshake_options login = {
		.user = user,
		.password = password,
		.database = database,
		.attributes = slice_of(c->session.attributes, c->session.attributes_len),
		.collation = collation,
		.ssl_mode = c->target->ssl_mode,
		.local = c->target->socket != NULL,
	};
	struct buf payload;
	struct errinfo why;
	enum err e;

	if (c->state == STATE_FAILED)
		return ERR_IO;
	assert(c->state == STATE_READY);
	buf_init(&payload, LOGIN_PAYLOAD_MAX);
	e = handshake_new(&login, &c->handshake, &why);
	if (e == ERR_OK)
		e = handshake_change_user(c->handshake, &c->session, connection_is_tls(c), &payload,
					  &why);
	if (e == ERR_OK)
		e = buf_err(&payload);
	if (e == ERR_OK)
		e = connection_send(c, buf_slice(&payload));
	secret_release(&payload);
	if (e != ERR_OK) {
		connection_end_login(c);
		return e;
	}
	c->deadline_ns = clock_mono_ns() + c->target->connect_timeout_ns;
	myp_reader_release(&c->reader);
	myp_reader_init(&c->reader, LOGIN_PAYLOAD_MAX);
	c->link.secret = true;
	connection_set_state(c, STATE_LOGIN);
	return ERR_OK;
}
