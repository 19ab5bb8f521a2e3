/* recording_events - sessions that never were. */
#include "recording_events.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "mysql/bulk.h"

enum { SESSIONS = 6, STATEMENTS = 4, PARAMS = 5, RESULTS = 4, COLUMNS = 6, SCRATCH = 64 << 20 };

struct world {
	uint64_t random;
	size_t max_value;
	uint64_t ids;
	struct statement_pool pool;
	struct session *sessions[SESSIONS];
	struct event event;
	bool effect_due;
	struct command command;
	struct response response;
	struct result results[RESULTS];
	struct myp_column columns[COLUMNS];
	struct rowsum_column sums[RESULTS][COLUMNS];
	struct myp_params params, attributes;
	struct buf payload, texts[8];
	size_t text_count;
	uint64_t order;
	int64_t time_ns;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 11) % below;
}

static bool often(struct world *w)
{
	return draw(w, 4) != 0;
}

/* A number of any size. */
static uint64_t number(struct world *w)
{
	uint64_t bits = draw(w, 65);

	return bits == 0 ? 0 : (draw(w, UINT64_MAX) << 1 | 1) >> (64 - bits);
}

static void put_text(struct world *w, struct buf *b)
{
	size_t len = draw(w, 30);

	if (draw(w, 20) == 0)
		len = draw(w, w->max_value + 1);
	for (size_t i = 0; i < len; i++)
		buf_put_u8(b, (uint8_t)(draw(w, 8) ? 'a' + draw(w, 26) : draw(w, 256)));
	assert(buf_err(b) == ERR_OK);
}

/* A text that lives as long as the event. */
static struct slice text(struct world *w)
{
	struct buf *b = &w->texts[w->text_count++ % 8];

	buf_reset(b);
	put_text(w, b);
	return buf_slice(b);
}

struct world *world_new(uint64_t seed, size_t max_value)
{
	struct world *w = mem_zalloc(sizeof(*w));

	assert(w);
	w->random = seed * 0x9e3779b97f4a7c15u + 1;
	w->max_value = max_value;
	w->time_ns = INT64_C(1700000000000000000);
	statement_pool_init(&w->pool, SIZE_MAX);
	buf_init(&w->payload, SCRATCH);
	for (size_t i = 0; i < 8; i++)
		buf_init(&w->texts[i], SCRATCH);
	return w;
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < SESSIONS; i++)
		session_free(w->sessions[i]);
	statement_pool_release(&w->pool);
	buf_release(&w->payload);
	for (size_t i = 0; i < 8; i++)
		buf_release(&w->texts[i]);
	myp_params_release(&w->params);
	myp_params_release(&w->attributes);
	mem_free(w);
}

static void set(struct world *w, struct fact *f)
{
	enum err e = fact_set(f, text(w), (enum fact_source)draw(w, 4));

	assert(e == ERR_OK);
}

static struct endpoint endpoint(struct world *w)
{
	struct endpoint e = {.addr = {.is_v6 = draw(w, 2)}, .port = (uint16_t)number(w)};

	for (size_t i = 0; i < (e.addr.is_v6 ? 16 : 4); i++)
		e.addr.bytes[i] = (uint8_t)number(w);
	return e;
}

static struct session *new_session(struct world *w)
{
	struct endpoint client = endpoint(w), server = endpoint(w);
	struct session *s = session_new(++w->ids << 40 | draw(w, 1000), w->time_ns - 5, &client,
					&server, &w->pool);

	assert(s);
	s->joined = draw(w, 2);
	s->login = (enum session_login)draw(w, 4);
	s->login_ns = draw(w, 3) ? (int64_t)number(w) : -1;
	if (draw(w, 3) == 0) {
		s->login_error.code = 1045;
		memcpy(s->login_error.sqlstate, "28000", 6);
		s->login_error.message = mem_copy_str("no\0t", 2);
	}
	s->connection_id = (uint32_t)number(w);
	set(w, &s->server_version);
	set(w, &s->user);
	set(w, &s->database);
	set(w, &s->auth_plugin);
	set(w, &s->attributes);
	session_set_collation(s, (uint16_t)draw(w, 300), FACT_LOGIN);
	s->caps = number(w);
	s->caps_known = draw(w, 2);
	s->compression = (enum session_compression)draw(w, 3);
	s->is_mariadb = draw(w, 2);
	return s;
}

