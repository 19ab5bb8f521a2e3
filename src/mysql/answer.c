/*
 * answer - a server's answer to one command.
 *
 * What a first byte means depends on where in the answer it stands. 0xff is an error everywhere.
 * 0xfe ends a list, but may also begin a row of the text protocol whose first value is 16 MiB or
 * longer: a length tells them apart. 0x00 is OK at the start of a result, a binary row, or a text row
 * whose first value is empty; 0xfb is LOCAL INFILE at the start, or a text row whose first value is
 * NULL.
 *
 * A statement executed with a cursor has no rows: in the old style the EOF behind its columns ends
 * it and says CURSOR_EXISTS; in the new style that is an OK in the place of the first row.
 */
#include "mysql/answer.h"

#include <assert.h>

enum {
	EOF_LONGEST = 5,             /* bytes of an EOF packet */
	ROW_FROM = 9,                /* bytes of the shortest text row that begins with 0xfe */
	ROW_FROM_NEW = MYP_FRAME_MAX /* likewise, where an OK ends the rows */
};

#define TO(phase) (1u << MYP_ANSWER_##phase)

static const unsigned phase_next[MYP_ANSWER_PHASES] = {
	[MYP_ANSWER_FIRST] = TO(FIRST) | TO(COLUMNS) | TO(COLUMNS_EOF) | TO(ROWS) | TO(PARAMS) |
			     TO(INFILE) | TO(STREAM) | TO(DONE),
	[MYP_ANSWER_COLUMNS] = TO(COLUMNS_EOF) | TO(ROWS) | TO(DONE),
	[MYP_ANSWER_COLUMNS_EOF] = TO(ROWS) | TO(DONE),
	[MYP_ANSWER_ROWS] = TO(FIRST) | TO(DONE),
	[MYP_ANSWER_PARAMS] = TO(PARAMS_EOF) | TO(COLUMNS) | TO(DONE),
	[MYP_ANSWER_PARAMS_EOF] = TO(COLUMNS) | TO(DONE),
	[MYP_ANSWER_INFILE] = TO(FIRST) | TO(DONE),
	[MYP_ANSWER_STREAM] = TO(DONE),
};

static void set_phase(struct myp_answer *a, enum myp_answer_phase to)
{
	assert(phase_next[a->phase] & 1u << to);
	a->phase = to;
}

void myp_answer_begin(struct myp_answer *a, uint8_t command, uint64_t caps)
{
	*a = (struct myp_answer){
		.phase = MYP_ANSWER_FIRST,
		.shape = myp_command_shape(command),
		.command = command,
		.caps = caps,
		.binary = command == MYP_COM_STMT_EXECUTE || command == MYP_COM_STMT_FETCH ||
			  command == MYP_COM_STMT_BULK_EXECUTE,
	};
	switch (a->shape) {
	case MYP_SHAPE_NONE:
		set_phase(a, MYP_ANSWER_DONE);
		break;
	case MYP_SHAPE_FETCH:
		set_phase(a, MYP_ANSWER_ROWS);
		break;
	case MYP_SHAPE_FIELDS:
		set_phase(a, MYP_ANSWER_COLUMNS);
		break;
	case MYP_SHAPE_REPLICATION:
		set_phase(a, MYP_ANSWER_STREAM);
		break;
	case MYP_SHAPE_OK:
	case MYP_SHAPE_RESULT:
	case MYP_SHAPE_PREPARE:
	case MYP_SHAPE_STRING:
	case MYP_SHAPE_AUTH:
		break;
	}
}

static bool has_eofs(const struct myp_answer *a)
{
	return !(a->caps & MYP_CAP_DEPRECATE_EOF);
}

/* Whether P, which begins with 0xfe, is an EOF or the OK that has its place. */
static bool is_end(const struct myp_answer *a, const struct myp_packet *p)
{
	return p->payload_len < (has_eofs(a) ? ROW_FROM : ROW_FROM_NEW);
}

/*
 * Reads an OK or either style of end. Which style, its length says and not the capabilities: proxies
 * mix them, and those of a joined session are a guess.
 */
