/* session - one client connection to one server. */
#include "event/session.h"

#include <stdio.h>

#include "base/mem.h"
#include "mysql/charset.h"
#include "mysql/rowsum.h"
#include "mysql/value.h"

enum err fact_set(struct fact *f, struct slice text, enum fact_source source)
{
	char *copy = mem_copy_str(text.ptr, text.len);

	if (!copy)
		return ERR_NOMEM;
	mem_free(f->text);
	*f = (struct fact){
		.text = copy,
		.len = text.len,
		.source = source,
		.changes = f->changes + 1,
	};
	return ERR_OK;
}

enum err session_error_set(struct session_error *e, const struct myp_err *err)
{
	e->code = err->code;
	memcpy(e->sqlstate, err->sqlstate, sizeof(e->sqlstate));
	mem_free(e->message);
	e->message = mem_copy_str(err->message.ptr, err->message.len);
	return e->message ? ERR_OK : ERR_NOMEM;
}

struct slice session_error_message(const struct session_error *e)
{
	return e->message ? slice_cstr(e->message) : (struct slice){.ptr = NULL, .len = 0};
}

struct session *session_new(uint64_t id, int64_t start_ns, const struct endpoint *client,
			    const struct endpoint *server)
{
	struct session *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->id = id;
	s->start_ns = start_ns;
	s->client = *client;
	s->server = *server;
	s->login_ns = -1;
	map_init(&s->statements, SESSION_STATEMENTS_MAX, NULL);
	return s;
}

void session_set_collation(struct session *s, uint16_t collation, enum fact_source source)
{
	const char *name = myp_charset_of(collation);

	s->collation = collation;
	s->collation_source = source;
	s->charset = name ? sql_charset_find(slice_cstr(name)) : SQL_CHARSET_PLAIN;
}

static void statement_free(struct statement *st)
{
	statement_drop_long_data(st);
	mem_free((void *)(uintptr_t)st->text.ptr);
	mem_free(st->types);
	mem_free(st->columns);
	mem_free(st);
}

void session_statements_drop(struct session *s)
{
	struct statement *st;
	size_t at = 0;

	while ((st = map_next(&s->statements, &at)) != NULL)
		statement_free(st);
	map_release(&s->statements);
}

static void drop_item(struct session *s, size_t i)
{
	struct state_item *item = &s->state[i];

	s->state_bytes -= item->key.len + item->text.len;
	s->state_changes++;
	mem_free((void *)(uintptr_t)item->key.ptr); /* the text stands behind the key */
	memmove(item, item + 1, (s->state_count - i - 1) * sizeof(*item));
	s->state_count--;
}

void session_reset_state(struct session *s)
{
	session_statements_drop(s);
	while (s->state_count)
		drop_item(s, s->state_count - 1);
	s->state_incomplete = false;
	s->open = 0;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_reset_state(s);
	mem_free(s->state);
	mem_free(s->login_error.message);
	mem_free(s->end_error.message);
	mem_free(s->server_version.text);
	mem_free(s->user.text);
	mem_free(s->database.text);
	mem_free(s->auth_plugin.text);
	mem_free(s->attributes.text);
	mem_free(s);
}

bool session_was_asked(const struct session *s)
{
	return s->user.source == FACT_ASKED || s->database.source == FACT_ASKED ||
	       s->server_version.source == FACT_ASKED || s->collation_source == FACT_ASKED;
}

const char *session_id_format(uint64_t id, char to[SESSION_ID_TEXT])
{
	(void)snprintf(to, SESSION_ID_TEXT, "%016llx", (unsigned long long)id);
	return to;
}

static size_t find_item(const struct session *s, struct slice key)
{
	for (size_t i = 0; i < s->state_count; i++)
		if (slice_eq_nocase(s->state[i].key, key))
			return i;
	return s->state_count;
}

static enum err grow_state(struct session *s)
{
	size_t cap = s->state_cap ? s->state_cap * 2 : 4;
	struct state_item *state = mem_resize(s->state, cap * sizeof(*state));

	if (!state)
		return ERR_NOMEM;
	s->state = state;
	s->state_cap = cap;
	return ERR_OK;
}