/* What a statement or the server's tracking may change. */
static void change_state(struct world *w, struct session *s)
{
	char key[16];
	enum err e = ERR_OK;

	if (draw(w, 3) == 0)
		s->open = (uint32_t)draw(w, 32);
	if (draw(w, 10) == 0)
		set(w, &s->database);
	if (draw(w, 20) == 0)
		s->database_known = !s->database_known;
	if (draw(w, 30) == 0)
		s->no_backslash_escapes = draw(w, 2), s->ansi_quotes = draw(w, 2);
	if (draw(w, 30) == 0)
		session_set_collation(s, (uint16_t)draw(w, 300), FACT_STATEMENT);
	(void)snprintf(key, sizeof(key), "@v%u", (unsigned)draw(w, 5));
	if (draw(w, 8) == 0)
		e = session_state_put(s, slice_cstr(key), text(w));
	else if (draw(w, 20) == 0)
		session_state_remove(s, slice_cstr(key));
	if (draw(w, 60) == 0)
		session_reset_state(s);
	assert(e == ERR_OK);
}

static void add_statement(struct world *w, struct session *s)
{
	struct slice t = text(w);
	bool known = often(w);
	uint64_t digest = command_digest(s, &(struct command){.text = t, .text_known = known});
	struct rowsum_column columns[COLUMNS] = {{.type = 0}};
	struct statement *st;
	enum err e = session_statement_put(s, (uint32_t)draw(w, STATEMENTS), known ? &t : NULL,
					   digest, &st);

	assert(e == ERR_OK);
	st->counts_known = true;
	st->param_count = (uint16_t)draw(w, PARAMS);
	st->column_count = (uint16_t)draw(w, COLUMNS);
	if (!draw(w, 2))
		return;
	for (size_t i = 0; i < st->column_count; i++)
		columns[i].type = (uint8_t)number(w), columns[i].flags = (uint16_t)number(w);
	e = statement_set_columns(s->pool, st, columns, st->column_count);
	assert(e == ERR_OK);
}

static void execute_effect(struct statement_pool *pool, const struct command *c,
			   struct statement *st)
{
	uint16_t types[PARAMS];
	size_t count = c->sets ? c->params->count / c->sets : c->params->count;
	enum err e = ERR_OK;

	for (size_t i = 0; i < count; i++)
		types[i] = (uint16_t)(c->params->items[i].type |
				      (c->params->items[i].is_unsigned ? 0x8000 : 0));
	if (c->params_known && count)
		e = statement_set_types(pool, st, types, (uint16_t)count);
	assert(e == ERR_OK);
	statement_drop_long_data(st);
}

static void command_effect(struct world *w, struct session *s)
{
	const struct command *c = &w->command;
	struct statement *st = c->has_statement ? session_statement_get(s, c->statement_id) : NULL;
	enum err e;

	if (c->code == MYP_COM_STMT_PREPARE)
		add_statement(w, s);
	if (!st)
		return;
	if (c->code == MYP_COM_STMT_EXECUTE || c->code == MYP_COM_STMT_BULK_EXECUTE) {
		execute_effect(s->pool, c, st);
	} else if (c->code == MYP_COM_STMT_SEND_LONG_DATA) {
		e = statement_add_long_data(st, c->payload.ptr[5], slice_skip(c->payload, 7),
					    SCRATCH);
		assert(e == ERR_OK || e == ERR_PROTO);
	} else if (c->code == MYP_COM_STMT_RESET) {
		statement_drop_long_data(st);
	} else if (c->code == MYP_COM_STMT_CLOSE) {
		session_statement_remove(s, c->statement_id);
	}
}

