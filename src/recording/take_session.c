/* take_session - sessions, what changed in them, and prepared statements out of records. */
#include "recording/format.h"
#include "recording/take.h"
#include "recording/varint.h"

#include "base/mem.h"
#include "event/response.h"

enum {
	FACT_SOURCES = FACT_ASKED + 1,
	LOGINS = SESSION_LOGIN_TLS + 1,
	STATE_ITEMS_MAX = SESSION_STATE_MAX / 8, /* no statement that sets anything is shorter */
};

static struct endpoint take_endpoint(struct cursor *c)
{
	struct endpoint e = {.addr = {.is_v6 = cur_bool(c)}};
	struct slice bytes = cur_bytes(c, e.addr.is_v6 ? 16 : 4);

	if (bytes.len)
		memcpy(e.addr.bytes, bytes.ptr, bytes.len);
	e.port = cur_u16(c);
	return e;
}

void take_identity(struct cursor *c, struct take_identity *out)
{
	unsigned flags;

	out->id = cur_u64(c);
	out->commands = cur_varint(c);
	out->groups = (uint32_t)cur_varint_max(c, UINT32_MAX);
	if (!(out->groups & GROUP_IDENTITY)) {
		cur_fail(c);
		return;
	}
	out->start_ns = cur_signed(c);
	out->client = take_endpoint(c);
	out->server = take_endpoint(c);
	flags = cur_u8(c);
	if (flags > (IDENTITY_JOINED | IDENTITY_PROXY))
		cur_fail(c);
	out->joined = flags & IDENTITY_JOINED;
	out->proxy = (struct endpoint){.port = 0};
	if (flags & IDENTITY_PROXY)
		out->proxy = take_endpoint(c);
}

/* One of SERVER's facts; names of later versions are passed over. */
static enum err take_server_fact(struct cursor *c, struct server_facts *out)
{
	enum server_fact_id id = server_fact_find(cur_var_bytes(c));
	enum server_state state = cur_below(c, SERVER_STATES);
	struct slice text = cur_var_bytes(c);

	if (!cur_ok(c))
		return ERR_PROTO;
	return id == SERVER_FACTS ? ERR_OK : server_fact_set(out, id, state, text);
}

enum err take_server_facts(struct cursor *c, struct server_facts *out)
{
	struct slice name;
	uint64_t count;
	enum err e;

	out->asked_ns = cur_signed(c);
	name = cur_var_bytes(c);
	count = cur_varint(c);
	e = cur_ok(c) ? server_facts_set_name(out, name) : ERR_PROTO;
	for (uint64_t i = 0; e == ERR_OK && i < count; i++)
		e = take_server_fact(c, out);
	if (e != ERR_OK)
		server_facts_release(out);
	return e;
}

static enum err take_fact(struct cursor *c, struct fact *out)
{
	enum fact_source source = cur_below(c, FACT_SOURCES);
	struct slice text = cur_var_bytes(c);

	if (!cur_ok(c))
		return ERR_PROTO;
	if (out->source == source && slice_eq(fact_slice(out), text))
		return ERR_OK;
	return fact_set(out, text, source);
}

static void take_sqlstate(struct cursor *c, char out[6])
{
	struct slice s = cur_var_bytes(c);

	if (s.len > 5) {
		cur_fail(c);
		return;
	}
	memset(out, 0, 6);
	if (s.len)
		memcpy(out, s.ptr, s.len);
}

static enum err take_error(struct cursor *c, struct session_error *to)
{
	struct myp_err err = {.code = (uint16_t)cur_varint_max(c, UINT16_MAX)};

	if (cur_ok(c) && err.code == 0) {
		to->code = 0;
		return ERR_OK;
	}
	take_sqlstate(c, err.sqlstate);
	err.message = cur_var_bytes(c);
	return cur_ok(c) ? session_error_set(to, &err) : ERR_PROTO;
}

static enum err take_login(struct cursor *c, struct session *s)
{
	enum session_login login = cur_below(c, LOGINS);
	int64_t login_ns = cur_signed(c);

	if (!cur_ok(c))
		return ERR_PROTO;
	s->login = login;
	s->login_ns = login_ns;
	return take_error(c, &s->login_error);
}

