/* mq - a connection to the broker: the only file that knows <amqp.h>. */
#include "broker/mq.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	CHANNELS_MAX = 1024,
	FRAME_MAX_BYTES = 128 << 10,
	REASON_MAX = 256,
	/* A peer that is gone without a word is missed after so long, if bytes wait for it. */
	SEND_TIMEOUT_MS = 120 * 1000,
	BODY_MAX = 32 << 20, /* bytes of a message that are taken */
	ORIGIN_TEXT = 17,    /* hexadecimal, with the NUL */
};

static const char origin_header[] = "myna-origin", resent_header[] = "myna-resent";
static const char content_type[] = "application/x-myna-block";

struct mq {
	amqp_connection_state_t state;
	char name[PLACE_NAME_MAX];
	char reason[REASON_MAX];
	unsigned broker_major;  /* version; 0: not told */
	uint16_t reply_code;    /* with which a channel was closed last */
	amqp_message_t message; /* the last delivery */
	bool has_message;
};

static amqp_bytes_t bytes_of(const char *text)
{
	return amqp_cstring_bytes(text);
}

static int len_of(amqp_bytes_t b)
{
	return b.len < REASON_MAX ? (int)b.len : REASON_MAX - 1;
}

/* Keeps what the broker said. */
static const char *keep_reason(struct mq *m, amqp_bytes_t text)
{
	(void)snprintf(m->reason, sizeof(m->reason), "%.*s", len_of(text), (char *)text.bytes);
	return m->reason;
}

/* The broker refuses what was asked, and closed the channel or the connection with these words. */
static enum err refused(struct mq *m, const amqp_method_t *reply, const char *what,
			struct errinfo *info)
{
	const amqp_channel_close_t *channel = reply->decoded;
	const amqp_connection_close_t *connection = reply->decoded;

	if (reply->id == AMQP_CHANNEL_CLOSE_METHOD) {
		m->reply_code = channel->reply_code;
		keep_reason(m, channel->reply_text);
		return err_set(info, ERR_USAGE, 0, "the broker %s: %s: %s", m->name, what,
			       m->reason);
	}
	if (reply->id == AMQP_CONNECTION_CLOSE_METHOD)
		keep_reason(m, connection->reply_text);
	else
		(void)snprintf(m->reason, sizeof(m->reason), "method %08x", reply->id);
	return err_set(info, ERR_IO, 0, "the broker %s: %s: %s", m->name, what, m->reason);
}

static enum err failed(const struct mq *m, int status, const char *what, struct errinfo *info)
{
	return err_set(info, ERR_IO, 0, "the broker %s: %s: %s", m->name, what,
		       amqp_error_string2(status));
}

static enum err check_reply(struct mq *m, amqp_rpc_reply_t r, const char *what,
			    struct errinfo *info)
{
	if (r.reply_type == AMQP_RESPONSE_NORMAL)
		return ERR_OK;
	if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
		return refused(m, &r.reply, what, info);
	return failed(m, r.library_error, what, info);
}

static enum err check(struct mq *m, const char *what, struct errinfo *info)
{
	return check_reply(m, amqp_get_rpc_reply(m->state), what, info);
}

static enum err check_status(const struct mq *m, int status, const char *what, struct errinfo *info)
{
	return status == AMQP_STATUS_OK ? ERR_OK : failed(m, status, what, info);
}

/* --- opening --- */

static struct timeval timeval_of(int64_t ns)
{
	return (struct timeval){.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000};
}

static enum err set_tls(struct mq *m, amqp_socket_t *s, const struct place *p, struct errinfo *info)
{
	int status = AMQP_STATUS_OK;

	amqp_ssl_socket_set_verify_peer(s, p->verify);
	amqp_ssl_socket_set_verify_hostname(s, p->verify);
	if (p->ca_file)
		status = amqp_ssl_socket_set_cacert(s, p->ca_file);
	else if (p->verify)
		(void)SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(s));
	if (status != AMQP_STATUS_OK)
		return failed(m, status, p->ca_file, info);
	if (p->cert_file && p->key_file)
		status = amqp_ssl_socket_set_key(s, p->cert_file, p->key_file);
	if (status != AMQP_STATUS_OK)
		return failed(m, status, p->cert_file, info);
	status = amqp_ssl_socket_set_ssl_versions(s, AMQP_TLSv1_2, AMQP_TLSvLATEST);
	return check_status(m, status, "TLS", info);
}

