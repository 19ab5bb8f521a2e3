/* trace - one line per event, to look at conversations. */
#include "sink/trace.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/exchange.h"
#include "mysql/charset.h"
#include "out/units.h"
#include "sql/mask.h"

struct trace_sink {
	struct out *out;
	struct trace_options options;
	struct exchange_join *join;
	struct buf text, utf8;
};

enum colour { PLAIN, RED, GREEN, YELLOW, BLUE, GREY };

static const char *const colours[] = {
	[PLAIN] = "\033[0m",   [RED] = "\033[31m",  [GREEN] = "\033[32m",
	[YELLOW] = "\033[33m", [BLUE] = "\033[34m", [GREY] = "\033[90m",
};

static void put_colour(struct trace_sink *t, enum colour c)
{
	if (t->options.colour)
		out_put_cstr(t->out, colours[c]);
}

/* "10:15:00.123456 5f03a1c2 > " */
static void put_head(struct trace_sink *t, const struct session *s, int64_t time_ns, char mark)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char when[16], id[SESSION_ID_TEXT];
	struct tm tm;

	(void)localtime_r(&seconds, &tm);
	(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
	put_colour(t, GREY);
	out_printf(t->out, "%s.%06lld %.8s ", when, (long long)(time_ns % NS_PER_S / NS_PER_US),
		   session_id_format(s->id, id));
	put_colour(t, PLAIN);
	out_printf(t->out, "%c ", mark);
}

/* Text on one line: blanks folded, control characters shown as dots, cut at the width. */
static void put_line_text(struct trace_sink *t, uint16_t collation, struct slice text)
{
	size_t width = t->options.width, chars = 0;
	bool blank = false;

	buf_reset(&t->utf8);
	(void)myp_charset_to_utf8(collation, width ? slice_head(text, width * 4 + 64) : text,
				  &t->utf8);
	for (size_t i = 0; i < t->utf8.len; i++) {
		uint8_t c = t->utf8.ptr[i];

		if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
			blank = chars > 0;
			continue;
		}
		if (blank)
			out_put_byte(t->out, ' ');
		chars += blank;
		blank = false;
		if ((c & 0xc0) != 0x80 && width && ++chars > width) {
			out_put_cstr(t->out, "...");
			return;
		}
		out_put_byte(t->out, c < 0x20 || c == 0x7f ? '.' : c);
	}
}

static void put_statement(struct trace_sink *t, const struct session *s, const struct command *c)
{
	struct slice text = c->text;

	buf_reset(&t->text);
	if (command_is_secret(s, c)) {
		if (sql_mask(c->text, session_sql_options(s), &t->text) != ERR_OK)
			return;
		text = buf_slice(&t->text);
	} else if (c->code == MYP_COM_STMT_EXECUTE && command_put_text(s, c, &t->text)) {
		text = buf_slice(&t->text);
	}
	put_line_text(t, c->collation, text);
}

static void put_command(struct trace_sink *t, const struct event *e)
{
	const struct command *c = e->command;
	const char *name = myp_command_name(c->code);

	put_head(t, e->session, c->first_ns, '>');
	put_colour(t, BLUE);
	if (name)
		out_put_cstr(t->out, name);
	else
		out_printf(t->out, "0x%02X", c->code);
	put_colour(t, PLAIN);
	if (c->has_statement)
		out_printf(t->out, " #%u", c->statement_id);
	if (c->text_known && c->text.len) {
		out_put_byte(t->out, ' ');
		put_statement(t, e->session, c);
	}
	if (c->cut)
		out_put_cstr(t->out, " [cut]");
	out_put_byte(t->out, '\n');
}

static void put_count(struct trace_sink *t, const char *before, uint64_t n, const char *noun)
{
	out_printf(t->out, "%s%llu %s%s", before, (unsigned long long)n, noun, n == 1 ? "" : "s");
}

static void put_error(struct trace_sink *t, const struct result *r)
{
	put_colour(t, RED);
	out_printf(t->out, "error %u (%s): ", r->error.code, r->error.sqlstate);
	put_line_text(t, 0, r->error.message);
	put_colour(t, PLAIN);
}

static void put_rows(struct trace_sink *t, const struct response *r)
{
	out_put_cstr(t->out, "resultset: ");
	if (r->results_all > 1)
		put_count(t, "", r->results_all, "result");
	else
		put_count(t, "", r->result_count ? r->results[0].column_count : 0, "column");
	put_count(t, ", ", r->rows, "row");
}

static void put_outcome(struct trace_sink *t, const struct response *r)
{
	const struct result *last = response_last(r);

	switch (r->kind) {
	case RESPONSE_OK:
		put_count(t, "ok: ", r->affected_rows, "row");
		out_put_cstr(t->out, " affected");
		if (last && last->insert_id)
			out_printf(t->out, ", insert id %llu", (unsigned long long)last->insert_id);
		break;
	case RESPONSE_ERROR:
		put_error(t, last);
		break;
	case RESPONSE_ROWS:
		put_rows(t, r);
		break;
	case RESPONSE_PREPARED:
		out_printf(t->out, "prepared #%u: ", r->statement_id);
		put_count(t, "", r->prepared_params, "parameter");
		put_count(t, ", ", r->prepared_columns, "column");
		break;
	case RESPONSE_FIELDS:
		put_count(t, "fields: ", r->fields, "definition");
		break;
	case RESPONSE_STRING:
		put_line_text(t, 0, r->message);
		break;
	case RESPONSE_LOST:
		put_colour(t, YELLOW);
		out_put_cstr(t->out, r->heard ? "lost: not heard to its end" : "lost: not heard");
		put_colour(t, PLAIN);
		break;
	case RESPONSE_REPLICATION:
		out_put_cstr(t->out, "replication: passed over from here");
		break;
	case RESPONSE_NONE:
	case RESPONSE_KINDS:
		break;
	}
	if (last && last->warnings && r->kind != RESPONSE_ERROR)
		put_count(t, ", ", last->warnings, "warning");
}

