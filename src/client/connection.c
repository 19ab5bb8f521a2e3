/* connection - our side of one connection to a server. */
#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/connection_inner.h"
#include "client/socket.h"
#include "client/tls.h"

static_assert((int)CONNECTION_SHARED == (int)LINK_READ_MORE,
	      "what is shared is as large as what is read");

enum { PLACE_MAX = 300 }; /* bytes of "user@host:port" in messages */

#define TO(state) (1u << STATE_##state)

static const unsigned state_next[STATES] = {
	[STATE_CONNECT] = TO(LOGIN) | TO(FAILED),
	[STATE_TLS] = TO(LOGIN) | TO(FAILED),
	[STATE_LOGIN] = TO(TLS) | TO(READY) | TO(FAILED),
	[STATE_READY] = TO(LOGIN) | TO(FAILED),
	[STATE_FAILED] = 0,
};

void connection_set_state(struct connection *c, enum connection_state to)
{
	assert(state_next[c->state] & 1u << to);
	c->state = to;
}

void connection_end_login(struct connection *c)
{
	handshake_free(c->handshake);
	c->handshake = NULL;
	dial_release(&c->dial);
}

static void keep_server_error(struct connection *c)
{
	const struct myp_err *e = c->handshake ? handshake_server_error(c->handshake) : NULL;

	if (!e)
		return;
	c->server_message = mem_copy_str(e->message.ptr, e->message.len);
	c->server_error = *e;
	c->server_error.message =
		slice_of(c->server_message, c->server_message ? e->message.len : 0);
}

void connection_fail(struct connection *c, const struct errinfo *why)
{
	char place[PLACE_MAX];

	(void)err_set(&c->error, why->code, 0, "%s: %s",
		      target_format(c->target, place, sizeof(place)), why->text);
	c->error.sys_errno = why->sys_errno;
	keep_server_error(c);
	connection_end_login(c);
	connection_set_state(c, STATE_FAILED);
}

void connection_fail_with(struct connection *c, enum err code, const char *text)
{
	struct errinfo why;

	(void)err_set(&why, code, 0, "%s", text);
	connection_fail(c, &why);
}

static enum err begin(struct connection *c, const struct connection_options *o,
		      struct errinfo *info)
{
	const struct target *t = o->target;
	const struct handshake_options login = {
		.user = o->user   ? o->user
			: t->user ? t->user
				  : "",
		.password = o->user ? o->password : t->password,
		.database = o->database ? o->database : t->database,
		.attributes = o->attributes,
		.caps = o->caps,
		.collation = o->collation,
		.ssl_mode = t->ssl_mode,
		.compression = t->compression,
		.local = t->socket != NULL,
	};
	enum err e = handshake_new(&login, &c->handshake, info);

	if (e != ERR_OK)
		return e;
	c->deadline_ns = clock_mono_ns() + t->connect_timeout_ns;
	return dial_begin(&c->dial, t, c->deadline_ns, &c->link.fd, info);
}

enum err connection_open(const struct connection_options *o, struct connection **out,
			 struct errinfo *info)
{
	struct connection *c = mem_zalloc(sizeof(*c));
	struct errinfo why;
	enum err e;

	if (!c)
		return err_set(info, ERR_NOMEM, 0, "no memory for a connection");
	c->target = o->target;
	c->tls = o->tls;
	c->compressor = o->compressor;
	c->payload_max = o->payload_max;
	link_init(&c->link);
	c->link.secret = true;
	c->link.shared = o->shared;
	myp_reader_init(&c->reader, LOGIN_PAYLOAD_MAX);
	e = begin(c, o, &why);
	if (e != ERR_OK && e != ERR_IO) {
		connection_free(c);
		return err_set(info, e, why.sys_errno, "%s", why.text);
	}
	if (e == ERR_IO) /* as it would be if it had taken longer */
		connection_fail(c, &why);
	*out = c;
	return ERR_OK;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	connection_end_login(c);
	link_release(&c->link);
	myp_reader_release(&c->reader);
	handshake_session_release(&c->session);
	compressor_free(c->own_compressor);
	if (c->tls_is_ours)
		client_tls_free(c->tls);
	mem_free(c->server_message);
	mem_free(c);
}

int connection_fd(const struct connection *c)
{
	return c->link.fd;
}

unsigned connection_wants(const struct connection *c)
{
	const struct link *l = &c->link;
	unsigned wants = CONNECTION_WANT_READ;

	switch (c->state) {
	case STATE_CONNECT:
		return CONNECTION_WANT_WRITE;
	case STATE_TLS:
		if (link_unsent(l) > 0 || (l->tls && tls_wants_write(l->tls)))
			return CONNECTION_WANT_WRITE;
		return CONNECTION_WANT_READ;
	case STATE_LOGIN:
	case STATE_READY:
		if (l->read_wants_write || (link_unsent(l) > 0 && !l->write_wants_read))
			wants |= CONNECTION_WANT_WRITE;
		return wants;
	case STATE_FAILED:
	case STATES:
		break;
	}
	return 0;
}