static enum err open_socket(struct mq *m, const struct place *p, struct errinfo *info)
{
	amqp_socket_t *s = p->tls ? amqp_ssl_socket_new(m->state) : amqp_tcp_socket_new(m->state);
	struct timeval timeout = timeval_of(p->timeout_ns);
	unsigned send_timeout = SEND_TIMEOUT_MS;
	enum err e = ERR_OK;
	int status;

	if (!s)
		return err_set(info, ERR_NOMEM, 0, "no memory for a connection");
	if (p->tls)
		e = set_tls(m, s, p, info);
	if (e != ERR_OK)
		return e;
	status = amqp_socket_open_noblock(s, p->host, p->port, &timeout);
	if (status == AMQP_STATUS_SOCKET_ERROR) /* the library keeps the reason to itself */
		return failed(m, status, "nobody listens there, or there is no way to it", info);
	if (status != AMQP_STATUS_OK)
		return failed(m, status, "cannot connect", info);
	(void)setsockopt(mq_fd(m), IPPROTO_TCP, TCP_USER_TIMEOUT, &send_timeout,
			 sizeof(send_timeout));
	(void)amqp_set_handshake_timeout(m->state, &timeout);
	(void)amqp_set_rpc_timeout(m->state, &timeout);
	return ERR_OK;
}

static amqp_table_entry_t text_entry(const char *key, const char *text)
{
	return (amqp_table_entry_t){
		.key = bytes_of(key),
		.value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = bytes_of(text)}};
}

