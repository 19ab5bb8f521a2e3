/* handshake - our part of a login as pure logic. */
#include "client/handshake.h"

#include <assert.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	MAX_PACKET = 1 << 30,   /* bytes of a packet that we take, as told to the server */
	AUTH_SHORT_MAX = 255,   /* bytes of an answer whose length is one byte */
	ANSWER_REST_MAX = 2048, /* bytes of a message beside its strings: an answer of a long key */
	COLLATION_UTF8 = 33,
	COLLATION_UTF8MB4_GENERAL = 45,
	COLLATION_UTF8MB4_0900 = 255,
	COLLATION_0900_LAST = 323,
	CACHING_SHA2_FAST_OK = 3,
	CACHING_SHA2_FULL = 4,
};

struct handshake {
	enum handshake_state state;
	char *user, *password, *database; /* owned; DATABASE may be NULL */
	uint64_t caps_wanted;
	uint16_t collation;
	enum target_ssl_mode ssl_mode;
	struct target_compression compression;
	bool local;
	unsigned switches;
	struct handshake_session session;
	struct auth_question question;
	struct myp_err server_error; /* its message is in SERVER_MESSAGE */
	char *server_message;        /* NULL: the server did not refuse */
};

#define TO(state) (1u << HANDSHAKE_##state)

static const unsigned state_next[HANDSHAKE_STATES] = {
	[HANDSHAKE_GREETING] = TO(TLS_BEGINS) | TO(RESULT),
	[HANDSHAKE_TLS_BEGINS] = TO(RESULT),
	[HANDSHAKE_RESULT] = TO(RESULT) | TO(PUBLIC_KEY) | TO(SALT) | TO(OVER),
	[HANDSHAKE_PUBLIC_KEY] = TO(RESULT) | TO(PUBLIC_KEY) | TO(SALT),
	[HANDSHAKE_SALT] = TO(RESULT) | TO(PUBLIC_KEY) | TO(SALT),
	[HANDSHAKE_OVER] = 0,
};

static void set_state(struct handshake *h, enum handshake_state to)
{
	assert(state_next[h->state] & 1u << to);
	h->state = to;
}

static void set_state_for(struct handshake *h, enum auth_next next)
{
	switch (next) {
	case AUTH_NEXT_RESULT:
		set_state(h, HANDSHAKE_RESULT);
		break;
	case AUTH_NEXT_PUBLIC_KEY:
		set_state(h, HANDSHAKE_PUBLIC_KEY);
		break;
	case AUTH_NEXT_SALT:
		set_state(h, HANDSHAKE_SALT);
		break;
	}
}

static char *copy_text(const char *text)
{
	return mem_copy_str(text, strlen(text));
}

enum err handshake_new(const struct handshake_options *o, struct handshake **out,
		       struct errinfo *info)
{
	struct handshake *h = mem_zalloc(sizeof(*h));
	char *attributes;

	if (!h)
		return err_set(info, ERR_NOMEM, 0, "no memory for a login");
	attributes = mem_copy_str(o->attributes.ptr, o->attributes.len);
	h->session.attributes = attributes;
	h->session.attributes_len = o->attributes.len;
	h->user = copy_text(o->user);
	h->password = copy_text(o->password ? o->password : "");
	h->database = o->database ? copy_text(o->database) : NULL;
	h->caps_wanted = o->caps;
	h->collation = o->collation;
	h->ssl_mode = o->ssl_mode;
	h->compression = o->compression;
	h->local = o->local;
	if (!attributes || !h->user || !h->password || (o->database && !h->database)) {
		handshake_free(h);
		return err_set(info, ERR_NOMEM, 0, "no memory for a login");
	}
	h->question = (struct auth_question){.password = h->password, .local = o->local};
	*out = h;
	return ERR_OK;
}

/* The greeting's strings are S's own, wherever S is now. */
static void settle_strings(struct handshake_session *s)
{
	s->greeting.server_version = slice_of(s->version, s->version_len);
	s->greeting.auth_plugin = slice_of(s->plugin, s->plugin_len);
}

