/* packet_facts - what a packet means, as keys and values. */
#include "sink/packet_facts.h"

#include <stdio.h>

#include "mysql/login.h"

enum { PROGRESS_HEAD = 3 }; /* bytes: the marker and code of an error */

static const struct bit_name capabilities[] = {
#define CAP(number, text) {.bit = UINT64_C(1) << (number), .name = #text},
#include "mysql/capability_list.h"
#undef CAP
	{.name = NULL},
};

static const struct bit_name statuses[] = {
	{.bit = MYP_STATUS_IN_TRANS, .name = "IN_TRANS"},
	{.bit = MYP_STATUS_AUTOCOMMIT, .name = "AUTOCOMMIT"},
	{.bit = MYP_STATUS_MORE_RESULTS, .name = "MORE_RESULTS"},
	{.bit = MYP_STATUS_NO_GOOD_INDEX_USED, .name = "NO_GOOD_INDEX_USED"},
	{.bit = MYP_STATUS_NO_INDEX_USED, .name = "NO_INDEX_USED"},
	{.bit = MYP_STATUS_CURSOR_EXISTS, .name = "CURSOR_EXISTS"},
	{.bit = MYP_STATUS_LAST_ROW_SENT, .name = "LAST_ROW_SENT"},
	{.bit = MYP_STATUS_DB_DROPPED, .name = "DB_DROPPED"},
	{.bit = MYP_STATUS_NO_BACKSLASH_ESCAPES, .name = "NO_BACKSLASH_ESCAPES"},
	{.bit = MYP_STATUS_METADATA_CHANGED, .name = "METADATA_CHANGED"},
	{.bit = MYP_STATUS_QUERY_WAS_SLOW, .name = "QUERY_WAS_SLOW"},
	{.bit = MYP_STATUS_PS_OUT_PARAMS, .name = "PS_OUT_PARAMS"},
	{.bit = MYP_STATUS_IN_TRANS_READONLY, .name = "IN_TRANS_READONLY"},
	{.bit = MYP_STATUS_SESSION_STATE_CHANGED, .name = "SESSION_STATE_CHANGED"},
	{.name = NULL},
};

/* Field flags of the MySQL source documentation, "Column Definition Flags". */
static const struct bit_name column_flags[] = {
	{.bit = 0x0001, .name = "NOT_NULL"},
	{.bit = 0x0002, .name = "PRI_KEY"},
	{.bit = 0x0004, .name = "UNIQUE_KEY"},
	{.bit = 0x0008, .name = "MULTIPLE_KEY"},
	{.bit = 0x0010, .name = "BLOB"},
	{.bit = 0x0020, .name = "UNSIGNED"},
	{.bit = 0x0040, .name = "ZEROFILL"},
	{.bit = 0x0080, .name = "BINARY"},
	{.bit = 0x0100, .name = "ENUM"},
	{.bit = 0x0200, .name = "AUTO_INCREMENT"},
	{.bit = 0x0400, .name = "TIMESTAMP"},
	{.bit = 0x0800, .name = "SET"},
	{.bit = 0x1000, .name = "NO_DEFAULT"},
	{.bit = 0x2000, .name = "ON_UPDATE_NOW"},
	{.bit = 0x4000, .name = "PART_KEY"},
	{.bit = 0x8000, .name = "NUM"},
	{.name = NULL},
};

static void number(const struct packet_facts *to, const char *key, uint64_t v)
{
	to->number(to->ctx, key, v);
}

static void text(const struct packet_facts *to, const char *key, struct slice value)
{
	if (value.len)
		to->text(to->ctx, slice_cstr(key), value, 0, false);
}

static void leading(const struct packet_facts *to, const char *key, struct slice value,
		    uint16_t collation)
{
	if (value.len)
		to->text(to->ctx, slice_cstr(key), value, collation, true);
}

static void names(const struct packet_facts *to, const char *key, const struct bit_name *list,
		  uint64_t bits)
{
	to->names(to->ctx, key, list, bits);
}

/* ---- login ---- */

static void tell_connect(const struct session *s, const struct packet_facts *to)
{
	char address[ENDPOINT_TEXT_MAX];

	text(to, "client", slice_cstr(endpoint_format(&s->client, address)));
	text(to, "server", slice_cstr(endpoint_format(&s->server, address)));
}

