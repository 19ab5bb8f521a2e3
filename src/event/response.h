/*
 * response - what a server answered, reduced to what can be told and compared; put together from the
 * items of mysql/answer.h, by the listener and by the replayer alike.
 */
#ifndef EVENT_RESPONSE_H
#define EVENT_RESPONSE_H

#include "base/arena.h"
#include "event/session.h"
#include "mysql/answer.h"
#include "mysql/rowsum.h"

enum {
	RESPONSE_RESULTS_MAX =
		1024, /* kept: the first ones and the last; the others are in the sums */
	RESPONSE_TEXT_MAX = 16 << 20, /* bytes of definitions, messages and the like */
};

enum response_kind {
	RESPONSE_OK,
	RESPONSE_ERROR,
	RESPONSE_ROWS,
	RESPONSE_PREPARED,
	RESPONSE_FIELDS,
	RESPONSE_STRING,
	RESPONSE_NONE, /* the command has no response */
	RESPONSE_LOST, /* not heard whole, or it did not come; what was heard of it is there */
	RESPONSE_REPLICATION, /* a stream of events without end */
	RESPONSE_KINDS,
};

/* One result of an answer: an OK, a result set or an error. */
struct result {
	enum response_kind kind; /* OK, ROWS or ERROR; or LOST when it was not heard to its end */
	uint32_t column_count;
	const struct myp_column
		*columns; /* column_count of them; NULL if the metadata was left out */
	struct rowsum_column *column_sums; /* column_count of them; NULL if not known */
	uint64_t rows;
	uint64_t row_bytes;
	struct rowsum sum;
	bool sum_known; /* every row was read */
	uint64_t affected_rows, insert_id;
	uint16_t warnings, status;
	struct slice info;
	struct slice state; /* session state changes, raw: see myp_state_next() */
	struct {
		uint16_t code;
		char sqlstate[6];
		struct slice message;
	} error;
};

struct response {
	uint64_t n;       /* of its command */
	uint8_t command;  /* code of its command */
	int64_t first_ns; /* first byte; 0 if nothing was heard */
	int64_t last_ns;  /* last byte */
	enum response_kind kind;
	bool heard;      /* at least one packet of it was */
	bool unanswered; /* LOST, but nothing of it was missed: the session or the input ended first */
	struct result *results; /* result_count of them, at most RESPONSE_RESULTS_MAX */
	size_t result_count;
	size_t result_cap;
	uint64_t results_all; /* also those over the limit */
	uint64_t rows, row_bytes, affected_rows;
	uint64_t packets, bytes; /* heard, with headers */
	uint32_t statement_id;   /* PREPARED */
	uint16_t prepared_columns, prepared_params;
	uint32_t fields;      /* FIELDS: definitions */
	struct slice message; /* STRING */
	bool has_infile;
	struct slice infile;   /* name of the LOCAL INFILE asked for */
	uint64_t infile_bytes; /* sent by the client */
	bool failed;           /* no memory, or a limit: something of it is missing */
	bool spares_results;   /* EVENT_RESULTS are left out; the maker's to set, stays */
	struct arena arena;    /* of all slices above */
};

void response_init(struct response *r);
void response_release(struct response *r);

/* What a response fills, and in rest can do without: many share what few need at a time. All zero is none. */
struct response_room {
	struct result *results;
	size_t result_cap;
	struct arena arena;
};

/* Before response_begin(): if R has no room of its own it takes *ROOM, which is none then. */
void response_borrow(struct response *r, struct response_room *room);

/* R forgets what it says, and its room is *ROOM; of two one is freed. */
void response_give_back(struct response *r, struct response_room *room);
void response_room_release(struct response_room *room);

/* Starts the response to command N with CODE. */
void response_begin(struct response *r, uint64_t n, uint8_t code);

/* True if ITEM is one for which response_add() looks at its PREPARED; mostly it is not. */
static inline bool response_asks_statement(const struct response *r, const struct myp_item *item)
{
	return item->kind == MYP_ITEM_COLUMN_COUNT || r->command == MYP_COM_STMT_FETCH;
}

/*
 * Adds one packet, as ITEM says. Rows are counted and summed, not kept. PREPARED, the statement that was
 * executed or NULL, gives column types where the server leaves the metadata out.
 */
void response_add(struct response *r, const struct myp_item *item, bool binary,
		  const struct statement *prepared);

/*
 * Adds the rows that *BYTES, of the stream of packets, begins with and takes them off: the same as giving them to A
 * and to response_add() one by one, but for what it costs. Stops at what may be something else.
 */
void response_take_rows(struct response *r, const struct myp_answer *a, struct slice *bytes);

/* Settles kind from what was added. COMPLETE false: the rest was not heard. */
void response_end(struct response *r, bool complete);

/* The error to speak of: that of the last result; NULL if it is none. */
const struct result *response_error(const struct response *r);

/* The last result, whose status and warnings hold for the session; NULL if there is none. */
const struct result *response_last(const struct response *r);

#endif