void handshake_session_release(struct handshake_session *s)
{
	mem_free(s->attributes);
	*s = (struct handshake_session){0};
}

void handshake_free(struct handshake *h)
{
	if (!h)
		return;
	mem_free(h->user);
	secret_free(h->password);
	mem_free(h->database);
	mem_free(h->server_message);
	handshake_session_release(&h->session);
	mem_free(h);
}

const struct myp_err *handshake_server_error(const struct handshake *h)
{
	return h->server_message ? &h->server_error : NULL;
}

void handshake_take_session(struct handshake *h, struct handshake_session *into)
{
	assert(h->state == HANDSHAKE_OVER);
	*into = h->session;
	settle_strings(into);
	h->session = (struct handshake_session){0};
}

/* The server said no: keeps its words. */
static enum err refused(struct handshake *h, struct slice payload, struct errinfo *info)
{
	struct myp_err e;

	if (myp_err_decode(payload, h->session.caps, &e) != ERR_OK)
		return err_set(info, ERR_PROTO, 0, "the server's error packet cannot be read");
	h->server_message = mem_copy_str(e.message.ptr, e.message.len);
	if (!h->server_message)
		return err_set(info, ERR_NOMEM, 0, "no memory for the server's error");
	h->server_error = e;
	h->server_error.message = slice_of(h->server_message, e.message.len);
	return err_set(info, ERR_IO, 0, "the server says: %s (%u, %s)", h->server_message, e.code,
		       e.sqlstate);
}

static void keep_greeting(struct handshake_session *s, const struct myp_greeting *g)
{
	struct slice version = slice_head(g->server_version, sizeof(s->version));
	struct slice plugin = slice_head(g->auth_plugin, sizeof(s->plugin));

	s->greeting = *g;
	memcpy(s->version, version.ptr, version.len);
	s->version_len = version.len;
	if (plugin.len)
		memcpy(s->plugin, plugin.ptr, plugin.len);
	s->plugin_len = plugin.len;
	memcpy(s->challenge, g->auth_scramble, sizeof(s->challenge));
	memset(s->greeting.auth_scramble, 0, sizeof(s->greeting.auth_scramble));
	settle_strings(s);
}

/* What is asked for: what the caller wants and the login needs, as far as the server has it. */
static uint64_t choose_caps(const struct handshake *h)
{
	const uint64_t not_done = MYP_CAP_COMPRESS | MYP_CAP_ZSTD_COMPRESSION |
				  MYP_CAP_MULTI_FACTOR_AUTHENTICATION |
				  MYP_CAP_CAPABILITY_EXTENSION | MYP_CAP_SSL_VERIFY_SERVER_CERT |
				  MYP_CAP_REMEMBER_OPTIONS;
	const uint64_t by_options = MYP_CAP_CONNECT_WITH_DB | MYP_CAP_CONNECT_ATTRS | MYP_CAP_SSL;
	uint64_t caps = h->caps_wanted & ~(not_done | by_options);

	caps |= MYP_CAP_LONG_PASSWORD | MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION |
		MYP_CAP_TRANSACTIONS | MYP_CAP_PLUGIN_AUTH | MYP_CAP_PLUGIN_AUTH_LENENC_DATA;
	if (h->database && *h->database)
		caps |= MYP_CAP_CONNECT_WITH_DB;
	if (h->session.attributes_len > 0)
		caps |= MYP_CAP_CONNECT_ATTRS;
	return myp_caps_agreed(h->session.greeting.caps, caps);
}

/* The first algorithm of those wanted that the server has, too. False: it has none. */
static bool choose_compression(const struct handshake *h, uint64_t *cap)
{
	static const uint64_t caps[TARGET_COMPRESSIONS] = {
		[TARGET_ZLIB] = MYP_CAP_COMPRESS, [TARGET_ZSTD] = MYP_CAP_ZSTD_COMPRESSION};
	const struct target_compression *wanted = &h->compression;

	*cap = 0;
	for (size_t i = 0; i < wanted->count; i++) {
		*cap = caps[wanted->order[i]];
		if ((h->session.greeting.caps & *cap) == *cap)
			return true;
	}
	return wanted->count == 0;
}