static void tell_greeting(const struct packet *p, const struct packet_facts *to)
{
	struct myp_greeting g;

	if (myp_greeting_decode(p->payload, &g) != ERR_OK)
		return;
	number(to, "protocol", g.protocol);
	text(to, "server_version", g.server_version);
	number(to, "connection_id", g.connection_id);
	text(to, "auth_plugin", g.auth_plugin);
	number(to, "collation", g.collation);
	names(to, "status", statuses, g.status);
	names(to, "capabilities", capabilities, g.caps);
}

static void tell_attributes(struct slice attributes, const struct packet_facts *to)
{
	struct cursor cur = cur_of(attributes);
	struct slice key, value;

	if (attributes.len == 0)
		return;
	to->open(to->ctx, "attributes");
	while (myp_attribute_next(&cur, &key, &value))
		to->text(to->ctx, key, value, 0, false);
	to->close(to->ctx);
}

static void tell_login_facts(const struct myp_login *l, const struct packet_facts *to)
{
	text(to, "user", l->user);
	text(to, "database", l->database);
	text(to, "auth_plugin", l->auth_plugin);
	number(to, "collation", l->collation);
	tell_attributes(l->attributes, to);
}

static void tell_login(const struct packet *p, const struct packet_facts *to)
{
	struct myp_login l;

	if (myp_login_decode(p->payload, p->caps, &l) != ERR_OK)
		return;
	if (!l.is_ssl_request)
		tell_login_facts(&l, to);
	names(to, "capabilities", capabilities, l.caps);
}

static void tell_auth(const struct packet *p, const struct packet_facts *to)
{
	struct myp_auth a;

	if (myp_auth_decode(p->payload, &a) != ERR_OK)
		return;
	if (a.kind == MYP_AUTH_SWITCH_OLD)
		a.auth_plugin = SLICE_LIT("mysql_old_password");
	text(to, "auth_plugin", a.auth_plugin);
}

/* ---- commands ---- */

static void tell_command(const struct packet *p, const struct packet_facts *to)
{
	const char *name = myp_command_name(p->command);
	struct myp_login l;
	char code[8];

	if (!name)
		(void)snprintf(code, sizeof(code), "0x%02X", p->command);
	leading(to, "command", slice_cstr(name ? name : code), 0);
	if (p->has_statement)
		number(to, "statement_id", p->statement_id);
	if (p->command != MYP_COM_CHANGE_USER)
		leading(to, "sql", p->text, p->collation);
	else if (myp_change_user_decode(p->payload, p->caps, &l) == ERR_OK)
		tell_login_facts(&l, to);
}

/* ---- answers ---- */

static const char *change_name(uint8_t type)
{
	switch ((enum myp_state_type)type) {
	case MYP_STATE_SCHEMA:
		return "schema";
	case MYP_STATE_CHANGED:
		return "changed";
	case MYP_STATE_GTIDS:
		return "gtids";
	case MYP_STATE_TRANSACTION_CHARACTERISTICS:
		return "transaction_characteristics";
	case MYP_STATE_TRANSACTION_STATE:
		return "transaction_state";
	case MYP_STATE_SYSTEM_VARIABLE:
		break;
	}
	return "unknown";
}

static void tell_changes(struct slice state, const struct packet_facts *to)
{
	struct myp_states changes = myp_states_of(state);
	struct myp_state change;

	if (state.len == 0)
		return;
	to->open(to->ctx, "changes");
	while (myp_state_next(&changes, &change)) {
		struct slice key = change.type == MYP_STATE_SYSTEM_VARIABLE
					   ? change.name
					   : slice_cstr(change_name(change.type));

		to->text(to->ctx, key, change.value, 0, false);
	}
	to->close(to->ctx);
}

/* An end of a list, which has counts only in the new style, or an OK. */
static void tell_ok(const struct packet *p, const struct packet_facts *to)
{
	struct myp_ok ok;

	if (packet_ok(p, &ok) != ERR_OK)
		return;
	if (p->meaning == PACKET_OK || ok.affected_rows)
		number(to, "affected_rows", ok.affected_rows);
	if (ok.insert_id)
		number(to, "insert_id", ok.insert_id);
	number(to, "warnings", ok.warnings);
	names(to, "status", statuses, ok.status);
	text(to, "info", ok.info);
	tell_changes(ok.state, to);
}

