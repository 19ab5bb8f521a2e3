/* response - what a server answered, reduced to what can be told and compared. */
#include "event/response.h"

#include <assert.h>

#include "base/mem.h"

enum { RESPONSE_ARENA_KEEP = 16 << 10 }; /* bytes a response in rest keeps */

void response_init(struct response *r)
{
	*r = (struct response){.n = 0};
	arena_init(&r->arena, RESPONSE_TEXT_MAX);
}

void response_release(struct response *r)
{
	arena_release(&r->arena);
	mem_free(r->results);
	response_init(r);
}

void response_borrow(struct response *r, struct response_room *room)
{
	if (!r->results) {
		r->results = room->results;
		r->result_cap = room->result_cap;
		room->results = NULL;
		room->result_cap = 0;
	}
	if (!r->arena.blocks && room->arena.blocks) {
		r->arena = room->arena;
		room->arena.blocks = NULL;
	}
}

void response_give_back(struct response *r, struct response_room *room)
{
	if (!room->results) {
		room->results = r->results;
		room->result_cap = r->result_cap;
	} else {
		mem_free(r->results);
	}
	r->results = NULL;
	r->result_count = r->result_cap = 0;
	if (!r->arena.blocks)
		return;
	if (!room->arena.blocks) {
		room->arena = r->arena;
		arena_init(&r->arena, RESPONSE_TEXT_MAX);
	} else {
		arena_release(&r->arena);
	}
}

void response_room_release(struct response_room *room)
{
	mem_free(room->results);
	arena_release(&room->arena);
	*room = (struct response_room){.results = NULL};
}

void response_begin(struct response *r, uint64_t n, uint8_t code)
{
	struct arena arena = r->arena;
	struct result *results = r->results;
	size_t cap = r->result_cap;
	bool spares_results = r->spares_results;

	*r = (struct response){
		.n = n,
		.command = code,
		.kind = RESPONSE_LOST,
		.results = results,
		.result_cap = cap,
		.arena = arena,
		.spares_results = spares_results,
	};
	arena_reset(&r->arena, RESPONSE_ARENA_KEEP);
}

static struct slice keep(struct response *r, struct slice s)
{
	return arena_copy(&r->arena, s, &r->failed);
}

/*
 * A new result; NULL if there is no memory (then it is in the sums only). Over the limit it takes the place of
 * the one before: the last result says how the answer ended.
 */
static struct result *add_result(struct response *r, enum response_kind kind)
{
	struct result *result;

	r->results_all++;
	if (r->result_count == RESPONSE_RESULTS_MAX) {
		r->failed = true;
		r->result_count--;
	}
	if (r->result_count == r->result_cap) {
		size_t cap = r->result_cap ? r->result_cap * 2 : 1;

		result = mem_resize(r->results, cap * sizeof(*result));
		if (!result) {
			r->failed = true;
			return NULL;
		}
		r->results = result;
		r->result_cap = cap;
	}
	assert(r->results);
	result = &r->results[r->result_count++];
	*result = (struct result){.kind = kind};
	return result;
}

/* The result that rows and definitions belong to; NULL if it is not kept. */
static struct result *current(struct response *r)
{
	const bool all_kept =
		r->results_all == r->result_count || r->result_count == RESPONSE_RESULTS_MAX;

	return r->result_count > 0 && all_kept ? &r->results[r->result_count - 1] : NULL;
}

static void put_ok(struct response *r, struct result *result, const struct myp_ok *ok)
{
	r->affected_rows += ok->affected_rows;
	if (!result)
		return;
	result->affected_rows = ok->affected_rows;
	result->insert_id = ok->insert_id;
	result->warnings = ok->warnings;
	result->status = ok->status;
	result->info = keep(r, ok->info);
	result->state = keep(r, ok->state);
}

static void put_error(struct response *r, struct result *result, const struct myp_err *err)
{
	if (!result)
		return;
	result->error.code = err->code;
	memcpy(result->error.sqlstate, err->sqlstate, sizeof(result->error.sqlstate));
	result->error.message = keep(r, err->message);
}