enum err take_end(struct cursor *c, struct event *e, struct session *s)
{
	e->end = cur_below(c, END_REASONS);
	if (!cur_ok(c))
		return ERR_PROTO;
	return cur_left(c) ? take_error(c, &s->end_error) : ERR_OK;
}

/* True if the session has item I as it is told. */
static bool has_item(const struct session *s, size_t i, struct slice key, struct slice text)
{
	return i < s->state_count && slice_eq(s->state[i].key, key) &&
	       slice_eq(s->state[i].text, text);
}

static enum err take_state(struct cursor *c, struct session *s)
{
	uint64_t count = cur_varint_max(c, STATE_ITEMS_MAX);

	for (uint64_t i = 0; cur_ok(c) && i < count; i++) {
		struct slice key = cur_var_bytes(c), text = cur_var_bytes(c);
		enum err e;

		if (!cur_ok(c))
			break;
		if (has_item(s, i, key, text))
			continue;
		while (s->state_count > i)
			session_state_remove(s, s->state[s->state_count - 1].key);
		e = session_state_put(s, key, text);
		if (e != ERR_OK)
			return e;
	}
	while (cur_ok(c) && s->state_count > count)
		session_state_remove(s, s->state[s->state_count - 1].key);
	s->state_incomplete = cur_bool(c);
	return cur_ok(c) ? ERR_OK : ERR_PROTO;
}

static enum err take_server(struct cursor *c, struct session *s)
{
	enum err e = take_fact(c, &s->server_version);

	s->connection_id = (uint32_t)cur_varint_max(c, UINT32_MAX);
	s->is_mariadb = cur_bool(c);
	return e;
}

static enum err take_database(struct cursor *c, struct session *s)
{
	enum err e = take_fact(c, &s->database);

	s->database_known = cur_bool(c);
	return e;
}

/* The groups without a text of their own. */
static void take_numbers(struct cursor *c, uint32_t groups, struct session *s)
{
	if (groups & GROUP_QUOTING) {
		s->no_backslash_escapes = cur_varint(c) & QUOTING_NO_BACKSLASH;
		s->ansi_quotes = cur_bool(c);
	}
	if (groups & GROUP_OPEN)
		s->open = (uint32_t)cur_varint_max(c, UINT32_MAX);
	if (groups & GROUP_GAPS) {
		s->gaps = cur_varint(c);
		s->last_gap = cur_varint(c);
	}
}

static void take_rules(struct cursor *c, uint32_t groups, struct session *s)
{
	if (groups & GROUP_COLLATION) {
		uint16_t collation = (uint16_t)cur_varint_max(c, UINT16_MAX);

		session_set_collation(s, collation, cur_below(c, FACT_SOURCES));
	}
	if (groups & GROUP_CAPS) {
		s->caps = cur_varint(c);
		s->caps_known = cur_bool(c);
		s->compression = cur_below(c, SESSION_ZSTD + 1);
	}
}

enum err take_groups(struct cursor *c, uint32_t groups, struct session *s)
{
	enum err e = ERR_OK;

	if (groups & GROUP_LOGIN)
		e = take_login(c, s);
	if (e == ERR_OK && groups & GROUP_SERVER)
		e = take_server(c, s);
	if (e == ERR_OK && groups & GROUP_USER)
		e = take_fact(c, &s->user);
	if (e == ERR_OK && groups & GROUP_DATABASE)
		e = take_database(c, s);
	if (e == ERR_OK && groups & GROUP_AUTH_PLUGIN)
		e = take_fact(c, &s->auth_plugin);
	if (e == ERR_OK)
		take_rules(c, groups, s);
	if (e == ERR_OK && groups & GROUP_ATTRIBUTES)
		e = take_fact(c, &s->attributes);
	if (e == ERR_OK)
		take_numbers(c, groups, s);
	if (e == ERR_OK && groups & GROUP_STATE)
		e = take_state(c, s);
	if (e == ERR_OK && groups & GROUP_STATEMENTS_GONE)
		session_statements_drop(s);
	return e != ERR_OK ? e : cur_ok(c) ? ERR_OK : ERR_PROTO;
}

