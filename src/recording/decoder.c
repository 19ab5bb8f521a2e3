/*
 * decoder - blocks to events.
 *
 * What an event changes is done when the next one is asked for, since the event shows the state
 * before it. Sessions that ended are kept until their block is left: its records may still name them.
 */
#include "recording/decoder.h"

#include "base/hash.h"
#include "base/mem.h"
#include "recording/format.h"
#include "recording/take.h"
#include "recording/varint.h"

enum {
	ARENA_MAX = 64 << 20,  /* bytes of arrays of one event; of one block's columns */
	ARENA_KEEP = 64 << 10, /* bytes that stay from event to event */
	PIECES_KEEP = 1 << 20, /* bytes */
};

struct known {
	struct known *next; /* in the list of those that ended */
	struct session *session;
	uint64_t last_n;
	uint64_t damage;     /* how often there was damage before it was last told */
	uint64_t extra_gaps; /* those that damage made */
	uint64_t lost_after; /* for GAP: the last command before the damage */
	bool announced;
	bool ended;
	bool has_gap; /* a gap is to be told before its next event */
	enum gap_side gap_side;
};

/* A growing table of pointers or lists, numbered from 1 in each block. */
struct numbered {
	struct known **sessions;
	size_t session_count, session_cap;
	struct take_columns *columns;
	size_t columns_count, columns_cap;
};

struct decoder {
	struct map sessions; /* struct known by id */
	struct statement_pool statements;
	struct known *ended;
	struct numbered numbered;
	struct cursor body;
	uint64_t order, time; /* of the event before, in this block */
	uint64_t damage;
	struct coverage coverage;
	struct server_log servers;
	uint64_t gaps;
	struct arena block_arena, event_arena;
	struct buf pieces;
	uint8_t pieces_kind;
	uint64_t pieces_total; /* 0: none are waited for */
	struct event event;    /* the last one */
	struct known *whose;   /* its session */
	bool waiting;          /* EVENT was read, but something else comes before it */
	bool done;             /* EVENT was handed over, its effect is not done yet */
	struct command command;
	struct response response;
	struct myp_params params, attributes;
	size_t end_at; /* decoder_end(): in the map */
};

enum err decoder_new(struct decoder **out)
{
	struct decoder *d = mem_zalloc(sizeof(*d));

	if (!d)
		return ERR_NOMEM;
	map_init(&d->sessions, RECORDING_SESSIONS_MAX, NULL);
	statement_pool_init(&d->statements, SIZE_MAX);
	arena_init(&d->block_arena, ARENA_MAX);
	arena_init(&d->event_arena, ARENA_MAX);
	buf_init(&d->pieces, RECORDING_PIECES_MAX);
	response_init(&d->response);
	*out = d;
	return ERR_OK;
}

static void known_free(struct known *k)
{
	session_free(k->session);
	mem_free(k);
}

static void free_ended(struct decoder *d)
{
	while (d->ended) {
		struct known *k = d->ended;

		d->ended = k->next;
		known_free(k);
	}
}

void decoder_free(struct decoder *d)
{
	struct known *k;
	size_t at = 0;

	if (!d)
		return;
	while ((k = map_next(&d->sessions, &at)) != NULL)
		known_free(k);
	free_ended(d);
	statement_pool_release(&d->statements);
	map_release(&d->sessions);
	server_log_release(&d->servers);
	mem_free(d->numbered.sessions);
	mem_free(d->numbered.columns);
	arena_release(&d->block_arena);
	arena_release(&d->event_arena);
	buf_release(&d->pieces);
	response_release(&d->response);
	myp_params_release(&d->params);
	myp_params_release(&d->attributes);
	mem_free(d);
}

void decoder_damage(struct decoder *d)
{
	d->damage++;
	d->pieces_total = 0;
	d->waiting = false;
}

void decoder_coverage(const struct decoder *d, struct coverage *out)
{
	*out = d->coverage;
	out->gaps += d->gaps;
}

/* Makes room for one more item of SIZE in a table. */
static void *grow(void *items, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *p = items;

	if (count < *cap)
		return p;
	p = mem_resize(items, more * size);
	if (p)
		*cap = more;
	return p;
}

static enum err number_session(struct decoder *d, struct known *k)
{
	struct numbered *t = &d->numbered;
	struct known **p =
		grow(t->sessions, t->session_count, &t->session_cap, sizeof(*t->sessions));

	if (!p)
		return ERR_NOMEM;
	t->sessions = p;
	t->sessions[t->session_count++] = k;
	return ERR_OK;
}

