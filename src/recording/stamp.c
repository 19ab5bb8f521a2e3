/* stamp - what a session or a statement was like. */
#include "recording/stamp.h"

#include "recording/format.h"

void session_stamp_take(struct session_stamp *out, const struct session *s)
{
#define TAKE(type, name, value) .name = (value),
	*out = (struct session_stamp){SESSION_STAMP_FIELDS(TAKE)};
#undef TAKE
}

/* At every event: without a branch for each field, and without a stamp that would be written to be read at once. */
bool session_stamp_is(const struct session_stamp *then, const struct session *s)
{
	uint64_t differs = 0;

#define COMPARE(type, name, value) differs |= (uint64_t)(then->name ^ (value));
	SESSION_STAMP_FIELDS(COMPARE)
#undef COMPARE
	return differs == 0;
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
