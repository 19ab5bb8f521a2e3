/* export - every exchange as a line of JSON. */
#include "sink/export.h"

#include <stdio.h>

#include "base/mem.h"
#include "event/exchange.h"
#include "mysql/charset.h"
#include "mysql/login.h"
#include "out/json.h"
#include "sink/export_value.h"
#include "sql/mask.h"

struct export_sink {
	struct out *out;
	struct json json;
	struct exchange_join *join;
	struct buf text;   /* of an execution with its values */
	struct buf utf8;   /* of what is being written */
	struct buf masked; /* without passwords */
};

static void put_session_id(struct json *j, const struct session *s)
{
	char id[SESSION_ID_TEXT];

	json_key_cstr(j, "session", session_id_format(s->id, id));
}

static void put_endpoint(struct json *j, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	json_key_cstr(j, key, endpoint_format(e, text));
}

static void put_fact(struct json *j, const char *key, const struct fact *f, bool known)
{
	json_key(j, key);
	if (known && f->len)
		json_string(j, fact_slice(f));
	else
		json_null(j);
}

static void put_attributes(struct json *j, const struct session *s)
{
	struct cursor cur = cur_of(fact_slice(&s->attributes));
	struct slice key, value;

	json_key(j, "attributes");
	json_object(j);
	while (myp_attribute_next(&cur, &key, &value)) {
		json_key_slice(j, key);
		json_string(j, value);
	}
	json_end(j);
}

static const char *const compression_names[] = {
	[SESSION_PLAIN] = "none",
	[SESSION_ZLIB] = "zlib",
	[SESSION_ZSTD] = "zstd",
};

static const char *const login_names[] = {
	[SESSION_LOGIN_NONE] = "none",
	[SESSION_LOGIN_OK] = "ok",
	[SESSION_LOGIN_ERROR] = "error",
	[SESSION_LOGIN_TLS] = "tls",
};

static void put_error(struct json *j, uint16_t code, const char *sqlstate, struct slice message)
{
	json_key(j, "error");
	json_object(j);
	json_key_u64(j, "code", code);
	json_key_cstr(j, "sqlstate", sqlstate);
	json_key_string(j, "message", message);
	json_end(j);
}

static void put_login(struct json *j, const struct session *s)
{
	json_key(j, "tls");
	json_bool(j, s->login == SESSION_LOGIN_TLS);
	json_key(j, "login");
	if (s->joined && s->login != SESSION_LOGIN_TLS)
		json_null(j);
	else
		json_cstr(j, login_names[s->login]);
	if (s->login == SESSION_LOGIN_ERROR)
		put_error(j, s->login_error.code, s->login_error.sqlstate,
			  session_error_message(&s->login_error));
	json_key(j, "login_ns");
	if (s->login_ns < 0)
		json_null(j);
	else
		json_i64(j, s->login_ns);
}

static void put_number_or_null(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	if (v)
		json_u64(j, v);
	else
		json_null(j);
}

static void put_session(struct export_sink *x, const struct event *e)
{
	const struct session *s = e->session;
	struct json *j = &x->json;

	json_object(j);
	json_key_cstr(j, "type", "session");
	put_session_id(j, s);
	json_key_i64(j, "time_ns", s->start_ns);
	put_endpoint(j, "client", &s->client);
	put_endpoint(j, "server", &s->server);
	json_key(j, "joined");
	json_bool(j, s->joined);
	put_fact(j, "server_version", &s->server_version, true);
	put_number_or_null(j, "connection_id", s->connection_id);
	put_fact(j, "user", &s->user, true);
	put_fact(j, "database", &s->database, s->database_known);
	put_number_or_null(j, "collation", s->collation);
	put_fact(j, "auth_plugin", &s->auth_plugin, true);
	put_attributes(j, s);
	json_key_cstr(j, "compression", compression_names[s->compression]);
	put_login(j, s);
	if (s->proxy.port)
		put_endpoint(j, "proxy", &s->proxy);
	if (session_was_asked(s)) {
		json_key(j, "asked");
		json_bool(j, true);
	}
	json_end(j);
	json_newline(j);
}

/* Writes TEXT, of the session's character set, as UTF-8. True if those are the same bytes. */
static bool put_utf8(struct export_sink *x, uint16_t collation, struct slice text)
{
	bool same;

	buf_reset(&x->utf8);
	same = myp_charset_to_utf8(collation, text, &x->utf8);
	json_string(&x->json, buf_slice(&x->utf8));
	return same;
}

/* The statement without its passwords: TEXT itself, or a copy in the sink's buffer. */
static struct slice without_secrets(struct export_sink *x, const struct session *s,
				    struct slice text, bool secret)
{
	if (!secret)
		return text;
	buf_reset(&x->masked);
	if (sql_mask(text, session_sql_options(s), &x->masked) != ERR_OK)
		return (struct slice){.ptr = NULL, .len = 0};
	return buf_slice(&x->masked);
}

static void put_sql(struct export_sink *x, uint16_t collation, struct slice text)
{
	struct json *j = &x->json;
	bool same;

	json_key(j, "sql");
	same = put_utf8(x, collation, text);
	if (!same) {
		json_key(j, "sql_base64");
		json_base64(j, text);
	}
}