static amqp_table_entry_t bool_entry(const char *key)
{
	return (amqp_table_entry_t){.key = bytes_of(key),
				    .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
}

static amqp_table_entry_t int_entry(const char *key, int32_t v)
{
	return (amqp_table_entry_t){.key = bytes_of(key),
				    .value = {.kind = AMQP_FIELD_KIND_I32, .value.i32 = v}};
}

static void note_version(struct mq *m)
{
	const amqp_table_t *t = amqp_get_server_properties(m->state);

	for (int i = 0; t && i < t->num_entries; i++) {
		const amqp_table_entry_t *e = &t->entries[i];
		amqp_bytes_t key = bytes_of("version"), v = e->value.value.bytes;

		if (e->value.kind != AMQP_FIELD_KIND_UTF8 || e->key.len != key.len ||
		    memcmp(e->key.bytes, key.bytes, key.len) != 0)
			continue;
		for (size_t at = 0; at < v.len && ((char *)v.bytes)[at] >= '0' &&
				    ((char *)v.bytes)[at] <= '9' && m->broker_major < 1000;
		     at++)
			m->broker_major =
				m->broker_major * 10 + (unsigned)(((char *)v.bytes)[at] - '0');
	}
}

static enum err login(struct mq *m, const struct place *p, const char *role, struct errinfo *info)
{
	amqp_table_entry_t can[] = {bool_entry("connection.blocked"),
				    bool_entry("consumer_cancel_notify"), bool_entry("basic.nack"),
				    bool_entry("publisher_confirms"),
				    bool_entry("authentication_failure_close")};
	amqp_table_entry_t says[] = {
		text_entry("connection_name", role),
		{.key = bytes_of("capabilities"),
		 .value = {.kind = AMQP_FIELD_KIND_TABLE,
			   .value.table = {.num_entries = sizeof(can) / sizeof(can[0]),
					   .entries = can}}},
	};
	amqp_table_t table = {.num_entries = sizeof(says) / sizeof(says[0]), .entries = says};
	amqp_rpc_reply_t r = amqp_login_with_properties(
		m->state, p->vhost, CHANNELS_MAX, FRAME_MAX_BYTES, p->heartbeat_s, &table,
		AMQP_SASL_METHOD_PLAIN, p->user, p->password);

	/* The broker's own word, not that it is not there. */
	if (check_reply(m, r, "login", info) == ERR_OK)
		return ERR_OK;
	if (r.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
		return ERR_IO;
	return err_set(info, ERR_USAGE, 0, "the broker %s does not let user '%s' in: %s", m->name,
		       p->user, m->reason);
}

enum err mq_open(const struct place *p, const char *role, struct mq **out, struct errinfo *info)
{
	struct mq *m = mem_zalloc(sizeof(*m));
	enum err e;

	if (!m)
		return err_set(info, ERR_NOMEM, 0, "no memory for a connection");
	place_name(p, m->name);
	m->state = amqp_new_connection();
	e = m->state ? open_socket(m, p, info)
		     : err_set(info, ERR_NOMEM, 0, "no memory for a connection");
	if (e == ERR_OK)
		e = login(m, p, role, info);
	if (e != ERR_OK) {
		mq_free(m);
		return e;
	}
	note_version(m);
	*out = m;
	return ERR_OK;
}

static void drop_message(struct mq *m)
{
	if (m->has_message)
		amqp_destroy_message(&m->message);
	m->has_message = false;
}

void mq_free(struct mq *m)
{
	if (!m)
		return;
	drop_message(m);
	if (m->state)
		(void)amqp_destroy_connection(m->state);
	mem_free(m);
}

void mq_close(struct mq *m)
{
	const struct timeval soon = {.tv_sec = 2};

	if (!m)
		return;
	(void)amqp_set_rpc_timeout(m->state, &soon);
	(void)amqp_connection_close(m->state, AMQP_REPLY_SUCCESS);
	mq_free(m);
}

int mq_fd(const struct mq *m)
{
	return amqp_get_sockfd(m->state);
}

bool mq_ready(const struct mq *m)
{
	return amqp_frames_enqueued(m->state) || amqp_data_in_buffer(m->state);
}

/* --- topology --- */

enum err mq_channel(struct mq *m, uint16_t channel, struct errinfo *info)
{
	(void)amqp_channel_open(m->state, channel);
	return check(m, "open a channel", info);
}

enum err mq_channel_close(struct mq *m, uint16_t channel, struct errinfo *info)
{
	amqp_rpc_reply_t r = amqp_channel_close(m->state, channel, AMQP_REPLY_SUCCESS);

	return check_reply(m, r, "close a channel", info);
}

enum err mq_exchange(struct mq *m, uint16_t channel, const char *name, bool create,
		     struct errinfo *info)
{
	char what[REASON_MAX];

	(void)snprintf(what, sizeof(what), "exchange '%s'", name);
	(void)amqp_exchange_declare(m->state, channel, bytes_of(name), bytes_of("direct"), !create,
				    1, 0, 0, amqp_empty_table);
	return check(m, what, info);
}

enum err mq_queue(struct mq *m, uint16_t channel, const char *name, enum mq_queue_type type,
		  struct errinfo *info)
{
	amqp_table_entry_t says[3] = {
		text_entry("x-queue-type", type == MQ_QUORUM ? "quorum" : "classic"),
		bool_entry("x-single-active-consumer"),
		int_entry("x-delivery-limit", -1),
	};
	/* Since version 4 there is a limit unless it is said; before, -1 is no number of it. */
	bool says_limit = type == MQ_QUORUM && m->broker_major >= 4;
	amqp_table_t table = {.num_entries = says_limit ? 3 : 2, .entries = says};
	char what[REASON_MAX];

	(void)snprintf(what, sizeof(what), "queue '%s'", name);
	(void)amqp_queue_declare(m->state, channel, bytes_of(name), 0, 1, 0, 0, table);
	return check(m, what, info);
}

enum err mq_bind(struct mq *m, uint16_t channel, const char *queue, const char *exchange,
		 const char *key, struct errinfo *info)
{
	char what[REASON_MAX];

	(void)snprintf(what, sizeof(what), "binding queue '%s'", queue);
	(void)amqp_queue_bind(m->state, channel, bytes_of(queue), bytes_of(exchange), bytes_of(key),
			      amqp_empty_table);
	return check(m, what, info);
}

enum err mq_queue_look(struct mq *m, uint16_t channel, const char *name, struct mq_queue_state *out,
		       struct errinfo *info)
{
	const amqp_queue_declare_ok_t *ok =
		amqp_queue_declare(m->state, channel, bytes_of(name), 1, 0, 0, 0, amqp_empty_table);
	char what[REASON_MAX];
	enum err e;

	(void)snprintf(what, sizeof(what), "queue '%s'", name);
	e = check(m, what, info);
	if (e == ERR_OK)
		*out = (struct mq_queue_state){.ready = ok->message_count,
					       .consumers = ok->consumer_count};
	return e;
}

/* The broker closed the channel, since it refused something. */
static enum err reopen(struct mq *m, uint16_t channel, struct errinfo *info)
{
	amqp_channel_close_ok_t ok = {.dummy = 0};
	int status = amqp_send_method(m->state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);

	return status == AMQP_STATUS_OK ? mq_channel(m, channel, info)
					: failed(m, status, "close a channel", info);
}

enum err mq_queue_own(struct mq *m, uint16_t channel, const char *name, struct errinfo *info)
{
	enum err e, refusal;

	(void)amqp_queue_declare(m->state, channel, bytes_of(name), 0, 0, 1, 0, amqp_empty_table);
	refusal = check(m, name, info);
	if (refusal != ERR_USAGE)
		return refusal;
	if (m->reply_code == AMQP_RESOURCE_LOCKED)
		refusal = ERR_AGAIN;
	e = reopen(m, channel, info);
	return e == ERR_OK ? refusal : e;
}

enum err mq_queue_disown(struct mq *m, uint16_t channel, const char *name, struct errinfo *info)
{
	(void)amqp_queue_delete(m->state, channel, bytes_of(name), 0, 0);
	return check(m, "delete a queue", info);
}

enum err mq_queue_exists(struct mq *m, uint16_t channel, const char *name, bool *out,
			 struct errinfo *info)
{
	struct mq_queue_state state;
	enum err e = mq_queue_look(m, channel, name, &state, info);

	*out = e == ERR_OK || m->reply_code == AMQP_RESOURCE_LOCKED;
	return e == ERR_USAGE ? reopen(m, channel, info) : e;
}

/* --- messages --- */

enum err mq_confirms(struct mq *m, uint16_t channel, struct errinfo *info)
{
	(void)amqp_confirm_select(m->state, channel);
	return check(m, "publisher confirms", info);
}

enum err mq_publish(struct mq *m, uint16_t channel, const char *exchange, const char *key,
		    const struct mq_message *msg, struct errinfo *info)
{
	char origin[ORIGIN_TEXT];
	amqp_table_entry_t headers[2];
	const amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
			  AMQP_BASIC_APP_ID_FLAG | AMQP_BASIC_HEADERS_FLAG,
		.content_type = bytes_of(content_type),
		.delivery_mode = AMQP_DELIVERY_PERSISTENT,
		.app_id = bytes_of("myna"),
		.headers = {.num_entries = msg->resent ? 2 : 1, .entries = headers},
	};
	const amqp_basic_properties_t plain = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
		.content_type = bytes_of("text/plain"),
		.delivery_mode = AMQP_DELIVERY_NONPERSISTENT,
	};
	const amqp_bytes_t body = {.len = msg->body.len, .bytes = (void *)(uintptr_t)msg->body.ptr};

	(void)snprintf(origin, sizeof(origin), "%016llx", (unsigned long long)msg->origin);
	headers[0] = text_entry(origin_header, origin);
	headers[1] = text_entry(resent_header, "1");
	return check_status(m,
			    amqp_basic_publish(m->state, channel, bytes_of(exchange), bytes_of(key),
					       1, 0, msg->mrte ? &plain : &properties, body),
			    "publish", info);
}

