/* info - what is in a recording: counts of all, and of each server, user and database. */
#include "sink/info.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "out/units.h"
#include "sink/coverage_text.h"
#include "sink/info_server.h"

enum { NAME_MAX_BYTES = 256, ENTRY_TEXT_MAX = 2048 };

/* A server, a user or a database, and how much of it there is. */
struct name {
	char *text;
	size_t len;
	uint64_t sessions, exchanges;
};

struct names {
	struct map map; /* struct name by text */
	uint64_t left_out;
};

struct survey {
	uint64_t sessions, exchanges;
	struct names servers, users, databases;
};

static bool is_name(const void *item, const void *key)
{
	const struct name *n = item;

	return slice_eq(slice_of(n->text, n->len), *(const struct slice *)key);
}

static void names_release(struct names *all)
{
	struct name *n;
	size_t at = 0;

	while ((n = map_next(&all->map, &at)) != NULL) {
		mem_free(n->text);
		mem_free(n);
	}
	map_release(&all->map);
}

/* The entry of TEXT, a new one if need be. *OUT is NULL where there are too many. */
static enum err names_get(struct names *all, struct slice text, struct name **out)
{
	struct slice key = slice_head(text, NAME_MAX_BYTES);
	uint64_t hash = hash_bytes(key);
	struct name *n = map_get(&all->map, hash, &key);
	enum err e = ERR_NOMEM;

	*out = n;
	if (n)
		return ERR_OK;
	if (all->map.count == INFO_NAMES_MAX) {
		all->left_out++;
		return ERR_OK;
	}
	n = mem_zalloc(sizeof(*n));
	if (!n)
		return ERR_NOMEM;
	n->text = mem_copy_str(key.ptr, key.len);
	n->len = key.len;
	if (n->text)
		e = map_put(&all->map, hash, n);
	if (e != ERR_OK) {
		mem_free(n->text);
		mem_free(n);
		return e;
	}
	*out = n;
	return ERR_OK;
}

static enum err count_name(struct names *all, struct slice text, uint64_t sessions,
			   uint64_t exchanges)
{
	struct name *n;
	enum err e = names_get(all, text, &n);

	if (e == ERR_OK && n) {
		n->sessions += sessions;
		n->exchanges += exchanges;
	}
	return e;
}

/* "10.0.0.1:3306 8.0.36" */
static struct slice server_text(const struct session *s, char to[ENTRY_TEXT_MAX])
{
	char address[ENDPOINT_TEXT_MAX];
	int version = s->server_version.len < NAME_MAX_BYTES ? (int)s->server_version.len
							     : NAME_MAX_BYTES;

	(void)snprintf(to, ENTRY_TEXT_MAX, "%s%s%.*s", endpoint_format(&s->server, address),
		       version ? " " : "", version, version ? s->server_version.text : "");
	return slice_cstr(to);
}

static enum err count_command(struct survey *s, const struct event *e)
{
	const struct command *c = e->command;
	enum err err = ERR_OK;

	if (e->session->user.len)
		err = count_name(&s->users, fact_slice(&e->session->user), 0, 1);
	if (err == ERR_OK && c->database_known && c->database.len)
		err = count_name(&s->databases, c->database, 0, 1);
	return err;
}

static enum err count_session(struct survey *s, const struct session *session)
{
	char text[ENTRY_TEXT_MAX];
	enum err e = count_name(&s->servers, server_text(session, text), 1, 0);

	s->sessions++;
	if (e == ERR_OK && session->user.len)
		e = count_name(&s->users, fact_slice(&session->user), 1, 0);
	if (e == ERR_OK && session->database_known && session->database.len)
		e = count_name(&s->databases, fact_slice(&session->database), 1, 0);
	return e;
}

static enum err count_event(struct survey *s, const struct event *e)
{
	switch (e->type) {
	case EVENT_SESSION:
		return count_session(s, e->session);
	case EVENT_COMMAND:
		return count_command(s, e);
	case EVENT_RESPONSE:
		s->exchanges++;
		return ERR_OK;
	case EVENT_DATA:
	case EVENT_GAP:
	case EVENT_END:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return ERR_OK;
}

static enum err read_all(struct survey *s, struct recording_reader *r, struct errinfo *info)
{
	struct event event;
	enum err e;

