/* recording_dump - all that an event says, as text. */
#include "recording_events.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

enum { DUMP_MAX = 1 << 30 };

static void number(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, " %s=%llu", name, (unsigned long long)v);
}

#define NUMBER(b, of, field) number(b, #field, (uint64_t)(of)->field)

static void bytes(struct buf *b, const char *name, struct slice s)
{
	buf_printf(b, " %s[%zu]=", name, s.len);
	buf_put_slice(b, s);
}

#define BYTES(b, of, field) bytes(b, #field, (of)->field)

static void dump_endpoint(struct buf *b, const struct endpoint *e)
{
	bytes(b, "addr", slice_of(e->addr.bytes, sizeof(e->addr.bytes)));
	NUMBER(b, e, addr.is_v6);
	NUMBER(b, e, port);
}

static void dump_fact(struct buf *b, const char *name, const struct fact *f)
{
	bytes(b, name, fact_slice(f));
	NUMBER(b, f, source);
}

static void dump_session(struct buf *b, const struct session *s)
{
	NUMBER(b, s, id);
	NUMBER(b, s, start_ns);
	dump_endpoint(b, &s->client);
	dump_endpoint(b, &s->server);
	NUMBER(b, s, login);
	NUMBER(b, s, login_ns);
	NUMBER(b, s, login_error.code);
	bytes(b, "sqlstate", slice_cstr(s->login_error.sqlstate));
	bytes(b, "message", slice_cstr(s->login_error.message ? s->login_error.message : ""));
	dump_fact(b, "server_version", &s->server_version);
	dump_fact(b, "user", &s->user);
	dump_fact(b, "database", &s->database);
	dump_fact(b, "auth_plugin", &s->auth_plugin);
	dump_fact(b, "attributes", &s->attributes);
	NUMBER(b, s, connection_id);
	NUMBER(b, s, database_known);
	NUMBER(b, s, collation);
	NUMBER(b, s, collation_source);
	NUMBER(b, s, caps);
	NUMBER(b, s, caps_known);
	NUMBER(b, s, compression);
	NUMBER(b, s, is_mariadb);
	NUMBER(b, s, no_backslash_escapes);
	NUMBER(b, s, charset);
	NUMBER(b, s, ansi_quotes);
	NUMBER(b, s, open);
	NUMBER(b, s, commands);
	NUMBER(b, s, gaps);
	NUMBER(b, s, last_gap);
	NUMBER(b, s, state_incomplete);
	for (size_t i = 0; i < s->state_count; i++) {
		BYTES(b, s, state[i].key);
		BYTES(b, s, state[i].text);
	}
}

static void dump_statement(struct buf *b, const struct statement *st, bool executes)
{
	NUMBER(b, st, id);
	number(b, "digest", statement_digest(st));
	number(b, "text_known", st->text != NULL);
	bytes(b, "text", statement_text(st));
	NUMBER(b, st, counts_known);
	NUMBER(b, st, param_count);
	NUMBER(b, st, column_count);
	for (uint16_t i = 0; st->types && i < st->param_count; i++)
		NUMBER(b, st, types[i]);
	for (uint16_t i = 0; st->columns && i < st->column_count; i++) {
		NUMBER(b, st, columns[i].type);
		NUMBER(b, st, columns[i].decimals);
		NUMBER(b, st, columns[i].flags);
	}
	/* Before it is executed, a block that is read alone does not know what came in earlier ones. */
	for (uint16_t i = 0; executes && i < st->param_count; i++)
		if (statement_has_long_data(st, i))
			bytes(b, "long_data", buf_slice(&st->long_data[i]));
}

static void dump_value(struct buf *b, const struct myp_value *v)
{
	uint64_t bits = 0;

	NUMBER(b, v, kind);
	NUMBER(b, v, type);
	if (v->kind == MYP_VALUE_INT || v->kind == MYP_VALUE_UINT)
		NUMBER(b, v, u);
	if (v->kind == MYP_VALUE_FLOAT)
		memcpy(&bits, &v->f, sizeof(v->f));
	if (v->kind == MYP_VALUE_DOUBLE)
		memcpy(&bits, &v->d, sizeof(v->d));
	number(b, "bits", bits);
	if (v->kind == MYP_VALUE_TEXT || v->kind == MYP_VALUE_BYTES)
		BYTES(b, v, bytes);
	if (v->kind < MYP_VALUE_DATE || v->kind > MYP_VALUE_TIME)
		return;
	NUMBER(b, v, time.year);
	NUMBER(b, v, time.month);
	NUMBER(b, v, time.day);
	NUMBER(b, v, time.hour);
	NUMBER(b, v, time.minute);
	NUMBER(b, v, time.second);
	NUMBER(b, v, time.micro);
	NUMBER(b, v, time.days);
	NUMBER(b, v, time.negative);
}

static void dump_params(struct buf *b, const struct myp_params *list)
{
	NUMBER(b, list, count);
	for (size_t i = 0; i < list->count; i++) {
		const struct myp_param *p = &list->items[i];

		NUMBER(b, p, type);
		NUMBER(b, p, is_unsigned);
		NUMBER(b, p, is_long_data);
		NUMBER(b, p, indicator);
		BYTES(b, p, name);
		dump_value(b, &p->value);
	}
}

