/* trace - one line per event, to look at conversations. */
#include "sink/trace.h"

#include "base/mem.h"
#include "event/exchange.h"
#include "out/units.h"
#include "sink/trace_line.h"
#include "sql/mask.h"

struct trace_sink {
	struct trace_line line;
	struct trace_options options;
	struct exchange_join *join;
	struct buf text;
};

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
	line_text(&t->line, c->collation, text);
}

static void put_command(struct trace_sink *t, const struct event *e)
{
	const struct command *c = e->command;
	const char *name = myp_command_name(c->code);

	line_head(&t->line, e->session, c->first_ns, '>');
	line_colour(&t->line, LINE_BLUE);
	if (name)
		out_put_cstr(t->line.out, name);
	else
		out_printf(t->line.out, "0x%02X", c->code);
	line_colour(&t->line, LINE_PLAIN);
	if (c->has_statement)
		out_printf(t->line.out, " #%u", c->statement_id);
	if (c->text_known && c->text.len) {
		out_put_byte(t->line.out, ' ');
		put_statement(t, e->session, c);
	}
	if (c->cut)
		out_put_cstr(t->line.out, " [cut]");
	out_put_byte(t->line.out, '\n');
}

static void put_count(struct trace_sink *t, const char *before, uint64_t n, const char *noun)
{
	out_printf(t->line.out, "%s%llu %s%s", before, (unsigned long long)n, noun,
		   n == 1 ? "" : "s");
}

/* SECRET: the statement has a password in it, which the message may repeat. */
static void put_error(struct trace_sink *t, const struct result *r, bool secret)
{
	line_colour(&t->line, LINE_RED);
	out_printf(t->line.out, "error %u (%s): ", r->error.code, r->error.sqlstate);
	line_text(&t->line, 0, secret ? SLICE_LIT(SQL_MASK_TEXT) : r->error.message);
	line_colour(&t->line, LINE_PLAIN);
}

static void put_rows(struct trace_sink *t, const struct response *r)
{
	out_put_cstr(t->line.out, "resultset: ");
	if (r->results_all > 1)
		put_count(t, "", r->results_all, "result");
	else
		put_count(t, "", r->result_count ? r->results[0].column_count : 0, "column");
	put_count(t, ", ", r->rows, "row");
}

static const char *lost_text(const struct response *r)
{
	if (r->unanswered)
		return r->heard ? "cut: its end never came" : "no answer came";
	return r->heard ? "lost: not heard to its end" : "lost: not heard";
}

static void put_outcome(struct trace_sink *t, const struct exchange *x)
{
	const struct response *r = x->response;
	const struct result *last = response_last(r);

	switch (r->kind) {
	case RESPONSE_OK:
		put_count(t, "ok: ", r->affected_rows, "row");
		out_put_cstr(t->line.out, " affected");
		if (last && last->insert_id)
			out_printf(t->line.out, ", insert id %llu",
				   (unsigned long long)last->insert_id);
		break;
	case RESPONSE_ERROR:
		put_error(t, last, command_is_secret(x->session, x->command));
		break;
	case RESPONSE_ROWS:
		put_rows(t, r);
		break;
	case RESPONSE_PREPARED:
		out_printf(t->line.out, "prepared #%u: ", r->statement_id);
		put_count(t, "", r->prepared_params, "parameter");
		put_count(t, ", ", r->prepared_columns, "column");
		break;
	case RESPONSE_FIELDS:
		put_count(t, "fields: ", r->fields, "definition");
		break;
	case RESPONSE_STRING:
		line_text(&t->line, 0, r->message);
		break;
	case RESPONSE_LOST:
		line_colour(&t->line, LINE_YELLOW);
		out_put_cstr(t->line.out, lost_text(r));
		line_colour(&t->line, LINE_PLAIN);
		break;
	case RESPONSE_REPLICATION:
		out_put_cstr(t->line.out, "replication: passed over from here");
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
	line_head(&t->line, x->session,
		  x->response->heard ? x->response->first_ns : x->command->last_ns, '<');
	put_outcome(t, x);
	if (x->latency_ns >= 0)
		out_printf(t->line.out, ", %s", units_duration(x->latency_ns).text);
	out_put_byte(t->line.out, '\n');
	return ERR_OK;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct trace_sink *t = ctx;

	switch (e->type) {
	case EVENT_SESSION:
		line_session(&t->line, e->session);
		break;
	case EVENT_COMMAND:
		put_command(t, e);
		break;
	case EVENT_DATA:
		line_head(&t->line, e->session, e->time_ns, '>');
		put_count(t, "file data: ", e->data.bytes.len, "byte");
		out_put_byte(t->line.out, '\n');
		break;
	case EVENT_GAP:
		line_gap(&t->line, e);
		break;
	case EVENT_END:
		line_head(&t->line, e->session, e->time_ns, '*');
		line_end(&t->line, e);
		break;
	case EVENT_RESPONSE: /* told when it is joined with its command */
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	if (t->text.no_memory || t->line.utf8.no_memory)
		return err_set(info, ERR_NOMEM, 0, "writing the trace: out of memory");
	if (t->line.out->failed != ERR_OK)
		return out_flush(t->line.out, info);
	return exchange_join_event(t->join, e, info);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct trace_sink *t = ctx;

	(void)so_far;
	(void)progress;
	return out_flush(t->line.out, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct trace_sink *t = ctx;

	(void)coverage;
	return out_flush(t->line.out, info);
}

static void sink_free(void *ctx)
{
	struct trace_sink *t = ctx;

	exchange_join_free(t->join);
	buf_release(&t->text);
	line_release(&t->line);
	mem_free(t);
}

enum err trace_new(struct out *out, const struct trace_options *options, struct event_sink *sink)
{
	struct trace_sink *t = mem_zalloc(sizeof(*t));
	enum err e;

	if (!t)
		return ERR_NOMEM;
	line_init(&t->line, out, options->colour, options->width);
	t->options = *options;
	buf_init(&t->text, SIZE_MAX / 2);
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
