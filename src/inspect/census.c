/* census - asks a live server for all its sessions. */
#include "inspect/census.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/scan.h"
#include "inspect/server.h"

enum {
	TEXT_CUT = 1024,   /* bytes of a statement that the servers keep at most */
	CHARACTER_MAX = 4, /* bytes of one, which the cut may have torn */
	STATEMENTS_MAX = 1 << 19,
	VARIABLES_AT_ONCE = 50, /* sessions: each costs the server a table of all its settings */
	VARIABLES_SESSIONS_MAX = 2000,
	USER_VARIABLES_MAX = 1 << 18,
	USER_VALUE_MAX = 4096, /* bytes of one that are asked for */
	PORT_DIGITS = 5,
};

struct asking {
	struct asker *asker;
	struct census *census;
	struct census_lacks *lacks;
	size_t text_max; /* bytes of a statement that the server keeps */
	bool schema_on;
	bool failed; /* no room */
	uint64_t rows;
};

static struct slice keep(struct asking *k, struct slice s)
{
	return arena_copy(&k->census->memory, s, &k->failed);
}

static bool number_of(struct slice text, uint64_t *out)
{
	char digits[24] = "";

	if (text.len == 0 || text.len >= sizeof(digits))
		return false;
	memcpy(digits, text.ptr, text.len);
	return scan_uint(digits, out) == ERR_OK;
}

static struct census_session *session_of(const struct asking *k, struct slice id)
{
	uint64_t n;

	return number_of(id, &n) && n <= UINT32_MAX ? census_by_id(k->census, (uint32_t)n) : NULL;
}

bool census_parse_host(struct slice host, struct endpoint *out)
{
	struct endpoint e = {.port = 0};
	char name[INET6_ADDRSTRLEN] = "";
	size_t colon = host.len;
	uint64_t port = 0;

	while (colon > 0 && host.ptr[colon - 1] != ':')
		colon--;
	*out = e;
	if (colon == 0 || host.len - colon > PORT_DIGITS ||
	    !number_of(slice_skip(host, colon), &port) || port == 0 || port > UINT16_MAX)
		return false;
	out->port = e.port = (uint16_t)port;
	if (colon - 1 == 0 || colon - 1 >= sizeof(name))
		return false;
	memcpy(name, host.ptr, colon - 1);
	if (inet_pton(AF_INET, name, e.addr.bytes) != 1) {
		e.addr.is_v6 = true;
		if (inet_pton(AF_INET6, name, e.addr.bytes) != 1)
			return false;
	}
	*out = e;
	return true;
}

/* Asks TEXT. A server's error leaves LACK counted; ERR_OK then. */
static enum err ask_for(struct asking *k, const char *text, asker_row_fn *fn, enum census_lack lack,
			struct errinfo *info)
{
	enum err e = asker_ask(k->asker, text, fn, k, info);

	if (e == ERR_UNSUPPORTED) {
		k->lacks->count[lack]++;
		e = ERR_OK;
	}
	if (e == ERR_OK && k->failed)
		k->lacks->count[CENSUS_TOO_MANY] = 1;
	return e;
}

static enum err take_setting(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	uint64_t n;

	if (row->count < 2)
		return ERR_PROTO;
	if (slice_eq(row->values[0], SLICE_LIT("performance_schema")))
		k->schema_on = slice_eq_nocase(row->values[1], SLICE_LIT("ON"));
	else if (!number_of(row->values[1], &n))
		return ERR_OK;
	else if (slice_eq(row->values[0], SLICE_LIT("port")) && n <= UINT16_MAX)
		k->census->port = (uint16_t)n;
	else if (slice_eq(row->values[0], SLICE_LIT("performance_schema_max_sql_text_length")) &&
		 n < k->text_max)
		k->text_max = n;
	return ERR_OK;
}

static bool is_servers_own(struct slice user)
{
	return slice_eq(user, SLICE_LIT("system user")) ||
	       slice_eq(user, SLICE_LIT("event_scheduler"));
}

/* id, user, host, database, command */
static enum err take_process(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s;
	struct endpoint client;
	uint64_t id;
	bool known;
	enum err e;

	if (row->count < 5 || !number_of(row->values[0], &id))
		return ERR_PROTO;
	known = census_parse_host(row->values[2], &client);
	if (id > UINT32_MAX || row->values[2].len == 0 || is_servers_own(row->values[1]))
		return ERR_OK;
	e = census_add(k->census, (uint32_t)id, &client, known, &s);
	if (e == ERR_LIMIT)
		k->failed = true;
	if (e != ERR_OK)
		return e == ERR_LIMIT ? ERR_OK : e;
	s->user = keep(k, row->values[1]);
	s->has_database = row->values[3].ptr != NULL;
	s->database = keep(k, row->values[3]);
	s->idle = slice_eq_nocase(row->values[4], SLICE_LIT("Sleep"));
	return ERR_OK;
}