/* A collation of utf8mb4, or of utf8 before 5.5.3, that this server is sure to know. */
static uint16_t default_collation(const struct myp_greeting *g)
{
	uint8_t major = g->server_version.len > 1 ? g->server_version.ptr[0] : '5';
	bool two_digits = g->server_version.len > 1 && g->server_version.ptr[1] != '.';

	if (!(g->caps & MYP_CAP_PLUGIN_AUTH))
		return COLLATION_UTF8;
	if (!g->is_mariadb && (major >= '8' || two_digits))
		return COLLATION_UTF8MB4_0900;
	return COLLATION_UTF8MB4_GENERAL;
}

/*
 * MySQL numbers its collations of Unicode 9 from 255 to 323; MariaDB's own begin at 576, of Unicode
 * 14 at 2048. A server takes its default character set for a number that it does not know, which
 * would change what every later statement means.
 */
static bool knows_collation(const struct myp_greeting *g, uint16_t collation)
{
	bool has_0900 = default_collation(g) == COLLATION_UTF8MB4_0900;

	if (collation >= COLLATION_UTF8MB4_0900 && collation <= COLLATION_0900_LAST)
		return has_0900;
	return collation < COLLATION_UTF8MB4_0900 || g->is_mariadb;
}

static uint16_t choose_collation(const struct handshake *h, uint16_t max)
{
	if (h->collation && h->collation <= max &&
	    knows_collation(&h->session.greeting, h->collation))
		return h->collation;
	return default_collation(&h->session.greeting);
}

/* With a plugin of which the answer to the greeting's challenge gives nothing away. */
static void choose_plugin(struct handshake *h)
{
	struct auth_question *q = &h->question;

	q->plugin = auth_plugin_find(h->session.greeting.auth_plugin);
	if (q->plugin != AUTH_CACHING_SHA2)
		q->plugin = AUTH_NATIVE;
	memcpy(q->challenge, h->session.challenge, MYP_SCRAMBLE);
	q->challenge_len = MYP_SCRAMBLE;
}

/* What LOGIN says in its authentication fields is calculated into AUTH. */
static enum err fill_auth(struct handshake *h, struct myp_login *login, struct buf *auth,
			  struct errinfo *info)
{
	enum auth_next next;
	enum err e = auth_answer(&h->question, auth, &next, info);

	if (e == ERR_OK && buf_err(auth) != ERR_OK)
		e = err_set(info, buf_err(auth), 0, "no memory for a login");
	if (e != ERR_OK)
		return e;
	login->auth_data = buf_slice(auth);
	login->auth_plugin = slice_cstr(auth_plugin_name(h->question.plugin));
	set_state_for(h, next);
	return ERR_OK;
}

static struct myp_login login_of(const struct handshake *h, uint16_t collation_max)
{
	return (struct myp_login){
		.caps = h->session.caps,
		.max_packet = MAX_PACKET,
		.collation = choose_collation(h, collation_max),
		.user = slice_cstr(h->user),
		.database = slice_cstr(h->database ? h->database : ""),
		.attributes = slice_of(h->session.attributes, h->session.attributes_len),
		.zstd_level = (uint8_t)h->compression.zstd_level,
	};
}

static enum err put_login(struct handshake *h, struct buf *out, struct errinfo *info)
{
	struct myp_login login = login_of(h, UINT8_MAX);
	struct buf auth;
	enum err e;

	h->session.collation = login.collation;
	choose_plugin(h);
	buf_init(&auth, AUTH_SHORT_MAX);
	e = fill_auth(h, &login, &auth, info);
	if (e == ERR_OK)
		myp_login_put(out, &login);
	secret_release(&auth);
	return e;
}

static enum err begin_tls(struct handshake *h, struct buf *out)
{
	struct myp_login request = login_of(h, UINT8_MAX);