/* Opens a result set of COUNT columns; their definitions follow, or PREPARED knows the types. */
static void open_rows(struct response *r, uint32_t count, const struct statement *prepared)
{
	struct result *result = add_result(r, RESPONSE_LOST);

	if (!result)
		return;
	result->column_count = count;
	if (r->spares_results)
		return;
	result->sum_known = true;
	result->column_sums = arena_alloc(&r->arena, count * sizeof(*result->column_sums));
	if (!result->column_sums) {
		r->failed = true;
		result->sum_known = false;
		return;
	}
	memset(result->column_sums, 0, count * sizeof(*result->column_sums));
	for (uint32_t i = 0; i < count; i++)
		result->column_sums[i].type =
			MYP_TYPE_INVALID; /* as they are, until a definition says more */
	if (prepared && prepared->columns && prepared->column_count == count)
		memcpy(result->column_sums, prepared->columns, count * sizeof(*prepared->columns));
}

/* Keeps a definition; the payload is copied once and decoded's slices are moved onto the copy. */
static void put_column(struct response *r, const struct myp_item *item, uint32_t index)
{
	struct result *result = current(r);
	struct myp_column *column;
	struct slice payload;

	if (r->spares_results)
		return;
	payload = keep(r, item->payload);
	if (!result || !result->column_sums || r->failed || index >= result->column_count)
		return;
	if (!result->columns) {
		void *p = arena_alloc(&r->arena, result->column_count * sizeof(*column));

		if (!p) {
			r->failed = true;
			return;
		}
		memset(p, 0, result->column_count * sizeof(*column));
		result->columns = p;
	}
	column = (struct myp_column *)(uintptr_t)&result->columns[index];
	*column = item->column;
#define MOVE(field)                                                                                \
	if (column->field.len)                                                                     \
	column->field.ptr = payload.ptr + (column->field.ptr - item->payload.ptr)
	MOVE(schema);
	MOVE(table);
	MOVE(org_table);
	MOVE(name);
	MOVE(org_name);
	MOVE(extended);
	MOVE(def);
#undef MOVE
	result->column_sums[index].type = column->type;
	result->column_sums[index].decimals = column->decimals;
	result->column_sums[index].flags = column->flags;
}

/* COUNT rows that have BYTES together. */
static void count_rows(struct response *r, struct result *result, uint64_t count, uint64_t bytes)
{
	r->rows += count;
	r->row_bytes += bytes;
	if (!result)
		return;
	result->rows += count;
	result->row_bytes += bytes;
}

static void sum_row(struct result *result, struct slice payload, bool binary)
{
	if (!result->sum_known)
		return;
	if (rowsum_add(&result->sum, result->column_sums, result->column_count, binary, payload) !=
	    ERR_OK)
		result->sum_known = false;
}

static void put_row(struct response *r, struct slice payload, bool binary)
{
	struct result *result = current(r);

	count_rows(r, result, 1, payload.len);
	if (result)
		sum_row(result, payload, binary);
}

void response_take_rows(struct response *r, const struct myp_answer *a, struct slice *bytes)
{
	struct result *result = current(r);
	struct slice rest = *bytes, payload;
	uint64_t count = 0, taken;
	uint8_t sequence;

	if (a->phase != MYP_ANSWER_ROWS || r->command == MYP_COM_STMT_FETCH || !result)
		return;
	while (myp_packet_whole(rest, &payload, &sequence) && myp_answer_is_row(a, payload)) {
		sum_row(result, payload, a->binary);
		rest = slice_skip(rest, MYP_HEADER + payload.len);
		count++;
	}
	taken = bytes->len - rest.len;
	count_rows(r, result, count, taken - count * MYP_HEADER);
	r->packets += count;
	r->bytes += taken;
	*bytes = rest;
}

static void end_rows(struct response *r, const struct myp_ok *ok)
{
	struct result *result = current(r);

	put_ok(r, result, ok);
	if (result)
		result->kind = RESPONSE_ROWS;
}

/* A result that ends in an error, in the middle of its rows or before it began. */
static void fail_result(struct response *r, const struct myp_err *err)
{
	struct result *result = current(r);

	if (!result || result->kind != RESPONSE_LOST)
		result = add_result(r, RESPONSE_ERROR);
	if (result)
		result->kind = RESPONSE_ERROR;
	put_error(r, result, err);
}

