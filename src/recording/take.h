/*
 * take - the model's parts out of records: docs/recording-format.md, the inverse of put.
 *
 * The bytes are foreign: every count is believed only as far as there are bytes for it. What is wrong makes the
 * cursor fail. Slices lie in the record's bytes.
 */
#ifndef RECORDING_TAKE_H
#define RECORDING_TAKE_H

#include "base/arena.h"
#include "base/cursor.h"
#include "event/event.h"
#include "event/server.h"

/* Who a session is: the first group, as far as session_new() needs it. */
struct take_identity {
	uint64_t id;
	uint64_t commands;
	uint32_t groups;
	int64_t start_ns;
	struct endpoint client, server;
	struct endpoint proxy;
	bool joined;
};

/* The start of SESSION, up to its second group. */
void take_identity(struct cursor *c, struct take_identity *out);

/* The groups of GROUPS but the first one, into S. ERR_PROTO, ERR_NOMEM. */
enum err take_groups(struct cursor *c, uint32_t groups, struct session *s) MUST_CHECK;

/*
 * STATEMENT behind who, into S. A statement that was known by the same text and digest stays the same one.
 * ERR_PROTO, ERR_NOMEM, ERR_LIMIT.
 */
enum err take_statement(struct cursor *c, struct session *s) MUST_CHECK;

/* An event whose times and session are known, and what its record tells from. */
struct take_context {
	struct event *event;
	uint64_t last_n;
	struct arena *arena;       /* of arrays that the event points to */
	struct myp_params *params; /* of a command */
	struct myp_params *attributes;
};

/* ERR_PROTO, ERR_NOMEM. */
enum err take_command(struct cursor *c, const struct take_context *ctx,
		      struct command *out) MUST_CHECK;
void take_data(struct cursor *c, const struct take_context *ctx);
void take_gap(struct cursor *c, const struct take_context *ctx);
/* END, into the event and S, its session. ERR_PROTO, ERR_NOMEM. */
enum err take_end(struct cursor *c, struct event *e, struct session *s) MUST_CHECK;

/* A list of column definitions. */
struct take_columns {
	struct myp_column *items;
	uint32_t count;
};

/* COLUMNS. NULL items and a failed cursor if it is wrong or does not fit into ARENA. */
struct take_columns take_columns(struct cursor *c, struct arena *arena);

/* SHARED: the block's lists, SHARED_COUNT of them. OUT's results grow. ERR_PROTO, ERR_NOMEM. */
enum err take_response(struct cursor *c, const struct take_context *ctx,
		       const struct take_columns *shared, size_t shared_count,
		       struct response *out) MUST_CHECK;

/* SERVER, into OUT, which is empty. ERR_PROTO, ERR_NOMEM: OUT is empty again. */
enum err take_server_facts(struct cursor *c, struct server_facts *out) MUST_CHECK;

void take_coverage(struct cursor *c, struct coverage *out);

#endif