enum err mq_consume(struct mq *m, uint16_t channel, const char *queue, uint16_t prefetch,
		    struct errinfo *info)
{
	char what[REASON_MAX];
	enum err e;

	(void)amqp_basic_qos(m->state, channel, 0, prefetch, 0);
	e = check(m, "prefetch", info);
	if (e != ERR_OK)
		return e;
	(void)snprintf(what, sizeof(what), "consuming from queue '%s'", queue);
	(void)amqp_basic_consume(m->state, channel, bytes_of(queue), amqp_empty_bytes, 0, 0, 0,
				 amqp_empty_table);
	return check(m, what, info);
}

enum err mq_ack(struct mq *m, uint16_t channel, uint64_t tag, struct errinfo *info)
{
	return check_status(m, amqp_basic_ack(m->state, channel, tag, 0), "acknowledge", info);
}

enum err mq_give_back(struct mq *m, uint16_t channel, uint64_t tag, struct errinfo *info)
{
	return check_status(m, amqp_basic_nack(m->state, channel, tag, 0, 1), "give back", info);
}

/* --- what comes --- */

/* The header NAME, a hexadecimal number; 0: there is none. */
static uint64_t header_of(const amqp_basic_properties_t *p, const char *name)
{
	const amqp_bytes_t key = bytes_of(name);
	const int count = p->_flags & AMQP_BASIC_HEADERS_FLAG ? p->headers.num_entries : 0;
	char text[ORIGIN_TEXT];

	for (int i = 0; i < count; i++) {
		const amqp_table_entry_t *e = &p->headers.entries[i];
		amqp_bytes_t v = e->value.value.bytes;

		if (e->value.kind != AMQP_FIELD_KIND_UTF8 || e->key.len != key.len ||
		    memcmp(e->key.bytes, key.bytes, key.len) != 0 || v.len >= sizeof(text))
			continue;
		(void)snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.bytes);
		return strtoull(text, NULL, 16);
	}
	return 0;
}

/* The message that the method before announced. */
static enum err read_message(struct mq *m, uint16_t channel, struct errinfo *info)
{
	enum err e;

