/*
 * put - the model's parts into records: docs/recording-format.md, one function per table.
 *
 * LAST_N is what ordinals are told from: the session's last command in this block, or 0 in a record
 * that stands for itself. Failure is record_err().
 */
#ifndef RECORDING_PUT_H
#define RECORDING_PUT_H

#include "event/event.h"
#include "event/server.h"
#include "recording/record.h"

/* All of SESSION. */
void put_session(struct record *r, const struct session *s);

/* CHANGE behind who: GROUPS (enum record_group) and what they hold. */
void put_groups(struct record *r, const struct session *s, uint32_t groups);

/* STATEMENT behind who. */
void put_statement(struct record *r, const struct statement *st, bool with_long_data);

/* COLUMNS. */
void put_columns(struct record *r, const struct myp_column *columns, uint32_t count);

/* What follows the time in these events. */
void put_command(struct record *r, const struct event *e, uint64_t last_n);
void put_data(struct record *r, const struct event *e, uint64_t last_n);
void put_gap(struct record *r, const struct event *e);
void put_end(struct record *r, const struct event *e);

/* SHARED: SHARED_COUNT columns numbers of the first results; 0: the definitions are told here. */
void put_response(struct record *r, const struct event *e, uint64_t last_n, const uint32_t *shared,
		  size_t shared_count);

/* SERVER. */
void put_server_facts(struct record *r, const struct server_facts *s);

/* COVERAGE. */
void put_coverage(struct record *r, const struct coverage *c);

#endif