static enum err on_columns(struct decoder *d, struct cursor *c)
{
	struct numbered *t = &d->numbered;
	struct take_columns columns = take_columns(c, &d->block_arena);
	struct take_columns *p;

	if (!cur_ok(c))
		return ERR_PROTO;
	p = grow(t->columns, t->columns_count, &t->columns_cap, sizeof(*t->columns));
	if (!p)
		return ERR_NOMEM;
	t->columns = p;
	t->columns[t->columns_count++] = columns;
	return ERR_OK;
}

/* The session that a record is of; NULL, and *C failed, if there is none. */
static struct known *take_who(struct decoder *d, struct cursor *c, bool *alone)
{
	uint64_t number = cur_varint(c);
	struct known *k = NULL;

	*alone = number == 0;
	if (*alone)
		k = map_get(&d->sessions, cur_u64(c), NULL);
	else if (number <= d->numbered.session_count)
		k = d->numbered.sessions[number - 1];
	if (k && !k->ended && cur_ok(c))
		return k;
	cur_fail(c);
	return NULL;
}

static enum err add_session(struct decoder *d, const struct take_identity *id, struct known **out)
{
	struct known *k = mem_zalloc(sizeof(*k));
	enum err e = ERR_NOMEM;

	if (!k)
		return ERR_NOMEM;
	k->session = session_new(id->id, id->start_ns, &id->client, &id->server, &d->statements);
	if (k->session)
		e = map_put(&d->sessions, id->id, k);
	if (e != ERR_OK) {
		known_free(k);
		return e;
	}
	k->damage = d->damage;
	*out = k;
	return ERR_OK;
}

/* A session that was known before something was lost: say so before it goes on. */
static void note_damage(struct decoder *d, struct known *k, uint64_t commands)
{
	if (k->damage == d->damage)
		return;
	k->damage = d->damage;
	if (!k->announced)
		return;
	k->has_gap = true;
	k->gap_side = commands != k->last_n ? GAP_COMMANDS : GAP_RESPONSES;
	k->lost_after = k->last_n;
}

static enum err on_session(struct decoder *d, struct cursor *c)
{
	struct take_identity id = {.id = 0};
	struct known *k;
	enum err e;

	take_identity(c, &id);
	if (!cur_ok(c))
		return ERR_PROTO;
	k = map_get(&d->sessions, id.id, NULL);
	if (!k) {
		e = add_session(d, &id, &k);
		if (e != ERR_OK)
			return e;
	}
	note_damage(d, k, id.commands);
	/* Without its login: to whom reads from here the session was open already. */
	if (!k->announced)
		k->session->joined = id.joined;
	k->session->proxy = id.proxy;
	k->session->commands = k->last_n = id.commands;
	e = take_groups(c, id.groups, k->session);
	k->session->gaps += k->extra_gaps;
	return e == ERR_OK ? number_session(d, k) : e;
}

static enum err on_change(struct decoder *d, struct cursor *c)
{
	bool alone;
	struct known *k = take_who(d, c, &alone);
	uint32_t groups = (uint32_t)cur_varint_max(c, UINT32_MAX);
	enum err e;

	if (!k || groups & GROUP_IDENTITY)
		return ERR_PROTO;
	e = take_groups(c, groups, k->session);
	if (groups & GROUP_GAPS)
		k->session->gaps += k->extra_gaps;
	return e;
}

static enum err on_statement(struct decoder *d, struct cursor *c)
{
	bool alone;
	struct known *k = take_who(d, c, &alone);

	return k ? take_statement(c, k->session) : ERR_PROTO;
}

static bool event_type_of(uint8_t kind, enum event_type *out)
{
	static const enum event_type types[] = {
		[RECORD_LOGIN] = EVENT_SESSION, [RECORD_COMMAND] = EVENT_COMMAND,
		[RECORD_DATA] = EVENT_DATA,     [RECORD_RESPONSE] = EVENT_RESPONSE,
		[RECORD_GAP] = EVENT_GAP,       [RECORD_END] = EVENT_END,
	};

	if (kind < RECORD_LOGIN || kind > RECORD_END)
		return false;
	*out = types[kind];
	return true;
}

static enum err take_event(struct decoder *d, struct cursor *c, struct known *k, uint64_t last_n)
{
	struct event *e = &d->event;
	struct take_context ctx = {
		.event = e,
		.last_n = last_n,
		.arena = &d->event_arena,
		.params = &d->params,
		.attributes = &d->attributes,
	};
	enum err x = ERR_OK;