static void dump_command(struct buf *b, const struct command *c)
{
	NUMBER(b, c, n);
	NUMBER(b, c, first_ns);
	NUMBER(b, c, last_ns);
	NUMBER(b, c, code);
	NUMBER(b, c, cut);
	NUMBER(b, c, has_statement);
	NUMBER(b, c, statement_id);
	if (c->statement)
		dump_statement(b, c->statement, c->code == MYP_COM_STMT_EXECUTE);
	BYTES(b, c, text);
	NUMBER(b, c, text_known);
	BYTES(b, c, database);
	NUMBER(b, c, database_known);
	NUMBER(b, c, params_known);
	NUMBER(b, c, sets);
	dump_params(b, c->params);
	dump_params(b, c->attributes);
	NUMBER(b, c, collation);
	BYTES(b, c, payload);
}

static void dump_columns(struct buf *b, const struct result *x)
{
	NUMBER(b, x, column_count);
	for (uint32_t i = 0; x->columns && i < x->column_count; i++) {
		const struct myp_column *c = &x->columns[i];

		BYTES(b, c, schema);
		BYTES(b, c, table);
		BYTES(b, c, org_table);
		BYTES(b, c, name);
		BYTES(b, c, org_name);
		BYTES(b, c, extended);
		BYTES(b, c, def);
		NUMBER(b, c, length);
		NUMBER(b, c, charset);
		NUMBER(b, c, flags);
		NUMBER(b, c, type);
		NUMBER(b, c, decimals);
	}
	for (uint32_t i = 0; x->column_sums && i < x->column_count; i++) {
		NUMBER(b, x, column_sums[i].type);
		NUMBER(b, x, column_sums[i].decimals);
		NUMBER(b, x, column_sums[i].flags);
		NUMBER(b, x, column_sums[i].sum.ordered);
		NUMBER(b, x, column_sums[i].sum.unordered);
	}
}

static void dump_result(struct buf *b, const struct result *x)
{
	NUMBER(b, x, kind);
	dump_columns(b, x);
	NUMBER(b, x, rows);
	NUMBER(b, x, row_bytes);
	NUMBER(b, x, sum.ordered);
	NUMBER(b, x, sum.unordered);
	NUMBER(b, x, sum_known);
	NUMBER(b, x, affected_rows);
	NUMBER(b, x, insert_id);
	NUMBER(b, x, warnings);
	NUMBER(b, x, status);
	BYTES(b, x, info);
	BYTES(b, x, state);
	NUMBER(b, x, error.code);
	bytes(b, "sqlstate", slice_cstr(x->error.sqlstate));
	BYTES(b, x, error.message);
}

static void dump_response(struct buf *b, const struct response *p)
{
	NUMBER(b, p, n);
	NUMBER(b, p, command);
	NUMBER(b, p, first_ns);
	NUMBER(b, p, last_ns);
	NUMBER(b, p, kind);
	NUMBER(b, p, heard);
	NUMBER(b, p, failed);
	NUMBER(b, p, result_count);
	NUMBER(b, p, results_all);
	NUMBER(b, p, rows);
	NUMBER(b, p, row_bytes);
	NUMBER(b, p, affected_rows);
	NUMBER(b, p, packets);
	NUMBER(b, p, bytes);
	NUMBER(b, p, statement_id);
	NUMBER(b, p, prepared_columns);
	NUMBER(b, p, prepared_params);
	NUMBER(b, p, fields);
	BYTES(b, p, message);
	NUMBER(b, p, has_infile);
	BYTES(b, p, infile);
	NUMBER(b, p, infile_bytes);
	for (size_t i = 0; i < p->result_count; i++)
		dump_result(b, &p->results[i]);
}

void event_dump(const struct event *e, struct buf *out)
{
	NUMBER(out, e, type);
	NUMBER(out, e, order);
	NUMBER(out, e, time_ns);
	dump_session(out, e->session);
	switch (e->type) {
	case EVENT_SESSION: /* to whom reads from the middle it was joined */
		NUMBER(out, e, session->joined);
		break;
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	case EVENT_COMMAND:
		dump_command(out, e->command);
		break;
	case EVENT_RESPONSE:
		dump_response(out, e->response);
		break;
	case EVENT_DATA:
		NUMBER(out, e, data.n);
		BYTES(out, e, data.bytes);
		break;
	case EVENT_GAP:
		NUMBER(out, e, gap.side);
		NUMBER(out, e, gap.bytes);
		NUMBER(out, e, gap.after);
		break;
	case EVENT_END:
		NUMBER(out, e, end);
		break;
	}
	buf_put_u8(out, '\n');
}

void story_init(struct story *s)
{
	*s = (struct story){.count = 0};
	buf_init(&s->scratch, DUMP_MAX);
}

void story_release(struct story *s)
{
	free(s->events);
	buf_release(&s->scratch);
}

void story_add(struct story *s, const struct event *e)
{
	struct session session = *e->session;
	struct event copy = *e;

	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->events = realloc(s->events, s->cap * sizeof(*s->events));
		assert(s->events);
	}
	if (s->without_gaps)
		session.gaps = session.last_gap = 0;
	copy.session = &session;
	buf_reset(&s->scratch);
	event_dump(&copy, &s->scratch);
	assert(buf_err(&s->scratch) == ERR_OK);
	s->events[s->count++] = (struct seen){
		.hash = hash_bytes(buf_slice(&s->scratch)),
		.type = e->type,
		.time_ns = e->time_ns,
	};
}

bool story_is_prefix(const struct story *a, const struct story *b)
{
	if (b->count > a->count)
		return false;
	for (size_t i = 0; i < b->count; i++)
		if (a->events[i].hash != b->events[i].hash)
			return false;
	return true;
}
