/* connection - our side of one connection to a server. */
#include "client/connection.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/dial.h"
#include "client/handshake.h"
#include "client/link.h"
#include "client/socket.h"
#include "client/tls.h"

static_assert((int)CONNECTION_SHARED == (int)LINK_READ_MORE,
	      "what is shared is as large as what is read");

enum {
	LOGIN_PAYLOAD_MAX = 64 << 10, /* bytes of a packet of the login; more is not believed */
	PLACE_MAX = 300,              /* bytes of "user@host:port" in messages */
};

enum state {
	STATE_CONNECT, /* the socket is connecting */
	STATE_TLS,     /* TLS is being negotiated */
	STATE_LOGIN,   /* packets of the login go to and fro */
	STATE_READY,
	STATE_FAILED,
	STATES,
};

#define TO(state) (1u << STATE_##state)

static const unsigned state_next[STATES] = {
	[STATE_CONNECT] = TO(LOGIN) | TO(FAILED),
	[STATE_TLS] = TO(LOGIN) | TO(FAILED),
	[STATE_LOGIN] = TO(TLS) | TO(READY) | TO(FAILED),
	[STATE_READY] = TO(LOGIN) | TO(FAILED),
	[STATE_FAILED] = 0,
};

struct connection {
	const struct target *target;
	struct client_tls *tls;
	struct compressor *compressor, *own_compressor;
	bool tls_is_ours;
	uint8_t sequence; /* of the packet that follows the server's last one */
	enum state state;
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

static void set_state(struct connection *c, enum state to)
{
	assert(state_next[c->state] & 1u << to);
	c->state = to;
}

static void end_login(struct connection *c)
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

/* The end: WHY, with the place in front, is what connection_error() says from now on. */
static void fail(struct connection *c, const struct errinfo *why)
{
	char place[PLACE_MAX];

	(void)err_set(&c->error, why->code, 0, "%s: %s",
		      target_format(c->target, place, sizeof(place)), why->text);
	c->error.sys_errno = why->sys_errno;
	keep_server_error(c);
	end_login(c);
	set_state(c, STATE_FAILED);
}

static void fail_with(struct connection *c, enum err code, const char *text)
{
	struct errinfo why;

	(void)err_set(&why, code, 0, "%s", text);
	fail(c, &why);
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
		fail(c, &why);
	*out = c;
	return ERR_OK;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	end_login(c);
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

/* Reads what the socket has. False if there was nothing, or the connection has failed now. */
static bool read_more(struct connection *c)
{
	struct errinfo why;
	enum err e = link_read(&c->link, &why);

	if (e == ERR_EOF)
		fail_with(c, ERR_IO,
			  c->state == STATE_READY
				  ? "the server closed the connection"
				  : "the server closed the connection before the login was over");
	else if (e != ERR_OK && e != ERR_AGAIN)
		fail(c, &why);
	return e == ERR_OK;
}

/* Writes what waits. False if not all could be written. */
static bool flush(struct connection *c)
{
	struct errinfo why;
	enum err e = link_flush(&c->link, &why);

	if (e != ERR_OK && e != ERR_AGAIN)
		fail(c, &why);
	return e == ERR_OK;
}

/* The next whole packet of what was read. */
static enum err next_packet(struct connection *c, struct myp_packet *out)
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

static bool step_connect(struct connection *c)
{
	struct errinfo why;
	enum err e = dial_check(&c->dial, &c->link.fd, &why);

	if (e == ERR_OK)
		set_state(c, STATE_LOGIN);
	else if (e != ERR_AGAIN)
		fail(c, &why);
	return e == ERR_OK;
}

static bool begin_tls(struct connection *c)
{
	struct errinfo why;
	enum err e = ERR_OK;

	if (link_unread(&c->link).len > 0) {
		fail_with(c, ERR_PROTO, "the server says something in clear before TLS");
		return false;
	}
	if (!c->tls) {
		e = client_tls_new(c->target, &c->tls, &why);
		c->tls_is_ours = e == ERR_OK;
	}
	if (e == ERR_OK)
		e = tls_open(c->tls, c->target, c->link.fd, &c->link.tls, &why);
	if (e != ERR_OK)
		fail(c, &why);
	return e == ERR_OK;
}

/* Sends PAYLOAD as the next packet of the login. */
static bool send_login(struct connection *c, struct slice payload)
{
	struct errinfo why;
	enum err e = link_send(&c->link, payload, c->sequence++, &why);

	if (e != ERR_OK)
		fail(c, &why);
	return e == ERR_OK;
}

/* A buffer of its full size at once, so that no copy of a secret is left behind when it grows. */
static bool secret_buf(struct connection *c, struct buf *b)
{
	size_t size = handshake_answer_max(c->handshake);

	buf_init(b, size);
	if (buf_reserve(b, size))
		return true;
	fail_with(c, ERR_NOMEM, "no memory for a login");
	return false;
}

static bool step_tls(struct connection *c)
{
	struct errinfo why;
	struct buf login;
	enum err e;

	if (!c->link.tls && (!flush(c) || !begin_tls(c)))
		return false;
	e = tls_handshake(c->link.tls, &why);
	if (e == ERR_AGAIN)
		return false;
	if (e != ERR_OK) {
		fail(c, &why);
		return false;
	}
	set_state(c, STATE_LOGIN);
	if (!secret_buf(c, &login))
		return false;
	e = handshake_tls_ready(c->handshake, &login, &why);
	if (e != ERR_OK)
		fail(c, &why);
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
	fail_with(c, ERR_NOMEM, "no memory for compression");
	return false;
}

static void become_ready(struct connection *c)
{
	handshake_session_release(&c->session);
	handshake_take_session(c->handshake, &c->session);
	end_login(c);
	myp_reader_release(&c->reader);
	myp_reader_init(&c->reader, c->payload_max);
	link_rest(&c->link);
	c->link.secret = false;
	if (begin_compression(c))
		set_state(c, STATE_READY);
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
		set_state(c, STATE_TLS);
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
		fail(c, &why);
	secret_release(&answer);
	return go_on;
}

static bool step_login(struct connection *c)
{
	struct myp_packet p;
	enum err e;

	if (!flush(c) && c->state == STATE_FAILED)
		return false;
	e = next_packet(c, &p);
	if (e == ERR_OK && p.payload_len == p.payload.len)
		return take_login_packet(c, &p);
	if (e == ERR_NOMEM) {
		fail_with(c, ERR_NOMEM, "no memory to read from the server");
		return false;
	}
	if (e == ERR_OK || c->reader.payload_len + c->reader.frame_left > LOGIN_PAYLOAD_MAX) {
		fail_with(c, ERR_PROTO, "this is not a MySQL or MariaDB server");
		return false;
	}
	return read_more(c);
}

/* Moves on as far as can be without waiting for the socket; true: call again. */
static bool step(struct connection *c)
{
	switch (c->state) {
	case STATE_CONNECT:
		return step_connect(c);
	case STATE_TLS:
		return step_tls(c);
	case STATE_LOGIN:
		return step_login(c);
	case STATE_READY:
		if (!flush(c) && c->state == STATE_FAILED)
			return false;
		(void)read_more(c);
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
		fail_with(c, ERR_IO,
			  c->state == STATE_CONNECT
				  ? "no connection within the connect timeout"
				  : "the server does not answer within the connect timeout");
}

void connection_check(struct connection *c)
{
	if (c->state == STATE_READY && socket_is_silent(c->link.fd, c->target->unreachable_ns))
		fail_with(c, ERR_IO, "the server's machine cannot be reached any more");
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
		fail(c, &why);
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
		enum err e = next_packet(c, out);

		if (e == ERR_OK)
			return ERR_OK;
		if (e == ERR_NOMEM && c->state == STATE_READY)
			fail_with(c, ERR_NOMEM, "no memory to read from the server");
	} while (c->state == STATE_READY && link_has_more(&c->link) && read_more(c));
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
		end_login(c);
		return e;
	}
	c->deadline_ns = clock_mono_ns() + c->target->connect_timeout_ns;
	myp_reader_release(&c->reader);
	myp_reader_init(&c->reader, LOGIN_PAYLOAD_MAX);
	c->link.secret = true;
	set_state(c, STATE_LOGIN);
	return ERR_OK;
}
