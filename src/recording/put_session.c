/* put_session - sessions, what changed in them, and prepared statements into records. */
#include "recording/put.h"

#include "recording/format.h"

static void put_endpoint(struct record *r, const struct endpoint *e)
{
	record_bool(r, e->addr.is_v6);
	record_raw(r, slice_of(e->addr.bytes, e->addr.is_v6 ? 16 : 4));
	record_u16(r, e->port);
}

static void put_fact(struct record *r, const struct fact *f)
{
	record_u8(r, (uint8_t)f->source);
	record_bytes(r, fact_slice(f));
}

static void put_identity(struct record *r, const struct session *s)
{
	record_signed(r, s->start_ns);
	put_endpoint(r, &s->client);
	put_endpoint(r, &s->server);
	record_u8(r, (uint8_t)((s->joined ? IDENTITY_JOINED : 0) |
			       (s->proxy.port ? IDENTITY_PROXY : 0)));
	if (s->proxy.port)
		put_endpoint(r, &s->proxy);
}

static void put_error(struct record *r, const struct session_error *e)
{
	record_varint(r, e->code);
	if (e->code == 0)
		return;
	record_bytes(r, slice_cstr(e->sqlstate));
	record_bytes(r, session_error_message(e));
}

static void put_login(struct record *r, const struct session *s)
{
	record_u8(r, (uint8_t)s->login);
	record_signed(r, s->login_ns);
	put_error(r, &s->login_error);
}

void put_end(struct record *r, const struct event *e)
{
	record_u8(r, (uint8_t)e->end);
	put_error(r, &e->session->end_error);
}

static void put_state(struct record *r, const struct session *s)
{
	record_varint(r, s->state_count);
	for (size_t i = 0; i < s->state_count; i++) {
		record_bytes(r, s->state[i].key);
		record_bytes(r, s->state[i].text);
	}
	record_bool(r, s->state_incomplete);
}

/* Groups of who is there and by which rules. */
static void put_who(struct record *r, const struct session *s, uint32_t groups)
{
	if (groups & GROUP_IDENTITY)
		put_identity(r, s);
	if (groups & GROUP_LOGIN)
		put_login(r, s);
	if (groups & GROUP_SERVER) {
		put_fact(r, &s->server_version);
		record_varint(r, s->connection_id);
		record_bool(r, s->is_mariadb);
	}
	if (groups & GROUP_USER)
		put_fact(r, &s->user);
	if (groups & GROUP_DATABASE) {
		put_fact(r, &s->database);
		record_bool(r, s->database_known);
	}
	if (groups & GROUP_AUTH_PLUGIN)
		put_fact(r, &s->auth_plugin);
	if (groups & GROUP_COLLATION) {
		record_varint(r, s->collation);
		record_u8(r, (uint8_t)s->collation_source);
	}
	if (groups & GROUP_CAPS) {
		record_varint(r, s->caps);
		record_bool(r, s->caps_known);
		record_u8(r, (uint8_t)s->compression);
	}
	if (groups & GROUP_ATTRIBUTES)
		put_fact(r, &s->attributes);
}

void put_groups(struct record *r, const struct session *s, uint32_t groups)
{
	record_varint(r, groups);
	put_who(r, s, groups);
	if (groups & GROUP_QUOTING) {
		record_varint(r, s->no_backslash_escapes ? QUOTING_NO_BACKSLASH : 0);
		record_bool(r, s->ansi_quotes);
	}
	if (groups & GROUP_OPEN)
		record_varint(r, s->open);
	if (groups & GROUP_GAPS) {
		record_varint(r, s->gaps);
		record_varint(r, s->last_gap);
	}
	if (groups & GROUP_STATE)
		put_state(r, s);
}

void put_session(struct record *r, const struct session *s)
{
	record_u64(r, s->id);
	record_varint(r, s->commands);
	put_groups(r, s, GROUPS_ALL);
}

void put_server_facts(struct record *r, const struct server_facts *s)
{
	uint64_t count = 0;

	for (unsigned id = 0; id < SERVER_FACTS; id++)
		count += s->items[id].state != SERVER_UNASKED;
	record_signed(r, s->asked_ns);
	record_bytes(r, slice_cstr(s->name ? s->name : ""));
	record_varint(r, count);
	for (unsigned id = 0; id < SERVER_FACTS; id++) {
		if (s->items[id].state == SERVER_UNASKED)
			continue;
		record_bytes(r, slice_cstr(server_fact_name((enum server_fact_id)id)));
		record_u8(r, (uint8_t)s->items[id].state);
		record_bytes(r, server_fact_slice(s, (enum server_fact_id)id));
	}
}

static void put_long_data(struct record *r, const struct statement *st)
{
	for (uint16_t i = 0; i < st->param_count; i++) {
		struct slice bytes = {.ptr = NULL, .len = 0};

		if (!statement_has_long_data(st, i)) {
			record_varint(r, 0);
			continue;
		}
		bytes = buf_slice(&st->long_data[i]);
		record_varint(r, (uint64_t)bytes.len + 1);
		record_raw(r, bytes);
	}
}

void put_statement(struct record *r, const struct statement *st, bool with_long_data)
{
	bool long_data = with_long_data && st->long_data;

	record_varint(r, st->id);
	record_varint(r, (st->text ? STATEMENT_TEXT : 0u) |
				 (st->counts_known ? STATEMENT_COUNTS : 0u) |
				 (st->types ? STATEMENT_TYPES : 0u) |
				 (st->columns ? STATEMENT_COLUMNS : 0u) |
				 (long_data ? STATEMENT_LONG_DATA : 0u) |
				 (st->long_data && !long_data ? STATEMENT_LONG_DATA_UNTOLD : 0u));
	if (st->text) {
		record_u64(r, statement_digest(st));
		record_bytes(r, statement_text(st));
	}
	record_varint(r, st->param_count);
	record_varint(r, st->column_count);
	for (uint16_t i = 0; st->types && i < st->param_count; i++)
		record_u16(r, st->types[i]);
	for (uint16_t i = 0; st->columns && i < st->column_count; i++) {
		record_u8(r, st->columns[i].type);
		record_u8(r, st->columns[i].decimals);
		record_u16(r, st->columns[i].flags);
	}
	if (long_data)
		put_long_data(r, st);
}
