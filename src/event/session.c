/* session - one client connection to one server. */
#include "event/session.h"

#include <stdio.h>

#include "base/mem.h"
#include "mysql/charset.h"

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
			    const struct endpoint *server, struct statement_pool *pool)
{
	struct session *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->id = id;
	s->start_ns = start_ns;
	s->client = *client;
	s->server = *server;
	s->login_ns = -1;
	s->pool = pool;
	return s;
}

void session_set_collation(struct session *s, uint16_t collation, enum fact_source source)
{
	const char *name = myp_charset_of(collation);

	s->collation = collation;
	s->collation_source = source;
	s->charset = name ? sql_charset_find(slice_cstr(name)) : SQL_CHARSET_PLAIN;
}

void session_statements_drop(struct session *s)
{
	statement_table_clear(&s->statements, s->pool);
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
	s->no_backslash_escapes = s->ansi_quotes = false;
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

struct statement *session_statement_get(const struct session *s, uint32_t id)
{
	return statement_table_get(&s->statements, id);
}

enum err session_statement_put(struct session *s, uint32_t id, const struct slice *text,
			       uint64_t digest, struct statement **out)
{
	return statement_table_put(&s->statements, s->pool, id, text, digest, out);
}

void session_statement_remove(struct session *s, uint32_t id)
{
	statement_table_remove(&s->statements, s->pool, id);
}