static enum err read_end(const struct myp_answer *a, const struct myp_packet *p, struct myp_ok *out)
{
	struct cursor c = cur_of(p->payload);
	struct myp_eof eof;
	enum err e;

	if (cur_peek(&c) != MYP_EOF || p->payload_len > EOF_LONGEST)
		return myp_ok_decode(p->payload, a->caps, out);
	e = myp_eof_decode(p->payload, a->caps, &eof);
	if (e != ERR_OK)
		return e;
	*out = (struct myp_ok){.status = eof.status, .warnings = eof.warnings};
	return ERR_OK;
}

/* Where an answer goes that one result of it has ended with STATUS. */
static enum myp_answer_phase after_result(const struct myp_answer *a, uint16_t status)
{
	if (a->shape == MYP_SHAPE_RESULT && (status & MYP_STATUS_MORE_RESULTS))
		return MYP_ANSWER_FIRST;
	return MYP_ANSWER_DONE;
}

static enum err take_ok(struct myp_answer *a, const struct myp_packet *p, struct myp_item *out)
{
	enum err e = read_end(a, p, &out->ok);

	if (e != ERR_OK)
		return e;
	out->kind = MYP_ITEM_OK;
	set_phase(a, after_result(a, out->ok.status));
	return ERR_OK;
}

static enum err take_err(struct myp_answer *a, const struct myp_packet *p, struct myp_item *out)
{
	enum err e;

	if (myp_is_progress(p->payload, a->caps)) {
		out->kind = MYP_ITEM_PROGRESS;
		return ERR_OK;
	}
	e = myp_err_decode(p->payload, a->caps, &out->err);
	if (e != ERR_OK)
		return e;
	out->kind = MYP_ITEM_ERR;
	set_phase(a, MYP_ANSWER_DONE);
	return ERR_OK;
}

static enum err take_column_count(struct myp_answer *a, const struct myp_packet *p,
				  struct myp_item *out)
{
	struct cursor c = cur_of(p->payload);
	uint64_t count = myp_cur_lenenc(&c);
	bool metadata = true;

	if (cur_left(&c) > 0 && !(a->caps & MYP_CAP_PROTOCOL_41))
		(void)myp_cur_lenenc(&c); /* a number of rows, which old servers may tell */
	else if (cur_left(&c) > 0 &&
		 (a->caps & (MYP_CAP_OPTIONAL_RESULTSET_METADATA | MYP_CAP_MARIADB_CACHE_METADATA)))
		metadata = cur_u8(&c) != 0;
	if (!cur_done(&c) || count == 0 || count > MYP_COLUMNS_MAX)
		return ERR_PROTO;
	out->kind = MYP_ITEM_COLUMN_COUNT;
	out->column_count = (uint32_t)count;
	a->definitions_left = metadata ? (uint32_t)count : 0;
	if (metadata)
		set_phase(a, MYP_ANSWER_COLUMNS);
	else
		set_phase(a, has_eofs(a) ? MYP_ANSWER_COLUMNS_EOF : MYP_ANSWER_ROWS);
	return ERR_OK;
}

static enum err take_infile(struct myp_answer *a, const struct myp_packet *p, struct myp_item *out)
{
	out->kind = MYP_ITEM_INFILE;
	out->text = slice_skip(p->payload, 1);
	set_phase(a, MYP_ANSWER_INFILE);
	return ERR_OK;
}

/* The definitions of columns that a prepared statement has after its parameters, if any. */
static void begin_later_columns(struct myp_answer *a)
{
	a->definitions_left = a->columns_later;
	a->columns_later = 0;
	set_phase(a, a->definitions_left > 0 ? MYP_ANSWER_COLUMNS : MYP_ANSWER_DONE);
}

static enum err take_prepared(struct myp_answer *a, const struct myp_packet *p,
			      struct myp_item *out)
{
	enum err e = myp_prepared_decode(p->payload, a->caps, &out->prepared);