enum connection_phase connection_phase(const struct connection *c)
{
	switch (c->state) {
	case STATE_CONNECT:
	case STATE_TLS:
	case STATE_LOGIN:
		return CONNECTION_CONNECTING;
	case STATE_READY:
		return CONNECTION_READY;
	case STATE_FAILED:
	case STATES:
		break;
	}
	return CONNECTION_FAILED;
}

int64_t connection_due_ns(const struct connection *c)
{
	if (connection_phase(c) != CONNECTION_CONNECTING)
		return INT64_MAX;
	return c->state == STATE_CONNECT ? c->dial.due_ns : c->deadline_ns;
}

bool connection_read_more(struct connection *c)
{
	struct errinfo why;
	enum err e = link_read(&c->link, &why);

	if (e == ERR_EOF)
		connection_fail_with(
			c, ERR_IO,
			c->state == STATE_READY
				? "the server closed the connection"
				: "the server closed the connection before the login was over");
	else if (e != ERR_OK && e != ERR_AGAIN)
		connection_fail(c, &why);
	return e == ERR_OK;
}

bool connection_flush(struct connection *c)
{
	struct errinfo why;
	enum err e = link_flush(&c->link, &why);

	if (e != ERR_OK && e != ERR_AGAIN)
		connection_fail(c, &why);
	return e == ERR_OK;
}

enum err connection_next_packet(struct connection *c, struct myp_packet *out)
{
	struct slice bytes = link_unread(&c->link);
	enum err e;

	if (bytes.len == 0)
		return ERR_AGAIN;
	e = myp_reader_next(&c->reader, &bytes, out);
	link_take(&c->link, bytes.len);
	if (e == ERR_OK)
		c->sequence = (uint8_t)(out->last_sequence + 1);
	return e;
}

/* Moves on as far as can be without waiting for the socket; true: call again. */
static bool step(struct connection *c)
{
	switch (c->state) {
	case STATE_CONNECT:
	case STATE_TLS:
	case STATE_LOGIN:
		return connection_log_in(c);
	case STATE_READY:
		if (!connection_flush(c) && c->state == STATE_FAILED)
			return false;
		(void)connection_read_more(c);
		return false;
	case STATE_FAILED:
	case STATES:
		break;
	}
	return false;
}

void connection_io(struct connection *c)
{
	while (step(c))
		;
	if (connection_phase(c) == CONNECTION_CONNECTING && clock_mono_ns() >= c->deadline_ns)
		connection_fail_with(
			c, ERR_IO,
			c->state == STATE_CONNECT
				? "no connection within the connect timeout"
				: "the server does not answer within the connect timeout");
}

void connection_check(struct connection *c)
{
	if (c->state == STATE_READY && socket_is_silent(c->link.fd, c->target->unreachable_ns))
		connection_fail_with(c, ERR_IO, "the server's machine cannot be reached any more");
}

enum err connection_error(const struct connection *c, struct errinfo *info,
			  struct myp_err *server_error)
{
	if (info)
		*info = c->error;
	if (server_error)
		*server_error = c->server_error;
	return c->error.code;
}

const struct myp_greeting *connection_greeting(const struct connection *c)
{
	return &c->session.greeting;
}

uint64_t connection_caps(const struct connection *c)
{
	return c->session.caps;
}

uint16_t connection_collation(const struct connection *c)
{
	return c->session.collation;
}

bool connection_is_tls(const struct connection *c)
{
	return c->link.tls != NULL;
}

size_t connection_unsent(const struct connection *c)
{
	return link_unsent(&c->link);
}

enum err connection_send_more(struct connection *c, struct slice payload)
{
	struct errinfo why;
	enum err e;

	if (c->state == STATE_FAILED)
		return ERR_IO;
	assert(c->state == STATE_READY);
	e = link_send(&c->link, payload, c->sequence, &why);
	if (e == ERR_OK)
		c->sequence = (uint8_t)(c->sequence + payload.len / MYP_FRAME_MAX + 1);
	else if (e != ERR_LIMIT) {
		if (!c->link.in) /* what it said has to stay, while others read */
			c->link.shared = NULL;
		if (link_read(&c->link, NULL) != ERR_OK) /* it may have said why it closed */
			link_rest(&c->link);
		connection_fail(c, &why);
	}
	return e;
}

enum err connection_send(struct connection *c, struct slice payload)
{
	c->sequence = 0;
	link_begin(&c->link);
	return connection_send_more(c, payload);
}

enum err connection_receive(struct connection *c, struct myp_packet *out)
{
	if (connection_phase(c) == CONNECTION_CONNECTING)
		return ERR_AGAIN;
	do {
		enum err e = connection_next_packet(c, out);

		if (e == ERR_OK)
			return ERR_OK;
		if (e == ERR_NOMEM && c->state == STATE_READY)
			connection_fail_with(c, ERR_NOMEM, "no memory to read from the server");
	} while (c->state == STATE_READY && link_has_more(&c->link) && connection_read_more(c));
	link_rest(&c->link);
	if (!myp_reader_partial(&c->reader) && c->reader.held.ptr)
		buf_release(&c->reader.held);
	return ERR_AGAIN;
}

struct slice connection_unread(const struct connection *c)
{
	return myp_reader_partial(&c->reader) ? slice_of(NULL, 0) : link_unread(&c->link);
}

void connection_take(struct connection *c, size_t left)
{
	link_take(&c->link, left);
}