	switch (e->type) {
	case EVENT_SESSION:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	case EVENT_COMMAND:
		x = take_command(c, &ctx, &d->command);
		e->command = &d->command;
		break;
	case EVENT_DATA:
		take_data(c, &ctx);
		break;
	case EVENT_RESPONSE:
		x = take_response(c, &ctx, d->numbered.columns, d->numbered.columns_count,
				  &d->response);
		e->response = &d->response;
		break;
	case EVENT_GAP:
		take_gap(c, &ctx);
		break;
	case EVENT_END:
		x = take_end(c, e, k->session);
		break;
	}
	if (x != ERR_OK)
		return x;
	if (!cur_ok(c))
		return ERR_PROTO;
	if (e->type == EVENT_COMMAND)
		k->last_n = k->session->commands = d->command.n;
	return ERR_OK;
}

static enum err on_event(struct decoder *d, enum event_type type, struct cursor *c)
{
	bool alone;
	struct known *k = take_who(d, c, &alone);
	struct event *e = &d->event;
	enum err x;

	if (!k)
		return ERR_PROTO;
	*e = (struct event){.type = type, .session = k->session};
	e->order = cur_difference(c, alone ? 0 : d->order);
	e->time_ns = (int64_t)cur_difference(c, alone ? 0 : d->time);
	if (!cur_ok(c))
		return ERR_PROTO;
	x = take_event(d, c, k, alone ? 0 : k->last_n);
	if (x != ERR_OK)
		return x;
	if (!alone) {
		d->order = e->order;
		d->time = (uint64_t)e->time_ns;
	}
	d->whose = k;
	d->waiting = true;
	return ERR_OK;
}

static enum err on_server(struct decoder *d, struct cursor *c)
{
	struct server_facts s = {.name = NULL};
	enum err e = take_server_facts(c, &s);

	if (e == ERR_OK)
		e = server_log_add(&d->servers, &s);
	server_facts_release(&s);
	return e;
}

const struct server_log *decoder_servers(const struct decoder *d)
{
	return &d->servers;
}

static enum err on_record(struct decoder *d, uint8_t kind, struct cursor *c)
{
	enum event_type type;

	if (event_type_of(kind, &type))
		return on_event(d, type, c);
	if (kind == RECORD_SESSION)
		return on_session(d, c);
	if (kind == RECORD_CHANGE)
		return on_change(d, c);
	if (kind == RECORD_STATEMENT)
		return on_statement(d, c);
	if (kind == RECORD_COLUMNS)
		return on_columns(d, c);
	if (kind == RECORD_SERVER)
		return on_server(d, c);
	if (kind == RECORD_COVERAGE)
		take_coverage(c, &d->coverage);
	return cur_ok(c) ? ERR_OK : ERR_PROTO;
}

static enum err on_piece(struct decoder *d, struct cursor *c)
{
	uint8_t kind = cur_u8(c);
	uint64_t total = cur_varint_max(c, RECORDING_PIECES_MAX), at = cur_varint(c);
	struct slice bytes = cur_rest(c);
	struct cursor whole;

	/* COLUMNS are looked at as long as their block, which pieces are not. */
	if (!cur_ok(c) || at > total || bytes.len > total - at || kind == RECORD_PIECE ||
	    kind == RECORD_COLUMNS)
		return ERR_PROTO;
	if (at == 0) {
		buf_shrink(&d->pieces, PIECES_KEEP);
		d->pieces_kind = kind;
		d->pieces_total = total;
	}
	if (d->pieces_total != total || d->pieces_kind != kind || d->pieces.len != at) {
		d->pieces_total = 0; /* its beginning was not read */
		return ERR_OK;
	}
	buf_put_slice(&d->pieces, bytes);
	if (buf_err(&d->pieces) != ERR_OK)
		return buf_err(&d->pieces);
	if (d->pieces.len < total)
		return ERR_OK;
	d->pieces_total = 0;
	whole = cur_of(buf_slice(&d->pieces));
	return on_record(d, kind, &whole);
}

static enum err next_record(struct decoder *d)
{
	struct cursor *c = &d->body, record;
	uint8_t kind;

	if (cur_left(c) == 0)
		return ERR_EOF;
	kind = cur_u8(c);
	record = cur_of(cur_var_bytes(c));
	if (!cur_ok(c))
		return ERR_PROTO;
	return kind == RECORD_PIECE ? on_piece(d, &record) : on_record(d, kind, &record);
}