	if (e != ERR_OK)
		return e;
	out->kind = MYP_ITEM_PREPARED;
	if (!out->prepared.metadata_follows) {
		set_phase(a, MYP_ANSWER_DONE);
		return ERR_OK;
	}
	a->columns_later = out->prepared.columns;
	if (out->prepared.params > 0) {
		a->definitions_left = out->prepared.params;
		set_phase(a, MYP_ANSWER_PARAMS);
	} else {
		begin_later_columns(a);
	}
	return ERR_OK;
}

/* Plugin data come without any frame of their own where they do not look like OK or ERR. */
static enum err take_auth(struct myp_item *out)
{
	out->kind = MYP_ITEM_AUTH;
	out->payload = (struct slice){.len = 0};
	return ERR_OK;
}

static enum err take_string(struct myp_answer *a, const struct myp_packet *p, struct myp_item *out)
{
	out->kind = MYP_ITEM_STRING;
	out->text = p->payload;
	set_phase(a, MYP_ANSWER_DONE);
	return ERR_OK;
}

/* FIRST is the first byte of P, which is neither empty nor an error. */
static enum err take_first(struct myp_answer *a, const struct myp_packet *p, uint8_t first,
			   struct myp_item *out)
{
	bool ends = first == MYP_OK || (first == MYP_EOF && is_end(a, p));

	switch (a->shape) {
	case MYP_SHAPE_RESULT:
		if (ends)
			return take_ok(a, p, out);
		if (first == MYP_LOCAL_INFILE)
			return take_infile(a, p, out);
		return take_column_count(a, p, out);
	case MYP_SHAPE_PREPARE:
		return take_prepared(a, p, out);
	case MYP_SHAPE_STRING:
		return take_string(a, p, out);
	case MYP_SHAPE_AUTH:
		return first == MYP_OK ? take_ok(a, p, out) : take_auth(out);
	case MYP_SHAPE_OK:
		return ends ? take_ok(a, p, out) : ERR_PROTO;
	case MYP_SHAPE_NONE:
	case MYP_SHAPE_FETCH:
	case MYP_SHAPE_FIELDS:
	case MYP_SHAPE_REPLICATION:
		break; /* these do not begin here */
	}
	return ERR_PROTO;
}

/* What follows a definition when it was the last. */
static void count_definition(struct myp_answer *a)
{
	if (--a->definitions_left > 0)
		return;
	if (a->phase == MYP_ANSWER_PARAMS) {
		if (has_eofs(a))
			set_phase(a, MYP_ANSWER_PARAMS_EOF);
		else
			begin_later_columns(a);
	} else if (has_eofs(a)) {
		set_phase(a, MYP_ANSWER_COLUMNS_EOF);
	} else {
		set_phase(a, a->shape == MYP_SHAPE_PREPARE ? MYP_ANSWER_DONE : MYP_ANSWER_ROWS);
	}
}

static enum err take_definition(struct myp_answer *a, const struct myp_packet *p,
				struct myp_item *out)
{
	if (a->spares_columns) {
		if (!myp_is_column(p->payload, a->caps))
			return ERR_PROTO;
	} else if (myp_column_decode(p->payload, a->caps, &out->column) != ERR_OK) {
		return ERR_PROTO;
	}
	out->kind = a->phase == MYP_ANSWER_PARAMS ? MYP_ITEM_PARAM : MYP_ITEM_COLUMN;
	if (a->shape != MYP_SHAPE_FIELDS)
		count_definition(a);
	return ERR_OK;
}

/*
 * The end of the definitions of columns. MySQL before 5.7 says there that OUT parameters come and a result behind
 * them, and says neither any more at the end of their row.
 */
static enum err take_columns_end(struct myp_answer *a, const struct myp_packet *p,
				 struct myp_item *out)
{
	const uint16_t out_params = MYP_STATUS_PS_OUT_PARAMS | MYP_STATUS_MORE_RESULTS;
	enum err e = read_end(a, p, &out->ok);
	bool no_rows;

	if (e != ERR_OK)
		return e;
	out->kind = MYP_ITEM_COLUMNS_END;
	no_rows = a->shape != MYP_SHAPE_RESULT ||
		  (a->binary && (out->ok.status & MYP_STATUS_CURSOR_EXISTS));
	a->more_follows = (out->ok.status & out_params) == out_params;
	set_phase(a, no_rows ? MYP_ANSWER_DONE : MYP_ANSWER_ROWS);
	return ERR_OK;
}