enum err session_state_put(struct session *s, struct slice key, struct slice text)
{
	char *copy;

	session_state_remove(s, key);
	if (key.len + text.len > SESSION_STATE_MAX - s->state_bytes) {
		s->state_incomplete = true;
		return ERR_OK;
	}
	if (s->state_count == s->state_cap && grow_state(s) != ERR_OK)
		return ERR_NOMEM;
	copy = mem_alloc(key.len + text.len);
	if (!copy)
		return ERR_NOMEM;
	if (key.len)
		memcpy(copy, key.ptr, key.len);
	if (text.len)
		memcpy(copy + key.len, text.ptr, text.len);
	s->state[s->state_count++] = (struct state_item){
		.key = slice_of(copy, key.len),
		.text = slice_of(copy + key.len, text.len),
	};
	s->state_bytes += key.len + text.len;
	s->state_changes++;
	return ERR_OK;
}

void session_state_remove(struct session *s, struct slice key)
{
	size_t i = find_item(s, key);

	if (i < s->state_count)
		drop_item(s, i);
}

/* Statement ids are small and in order: their own value is hash enough once spread. */
static uint64_t id_hash(uint32_t id)
{
	return id * UINT64_C(0x9e3779b97f4a7c15);
}

struct statement *session_statement_get(const struct session *s, uint32_t id)
{
	return map_get(&s->statements, id_hash(id), NULL);
}

enum err session_statement_put(struct session *s, uint32_t id, const struct slice *text,
			       struct statement **out)
{
	struct statement *st = mem_zalloc(sizeof(*st));
	enum err e = ERR_NOMEM;

	if (!st)
		return ERR_NOMEM;
	st->id = id;
	if (text) {
		st->text = slice_of(mem_copy_str(text->ptr, text->len), text->len);
		if (!st->text.ptr)
			goto out;
		st->text_known = true;
	}
	session_statement_remove(s, id);
	e = map_put(&s->statements, id_hash(id), st);
	if (e == ERR_OK) {
		*out = st;
		return ERR_OK;
	}
out:
	statement_free(st);
	return e;
}

void session_statement_remove(struct session *s, uint32_t id)
{
	struct statement *st = map_take(&s->statements, id_hash(id), NULL);

	if (st)
		statement_free(st);
}

uint16_t *statement_types_room(struct statement *st, uint16_t count)
{
	uint16_t *types;

	if (st->types && st->param_count == count)
		return st->types;
	types = mem_alloc(count * sizeof(*types));
	if (!types)
		return NULL;
	statement_drop_long_data(st); /* its buffers are counted by param_count */
	mem_free(st->types);
	st->types = types;
	st->param_count = count;
	return types;
}

enum err statement_set_types(struct statement *st, const uint16_t *types, uint16_t count)
{
	uint16_t *room = count > 0 ? statement_types_room(st, count) : NULL;

	if (room)
		memcpy(room, types, count * sizeof(*types));
	return count == 0 || room ? ERR_OK : ERR_NOMEM;
}

enum err statement_add_long_data(struct statement *st, uint16_t param, struct slice bytes,
				 size_t limit)
{
	if (param >= st->param_count)
		return ERR_PROTO;
	if (!st->long_data) {
		st->long_data = mem_zalloc(st->param_count * sizeof(*st->long_data));
		if (!st->long_data)
			return ERR_NOMEM;
	}
	if (!st->long_data[param].max)
		buf_init(&st->long_data[param], limit);
	buf_reserve(&st->long_data[param], 1); /* an empty piece is data, too */
	buf_put_slice(&st->long_data[param], bytes);
	return buf_err(&st->long_data[param]);
}

bool statement_has_long_data(const struct statement *st, uint16_t param)
{
	return st->long_data && param < st->param_count && st->long_data[param].ptr;
}

void statement_drop_long_data(struct statement *st)
{
	if (!st->long_data)
		return;
	for (uint16_t i = 0; i < st->param_count; i++)
		buf_release(&st->long_data[i]);
	mem_free(st->long_data);
	st->long_data = NULL;
}