static void do_effect(struct world *w)
{
	struct session *s = NULL;
	size_t i;

	if (!w->effect_due)
		return;
	w->effect_due = false;
	for (i = 0; i < SESSIONS; i++)
		if (w->sessions[i] == w->event.session)
			s = w->sessions[i];
	if (w->event.type == EVENT_COMMAND)
		command_effect(w, s);
	if (w->event.type == EVENT_RESPONSE)
		change_state(w, s);
	for (i = 0; w->event.type == EVENT_END && i < SESSIONS; i++)
		if (w->sessions[i] == s) {
			session_free(s);
			w->sessions[i] = NULL;
		}
}

static void draw_value(struct world *w, struct myp_value *v)
{
	static const enum myp_value_kind timed = MYP_VALUE_DATE;
	uint64_t bits = number(w);
	size_t at;

	v->kind = (enum myp_value_kind)draw(w, MYP_VALUE_UNKNOWN + 1);
	if (v->kind == MYP_VALUE_INT || v->kind == MYP_VALUE_UINT)
		v->u = bits;
	if (v->kind == MYP_VALUE_FLOAT)
		memcpy(&v->f, &bits, sizeof(v->f));
	if (v->kind == MYP_VALUE_DOUBLE)
		memcpy(&v->d, &bits, sizeof(v->d));
	if (v->kind >= timed && v->kind <= MYP_VALUE_TIME)
		v->time = (struct myp_time){.year = (uint16_t)bits,
					    .month = (uint8_t)(bits >> 8),
					    .day = (uint8_t)bits,
					    .micro = (uint32_t)bits,
					    .days = (uint32_t)(bits >> 7),
					    .negative = bits & 1};
	if (v->kind != MYP_VALUE_TEXT && v->kind != MYP_VALUE_BYTES)
		return;
	/* In the payload, as they are on the wire; or elsewhere. */
	at = draw(w, w->payload.len + 1);
	v->bytes = draw(w, 6) ? slice_of(w->payload.ptr + at, draw(w, w->payload.len - at + 1))
			      : text(w);
}

static void draw_params(struct world *w, struct myp_params *list, size_t count,
			const struct statement *st)
{
	enum err e = myp_params_resize(list, count);

	assert(e == ERR_OK);
	for (size_t i = 0; i < count; i++) {
		struct myp_param *p = &list->items[i];

		p->type = (uint8_t)number(w);
		p->is_unsigned = draw(w, 2);
		if (draw(w, 5) == 0)
			p->name = text(w);
		draw_value(w, &p->value);
		p->value.type = draw(w, 9) ? p->type : 3;
		if (!st || !statement_has_long_data(st, (uint16_t)i))
			continue;
		p->is_long_data = true;
		p->value.kind = MYP_VALUE_BYTES;
		p->value.bytes = buf_slice(&st->long_data[i]);
	}
}