	request.is_ssl_request = true;
	myp_login_put(out, &request);
	set_state(h, HANDSHAKE_TLS_BEGINS);
	return ERR_OK;
}

/* As the mysql client, PREFERRED does without TLS where nobody can listen. */
static bool wants_tls(const struct handshake *h)
{
	if (h->ssl_mode == TARGET_SSL_PREFERRED)
		return !h->local;
	return h->ssl_mode != TARGET_SSL_DISABLED;
}

static enum err take_greeting(struct handshake *h, struct slice payload, struct buf *out,
			      enum handshake_step *step, struct errinfo *info)
{
	struct myp_greeting g;
	uint64_t compression;

	if (payload.len && payload.ptr[0] == MYP_ERR)
		return refused(h, payload, info);
	if (myp_greeting_decode(payload, &g) != ERR_OK)
		return err_set(info, ERR_PROTO, 0, "this is not a MySQL or MariaDB server");
	if (!(g.caps & MYP_CAP_PROTOCOL_41) || g.auth_scramble_len != MYP_SCRAMBLE)
		return err_set(info, ERR_UNSUPPORTED, 0, "the server is older than MySQL 4.1.1");
	keep_greeting(&h->session, &g);
	if (!choose_compression(h, &compression))
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the server does not offer the compression that is asked for");
	h->session.caps = choose_caps(h) | compression;
	if (wants_tls(h) && g.caps & MYP_CAP_SSL) {
		h->session.caps |= MYP_CAP_SSL;
		*step = HANDSHAKE_TLS;
		return begin_tls(h, out);
	}
	if (h->ssl_mode >= TARGET_SSL_REQUIRED)
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the server does not offer TLS, which the SSL mode asks for");
	*step = HANDSHAKE_SEND;
	return put_login(h, out, info);
}

size_t handshake_answer_max(const struct handshake *h)
{
	return strlen(h->user) + 2 * strlen(h->password) + (h->database ? strlen(h->database) : 0) +
	       h->session.attributes_len + ANSWER_REST_MAX;
}

enum err handshake_tls_ready(struct handshake *h, struct buf *out, struct errinfo *info)
{
	assert(h->state == HANDSHAKE_TLS_BEGINS);
	h->question.tls = true;
	return put_login(h, out, info);
}

enum err handshake_change_user(struct handshake *h, const struct handshake_session *session,
			       bool tls, struct buf *out, struct errinfo *info)
{
	struct myp_login login;
	struct buf auth;
	enum err e;

	assert(h->state == HANDSHAKE_GREETING);
	h->question.tls = tls;
	keep_greeting(&h->session, &session->greeting);
	memcpy(h->session.challenge, session->challenge, MYP_SCRAMBLE);
	h->session.caps = session->caps;
	login = login_of(h, UINT16_MAX);
	h->session.collation = login.collation;
	choose_plugin(h);
	buf_init(&auth, AUTH_SHORT_MAX);
	e = fill_auth(h, &login, &auth, info);
	if (e == ERR_OK)
		myp_change_user_put(out, &login);
	secret_release(&auth);
	return e;
}

/* Another plugin, and mostly another challenge, which may have a NUL behind it. */
static enum err take_switch(struct handshake *h, const struct myp_auth *a, struct buf *out,
			    struct errinfo *info)
{
	struct auth_question *q = &h->question;
	struct slice challenge = a->auth_data;
	enum auth_next next;
	enum err e;

	if (++h->switches > HANDSHAKE_SWITCHES_MAX)
		return err_set(info, ERR_PROTO, 0, "the server changes the plugin again and again");
	q->plugin = auth_plugin_find(a->auth_plugin);
	if (q->plugin == AUTH_PLUGIN_COUNT)
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the account wants the authentication plugin '%.*s', which is not "
			       "supported",
			       (int)slice_head(a->auth_plugin, 64).len,
			       (const char *)a->auth_plugin.ptr);
	if (challenge.len % 2 == 1 && challenge.ptr[challenge.len - 1] == 0)
		challenge.len--; /* 20 and 1, or 32 and 1 */
	challenge = slice_head(challenge, AUTH_CHALLENGE_MAX);
	q->challenge_len = challenge.len;
	if (challenge.len)
		memcpy(q->challenge, challenge.ptr, challenge.len);
	if (challenge.len == MYP_SCRAMBLE)
		memcpy(h->session.challenge, challenge.ptr, MYP_SCRAMBLE);
	e = auth_answer(q, out, &next, info);
	if (e == ERR_OK)
		set_state_for(h, next);
	return e;
}