/*
 * The server cuts bytes, and then takes a torn character off the end. So a text that is within a character of the limit
 * may be cut; one that was as long by itself is not believed either.
 */
static bool may_be_cut(const struct asking *k, struct slice text)
{
	return text.len + CHARACTER_MAX > k->text_max;
}

/* session's id, statement's id, name, text */
static enum err take_statement(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s;
	struct census_statement *st;
	uint64_t id;

	k->rows++;
	if (row->count < 4 || !number_of(row->values[1], &id))
		return ERR_PROTO;
	s = session_of(k, row->values[0]);
	if (!s || id > UINT32_MAX)
		return ERR_OK;
	st = arena_alloc(&k->census->memory, sizeof(*st));
	k->failed = k->failed || !st;
	if (!st)
		return ERR_OK;
	*st = (struct census_statement){
		.next = s->statements,
		.id = (uint32_t)id,
		.name = keep(k, row->values[2]),
		.text = keep(k, row->values[3]),
		.cut = may_be_cut(k, row->values[3]) || k->failed,
	};
	k->lacks->count[CENSUS_CUT_STATEMENTS] += st->cut;
	s->statements = st;
	return ERR_OK;
}

/* session's id, variable, value */
static enum err take_variable(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s = row->count >= 3 ? session_of(k, row->values[0]) : NULL;
	struct census_variable *v;

	if (!s)
		return row->count >= 3 ? ERR_OK : ERR_PROTO;
	v = arena_alloc(&k->census->memory, sizeof(*v));
	k->failed = k->failed || !v;
	if (!v)
		return ERR_OK;
	*v = (struct census_variable){
		.next = s->variables,
		.name = keep(k, row->values[1]),
		.value = keep(k, row->values[2]),
	};
	s->variables = v;
	s->variables_known = true; /* of those asked for, each has its character set in any case */
	return ERR_OK;
}

/* session's id, name, bytes, value or its beginning. NULL stands for the empty string as well as for NULL. */
static enum err take_user_variable(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s = row->count >= 4 ? session_of(k, row->values[0]) : NULL;
	struct census_variable *v;
	uint64_t len = 0;

	k->rows++;
	if (!s)
		return row->count >= 4 ? ERR_OK : ERR_PROTO;
	v = arena_alloc(&k->census->memory, sizeof(*v));
	k->failed = k->failed || !v;
	if (!v)
		return ERR_OK;
	*v = (struct census_variable){
		.next = s->user_variables,
		.name = keep(k, row->values[1]),
		.value = keep(k, row->values[3]),
	};
	v->unknown = k->failed || !number_of(row->values[2], &len) || len != row->values[3].len;
	s->user_variables = v;
	return ERR_OK;
}

static enum err take_lock(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s = row->count >= 1 ? session_of(k, row->values[0]) : NULL;

	if (s)
		s->has_user_lock = true;
	return ERR_OK;
}

static enum err take_transaction(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;
	struct census_session *s = row->count >= 1 ? session_of(k, row->values[0]) : NULL;

	if (s)
		s->in_transaction = true;
	return ERR_OK;
}

static enum err take_tls(void *ctx, const struct asker_row *row)
{
	struct asking *k = ctx;

	k->census->over_tls += row->count >= 1 && session_of(k, row->values[0]);
	return ERR_OK;
}

/* A server that does not know, or does not tell, leaves it unknown. */
static enum err ask_tls(struct asking *k, struct errinfo *info)
{
	enum err e = asker_ask(k->asker,
			       "SELECT PROCESSLIST_ID FROM performance_schema.threads "
			       "WHERE CONNECTION_TYPE = 'SSL/TLS' AND PROCESSLIST_ID IS NOT NULL",
			       take_tls, k, info);

	k->census->tls_known = e == ERR_OK;
	return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static enum err ask_statements(struct asking *k, struct errinfo *info)
{
	char text[512];
	enum err e;

	(void)snprintf(text, sizeof(text),
		       "SELECT t.PROCESSLIST_ID, p.STATEMENT_ID, p.STATEMENT_NAME, p.SQL_TEXT "
		       "FROM performance_schema.prepared_statements_instances p "
		       "JOIN performance_schema.threads t ON t.THREAD_ID = p.OWNER_THREAD_ID "
		       "WHERE t.PROCESSLIST_ID IS NOT NULL LIMIT %d",
		       STATEMENTS_MAX);
	e = ask_for(k, text, take_statement, CENSUS_NO_STATEMENTS, info);
	if (k->rows == STATEMENTS_MAX)
		k->lacks->count[CENSUS_TOO_MANY] = 1;
	return e;
}

static enum err ask_user_variables(struct asking *k, struct errinfo *info)
{
	char text[512];
	enum err e;