static enum err take_params_end(struct myp_answer *a, const struct myp_packet *p,
				struct myp_item *out)
{
	enum err e = read_end(a, p, &out->ok);

	if (e != ERR_OK)
		return e;
	out->kind = MYP_ITEM_PARAMS_END;
	begin_later_columns(a);
	return ERR_OK;
}

static enum err take_row(struct myp_answer *a, const struct myp_packet *p, uint8_t first,
			 struct myp_item *out)
{
	enum err e;

	if (first == MYP_EOF && is_end(a, p)) {
		e = read_end(a, p, &out->ok);
		if (e != ERR_OK)
			return e;
		out->kind = MYP_ITEM_ROWS_END;
		set_phase(a, a->more_follows ? MYP_ANSWER_FIRST : after_result(a, out->ok.status));
		a->more_follows = false;
		return ERR_OK;
	}
	if (a->binary && first != MYP_OK)
		return ERR_PROTO;
	out->kind = MYP_ITEM_ROW;
	return ERR_OK;
}

static enum err take_event(struct myp_answer *a, const struct myp_packet *p, uint8_t first,
			   struct myp_item *out)
{
	if (first == MYP_EOF && p->payload_len < ROW_FROM)
		return take_ok(a, p, out);
	out->kind = MYP_ITEM_REPLICATION;
	return ERR_OK;
}

/* FIRST is the first byte of P, which is neither empty nor an error. */
static enum err take_packet(struct myp_answer *a, const struct myp_packet *p, uint8_t first,
			    struct myp_item *out)
{
	switch (a->phase) {
	case MYP_ANSWER_FIRST:
		return take_first(a, p, first, out);
	case MYP_ANSWER_COLUMNS:
		if (a->shape == MYP_SHAPE_FIELDS && first == MYP_EOF)
			return take_columns_end(a, p, out);
		return take_definition(a, p, out);
	case MYP_ANSWER_COLUMNS_EOF:
		return first == MYP_EOF ? take_columns_end(a, p, out) : ERR_PROTO;
	case MYP_ANSWER_ROWS:
		return take_row(a, p, first, out);
	case MYP_ANSWER_PARAMS:
		return take_definition(a, p, out);
	case MYP_ANSWER_PARAMS_EOF:
		return first == MYP_EOF ? take_params_end(a, p, out) : ERR_PROTO;
	case MYP_ANSWER_INFILE:
		return first == MYP_OK ? take_ok(a, p, out) : ERR_PROTO;
	case MYP_ANSWER_STREAM:
		return take_event(a, p, first, out);
	case MYP_ANSWER_DONE:
	case MYP_ANSWER_PHASES:
		break;
	}
	return ERR_PROTO;
}

void myp_answer_deprecate_eof(struct myp_answer *a)
{
	a->caps |= MYP_CAP_DEPRECATE_EOF;
	if (a->phase == MYP_ANSWER_PARAMS_EOF)
		begin_later_columns(a);
	else if (a->phase == MYP_ANSWER_COLUMNS_EOF)
		set_phase(a, a->shape == MYP_SHAPE_PREPARE ? MYP_ANSWER_DONE : MYP_ANSWER_ROWS);
}

enum err myp_answer_packet(struct myp_answer *a, const struct myp_packet *p, struct myp_item *out)
{
	struct cursor c = cur_of(p->payload);
	uint8_t first = cur_peek(&c);
	enum err e;

	if (a->phase == MYP_ANSWER_DONE)
		return ERR_PROTO;
	out->payload = cur_rest(&c);
	if (p->payload_len == 0)
		e = a->shape == MYP_SHAPE_AUTH ? take_auth(out) : ERR_PROTO;
	else if (first == MYP_ERR)
		e = take_err(a, p, out);
	else
		e = take_packet(a, p, first, out);
	out->done = a->phase == MYP_ANSWER_DONE;
	return e;
}
