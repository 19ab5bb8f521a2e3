/* server - what a server said of itself at one moment. */
#include "event/server.h"

#include "base/mem.h"

static const struct {
	const char *name;
	enum server_kind kind;
} rows[SERVER_FACTS] = {
#define SERVER_FACT(id, text, group) [SERVER_##id] = {.name = text, .kind = SERVER_##group},
#include "event/server_list.h"
#undef SERVER_FACT
};

const char *server_fact_name(enum server_fact_id id)
{
	return rows[id].name;
}

enum server_kind server_fact_kind(enum server_fact_id id)
{
	return rows[id].kind;
}

enum server_fact_id server_fact_find(struct slice name)
{
	unsigned id = 0;

	while (id < SERVER_FACTS && !slice_eq_nocase(slice_cstr(rows[id].name), name))
		id++;
	return (enum server_fact_id)id;
}

enum err server_fact_set(struct server_facts *s, enum server_fact_id id, enum server_state state,
			 struct slice text)
{
	struct server_fact *f = &s->items[id];
	char *copy;

	text = slice_head(text, SERVER_TEXT_MAX);
	copy = mem_copy_str(text.ptr, text.len);
	if (!copy)
		return ERR_NOMEM;
	mem_free(f->text);
	*f = (struct server_fact){.text = copy, .len = text.len, .state = state};
	return ERR_OK;
}

enum err server_facts_set_name(struct server_facts *s, struct slice name)
{
	char *copy = mem_copy_str(name.ptr, name.len);

	if (!copy)
		return ERR_NOMEM;
	mem_free(s->name);
	s->name = copy;
	return ERR_OK;
}

enum err server_facts_copy(struct server_facts *to, const struct server_facts *from)
{
	enum err e = ERR_OK;

	to->asked_ns = from->asked_ns;
	if (from->name)
		e = server_facts_set_name(to, slice_cstr(from->name));
	for (unsigned id = 0; e == ERR_OK && id < SERVER_FACTS; id++)
		if (from->items[id].state != SERVER_UNASKED)
			e = server_fact_set(to, (enum server_fact_id)id, from->items[id].state,
					    server_fact_slice(from, (enum server_fact_id)id));
	if (e != ERR_OK)
		server_facts_release(to);
	return e;
}

/* The first word of a list with commas; *REST is what follows it. */
static struct slice first_word(struct slice list, struct slice *rest)
{
	const uint8_t *comma = list.len ? memchr(list.ptr, ',', list.len) : NULL;
	size_t len = comma ? (size_t)(comma - list.ptr) : list.len;

	*rest = slice_skip(list, len + 1);
	return slice_head(list, len);
}

static bool has_word(struct slice list, struct slice word)
{
	while (list.len > 0)
		if (slice_eq_nocase(first_word(list, &list), word))
			return true;
	return false;
}

static bool has_all(struct slice list, struct slice words)
{
	while (words.len > 0)
		if (!has_word(list, first_word(words, &words)))
			return false;
	return true;
}

bool server_fact_differs(const struct server_facts *a, const struct server_facts *b,
			 enum server_fact_id id)
{
	struct slice x = server_fact_slice(a, id), y = server_fact_slice(b, id);

	if (a->items[id].state != SERVER_KNOWN || b->items[id].state != SERVER_KNOWN)
		return false;
	if (id == SERVER_SQL_MODE)
		return !has_all(x, y) || !has_all(y, x);
	return !slice_eq_nocase(x, y);
}

static bool has_entry(const struct server_log *log, const struct server_facts *s)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct server_facts *f = &log->items[i];

		if (f->asked_ns == s->asked_ns &&
		    strcmp(f->name ? f->name : "", s->name ? s->name : "") == 0)
			return true;
	}
	return false;
}

enum err server_log_add(struct server_log *log, const struct server_facts *s)
{
	struct server_facts copy = {.name = NULL};
	struct server_facts *items;
	enum err e;

	if (has_entry(log, s))
		return ERR_OK;
	e = server_facts_copy(&copy, s);
	if (e != ERR_OK)
		return e;
	if (log->count == SERVER_LOG_MAX) {
		server_facts_release(&log->items[log->count - 1]);
		log->items[log->count - 1] = copy;
		return ERR_OK;
	}
	items = mem_resize(log->items, (log->count + 1) * sizeof(*items));
	if (!items) {
		server_facts_release(&copy);
		return ERR_NOMEM;
	}
	log->items = items;
	log->items[log->count++] = copy;
	return ERR_OK;
}

const struct server_facts *server_log_at(const struct server_log *log, int64_t time_ns)
{
	const struct server_facts *found = NULL;

	for (size_t i = 0; i < log->count; i++) {
		const struct server_facts *f = &log->items[i];
		const bool is_late = f->asked_ns > time_ns;

		if (!found || (!is_late && f->asked_ns >= found->asked_ns) ||
		    (found->asked_ns > time_ns && f->asked_ns < found->asked_ns))
			found = f;
	}
	return found;
}

void server_log_release(struct server_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		server_facts_release(&log->items[i]);
	mem_free(log->items);
	*log = (struct server_log){.items = NULL};
}

void server_facts_release(struct server_facts *s)
{
	for (size_t i = 0; i < SERVER_FACTS; i++)
		mem_free(s->items[i].text);
	mem_free(s->name);
	*s = (struct server_facts){.name = NULL};
}