	k->rows = 0;
	(void)snprintf(text, sizeof(text),
		       "SELECT t.PROCESSLIST_ID, v.VARIABLE_NAME, LENGTH(v.VARIABLE_VALUE), "
		       "LEFT(v.VARIABLE_VALUE, %d) "
		       "FROM performance_schema.user_variables_by_thread v "
		       "JOIN performance_schema.threads t ON t.THREAD_ID = v.THREAD_ID "
		       "WHERE t.PROCESSLIST_ID IS NOT NULL LIMIT %d",
		       USER_VALUE_MAX, USER_VARIABLES_MAX);
	e = ask_for(k, text, take_user_variable, CENSUS_NO_USER_VARIABLES, info);
	if (k->rows == USER_VARIABLES_MAX)
		k->lacks->count[CENSUS_TOO_MANY] = 1;
	return e;
}

/* Who holds a lock of GET_LOCK(). */
static enum err ask_locks(struct asking *k, struct errinfo *info)
{
	return ask_for(k,
		       "SELECT DISTINCT t.PROCESSLIST_ID FROM performance_schema.metadata_locks l "
		       "JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID "
		       "WHERE t.PROCESSLIST_ID IS NOT NULL AND l.LOCK_STATUS = 'GRANTED' "
		       "AND l.OBJECT_TYPE = 'USER LEVEL LOCK'",
		       take_lock, CENSUS_NO_LOCKS, info);
}

/*
 * Which of the settings that change answers each of the sessions in IDS ("1,2,3") has otherwise than the server. The
 * character sets of a connection have no meaning as the server's own: they are asked for in any case.
 */
static enum err ask_some_variables(struct asking *k, const char *ids, struct errinfo *info)
{
	char text[2048];

	(void)snprintf(
		text, sizeof(text),
		"SELECT t.PROCESSLIST_ID, v.VARIABLE_NAME, v.VARIABLE_VALUE "
		"FROM performance_schema.threads t "
		"JOIN performance_schema.variables_by_thread v ON v.THREAD_ID = t.THREAD_ID "
		"LEFT JOIN performance_schema.global_variables g "
		"ON g.VARIABLE_NAME = v.VARIABLE_NAME "
		"WHERE t.PROCESSLIST_ID IN (%s) AND (v.VARIABLE_NAME IN "
		"('character_set_client','character_set_results','collation_connection') "
		"OR v.VARIABLE_NAME IN ('sql_mode','time_zone','transaction_isolation',"
		"'tx_isolation','autocommit','group_concat_max_len','sql_select_limit',"
		"'sql_safe_updates','sql_auto_is_null','div_precision_increment',"
		"'default_week_format','lc_time_names','foreign_key_checks','unique_checks',"
		"'auto_increment_increment','auto_increment_offset','innodb_lock_wait_timeout',"
		"'max_execution_time','default_storage_engine','transaction_read_only',"
		"'tx_read_only') AND v.VARIABLE_VALUE <> g.VARIABLE_VALUE)",
		ids);
	return ask_for(k, text, take_variable, CENSUS_NO_VARIABLES, info);
}

static enum err ask_variables(struct asking *k, struct errinfo *info)
{
	char ids[VARIABLES_AT_ONCE * 12];
	const struct census_session *s;
	size_t at = 0, len = 0, count = 0, asked = 0;
	enum err e = ERR_OK;

	do {
		s = map_next(&k->census->by_id, &at);
		if (s && s->client.port == 0)
			continue;
		if (s) {
			len += (size_t)snprintf(ids + len, sizeof(ids) - len, "%s%lu",
						count ? "," : "", (unsigned long)s->connection_id);
			count++;
			asked++;
		}
		if (count > 0 && (!s || count == VARIABLES_AT_ONCE)) {
			e = ask_some_variables(k, ids, info);
			len = count = 0;
		}
		if (asked == VARIABLES_SESSIONS_MAX) {
			k->lacks->count[CENSUS_TOO_MANY] = 1;
			break;
		}
	} while (s && e == ERR_OK && k->lacks->count[CENSUS_NO_VARIABLES] == 0);
	return e;
}

static enum err ask_schema(struct asking *k, bool is_mariadb, struct errinfo *info)
{
	enum err e;