	drop_message(m);
	e = check_reply(m, amqp_read_message(m->state, channel, &m->message, 0), "a message", info);
	m->has_message = e == ERR_OK;
	if (e == ERR_OK && m->message.body.len > BODY_MAX)
		return err_set(info, ERR_IO, 0, "the broker %s: a message of %zu bytes", m->name,
			       m->message.body.len);
	return e == ERR_USAGE ? ERR_IO : e;
}

static enum err on_delivery(struct mq *m, const amqp_frame_t *f, struct mq_event *out,
			    struct errinfo *info)
{
	const amqp_basic_deliver_t d = *(amqp_basic_deliver_t *)f->payload.method.decoded;
	enum err e = read_message(m, f->channel, info);

	if (e != ERR_OK)
		return e;
	out->kind = MQ_DELIVERY;
	out->tag = d.delivery_tag;
	out->again = d.redelivered;
	out->with = (struct mq_message){
		.body = slice_of(m->message.body.bytes, m->message.body.len),
		.origin = header_of(&m->message.properties, origin_header),
		.resent = header_of(&m->message.properties, resent_header) != 0,
	};
	return ERR_OK;
}

static enum err on_return(struct mq *m, const amqp_frame_t *f, struct mq_event *out,
			  struct errinfo *info)
{
	out->kind = MQ_RETURNED;
	out->reason =
		keep_reason(m, ((amqp_basic_return_t *)f->payload.method.decoded)->reply_text);
	return read_message(m, f->channel, info);
}

static enum err on_channel_close(struct mq *m, const amqp_frame_t *f, struct mq_event *out,
				 struct errinfo *info)
{
	amqp_channel_close_ok_t ok = {.dummy = 0};

	out->kind = MQ_CHANNEL_CLOSED;
	out->reason =
		keep_reason(m, ((amqp_channel_close_t *)f->payload.method.decoded)->reply_text);
	return check_status(
		m, amqp_send_method(m->state, f->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok),
		"close a channel", info);
}

static enum err on_confirm(const amqp_frame_t *f, bool good, struct mq_event *out)
{
	const amqp_basic_ack_t *ack = f->payload.method.decoded;
	const amqp_basic_nack_t *nack = f->payload.method.decoded;

	out->kind = good ? MQ_CONFIRMED : MQ_REFUSED;
	out->tag = good ? ack->delivery_tag : nack->delivery_tag;
	out->multiple = good ? ack->multiple : nack->multiple;
	return ERR_OK;
}

/* ERR_AGAIN: it means nothing here. */
static enum err on_method(struct mq *m, const amqp_frame_t *f, struct mq_event *out,
			  struct errinfo *info)
{
	const amqp_method_t *method = &f->payload.method;

	*out = (struct mq_event){.channel = f->channel};
	switch (method->id) {
	case AMQP_BASIC_ACK_METHOD:
		return on_confirm(f, true, out);
	case AMQP_BASIC_NACK_METHOD:
		return on_confirm(f, false, out);
	case AMQP_BASIC_DELIVER_METHOD:
		return on_delivery(m, f, out, info);
	case AMQP_BASIC_RETURN_METHOD:
		return on_return(m, f, out, info);
	case AMQP_CONNECTION_BLOCKED_METHOD:
		out->kind = MQ_BLOCKED;
		out->reason =
			keep_reason(m, ((amqp_connection_blocked_t *)method->decoded)->reason);
		return ERR_OK;
	case AMQP_CONNECTION_UNBLOCKED_METHOD:
		out->kind = MQ_UNBLOCKED;
		return ERR_OK;
	case AMQP_BASIC_CANCEL_METHOD:
		out->kind = MQ_CANCELLED;
		return ERR_OK;
	case AMQP_CHANNEL_CLOSE_METHOD:
		return on_channel_close(m, f, out, info);
	case AMQP_CONNECTION_CLOSE_METHOD:
		return refused(m, method, "closed the connection", info);
	default: /* a number from the broker */
		return ERR_AGAIN;
	}
}

enum err mq_next(struct mq *m, struct mq_event *out, struct errinfo *info)
{
	const struct timeval none = {.tv_sec = 0};
	enum err e = ERR_AGAIN;

	drop_message(m);
	while (e == ERR_AGAIN) {
		amqp_frame_t f;
		int status;

		amqp_maybe_release_buffers(m->state);
		status = amqp_simple_wait_frame_noblock(m->state, &f, &none);
		if (status == AMQP_STATUS_TIMEOUT)
			return ERR_AGAIN;
		if (status != AMQP_STATUS_OK)
			return failed(m, status, "connection lost", info);
		if (f.frame_type == AMQP_FRAME_METHOD)
			e = on_method(m, &f, out, info);
	}
	return e;
}