/* COM_STMT_FETCH gives rows without a head of their own. */
static void ensure_rows(struct response *r, const struct statement *prepared)
{
	struct result *result = current(r);

	if (result && result->kind == RESPONSE_LOST)
		return;
	open_rows(r, prepared ? prepared->column_count : 0, prepared);
	result = current(r);
	if (result && !(prepared && prepared->columns))
		result->sum_known = false;
}

static void put_prepared(struct response *r, const struct myp_prepared *p)
{
	r->kind = RESPONSE_PREPARED;
	r->statement_id = p->statement_id;
	r->prepared_columns = p->columns;
	r->prepared_params = p->params;
	open_rows(r, p->columns, NULL);
	if (current(r)) {
		current(r)->kind = RESPONSE_PREPARED;
		current(r)->warnings = p->warnings;
	}
}

void response_add(struct response *r, const struct myp_item *item, bool binary,
		  const struct statement *prepared)
{
	r->heard = true;
	switch (item->kind) {
	case MYP_ITEM_OK:
		put_ok(r, add_result(r, RESPONSE_OK), &item->ok);
		break;
	case MYP_ITEM_ERR:
		fail_result(r, &item->err);
		break;
	case MYP_ITEM_COLUMN_COUNT:
		r->fields = 0;
		open_rows(r, item->column_count, prepared);
		break;
	case MYP_ITEM_COLUMN:
		put_column(r, item, r->fields++);
		break;
	case MYP_ITEM_ROW:
		if (r->command == MYP_COM_STMT_FETCH)
			ensure_rows(r, prepared);
		put_row(r, item->payload, binary);
		break;
	case MYP_ITEM_ROWS_END:
		if (r->command == MYP_COM_STMT_FETCH)
			ensure_rows(r, prepared);
		end_rows(r, &item->ok);
		break;
	case MYP_ITEM_PREPARED:
		put_prepared(r, &item->prepared);
		break;
	case MYP_ITEM_INFILE:
		r->has_infile = true;
		r->infile = keep(r, item->text);
		break;
	case MYP_ITEM_STRING:
		r->message = keep(r, item->text);
		break;
	case MYP_ITEM_COLUMNS_END: /* of an execution with a cursor: the rows are fetched later */
		if (item->done && myp_command_shape(r->command) == MYP_SHAPE_RESULT)
			end_rows(r, &item->ok);
		break;
	case MYP_ITEM_PARAM:
	case MYP_ITEM_PARAMS_END:
	case MYP_ITEM_AUTH:
	case MYP_ITEM_PROGRESS:
	case MYP_ITEM_REPLICATION:
		break;
	}
}

/* Error if the last result is one, else rows if any has them, else OK. */
static enum response_kind settle(const struct response *r)
{
	const struct result *last = response_last(r);
	enum myp_shape shape = myp_command_shape(r->command);

	if (shape == MYP_SHAPE_NONE)
		return RESPONSE_NONE;
	if (last && last->kind == RESPONSE_ERROR)
		return RESPONSE_ERROR;
	if (r->kind == RESPONSE_PREPARED)
		return RESPONSE_PREPARED;
	if (shape == MYP_SHAPE_REPLICATION)
		return RESPONSE_REPLICATION;
	if (shape == MYP_SHAPE_STRING)
		return RESPONSE_STRING;
	if (shape == MYP_SHAPE_FIELDS)
		return RESPONSE_FIELDS;
	assert(r->results || r->result_count == 0);
	for (size_t i = 0; i < r->result_count; i++)
		if (r->results[i].kind == RESPONSE_ROWS)
			return RESPONSE_ROWS;
	return RESPONSE_OK;
}

void response_end(struct response *r, bool complete)
{
	r->kind = complete ? settle(r) : RESPONSE_LOST;
}

const struct result *response_last(const struct response *r)
{
	return r->result_count ? &r->results[r->result_count - 1] : NULL;
}

const struct result *response_error(const struct response *r)
{
	const struct result *last = response_last(r);

	return last && last->kind == RESPONSE_ERROR ? last : NULL;
}
