/* server - asks a live server what it is, where its binary log is, and how it is set. */
#include "inspect/server.h"

#include <stdio.h>

#include "base/clock.h"
#include "mysql/proto.h"

enum {
	SHOW_BINARY_LOG_STATUS = 80200, /* MySQL's version that has it */
	BINLOG_MONITOR = 100502,        /* MariaDB's */
	ACCESS_DENIED = 1227,           /* ER_SPECIFIC_ACCESS_DENIED_ERROR */
	NUMBER_PARTS = 3,
	ACCESS_TEXT_MAX = 128,
};

struct server_version server_version_of(struct slice text)
{
	const struct slice maria = SLICE_LIT("MariaDB"), prefix = SLICE_LIT("5.5.5-");
	struct server_version v = {.is_mariadb = false};
	struct cursor c;

	if (text.len >= maria.len)
		v.is_mariadb = memmem(text.ptr, text.len, maria.ptr, maria.len) != NULL;
	if (v.is_mariadb && slice_eq(slice_head(text, prefix.len), prefix))
		text = slice_skip(text, prefix.len);
	c = cur_of(text);
	for (int part = 0; part < NUMBER_PARTS; part++) {
		unsigned n = 0;

		while (cur_peek(&c) >= '0' && cur_peek(&c) <= '9' && n < 100)
			n = n * 10 + (unsigned)(cur_u8(&c) - '0');
		v.number = v.number * 100 + n;
		if (cur_peek(&c) == '.')
			cur_skip(&c, 1);
	}
	return v;
}

/* Rows of SHOW VARIABLES: name and value. */
static enum err take_variable(void *ctx, const struct asker_row *row)
{
	/* Before MySQL 5.7.20, and in MariaDB before 11.1. */
	const struct slice old_isolation = SLICE_LIT("tx_isolation");
	enum server_fact_id id;

	if (row->count < 2)
		return ERR_PROTO;
	id = server_fact_find(row->values[0]);
	if (slice_eq_nocase(row->values[0], old_isolation))
		id = SERVER_ISOLATION;
	return id == SERVER_FACTS ? ERR_OK : server_fact_set(ctx, id, SERVER_KNOWN, row->values[1]);
}

/* One row, as far as it goes: file, position, two filters, and in MySQL the set of GTIDs. */
static enum err take_position(void *ctx, const struct asker_row *row)
{
	enum err e = ERR_PROTO;

	if (row->count >= 2)
		e = server_fact_set(ctx, SERVER_BINLOG_FILE, SERVER_KNOWN, row->values[0]);
	if (e == ERR_OK)
		e = server_fact_set(ctx, SERVER_BINLOG_POSITION, SERVER_KNOWN, row->values[1]);
	if (e == ERR_OK && row->count >= 5 && row->values[4].len > 0)
		e = server_fact_set(ctx, SERVER_GTID, SERVER_KNOWN, row->values[4]);
	return e;
}

static enum err take_gtid(void *ctx, const struct asker_row *row)
{
	if (row->count < 1)
		return ERR_PROTO;
	return row->values[0].len > 0
		       ? server_fact_set(ctx, SERVER_GTID, SERVER_KNOWN, row->values[0])
		       : ERR_OK;
}

/* Asks TEXT for the fact ID, and maybe others, which a server's error leaves refused. */
static enum err ask_for(struct asker *a, const char *text, asker_row_fn *fn,
			struct server_facts *out, enum server_fact_id id, struct errinfo *info)
{
	struct errinfo why;
	enum err e = asker_ask(a, text, fn, out, &why);

	if (e == ERR_OK)
		return ERR_OK;
	if (e == ERR_UNSUPPORTED)
		return server_fact_set(out, id, SERVER_REFUSED, slice_cstr(why.text));
	if (info)
		*info = why;
	return e;
}

static enum err ask_settings(struct asker *a, struct server_facts *out, struct errinfo *info)
{
	char text[2048] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('tx_isolation'";
	size_t len = strlen(text);

	for (unsigned id = 0; id < SERVER_FACTS; id++)
		if (server_fact_kind((enum server_fact_id)id) != SERVER_POSITION)
			len += (size_t)snprintf(text + len, sizeof(text) - len, ",'%s'",
						server_fact_name((enum server_fact_id)id));
	(void)snprintf(text + len, sizeof(text) - len, ")");
	return ask_for(a, text, take_variable, out, SERVER_VERSION, info);
}

static const char *position_question(struct server_version v)
{
	if (v.is_mariadb)
		return v.number >= BINLOG_MONITOR ? "SHOW BINLOG STATUS" : "SHOW MASTER STATUS";
	return v.number >= SHOW_BINARY_LOG_STATUS ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
}

/* In place of the server's own words, which vary: what to grant. */
static enum err tell_privilege(struct server_facts *out, struct server_version v)
{
	char text[ACCESS_TEXT_MAX];
	enum err e;

	(void)snprintf(text, sizeof(text), "the account lacks the privilege %s",
		       v.is_mariadb && v.number >= BINLOG_MONITOR ? "BINLOG MONITOR"
								  : "REPLICATION CLIENT");
	e = server_fact_set(out, SERVER_BINLOG_FILE, SERVER_REFUSED, slice_cstr(text));
	if (e == ERR_OK)
		e = server_fact_set(out, SERVER_BINLOG_POSITION, SERVER_REFUSED, slice_cstr(text));
	return e;
}

/* The file and position first: their own answer may have the GTIDs of the same moment. */
static enum err ask_position(struct asker *a, struct server_facts *out, struct errinfo *info)
{
	const struct server_version v = server_version_of(asker_server_version(a));
	enum err e = ask_for(a, position_question(v), take_position, out, SERVER_BINLOG_FILE, info);

	out->asked_ns = clock_wall_ns();
	if (e == ERR_OK && asker_error(a) == ACCESS_DENIED)
		e = tell_privilege(out, v);
	else if (e == ERR_OK && out->items[SERVER_BINLOG_FILE].state == SERVER_UNASKED)
		e = server_fact_set(out, SERVER_BINLOG_FILE, SERVER_REFUSED,
				    SLICE_LIT("the server writes no binary log"));
	if (e != ERR_OK || out->items[SERVER_GTID].state == SERVER_KNOWN)
		return e;
	return ask_for(a,
		       v.is_mariadb ? "SELECT @@GLOBAL.gtid_current_pos"
				    : "SELECT @@GLOBAL.gtid_executed",
		       take_gtid, out, SERVER_GTID, info);
}

enum err server_facts_ask(struct asker *a, struct server_facts *out, struct errinfo *info)
{
	enum err e = ask_position(a, out, info);

	if (e == ERR_OK)
		e = ask_settings(a, out, info);
	if (e != ERR_OK)
		server_facts_release(out);
	return e;
}