static void draw_command(struct world *w, struct session *s)
{
	static const uint8_t codes[] = {MYP_COM_QUERY,
					MYP_COM_QUERY,
					MYP_COM_INIT_DB,
					MYP_COM_STMT_PREPARE,
					MYP_COM_STMT_PREPARE,
					MYP_COM_STMT_EXECUTE,
					MYP_COM_STMT_EXECUTE,
					MYP_COM_STMT_SEND_LONG_DATA,
					MYP_COM_STMT_RESET,
					MYP_COM_STMT_CLOSE,
					MYP_COM_STMT_FETCH,
					MYP_COM_PING,
					MYP_COM_CHANGE_USER,
					0xe0,
					MYP_COM_STMT_BULK_EXECUTE};
	struct command *c = &w->command;
	uint8_t code = codes[draw(w, sizeof(codes))];
	const struct statement *st = NULL;

	*c = (struct command){.n = ++s->commands, .code = code};
	c->has_statement = ((code >= MYP_COM_STMT_EXECUTE && code <= MYP_COM_STMT_FETCH &&
			     code != MYP_COM_SET_OPTION) ||
			    code == MYP_COM_STMT_BULK_EXECUTE) &&
			   draw(w, 30);
	c->statement_id = c->has_statement ? (uint32_t)draw(w, STATEMENTS) : 0;
	st = c->has_statement ? session_statement_get(s, c->statement_id) : NULL;
	c->statement = st;
	buf_reset(&w->payload);
	buf_put_u8(&w->payload, code);
	buf_put_uint_le(&w->payload, c->statement_id, 4);
	buf_put_uint_le(&w->payload, draw(w, PARAMS), 2);
	put_text(w, &w->payload);
	c->payload = buf_slice(&w->payload);
	c->text_known = often(w);
	if (c->text_known)
		c->text = code == MYP_COM_CHANGE_USER ? text(w) : slice_skip(c->payload, 1);
	if (st && st->text && often(w))
		c->text = statement_text(st), c->text_known = true;
	if (code == MYP_COM_CHANGE_USER)
		c->payload = (struct slice){.ptr = NULL, .len = 0};
	c->last_ns = often(w) ? w->time_ns : w->time_ns - (int64_t)draw(w, 1000);
	c->first_ns = often(w) ? c->last_ns : c->last_ns - (int64_t)draw(w, 100000);
	c->cut = draw(w, 20) == 0;
	c->database = often(w) ? fact_slice(&s->database) : text(w);
	c->database_known = s->database_known;
	c->collation = often(w) ? s->collation : (uint16_t)draw(w, 300);
	c->params_known = (code == MYP_COM_STMT_EXECUTE || code == MYP_COM_STMT_BULK_EXECUTE) &&
			  st && draw(w, 10);
	if (c->params_known && code == MYP_COM_STMT_BULK_EXECUTE && st->param_count > 0)
		c->sets = 1 + (uint32_t)draw(w, 3);
	draw_params(w, &w->params,
		    c->params_known ? st->param_count * (size_t)(c->sets ? c->sets : 1) : 0,
		    c->sets ? NULL : st);
	if (c->sets)
		w->params.items[0].indicator = (uint8_t)draw(w, MYP_INDICATORS);
	draw_params(w, &w->attributes, draw(w, 5) ? 0 : draw(w, 3), NULL);
	c->params = &w->params;
	c->attributes = &w->attributes;
	w->event.command = c;
}

static void draw_columns(struct world *w, struct result *x, size_t i)
{
	x->column_count = (uint32_t)draw(w, COLUMNS);
	for (uint32_t k = 0; k < x->column_count; k++) {
		struct myp_column *c = &w->columns[k];

		w->sums[i][k] = (struct rowsum_column){.type = c->type,
						       .decimals = c->decimals,
						       .flags = c->flags,
						       .sum = {number(w), number(w)}};
		if (draw(w, 50) == 0)
			w->sums[i][k].flags ^= 1;
	}
	x->columns = x->column_count && often(w) ? w->columns : NULL;
	x->column_sums = x->column_count && often(w) ? w->sums[i] : NULL;
	for (uint32_t k = 0; k < x->column_count && draw(w, 10) == 0; k++)
		w->sums[i][k].sum = (struct rowsum){0};
	x->rows = number(w);
	x->row_bytes = number(w);
	x->sum = (struct rowsum){number(w), number(w)};
	x->sum_known = often(w);
}

static void draw_result(struct world *w, size_t i)
{
	struct result *x = &w->results[i];

	*x = (struct result){.kind = (enum response_kind)draw(w, RESPONSE_KINDS)};
	if (draw(w, 2))
		draw_columns(w, x, i);
	x->affected_rows = number(w);
	x->insert_id = number(w);
	x->warnings = (uint16_t)number(w);
	x->status = (uint16_t)number(w);
	if (draw(w, 3) == 0)
		x->info = text(w);
	if (draw(w, 4) == 0)
		x->state = text(w);
	if (draw(w, 3))
		return;
	x->error.code = (uint16_t)number(w);
	memcpy(x->error.sqlstate, "42S02", 6);
	x->error.message = text(w);
}