	for (;;) {
		e = recording_reader_next(r, &event, info);
		if (e != ERR_OK)
			return e == ERR_EOF ? ERR_OK : e;
		e = count_event(s, &event);
		if (e != ERR_OK)
			return err_set(info, e, 0, "counting what is in a recording: %s",
				       err_text(e));
	}
}

/* The busiest first. */
static int compare_names(const void *a, const void *b)
{
	const struct name *x = *(const struct name *const *)a, *y = *(const struct name *const *)b;

	if (x->exchanges != y->exchanges)
		return x->exchanges < y->exchanges ? 1 : -1;
	if (x->sessions != y->sessions)
		return x->sessions < y->sessions ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* An array of all, which is the caller's. NULL: no memory. */
static const struct name **sorted(const struct names *all)
{
	const struct name **list = mem_alloc((all->map.count + 1) * sizeof(const struct name *));
	size_t at = 0, count = 0;
	const struct name *n;

	if (!list)
		return NULL;
	while ((n = map_next(&all->map, &at)) != NULL)
		list[count++] = n;
	qsort(list, count, sizeof(const struct name *), compare_names);
	return list;
}

/* What the file is, beside its contents. */
struct file {
	const char *name;
	struct recording_info info;
	struct coverage coverage;
	struct server_log servers; /* what they said of themselves */
	uint64_t bytes;
};

static bool is_damaged(const struct file *f)
{
	return f->info.damaged || f->info.missing || f->coverage.bad_input_bytes ||
	       f->coverage.cut_off;
}

/* Foreign text on one line, without what a terminal would obey. */
static void put_plain(struct out *o, const struct name *n)
{
	for (size_t i = 0; i < n->len; i++) {
		uint8_t b = (uint8_t)n->text[i];

		out_put_byte(o, b < 0x20 || b == 0x7f ? '.' : b);
	}
}

static enum err text_names(struct out *o, const char *title, const struct names *all)
{
	const struct name **list = sorted(all);

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < all->map.count; i++) {
		const struct name *n = list[i];

		out_printf(o, "  %-12s", i == 0 ? title : "");
		put_plain(o, n);
		out_put_cstr(o, ": ");
		if (n->exchanges)
			out_printf(o, "%llu exchanges, ", (unsigned long long)n->exchanges);
		out_printf(o, "%llu session%s\n", (unsigned long long)n->sessions,
			   units_plural(n->sessions));
	}
	if (all->left_out)
		out_printf(o, "  %-12sand more\n", "");
	mem_free(list);
	return ERR_OK;
}

static void text_file(struct out *o, const struct survey *s, const struct file *f)
{
	const struct recording_info *i = &f->info;

	out_printf(o, "%s: a recording of format version %u, %s%s\n", f->name, i->version,
		   units_size(f->bytes).text,
		   i->finished ? "" : ", not finished: its writer goes on, or was stopped");
	if (i->created_ns)
		out_printf(o, "  %-12s%s\n", "made", units_time(i->created_ns).text);
	if (i->first_ns)
		out_printf(o, "  %-12s%s to\n  %-12s%s, %s\n", "heard",
			   units_time(i->first_ns).text, "", units_time(i->last_ns).text,
			   units_duration(i->last_ns - i->first_ns).text);
	out_printf(o, "  %-12s%llu\n", "sessions", (unsigned long long)s->sessions);
	out_printf(o, "  %-12s%llu", "exchanges", (unsigned long long)s->exchanges);
	if (s->exchanges)
		out_printf(o, ", %.1f bytes of the file each",
			   (double)f->bytes / (double)s->exchanges);
	out_printf(o, "\n  %-12s%llu", "blocks", (unsigned long long)i->blocks);
	if (i->damaged)
		out_printf(o, "; ! %llu damaged", (unsigned long long)i->damaged);
	if (i->missing)
		out_printf(o, "; ! %llu missing", (unsigned long long)i->missing);
	out_put_byte(o, '\n');
}

static enum err write_text(struct out *o, const struct survey *s, const struct file *f)
{
	enum err e;

