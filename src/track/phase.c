/* phase - greeting and login: who the session is, and what both sides can do. */
#include "track/conversation.h"

#include "base/mem.h"

/* What cannot be read is not MySQL, or not any more: nothing is guessed of it. */
static void give_up(struct conversation *c, const struct stream_chunk *chunk,
		    const struct myp_packet *p)
{
	c->tracker->coverage.undecoded_bytes += p->wire_len;
	conversation_leave_protocol(c);
	conversation_announce(c, chunk->time_ns, chunk->frame);
	conversation_go_deaf(c);
}

/* Something stands before P that was lost without a hole: where streams begin may be a guess, too. */
static void unheard(struct conversation *c, const struct myp_packet *p)
{
	c->tracker->coverage.undecoded_bytes += p->wire_len;
	conversation_give_up_login(c);
}

static void set_fact(struct conversation *c, struct fact *f, struct slice text)
{
	enum err e = fact_set(f, text, FACT_LOGIN);

	if (e != ERR_OK)
		tracker_fail(c->tracker, e);
}

static void end_login(struct conversation *c, const struct stream_chunk *chunk,
		      enum session_login login)
{
	c->session->login = login;
	if (c->greeting_ns)
		c->session->login_ns = chunk->time_ns - c->greeting_ns;
	conversation_announce(c, chunk->time_ns, chunk->frame);
}

static void login_failed(struct conversation *c, const struct stream_chunk *chunk,
			 const struct myp_packet *p)
{
	struct session *s = c->session;
	struct myp_err err;

	if (myp_err_decode(p->payload, s->caps, &err) != ERR_OK) {
		give_up(c, chunk, p);
		return;
	}
	if (session_error_set(&s->login_error, &err) != ERR_OK)
		tracker_fail(c->tracker, ERR_NOMEM);
	end_login(c, chunk, SESSION_LOGIN_ERROR);
	conversation_go_deaf(c);
}

static void on_greeting(struct conversation *c, const struct stream_chunk *chunk,
			const struct myp_packet *p)
{
	struct session *s = c->session;
	struct myp_greeting g;

	c->greeting_ns = c->packet_ns[STREAM_SERVER];
	if (p->payload.len > 0 && p->payload.ptr[0] == MYP_ERR) {
		login_failed(c, chunk, p);
		return;
	}
	if (chunk->from != STREAM_SERVER || p->sequence != 0) {
		unheard(c, p);
		return;
	}
	if (myp_greeting_decode(p->payload, &g) != ERR_OK) {
		give_up(c, chunk, p);
		return;
	}
	s->connection_id = g.connection_id;
	s->is_mariadb = g.is_mariadb;
	set_fact(c, &s->server_version, g.server_version);
	set_fact(c, &s->auth_plugin, g.auth_plugin);
	c->server_caps = g.caps;
	c->server_collation = g.collation;
	conversation_set_phase(c, PHASE_LOGIN);
}

/* Who logs in. A client that names no character set gets the server's; before 4.1 nobody could. */
static void take_login(struct conversation *c, const struct myp_login *l)
{
	struct session *s = c->session;
	uint16_t collation = l->collation ? l->collation : c->server_collation;

	c->login_collation = collation;
	if (collation)
		session_set_collation(s, collation, FACT_LOGIN);
	if (l->is_ssl_request)
		return;
	set_fact(c, &s->user, l->user);
	set_fact(c, &s->database, l->database);
	s->database_known = true;
	set_fact(c, &s->attributes, slice_head(l->attributes, SESSION_ATTRIBUTES_MAX));
	if (l->auth_plugin.len)
		set_fact(c, &s->auth_plugin, l->auth_plugin);
}

bool phase_take_login(struct conversation *c, const struct stream_chunk *chunk)
{
	const struct session *s = c->session;
	struct myp_login l;

	if (chunk->from != STREAM_CLIENT || c->phase == PHASE_DEAF || s->commands > 0 ||
	    s->user.source != FACT_UNKNOWN || !guess_login(chunk->bytes, &l))
		return false;
	take_login(c, &l);
	return true;
}

static void on_login(struct conversation *c, const struct stream_chunk *chunk,
		     const struct myp_packet *p)
{
	struct session *s = c->session;
	struct myp_login l;

	if (chunk->from == STREAM_SERVER && p->payload.len > 0 && p->payload.ptr[0] == MYP_ERR) {
		login_failed(c, chunk, p); /* too slow, or too many of them */
		return;
	}
	if (chunk->from != STREAM_CLIENT) {
		unheard(c, p);
		return;
	}
	if (myp_login_decode(p->payload, c->server_caps, &l) != ERR_OK) {
		give_up(c, chunk, p);
		return;
	}
	s->caps = myp_caps_agreed(c->server_caps, l.caps);
	s->caps_known = true;
	take_login(c, &l);
	if (l.is_ssl_request) {
		c->tracker->coverage.encrypted++;
		end_login(c, chunk, SESSION_LOGIN_TLS);
		conversation_go_deaf(c);
		return;
	}
	conversation_set_phase(c, PHASE_AUTH);
}

static enum session_compression compression_of(uint64_t caps)
{
	if (caps & MYP_CAP_COMPRESS)
		return SESSION_ZLIB;
	return caps & MYP_CAP_ZSTD_COMPRESSION ? SESSION_ZSTD : SESSION_PLAIN;
}

void phase_end_login(struct conversation *c)
{
	enum session_compression how = compression_of(c->session->caps);

	if (how != SESSION_PLAIN)
		(void)compressed_begin(c, how);
}

static void logged_in(struct conversation *c, const struct stream_chunk *chunk)
{
	conversation_set_phase(c, PHASE_COMMAND);
	phase_end_login(c);
	end_login(c, chunk, SESSION_LOGIN_OK);
}

static void on_auth(struct conversation *c, const struct stream_chunk *chunk,
		    const struct myp_packet *p)
{
	struct myp_auth a;

	if (chunk->from == STREAM_CLIENT)
		return; /* authentication data: nobody's business */
	if (myp_auth_decode(p->payload, &a) != ERR_OK) {
		give_up(c, chunk, p);
		return;
	}
	switch (a.kind) {
	case MYP_AUTH_OK:
		logged_in(c, chunk);
		break;
	case MYP_AUTH_ERR:
		login_failed(c, chunk, p);
		break;
	case MYP_AUTH_SWITCH:
		set_fact(c, &c->session->auth_plugin, a.auth_plugin);
		break;
	case MYP_AUTH_SWITCH_OLD:
		set_fact(c, &c->session->auth_plugin, SLICE_LIT("mysql_old_password"));
		break;
	case MYP_AUTH_MORE:
	case MYP_AUTH_NEXT_FACTOR:
		break;
	}
}

void phase_packet(struct conversation *c, const struct stream_chunk *chunk,
		  const struct myp_packet *p)
{
	switch (c->phase) {
	case PHASE_GREETING:
		on_greeting(c, chunk, p);
		break;
	case PHASE_LOGIN:
		on_login(c, chunk, p);
		break;
	case PHASE_AUTH:
		on_auth(c, chunk, p);
		break;
	case PHASE_COMMAND:
	case PHASE_DEAF:
	case PHASES:
		break;
	}
}