/* caching_sha2_password says whether the hash was enough. */
static enum err take_verdict(struct handshake *h, struct slice data, struct buf *out,
			     enum handshake_step *step, struct errinfo *info)
{
	enum auth_next next;

	if (h->question.plugin != AUTH_CACHING_SHA2 || data.len != 1 ||
	    (data.ptr[0] != CACHING_SHA2_FAST_OK && data.ptr[0] != CACHING_SHA2_FULL))
		return err_set(info, ERR_PROTO, 0, "the server says more than %s knows",
			       auth_plugin_name(h->question.plugin));
	if (data.ptr[0] == CACHING_SHA2_FAST_OK) {
		*step = HANDSHAKE_WAIT;
		return ERR_OK;
	}
	auth_answer_full(&h->question, out, &next);
	set_state_for(h, next);
	return ERR_OK;
}

static enum err take_more(struct handshake *h, struct slice data, struct buf *out,
			  enum handshake_step *step, struct errinfo *info)
{
	enum err e = ERR_OK;

	switch (h->state) {
	case HANDSHAKE_RESULT:
		return take_verdict(h, data, out, step, info);
	case HANDSHAKE_PUBLIC_KEY:
		e = auth_answer_key(&h->question, data, out, info);
		break;
	case HANDSHAKE_SALT:
		e = auth_answer_salt(&h->question, data, out, info);
		break;
	case HANDSHAKE_GREETING:
	case HANDSHAKE_TLS_BEGINS:
	case HANDSHAKE_OVER:
	case HANDSHAKE_STATES:
		assert(false);
	}
	if (e == ERR_OK)
		set_state(h, HANDSHAKE_RESULT);
	return e;
}

static enum err take_auth(struct handshake *h, struct slice payload, struct buf *out,
			  enum handshake_step *step, struct errinfo *info)
{
	struct myp_auth a;

	if (myp_auth_decode(payload, &a) != ERR_OK)
		return err_set(info, ERR_PROTO, 0, "the server's answer to the login is not one");
	*step = HANDSHAKE_SEND;
	switch (a.kind) {
	case MYP_AUTH_SWITCH:
		return take_switch(h, &a, out, info);
	case MYP_AUTH_MORE:
		return take_more(h, a.auth_data, out, step, info);
	case MYP_AUTH_ERR:
		return refused(h, payload, info);
	case MYP_AUTH_OK:
		if (h->state != HANDSHAKE_RESULT)
			break;
		*step = HANDSHAKE_DONE;
		set_state(h, HANDSHAKE_OVER);
		return ERR_OK;
	case MYP_AUTH_SWITCH_OLD:
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the account has a password of before 4.1 (mysql_old_password), "
			       "which is not supported");
	case MYP_AUTH_NEXT_FACTOR:
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "the account wants more than one factor, which is not supported");
	}
	return err_set(info, ERR_PROTO, 0, "the server lets us in before we have answered");
}

enum err handshake_packet(struct handshake *h, struct slice payload, struct buf *out,
			  enum handshake_step *step, struct errinfo *info)
{
	enum err e;

	assert(h->state != HANDSHAKE_OVER && h->state != HANDSHAKE_TLS_BEGINS);
	if (h->state == HANDSHAKE_GREETING)
		e = take_greeting(h, payload, out, step, info);
	else
		e = take_auth(h, payload, out, step, info);
	if (e == ERR_OK && buf_err(out) != ERR_OK)
		return err_set(info, buf_err(out), 0, "no memory for a login");
	return e;
}