static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct trace_sink *t = ctx;

	(void)info;
	if (x->response->kind == RESPONSE_NONE)
		return ERR_OK;
	put_head(t, x->session, x->response->heard ? x->response->first_ns : x->command->last_ns,
		 '<');
	put_outcome(t, x->response);
	if (x->latency_ns >= 0)
		out_printf(t->out, ", %s", units_duration(x->latency_ns).text);
	out_put_byte(t->out, '\n');
	return ERR_OK;
}

static void put_fact(struct trace_sink *t, const char *name, const struct fact *f)
{
	if (f->len)
		out_printf(t->out, " %s=%.*s", name, (int)slice_head(fact_slice(f), 256).len,
			   f->text);
}

static void put_session(struct trace_sink *t, const struct event *e)
{
	const struct session *s = e->session;
	char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];

	put_head(t, s, s->start_ns, '*');
	put_colour(t, GREEN);
	out_printf(t->out, "session %s -> %s", endpoint_format(&s->client, client),
		   endpoint_format(&s->server, server));
	put_colour(t, PLAIN);
	if (s->proxy.port)
		out_printf(t->out, " by proxy %s", endpoint_format(&s->proxy, client));
	if (s->joined)
		out_put_cstr(t->out, ", joined");
	put_fact(t, "server", &s->server_version);
	if (s->connection_id)
		out_printf(t->out, " connection=%u", s->connection_id);
	put_fact(t, "user", &s->user);
	put_fact(t, "database", &s->database);
	put_fact(t, "auth", &s->auth_plugin);
	if (s->login == SESSION_LOGIN_TLS)
		out_put_cstr(t->out, ", goes on under TLS");
	if (s->login == SESSION_LOGIN_ERROR) {
		out_printf(t->out, ", login error %u (%s): ", s->login_error.code,
			   s->login_error.sqlstate);
		put_line_text(t, 0,
			      slice_cstr(s->login_error.message ? s->login_error.message : ""));
	}
	if (s->compression != SESSION_PLAIN)
		out_put_cstr(t->out, ", compressed");
	out_put_byte(t->out, '\n');
}

static void put_gap(struct trace_sink *t, const struct event *e)
{
	put_head(t, e->session, e->time_ns, '!');
	put_colour(t, YELLOW);
	out_printf(t->out, "gap: %llu bytes of %s were not heard", (unsigned long long)e->gap.bytes,
		   e->gap.side == GAP_COMMANDS ? "commands" : "responses");
	put_colour(t, PLAIN);
	out_put_byte(t->out, '\n');
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct trace_sink *t = ctx;

	switch (e->type) {
	case EVENT_SESSION:
		put_session(t, e);
		break;
	case EVENT_COMMAND:
		put_command(t, e);
		break;
	case EVENT_DATA:
		put_head(t, e->session, e->time_ns, '>');
		put_count(t, "file data: ", e->data.bytes.len, "byte");
		out_put_byte(t->out, '\n');
		break;
	case EVENT_GAP:
		put_gap(t, e);
		break;
	case EVENT_END:
		put_head(t, e->session, e->time_ns, '*');
		out_printf(t->out, "end: %s\n", end_reason_name(e->end));
		break;
	case EVENT_RESPONSE: /* told when it is joined with its command */
	case EVENT_TYPES:
		break;
	}
	if (t->text.no_memory || t->utf8.no_memory)
		return err_set(info, ERR_NOMEM, 0, "writing the trace: out of memory");
	if (t->out->failed != ERR_OK)
		return out_flush(t->out, info);
	return exchange_join_event(t->join, e, info);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct trace_sink *t = ctx;

	(void)so_far;
	(void)progress;
	return out_flush(t->out, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct trace_sink *t = ctx;

	(void)coverage;
	return out_flush(t->out, info);
}

static void sink_free(void *ctx)
{
	struct trace_sink *t = ctx;

	exchange_join_free(t->join);
	buf_release(&t->text);
	buf_release(&t->utf8);
	mem_free(t);
}

enum err trace_new(struct out *out, const struct trace_options *options, struct event_sink *sink)
{
	struct trace_sink *t = mem_zalloc(sizeof(*t));
	enum err e;

	if (!t)
		return ERR_NOMEM;
	t->out = out;
	t->options = *options;
	buf_init(&t->text, SIZE_MAX / 2);
	buf_init(&t->utf8, SIZE_MAX / 2);
	e = exchange_join_new(on_exchange, t, &t->join);
	if (e != ERR_OK) {
		sink_free(t);
		return e;
	}
	*sink = (struct event_sink){.event = on_event,
				    .tick = on_tick,
				    .finish = on_finish,
				    .free = sink_free,
				    .ctx = t};
	return ERR_OK;
}
