/*
 * stamp - what a session or a statement was like, short enough to compare at every event.
 */
#ifndef RECORDING_STAMP_H
#define RECORDING_STAMP_H

#include "event/session.h"

/* Type, name, and what it is in a session S. Texts stand for themselves by their counters of changes. */
#define SESSION_STAMP_FIELDS(FIELD)                                                                \
	FIELD(uint64_t, caps, s->caps)                                                             \
	FIELD(uint64_t, gaps, s->gaps)                                                             \
	FIELD(uint64_t, last_gap, s->last_gap)                                                     \
	FIELD(int64_t, login_ns, s->login_ns)                                                      \
	FIELD(uint32_t, server_version, s->server_version.changes)                                 \
	FIELD(uint32_t, user, s->user.changes)                                                     \
	FIELD(uint32_t, database, s->database.changes)                                             \
	FIELD(uint32_t, auth_plugin, s->auth_plugin.changes)                                       \
	FIELD(uint32_t, attributes, s->attributes.changes)                                         \
	FIELD(uint32_t, state, s->state_changes)                                                   \
	FIELD(uint32_t, connection_id, s->connection_id)                                           \
	FIELD(uint32_t, open, s->open)                                                             \
	FIELD(uint16_t, collation, s->collation)                                                   \
	FIELD(uint16_t, login_error, s->login_error.code)                                          \
	FIELD(uint8_t, login, (uint8_t)s->login)                                                   \
	FIELD(uint8_t, collation_source, (uint8_t)s->collation_source)                             \
	FIELD(uint8_t, compression, (uint8_t)s->compression)                                       \
	FIELD(bool, database_known, s->database_known)                                             \
	FIELD(bool, caps_known, s->caps_known)                                                     \
	FIELD(bool, is_mariadb, s->is_mariadb)                                                     \
	FIELD(bool, no_backslash_escapes, s->no_backslash_escapes)                                 \
	FIELD(bool, ansi_quotes, s->ansi_quotes)                                                   \
	FIELD(bool, state_incomplete, s->state_incomplete)                                         \
	FIELD(bool, no_statements, s->statements.count == 0)

#define SESSION_STAMP_MEMBER(type, name, value) type name;
struct session_stamp {
	SESSION_STAMP_FIELDS(SESSION_STAMP_MEMBER)
};
#undef SESSION_STAMP_MEMBER

void session_stamp_take(struct session_stamp *out, const struct session *s);

/* True if session_stamp_take() of S would give *THEN. */
bool session_stamp_is(const struct session_stamp *then, const struct session *s);

/* The groups (enum record_group) that differ. */
uint32_t session_stamp_groups(const struct session_stamp *then, const struct session_stamp *now);

struct statement_stamp {
	uint64_t serial;
	const void *text;
	const void *columns;
	uint16_t param_count, column_count;
	bool counts_known;
};

void statement_stamp_take(struct statement_stamp *out, const struct statement *st);
bool statement_stamp_eq(const struct statement_stamp *a, const struct statement_stamp *b);

#endif
