/*
 * statement - the server-side prepared statements of a session.
 *
 * Sessions prepare the same statements: texts, parameter types and columns are kept once for all sessions of a
 * pool, so that ten thousand of them have room. An input has one pool, for one thread.
 */
#ifndef EVENT_STATEMENT_H
#define EVENT_STATEMENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/intern.h"
#include "base/slice.h"
#include "mysql/rowsum.h"

enum {
	STATEMENT_SERIAL_BITS = 56,
	SESSION_STATEMENTS_MAX = 1 << 16, /* prepared statements open at once */
};

struct statement_block;

struct statement_pool {
	struct interned shared;
	struct buf room;                /* of what is about to be shared */
	struct statement_block *blocks; /* where statements lie */
	struct statement *spare;        /* places in blocks; those of removed ones are used again */
	size_t count;                   /* statements */
	uint64_t serial;                /* of the statement made last */
};

/* MAX_BYTES: of texts, types and columns together. */
void statement_pool_init(struct statement_pool *pool, size_t max_bytes);
void statement_pool_release(struct statement_pool *pool); /* its sessions were freed before */

/*
 * A server-side prepared statement of one session. Small, since there are many: what is of the pool is shared, and
 * never written to.
 */
struct statement {
	uint32_t id;
	uint16_t param_count;
	uint16_t column_count;
	uint64_t serial : STATEMENT_SERIAL_BITS; /* of the pool: for tables that sinks keep */
	bool counts_known : 1; /* param_count and column_count are the server's word */
	bool in_doubt : 1; /* a hole since its last execution may have hidden types or long data */
	bool had_long_data : 1; /* SEND_LONG_DATA was heard of it */
	/* As sent, of the pool: statement_text(). NULL: prepared before listening began. */
	const void *text;
	/* param_count of them, last sent (bit 15: unsigned), of the pool. NULL: never. */
	const uint16_t *types;
	/* column_count of them, for results without metadata, of the pool. NULL: not known. */
	struct rowsum_column *columns;
	union {
		/* param_count buffers of SEND_LONG_DATA since the last execution. NULL: none. */
		struct buf *long_data;
		struct statement *next_spare; /* of a place without a statement */
	};
};

/* Empty if it is not known. Lives as long as a statement has it. */
struct slice statement_text(const struct statement *st);

/* Of the text (sql/digest.h); 0 if the text is not known. */
uint64_t statement_digest(const struct statement *st);

/* Room for the types of an execution, COUNT of them, to be filled and kept; until POOL is used again. NULL: no memory. */
uint16_t *statement_types_room(struct statement_pool *pool, uint16_t count);

/*
 * Keeps the types of an execution, COUNT of them; none change nothing. ERR_NOMEM, ERR_LIMIT: then none are known
 * any more.
 */
enum err statement_set_types(struct statement_pool *pool, struct statement *st,
			     const uint16_t *types, uint16_t count) MUST_CHECK;
void statement_drop_types(struct statement_pool *pool, struct statement *st);

/* Keeps what the columns are, COUNT of them, but no sums. ERR_NOMEM, ERR_LIMIT: then none are known any more. */
enum err statement_set_columns(struct statement_pool *pool, struct statement *st,
			       const struct rowsum_column *columns, uint16_t count) MUST_CHECK;
void statement_drop_columns(struct statement_pool *pool, struct statement *st);

/* Appends a piece that COM_STMT_SEND_LONG_DATA brought. ERR_PROTO: no such parameter; ERR_LIMIT, ERR_NOMEM. */
enum err statement_add_long_data(struct statement *st, uint16_t param, struct slice bytes,
				 size_t limit) MUST_CHECK;
bool statement_has_long_data(const struct statement *st, uint16_t param);
void statement_drop_long_data(struct statement *st);

/* The statements of one session, by id; they stay where they are until they are removed. All zero is empty. */
struct statement_table {
	struct statement **slots; /* NULL where none is */
	uint32_t cap;             /* a power of two, or 0 */
	uint32_t count;
};

struct statement *statement_table_get(const struct statement_table *t, uint32_t id);

/*
 * Adds the statement ID, replacing one of the same id. TEXT is copied, and DIGEST is its digest; NULL: not known.
 * ERR_LIMIT, ERR_NOMEM: then there is none of that id.
 */
enum err statement_table_put(struct statement_table *t, struct statement_pool *pool, uint32_t id,
			     const struct slice *text, uint64_t digest,
			     struct statement **out) MUST_CHECK;
void statement_table_remove(struct statement_table *t, struct statement_pool *pool, uint32_t id);
void statement_table_clear(struct statement_table *t, struct statement_pool *pool);

/* Walks all: set *AT to 0, call until NULL. Nothing may be put or removed meanwhile. */
struct statement *statement_table_next(const struct statement_table *t, size_t *at);

#endif