static void draw_response(struct world *w, const struct session *s)
{
	struct response *p = &w->response;

	*p = (struct response){.n = s->commands - draw(w, 3),
			       .command = (uint8_t)number(w),
			       .kind = (enum response_kind)draw(w, RESPONSE_KINDS),
			       .results = w->results,
			       .result_count = draw(w, RESULTS + 1)};
	p->heard = often(w);
	p->failed = draw(w, 20) == 0;
	p->last_ns = often(w) ? w->time_ns : w->time_ns - (int64_t)draw(w, 1000);
	p->first_ns = p->heard ? p->last_ns - (int64_t)draw(w, 1000) : 0;
	p->results_all = p->result_count;
	for (size_t i = 0; i < COLUMNS && draw(w, 4) == 0; i++)
		w->columns[i] = (struct myp_column){.schema = SLICE_LIT("shop"),
						    .name = SLICE_LIT("a\0b"),
						    .length = (uint32_t)number(w),
						    .charset = (uint16_t)number(w),
						    .flags = (uint16_t)number(w),
						    .type = (uint8_t)number(w)};
	for (size_t i = 0; i < p->result_count; i++) {
		draw_result(w, i);
		p->rows += w->results[i].rows;
		p->row_bytes += w->results[i].row_bytes;
		p->affected_rows += w->results[i].affected_rows;
	}
	p->packets = number(w);
	p->bytes = number(w);
	if (draw(w, 10) == 0)
		p->rows++, p->results_all = number(w);
	if (draw(w, 5) == 0)
		p->statement_id = 7, p->prepared_columns = (uint16_t)number(w);
	if (draw(w, 5) == 0)
		p->fields = (uint32_t)number(w), p->message = text(w);
	p->has_infile = draw(w, 10) == 0;
	if (p->has_infile)
		p->infile = text(w), p->infile_bytes = number(w);
	w->event.response = p;
}

static void draw_event(struct world *w, struct session *s)
{
	uint64_t dice = draw(w, 100);

	if (dice < 45) {
		w->event.type = EVENT_COMMAND;
		draw_command(w, s);
	} else if (dice < 90) {
		w->event.type = EVENT_RESPONSE;
		draw_response(w, s);
	} else if (dice < 94) {
		w->event.type = EVENT_DATA;
		w->event.data.n = s->commands;
		w->event.data.bytes = draw(w, 4) ? text(w) : slice_of(NULL, 0);
	} else if (dice < 98) {
		w->event.type = EVENT_GAP;
		w->event.gap.side = draw(w, 2) ? GAP_COMMANDS : GAP_RESPONSES;
		w->event.gap.bytes = number(w);
		w->event.gap.after = s->last_gap = s->commands;
		s->gaps++;
	} else {
		w->event.type = EVENT_END;
		w->event.end = (enum end_reason)draw(w, END_REASONS);
	}
}

const struct event *world_next(struct world *w)
{
	size_t i = draw(w, SESSIONS);

	do_effect(w);
	w->time_ns += (int64_t)draw(w, 100000) - (draw(w, 50) ? 0 : 5000);
	w->order += draw(w, 3);
	w->event = (struct event){.order = w->order, .time_ns = w->time_ns};
	if (!w->sessions[i]) {
		w->sessions[i] = new_session(w);
		w->event.session = w->sessions[i];
		w->event.type = EVENT_SESSION;
		return &w->event;
	}
	w->event.session = w->sessions[i];
	draw_event(w, w->sessions[i]);
	w->effect_due = true;
	return &w->event;
}

const struct event *world_end(struct world *w)
{
	do_effect(w);
	for (size_t i = 0; i < SESSIONS; i++) {
		if (!w->sessions[i])
			continue;
		w->event = (struct event){.type = EVENT_END,
					  .order = w->order,
					  .time_ns = w->time_ns,
					  .session = w->sessions[i],
					  .end = END_CAPTURE};
		w->effect_due = true;
		return &w->event;
	}
	return NULL;
}
