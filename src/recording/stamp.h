/*
 * stamp - what a session or a statement was like, short enough to compare at every event.
 */
#ifndef RECORDING_STAMP_H
#define RECORDING_STAMP_H

#include "event/session.h"

/* Texts stand for themselves by their counters of changes. Without padding, so that memcmp() compares. */
struct session_stamp {
	uint64_t caps, gaps, last_gap;
	int64_t login_ns;
	uint32_t server_version, user, database, auth_plugin, attributes; /* changes */
	uint32_t state;                                                   /* changes */
	uint32_t connection_id, open;
	uint16_t collation, login_error;
	uint8_t login, database_known, collation_source, caps_known;
	uint8_t compression, is_mariadb, no_backslash_escapes, ansi_quotes, state_incomplete;
	uint8_t no_statements, unused[2];
};

void session_stamp_take(struct session_stamp *out, const struct session *s);

static inline bool session_stamp_eq(const struct session_stamp *a, const struct session_stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

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