/* The statement ID as a table entry: the one that is there if it is the same. */
static enum err find_statement(struct session *s, uint32_t id, const struct slice *text,
			       uint64_t digest, struct statement **out)
{
	struct statement *st = session_statement_get(s, id);

	if (st && !st->text == !text && statement_digest(st) == digest &&
	    (!text || slice_eq(statement_text(st), *text))) {
		*out = st;
		return ERR_OK;
	}
	return session_statement_put(s, id, text, digest, out);
}

static enum err take_types(struct cursor *c, struct statement_pool *pool, struct statement *st,
			   uint16_t count)
{
	struct slice bytes = cur_bytes(c, (size_t)count * 2);
	struct cursor each = cur_of(bytes);
	uint16_t *types;

	if (!cur_ok(c))
		return ERR_PROTO;
	types = statement_types_room(pool, count);
	if (!types)
		return ERR_NOMEM;
	for (uint16_t i = 0; i < count; i++)
		types[i] = cur_u16(&each);
	return statement_set_types(pool, st, types, count);
}

static enum err take_statement_columns(struct cursor *c, struct statement_pool *pool,
				       struct statement *st, uint16_t count)
{
	struct slice bytes = cur_bytes(c, (size_t)count * 4);
	struct cursor each = cur_of(bytes);
	struct rowsum_column *columns;
	enum err e;

	if (!cur_ok(c))
		return ERR_PROTO;
	columns = mem_zalloc((count ? count : 1) * sizeof(*columns));
	if (!columns)
		return ERR_NOMEM;
	for (uint16_t i = 0; i < count; i++) {
		columns[i].type = cur_u8(&each);
		columns[i].decimals = cur_u8(&each);
		columns[i].flags = cur_u16(&each);
	}
	e = statement_set_columns(pool, st, columns, count);
	mem_free(columns);
	return e;
}

static enum err take_long_data(struct cursor *c, struct statement *st)
{
	statement_drop_long_data(st);
	for (uint16_t i = 0; cur_ok(c) && i < st->param_count; i++) {
		uint64_t len = cur_varint(c);
		struct slice bytes;
		enum err e;

		if (len == 0)
			continue;
		if (len - 1 > cur_left(c))
			return ERR_PROTO;
		bytes = cur_bytes(c, (size_t)(len - 1));
		e = statement_add_long_data(st, i, bytes, RECORDING_PIECES_MAX);
		if (e != ERR_OK)
			return e;
	}
	return cur_ok(c) ? ERR_OK : ERR_PROTO;
}

/* Forgets what the record says is not so any more. */
static void set_counts(struct statement_pool *pool, struct statement *st, uint16_t params,
		       uint16_t columns, unsigned flags)
{
	if (st->param_count != params || !(flags & STATEMENT_LONG_DATA_UNTOLD))
		statement_drop_long_data(st);
	if (st->param_count != params || !(flags & STATEMENT_TYPES))
		statement_drop_types(pool, st);
	if (st->column_count != columns || !(flags & STATEMENT_COLUMNS))
		statement_drop_columns(pool, st);
	st->param_count = params;
	st->column_count = columns;
	st->counts_known = flags & STATEMENT_COUNTS;
}

enum err take_statement(struct cursor *c, struct session *s)
{
	uint32_t id = (uint32_t)cur_varint_max(c, UINT32_MAX);
	unsigned flags = (unsigned)cur_varint_max(c, UINT32_MAX);
	struct slice text = {.ptr = NULL, .len = 0};
	uint64_t digest = 0;
	uint16_t params, columns;
	struct statement *st;
	enum err e;

	if (flags & STATEMENT_TEXT) {
		digest = cur_u64(c);
		text = cur_var_bytes(c);
	}
	params = (uint16_t)cur_varint_max(c, UINT16_MAX);
	columns = (uint16_t)cur_varint_max(c, UINT16_MAX);
	if (!cur_ok(c))
		return ERR_PROTO;
	e = find_statement(s, id, flags & STATEMENT_TEXT ? &text : NULL, digest, &st);
	if (e != ERR_OK)
		return e;
	set_counts(s->pool, st, params, columns, flags);
	if (flags & STATEMENT_TYPES)
		e = take_types(c, s->pool, st, params);
	if (e == ERR_OK && flags & STATEMENT_COLUMNS)
		e = take_statement_columns(c, s->pool, st, columns);
	if (e == ERR_OK && flags & STATEMENT_LONG_DATA)
		e = take_long_data(c, st);
	return e;
}
