/* info_server - what servers said of themselves. */
#include "sink/info_server.h"

#include "out/units.h"

/* Foreign text on one line, without what a terminal would obey. */
static void put_plain(struct out *o, const char *text)
{
	for (; text && *text; text++)
		out_put_byte(o, (uint8_t)*text < 0x20 || *text == 0x7f ? '.' : (uint8_t)*text);
}

/* The entry before of the same server; NULL: none. */
static const struct server_facts *entry_before(const struct server_log *log, size_t i)
{
	const char *name = log->items[i].name ? log->items[i].name : "";

	while (i-- > 0)
		if (log->items[i].name && strcmp(log->items[i].name, name) == 0)
			return &log->items[i];
	return NULL;
}

static void put_fact(struct out *o, const struct server_facts *s, enum server_fact_id id)
{
	out_printf(o, "  %-12s  %s: ", "", server_fact_name(id));
	put_plain(o, s->items[id].text);
	out_put_byte(o, '\n');
}

static bool is_news(const struct server_facts *before, const struct server_facts *now,
		    enum server_fact_id id)
{
	const struct server_fact *f = &now->items[id];

	if (f->state == SERVER_UNASKED || server_fact_kind(id) == SERVER_IDENTITY)
		return false;
	if (!before)
		return true;
	return f->state != before->items[id].state ||
	       !slice_eq(server_fact_slice(now, id), server_fact_slice(before, id));
}

static bool has_news(const struct server_facts *before, const struct server_facts *now)
{
	for (unsigned id = 0; id < SERVER_FACTS; id++)
		if (is_news(before, now, (enum server_fact_id)id))
			return true;
	return false;
}

static void put_entry(struct out *o, const struct server_facts *s,
		      const struct server_facts *before)
{
	out_printf(o, "  %-12s", before ? "" : "asked");
	put_plain(o, s->name);
	out_put_byte(o, ' ');
	put_plain(o, s->items[SERVER_VERSION].text);
	out_printf(o, ", %s%s\n", units_time(s->asked_ns).text,
		   !before               ? ""
		   : has_news(before, s) ? ", with other values:"
					 : ", with the same values");
	for (unsigned id = 0; id < SERVER_FACTS; id++)
		if (is_news(before, s, (enum server_fact_id)id))
			put_fact(o, s, (enum server_fact_id)id);
}

void info_put_servers(struct out *o, const struct server_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		put_entry(o, &log->items[i], entry_before(log, i));
}

static void json_facts(struct json *j, const struct server_facts *s, enum server_state state)
{
	json_object(j);
	for (unsigned id = 0; id < SERVER_FACTS; id++)
		if (s->items[id].state == state)
			json_key_string(j, server_fact_name((enum server_fact_id)id),
					server_fact_slice(s, (enum server_fact_id)id));
	json_end(j);
}

void info_put_servers_json(struct json *j, const struct server_log *log)
{
	json_array(j);
	for (size_t i = 0; i < log->count; i++) {
		const struct server_facts *s = &log->items[i];

		json_object(j);
		json_key_cstr(j, "server", s->name ? s->name : "");
		json_key_i64(j, "asked_ns", s->asked_ns);
		json_key(j, "facts");
		json_facts(j, s, SERVER_KNOWN);
		json_key(j, "refused");
		json_facts(j, s, SERVER_REFUSED);
		json_end(j);
	}
	json_end(j);
}