static enum err on_executed(struct decoder *d, const struct command *c, struct statement *st)
{
	enum err e = c->params_known ? command_keep_types(c, &d->statements, st) : ERR_OK;

	statement_drop_long_data(st);
	return e;
}

static enum err on_long_data(const struct command *c, struct statement *st)
{
	struct cursor cur = cur_of(slice_skip(c->payload, 5));
	uint16_t param = cur_u16(&cur);
	enum err e;

	if (!cur_ok(&cur))
		return ERR_OK;
	e = statement_add_long_data(st, param, cur_rest(&cur), RECORDING_PIECES_MAX);
	return e == ERR_NOMEM ? e : ERR_OK;
}

/* What a command does to its statement, see docs/recording-format.md, STATEMENT. */
static enum err command_effect(struct decoder *d)
{
	const struct command *c = &d->command;
	struct statement *st = NULL;

	if (c->has_statement)
		st = session_statement_get(d->whose->session, c->statement_id);
	if (!st)
		return ERR_OK;
	switch (c->code) {
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_BULK_EXECUTE:
		return on_executed(d, c, st);
	case MYP_COM_STMT_SEND_LONG_DATA:
		return on_long_data(c, st);
	case MYP_COM_STMT_RESET:
		statement_drop_long_data(st);
		return ERR_OK;
	case MYP_COM_STMT_CLOSE:
		session_statement_remove(d->whose->session, c->statement_id);
		return ERR_OK;
	default: /* a number from a file: the others change nothing */
		return ERR_OK;
	}
}

static void end_session(struct decoder *d, struct known *k)
{
	(void)map_take(&d->sessions, k->session->id, NULL);
	k->ended = true;
	k->next = d->ended;
	d->ended = k;
}

/* Does what the event that was handed over last changed. */
static enum err settle(struct decoder *d)
{
	enum err e = ERR_OK;

	if (!d->done)
		return ERR_OK;
	d->done = false;
	if (d->event.type == EVENT_COMMAND)
		e = command_effect(d);
	else if (d->event.type == EVENT_END)
		end_session(d, d->whose);
	arena_reset(&d->event_arena, ARENA_KEEP);
	if (d->pieces_total == 0)
		buf_shrink(&d->pieces, PIECES_KEEP);
	return e;
}

/* Hands over the event that waits, or what has to be said before it. False: it is nothing new. */
static bool hand_over(struct decoder *d, struct event *out)
{
	struct known *k = d->whose;
	const struct event *e = &d->event;

	*out = *e;
	if (!k->announced) {
		k->announced = true;
		k->session->joined = k->session->joined || e->type != EVENT_SESSION;
		out->type = EVENT_SESSION;
		d->waiting = e->type != EVENT_SESSION;
		return true;
	}
	if (k->has_gap) {
		k->has_gap = false;
		k->extra_gaps++;
		k->session->gaps++;
		k->session->last_gap = k->lost_after;
		d->gaps++;
		out->type = EVENT_GAP;
		out->gap.side = k->gap_side;
		out->gap.bytes = 0;
		out->gap.after = k->lost_after;
		return true;
	}
	d->waiting = false;
	d->done = e->type != EVENT_SESSION; /* a login that was announced already is no news */
	return d->done;
}

void decoder_begin(struct decoder *d, struct slice raw)
{
	free_ended(d);
	d->body = cur_of(raw);
	d->order = d->time = 0;
	d->numbered.session_count = d->numbered.columns_count = 0;
	arena_reset(&d->block_arena, ARENA_KEEP);
	d->waiting = d->done = false;
}

enum err decoder_next(struct decoder *d, struct event *out)
{
	enum err e = settle(d);

	while (e == ERR_OK) {
		if (d->waiting && hand_over(d, out))
			return ERR_OK;
		e = next_record(d);
	}
	/* A record for which there was no room is not a damaged one. */
	if (e == ERR_PROTO && (d->block_arena.no_memory || d->event_arena.no_memory))
		e = ERR_NOMEM;
	return e;
}

enum err decoder_end(struct decoder *d, struct event *out)
{
	struct known *k;
	struct event last = d->event;

	do {
		k = map_next(&d->sessions, &d->end_at);
	} while (k && !k->announced);
	if (!k)
		return ERR_EOF;
	*out = (struct event){
		.type = EVENT_END,
		.order = last.order,
		.time_ns = last.time_ns,
		.session = k->session,
		.end = END_CAPTURE,
	};
	return ERR_OK;
}