	if (!k->schema_on) {
		k->lacks->count[CENSUS_NO_SCHEMA] = 1;
		return ERR_OK;
	}
	e = ask_statements(k, info);
	if (e == ERR_OK)
		e = ask_tls(k, info);
	if (e == ERR_OK)
		e = ask_user_variables(k, info);
	if (e == ERR_OK)
		e = ask_locks(k, info);
	if (e == ERR_OK && is_mariadb)
		k->lacks->count[CENSUS_NO_VARIABLES_TABLE] = 1;
	else if (e == ERR_OK)
		e = ask_variables(k, info);
	return e;
}

static enum err ask_all(struct asking *k, struct errinfo *info)
{
	const struct server_version v = server_version_of(asker_server_version(k->asker));
	enum err e;

	k->census->is_mariadb = v.is_mariadb;
	k->census->version = keep(k, asker_server_version(k->asker));
	e = ask_for(k,
		    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('port','performance_schema',"
		    "'performance_schema_max_sql_text_length')",
		    take_setting, CENSUS_TOO_MANY, info);
	if (e == ERR_OK)
		e = ask_for(
			k,
			"SELECT ID, USER, HOST, DB, COMMAND FROM information_schema.PROCESSLIST "
			"WHERE ID <> CONNECTION_ID()",
			take_process, CENSUS_NO_PROCESS, info);
	/* Without PROCESS the list has our own sessions only, and no error: this question has one. */
	if (e == ERR_OK)
		e = ask_for(k, "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX",
			    take_transaction, CENSUS_NO_PROCESS, info);
	return e == ERR_OK ? ask_schema(k, v.is_mariadb, info) : e;
}

enum err census_ask(struct asker *a, uint64_t number, uint16_t reached, struct census **out,
		    struct census_lacks *lacks, struct errinfo *info)
{
	struct asking k = {.asker = a, .lacks = lacks, .text_max = TEXT_CUT};
	enum err e;

	*lacks = (struct census_lacks){.count = {0}};
	k.census = census_new(number);
	if (!k.census)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	k.census->begun_ns = clock_wall_ns();
	k.census->reached = reached;
	e = ask_all(&k, info);
	if (e != ERR_OK) {
		census_drop(k.census);
		return e;
	}
	*out = k.census;
	return ERR_OK;
}

const char *census_lack_text(enum census_lack lack, uint64_t n, char *to, size_t size)
{
	const char *text = "";

	switch (lack) {
	case CENSUS_NO_PROCESS:
		text = "sessions of other users are not shown to the account: it lacks the "
		       "privilege "
		       "PROCESS";
		break;
	case CENSUS_NO_SCHEMA:
		text = "the server's performance_schema is off: the texts of statements that were "
		       "prepared before are not known (performance_schema=ON in its my.cnf)";
		break;
	case CENSUS_NO_STATEMENTS:
		text = "the texts of statements that were prepared before are not known: the "
		       "account "
		       "lacks SELECT on performance_schema.prepared_statements_instances and "
		       "performance_schema.threads, or the server is older than MySQL 5.7 or "
		       "MariaDB 10.5";
		break;
	case CENSUS_NO_VARIABLES:
		text = "what sessions had SET before is not known: the account lacks SELECT on "
		       "performance_schema.variables_by_thread and .global_variables, or the "
		       "server is older than MySQL 5.7";
		break;
	case CENSUS_NO_VARIABLES_TABLE:
		text = "what sessions had SET before is not known: MariaDB does not tell it";
		break;
	case CENSUS_NO_USER_VARIABLES:
		text = "the user variables that sessions had before are not known: the account "
		       "lacks SELECT on performance_schema.user_variables_by_thread, or the server "
		       "is older than MySQL 5.7 or MariaDB 10.5";
		break;
	case CENSUS_NO_LOCKS:
		text = "who had a lock of GET_LOCK() before is not known: the account lacks SELECT "
		       "on performance_schema.metadata_locks, or the server is older than MySQL "
		       "5.7 or MariaDB 10.5";
		break;
	case CENSUS_CUT_STATEMENTS:
		(void)snprintf(to, size,
			       "the server keeps the beginning only of %llu prepared statement%s: "
			       "not known, and not replayed",
			       (unsigned long long)n, n == 1 ? "" : "s");
		return to;
	case CENSUS_TOO_MANY:
		text = "the server has more sessions and statements than are asked for: not all "
		       "are "
		       "known";
		break;
	case CENSUS_LACKS:
		break;
	}
	(void)snprintf(to, size, "%s", text);
	return to;
}