static void tell_error(const struct packet *p, const struct packet_facts *to)
{
	struct myp_err e;

	if (myp_err_decode(p->payload, p->caps, &e) != ERR_OK)
		return;
	number(to, "code", e.code);
	text(to, "sqlstate", slice_cstr(e.sqlstate));
	leading(to, "message", e.message, 0);
}

static void tell_column(const struct packet *p, const struct packet_facts *to)
{
	struct myp_column c;
	const char *type;

	if (p->hidden.len || myp_column_decode(p->payload, p->caps, &c) != ERR_OK)
		return;
	leading(to, "name", c.name, 0);
	type = myp_type_name(c.type);
	if (type)
		leading(to, "type", slice_cstr(type), 0);
	else
		number(to, "type", c.type);
	names(to, "flags", column_flags, c.flags);
	number(to, "display_length", c.length);
	number(to, "collation", c.charset);
	if (c.decimals)
		number(to, "decimals", c.decimals);
	text(to, "table", c.table);
	text(to, "database", c.schema);
}

static void tell_prepared(const struct packet *p, const struct packet_facts *to)
{
	struct myp_prepared prepared;

	if (myp_prepared_decode(p->payload, p->caps, &prepared) != ERR_OK)
		return;
	number(to, "statement_id", prepared.statement_id);
	number(to, "parameters", prepared.params);
	number(to, "columns", prepared.columns);
	number(to, "warnings", prepared.warnings);
}

/* MariaDB KB, "Progress Reporting": count of strings, stage, stages, thousandths of a percent, text. */
static void tell_progress(const struct packet *p, const struct packet_facts *to)
{
	struct cursor c = cur_of(slice_skip(p->payload, PROGRESS_HEAD));
	uint8_t stage, stages;
	uint32_t progress;
	struct slice info;

	if (p->hidden.len)
		return;
	cur_skip(&c, 1);
	stage = cur_u8(&c);
	stages = cur_u8(&c);
	progress = cur_u24(&c);
	info = myp_cur_lenenc_bytes(&c);
	if (!cur_ok(&c))
		return;
	number(to, "stage", stage);
	number(to, "stages", stages);
	number(to, "percent", progress / 1000);
	leading(to, "message", info, 0);
}

static void tell_of_server(const struct packet *p, const struct packet_facts *to)
{
	switch ((unsigned)p->meaning) {
	case PACKET_OK:
	case PACKET_FIELDS_END:
	case PACKET_PARAMS_END:
	case PACKET_ROWS_END:
		tell_ok(p, to);
		break;
	case PACKET_ERROR:
		tell_error(p, to);
		break;
	case PACKET_COLUMN_COUNT:
		number(to, "columns", p->count);
		break;
	case PACKET_FIELD:
	case PACKET_PARAM:
		tell_column(p, to);
		break;
	case PACKET_ROW:
		if (p->count)
			number(to, "columns", p->count);
		break;
	case PACKET_PREPARED:
		tell_prepared(p, to);
		break;
	case PACKET_FILE_REQUEST:
		text(to, "file", slice_skip(p->payload, 1));
		break;
	case PACKET_STRING:
		leading(to, "text", p->payload, 0);
		break;
	case PACKET_PROGRESS:
		tell_progress(p, to);
		break;
	}
}

void packet_facts_tell(const struct packet *p, const struct session *s,
		       const struct packet_facts *to)
{
	static const char *const compressions[] = {
		[SESSION_PLAIN] = "none", [SESSION_ZLIB] = "zlib", [SESSION_ZSTD] = "zstd"};

	switch ((unsigned)p->meaning) {
	case PACKET_CONNECT:
		tell_connect(s, to);
		break;
	case PACKET_GREETING:
		tell_greeting(p, to);
		break;
	case PACKET_LOGIN:
	case PACKET_SSL_REQUEST:
		tell_login(p, to);
		break;
	case PACKET_AUTH_SWITCH:
	case PACKET_AUTH_NEXT_FACTOR:
		tell_auth(p, to);
		break;
	case PACKET_COMPRESSION:
		leading(to, "algorithm", slice_cstr(compressions[s->compression]), 0);
		break;
	case PACKET_COMMAND:
		tell_command(p, to);
		break;
	case PACKET_LEFT_OUT:
		number(to, "packets", p->length);
		break;
	default: /* foreign words have been turned into ours: the rest is the server's */
		tell_of_server(p, to);
		break;
	}
}