static void put_command(struct export_sink *x, const struct exchange *ex, bool secret)
{
	const struct command *c = ex->command;
	const char *name = myp_command_name(c->code);
	struct json *j = &x->json;
	char number[8];

	json_key_u64(j, "n", c->n);
	json_key_i64(j, "time_ns", c->first_ns);
	json_key(j, "command");
	if (!name)
		(void)snprintf(number, sizeof(number), "0x%02X", c->code);
	json_cstr(j, name ? name : number);
	if (c->has_statement) {
		json_key_u64(j, "statement_id", c->statement_id);
	}
	if (c->text_known && c->code != MYP_COM_CHANGE_USER) {
		put_sql(x, c->collation, without_secrets(x, ex->session, c->text, secret));
	} else if (c->has_statement) {
		json_key(j, "sql");
		json_null(j);
	}
	json_key(j, "database");
	if (c->database_known && c->database.len)
		json_string(j, c->database);
	else
		json_null(j);
}

static void put_parameters(struct export_sink *x, const struct exchange *ex, bool secret)
{
	const struct command *c = ex->command;
	struct json *j = &x->json;

	if (c->params_known && !secret) {
		json_key(j, "parameters");
		json_array(j);
		export_values(j, c->params, c->sets, c->collation, &x->utf8);
		/* as they stand on the wire */
		export_values(j, c->attributes, 0, c->collation, &x->utf8);
		json_end(j);
	}
	buf_reset(&x->text);
	if (c->code == MYP_COM_STMT_EXECUTE && command_put_text(ex->session, c, &x->text)) {
		json_key(j, "text");
		(void)put_utf8(x, c->collation,
			       without_secrets(x, ex->session, buf_slice(&x->text), secret));
	}
	if (c->attributes->count) {
		json_key(j, "query_attributes");
		export_attributes(j, c->attributes, c->collation, &x->utf8);
	}
}

static void put_time(struct json *j, const char *key, int64_t ns)
{
	json_key(j, key);
	if (ns < 0)
		json_null(j);
	else
		json_i64(j, ns);
}

static enum err on_exchange(void *ctx, const struct exchange *ex, struct errinfo *info)
{
	struct export_sink *x = ctx;
	struct json *j = &x->json;
	bool secret = command_is_secret(ex->session, ex->command);

	(void)info;
	json_object(j);
	json_key_cstr(j, "type", "exchange");
	put_session_id(j, ex->session);
	put_command(x, ex, secret);
	put_parameters(x, ex, secret);
	export_response(j, ex->response, secret);
	if (ex->response->kind != RESPONSE_NONE) {
		put_time(j, "latency_ns", ex->latency_ns);
		put_time(j, "duration_ns", ex->duration_ns);
	}
	json_end(j);
	json_newline(j);
	return ERR_OK;
}

static void put_end(struct export_sink *x, const struct event *e)
{
	struct json *j = &x->json;

	json_object(j);
	json_key_cstr(j, "type", "end");
	put_session_id(j, e->session);
	json_key_i64(j, "time_ns", e->time_ns);
	json_key_cstr(j, "reason", end_reason_name(e->end));
	if (e->session->end_error.code)
		put_error(j, e->session->end_error.code, e->session->end_error.sqlstate,
			  session_error_message(&e->session->end_error));
	json_end(j);
	json_newline(j);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct export_sink *x = ctx;
	enum err err = exchange_join_event(x->join, e, info);

	if (err != ERR_OK)
		return err;
	if (e->type == EVENT_SESSION)
		put_session(x, e);
	else if (e->type == EVENT_END)
		put_end(x, e);
	if (x->text.no_memory || x->utf8.no_memory || x->masked.no_memory)
		return err_set(info, ERR_NOMEM, 0, "writing the export: out of memory");
	if (x->out->failed != ERR_OK)
		return out_flush(x->out, info);
	return ERR_OK;
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct export_sink *x = ctx;

	(void)so_far;
	(void)progress;
	return out_flush(x->out, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct export_sink *x = ctx;
	struct json *j = &x->json;

	json_object(j);
	json_key_cstr(j, "type", "coverage");
	for (const struct coverage_field *f = coverage_fields; f->name; f++) {
		json_key(j, f->name);
		json_u64(j, coverage_get(coverage, f));
	}
	json_end(j);
	json_newline(j);
	return out_flush(x->out, info);
}

static void sink_free(void *ctx)
{
	struct export_sink *x = ctx;

	exchange_join_free(x->join);
	buf_release(&x->text);
	buf_release(&x->utf8);
	buf_release(&x->masked);
	mem_free(x);
}

enum err export_new(struct out *out, struct event_sink *sink)
{
	struct export_sink *x = mem_zalloc(sizeof(*x));
	enum err e;

	if (!x)
		return ERR_NOMEM;
	x->out = out;
	json_init(&x->json, out);
	buf_init(&x->text, SIZE_MAX / 2);
	buf_init(&x->utf8, SIZE_MAX / 2);
	buf_init(&x->masked, SIZE_MAX / 2);
	e = exchange_join_new(on_exchange, x, &x->join);
	if (e != ERR_OK) {
		sink_free(x);
		return e;
	}
	*sink = (struct event_sink){.event = on_event,
				    .tick = on_tick,
				    .finish = on_finish,
				    .free = sink_free,
				    .ctx = x};
	return ERR_OK;
}