	text_file(o, s, f);
	e = text_names(o, "servers", &s->servers);
	if (e == ERR_OK)
		e = text_names(o, "users", &s->users);
	if (e == ERR_OK)
		e = text_names(o, "databases", &s->databases);
	info_put_servers(o, &f->servers);
	coverage_put_text(o, &f->coverage);
	return e;
}

static enum err json_names(struct json *j, const char *key, const struct names *all)
{
	const struct name **list = sorted(all);

	if (!list)
		return ERR_NOMEM;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < all->map.count; i++) {
		json_object(j);
		json_key_string(j, "name", slice_of(list[i]->text, list[i]->len));
		json_key_u64(j, "exchanges", list[i]->exchanges);
		json_key_u64(j, "sessions", list[i]->sessions);
		json_end(j);
	}
	json_end(j);
	mem_free(list);
	return ERR_OK;
}

static void json_servers(struct json *j, const struct name *const *list, size_t count)
{
	json_key(j, "servers");
	json_array(j);
	for (size_t i = 0; i < count; i++) {
		struct slice all = slice_of(list[i]->text, list[i]->len);
		const uint8_t *blank = memchr(all.ptr, ' ', all.len);
		size_t address = blank ? (size_t)(blank - all.ptr) : all.len;

		json_object(j);
		json_key_string(j, "address", slice_head(all, address));
		json_key_string(j, "version", slice_skip(all, address + 1));
		json_key_u64(j, "sessions", list[i]->sessions);
		json_end(j);
	}
	json_end(j);
}

static void json_file(struct json *j, const struct survey *s, const struct file *f)
{
	const struct recording_info *i = &f->info;

	json_key_cstr(j, "file", f->name);
	json_key_u64(j, "version", i->version);
	json_key_u64(j, "bytes", f->bytes);
	json_key_bool(j, "finished", i->finished);
	json_key_bool(j, "damaged", is_damaged(f));
	json_key_i64(j, "created_ns", i->created_ns);
	json_key_i64(j, "first_ns", i->first_ns);
	json_key_i64(j, "last_ns", i->last_ns);
	json_key_u64(j, "sessions", s->sessions);
	json_key_u64(j, "exchanges", s->exchanges);
	json_key_u64(j, "events", i->events);
	json_key_u64(j, "blocks", i->blocks);
	json_key_u64(j, "damaged_blocks", i->damaged);
	json_key_u64(j, "missing_blocks", i->missing);
}

static enum err write_json(struct out *o, const struct survey *s, const struct file *f)
{
	const struct name **servers = sorted(&s->servers);
	struct json j;
	enum err e;

	if (!servers)
		return ERR_NOMEM;
	json_init(&j, o);
	json_object(&j);
	json_file(&j, s, f);
	json_servers(&j, servers, s->servers.map.count);
	mem_free(servers);
	e = json_names(&j, "users", &s->users);
	if (e == ERR_OK)
		e = json_names(&j, "databases", &s->databases);
	if (e != ERR_OK)
		return e;
	json_key(&j, "asked");
	info_put_servers_json(&j, &f->servers);
	json_key(&j, "coverage");
	coverage_put_json(&j, &f->coverage);
	json_end(&j);
	json_newline(&j);
	return ERR_OK;
}

enum err info_write(struct out *out, enum info_format format, const char *name,
		    struct recording_reader *r, bool *damaged, struct errinfo *info)
{
	struct survey s = {.sessions = 0};
	struct file f = {.name = name};
	enum err e;

	map_init(&s.servers.map, INFO_NAMES_MAX, is_name);
	map_init(&s.users.map, INFO_NAMES_MAX, is_name);
	map_init(&s.databases.map, INFO_NAMES_MAX, is_name);
	e = read_all(&s, r, info);
	if (e == ERR_OK)
		e = recording_reader_servers(r, &f.servers, info);
	if (e == ERR_OK) {
		recording_reader_info(r, &f.info);
		recording_reader_coverage(r, &f.coverage);
		f.bytes = recording_reader_bytes(r);
		e = format == INFO_JSON ? write_json(out, &s, &f) : write_text(out, &s, &f);
		if (e != ERR_OK)
			e = err_set(info, e, 0, "telling what is in %s: %s", name, err_text(e));
	}
	if (e == ERR_OK)
		*damaged = is_damaged(&f);
	server_log_release(&f.servers);
	names_release(&s.servers);
	names_release(&s.users);
	names_release(&s.databases);
	return e;
}
