/*
 * answer - a server's answer to one command, packet by packet; for the listener and for the replayer.
 *
 * Give it each packet of the server; it says what the packet is and whether it was the last. It knows
 * both styles of a result's end, several results, cursors, LOCAL INFILE (the client's packets in
 * between are the caller's business), left-out metadata and progress reports.
 *
 *   RESULT   OK | ERR | infile request, then OK or ERR | column count, columns, [EOF], rows, EOF or OK
 *            or ERR; and again while the status says MORE_RESULTS
 *   PREPARE  prepared, parameter definitions, [EOF], column definitions, [EOF] | ERR
 */
#ifndef MYSQL_ANSWER_H
#define MYSQL_ANSWER_H

#include "mysql/command.h"
#include "mysql/packet.h"
#include "mysql/reply.h"

enum myp_item_kind {
	MYP_ITEM_OK,
	MYP_ITEM_ERR,
	MYP_ITEM_COLUMN_COUNT,
	MYP_ITEM_COLUMN, /* definition of a result's column; also those of PREPARE and FIELD_LIST */
	MYP_ITEM_COLUMNS_END, /* the EOF (of FIELD_LIST: or OK) behind the definitions of columns */
	MYP_ITEM_PARAM,       /* definition of a placeholder */
	MYP_ITEM_PARAMS_END,
	MYP_ITEM_ROW,
	MYP_ITEM_ROWS_END, /* of one result: ok has status, warnings and, in the new style, the rest */
	MYP_ITEM_PREPARED,
	MYP_ITEM_INFILE, /* the server asks for a file */
	MYP_ITEM_STRING,
	MYP_ITEM_AUTH, /* a step of CHANGE_USER's authentication; its payload is not handed on */
	MYP_ITEM_PROGRESS,
	MYP_ITEM_REPLICATION, /* an event of a binary log stream */
};

struct myp_item {
	enum myp_item_kind kind;
	bool done;            /* the answer ends with this packet */
	struct slice payload; /* the packet's */
	union {
		struct myp_ok
			ok; /* OK, ROWS_END (from an EOF: status and warnings), COLUMNS_END likewise */
		struct myp_err err;
		uint32_t column_count;
		struct myp_column column; /* COLUMN, PARAM */
		struct myp_prepared prepared;
		struct slice text; /* INFILE: file name; STRING */
	};
};

enum myp_answer_phase {
	MYP_ANSWER_FIRST,   /* the first packet of a result, or of the whole */
	MYP_ANSWER_COLUMNS, /* definitions of columns */
	MYP_ANSWER_COLUMNS_EOF,
	MYP_ANSWER_ROWS,
	MYP_ANSWER_PARAMS,
	MYP_ANSWER_PARAMS_EOF,
	MYP_ANSWER_INFILE, /* the client is sending the file */
	MYP_ANSWER_STREAM, /* replication */
	MYP_ANSWER_DONE,
	MYP_ANSWER_PHASES,
};

struct myp_answer {
	enum myp_answer_phase phase;
	enum myp_shape shape;
	uint8_t command; /* enum myp_command, or a number without a name */
	uint64_t caps;
	bool binary;               /* rows are of the binary protocol */
	bool spares_columns;       /* the caller's to set: item.column is not filled */
	bool more_follows;         /* a result follows the rows at hand, whatever their end says */
	uint32_t definitions_left; /* not used for FIELD_LIST, which does not say how many come */
	uint32_t columns_later;    /* PREPARE: column definitions after those of the parameters */
};

/*
 * Starts the answer to COMMAND under CAPS (those that both sides agreed on). For shape NONE the
 * answer is done at once.
 */
void myp_answer_begin(struct myp_answer *a, uint8_t command, uint64_t caps);

/*
 * Takes the server's next packet. On ERR_OK *OUT says what it is; its slices live as long as the
 * packet's. ERR_PROTO: the packet cannot stand here; the answer is unchanged, *OUT means nothing.
 * Only the member of OUT's union that belongs to the kind is written.
 */
enum err myp_answer_packet(struct myp_answer *a, const struct myp_packet *p,
			   struct myp_item *out) MUST_CHECK;

/*
 * Of a joined session it turned out that EOF packets are left out (CLIENT_DEPRECATE_EOF): goes on from
 * where one was waited for. That may be the end of the answer.
 */
void myp_answer_deprecate_eof(struct myp_answer *a);

static inline bool myp_answer_done(const struct myp_answer *a)
{
	return a->phase == MYP_ANSWER_DONE;
}

/*
 * True if the packet with PAYLOAD can only be a row: then it need not be given to myp_answer_packet(), on which it
 * would leave no trace.
 */
static inline bool myp_answer_is_row(const struct myp_answer *a, struct slice payload)
{
	struct cursor c = cur_of(payload);
	uint8_t first = cur_u8(&c);

	return a->phase == MYP_ANSWER_ROWS && cur_ok(&c) &&
	       (a->binary ? first == MYP_OK : first < MYP_EOF);
}

#endif
