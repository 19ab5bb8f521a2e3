/* stamp - what a session or a statement was like. */
#include "recording/stamp.h"

#include "recording/format.h"

void session_stamp_take(struct session_stamp *out, const struct session *s)
{
	*out = (struct session_stamp){
		.caps = s->caps,
		.gaps = s->gaps,
		.last_gap = s->last_gap,
		.login_ns = s->login_ns,
		.server_version = s->server_version.changes,
		.user = s->user.changes,
		.database = s->database.changes,
		.auth_plugin = s->auth_plugin.changes,
		.attributes = s->attributes.changes,
		.state = s->state_changes,
		.connection_id = s->connection_id,
		.open = s->open,
		.collation = s->collation,
		.login_error = s->login_error.code,
		.login = (uint8_t)s->login,
		.database_known = s->database_known,
		.collation_source = (uint8_t)s->collation_source,
		.caps_known = s->caps_known,
		.compression = (uint8_t)s->compression,
		.is_mariadb = s->is_mariadb,
		.no_backslash_escapes = s->no_backslash_escapes,
		.ansi_quotes = s->ansi_quotes,
		.state_incomplete = s->state_incomplete,
		.no_statements = s->statements.count == 0,
	};
}

uint32_t session_stamp_groups(const struct session_stamp *a, const struct session_stamp *b)
{
	uint32_t groups = 0;

	if (a->login != b->login || a->login_ns != b->login_ns || a->login_error != b->login_error)
		groups |= GROUP_LOGIN;
	if (a->server_version != b->server_version || a->connection_id != b->connection_id ||
	    a->is_mariadb != b->is_mariadb)
		groups |= GROUP_SERVER;
	if (a->user != b->user)
		groups |= GROUP_USER;
	if (a->database != b->database || a->database_known != b->database_known)
		groups |= GROUP_DATABASE;
	if (a->auth_plugin != b->auth_plugin)
		groups |= GROUP_AUTH_PLUGIN;
	if (a->collation != b->collation || a->collation_source != b->collation_source)
		groups |= GROUP_COLLATION;
	if (a->caps != b->caps || a->caps_known != b->caps_known ||
	    a->compression != b->compression)
		groups |= GROUP_CAPS;
	if (a->attributes != b->attributes)
		groups |= GROUP_ATTRIBUTES;
	if (a->no_backslash_escapes != b->no_backslash_escapes || a->ansi_quotes != b->ansi_quotes)
		groups |= GROUP_QUOTING;
	if (a->open != b->open)
		groups |= GROUP_OPEN;
	if (a->gaps != b->gaps || a->last_gap != b->last_gap)
		groups |= GROUP_GAPS;
	if (a->state != b->state || a->state_incomplete != b->state_incomplete)
		groups |= GROUP_STATE;
	if (!a->no_statements && b->no_statements)
		groups |= GROUP_STATEMENTS_GONE;
	return groups;
}

void statement_stamp_take(struct statement_stamp *out, const struct statement *st)
{
	*out = (struct statement_stamp){
		.serial = st->serial,
		.text = st->text,
		.columns = st->columns,
		.param_count = st->param_count,
		.column_count = st->column_count,
		.counts_known = st->counts_known,
	};
}

bool statement_stamp_eq(const struct statement_stamp *a, const struct statement_stamp *b)
{
	return a->serial == b->serial && a->text == b->text && a->columns == b->columns &&
	       a->param_count == b->param_count && a->column_count == b->column_count &&
	       a->counts_known == b->counts_known;
}
