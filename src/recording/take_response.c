/* take_response - responses, their results and column definitions out of records. */
#include "recording/format.h"
#include "recording/take.h"
#include "recording/varint.h"

#include "base/mem.h"

enum {
	COLUMN_BYTES_MIN = 12, /* bytes that a definition takes at least */
	RESULT_BYTES_MIN = 2,
};

static void take_column(struct cursor *c, struct myp_column *out)
{
	out->schema = cur_var_bytes(c);
	out->table = cur_var_bytes(c);
	out->org_table = cur_var_bytes(c);
	out->name = cur_var_bytes(c);
	out->org_name = cur_var_bytes(c);
	out->extended = cur_var_bytes(c);
	out->def = cur_var_bytes(c);
	out->length = (uint32_t)cur_varint_max(c, UINT32_MAX);
	out->charset = (uint16_t)cur_varint_max(c, UINT16_MAX);
	out->flags = (uint16_t)cur_varint_max(c, UINT16_MAX);
	out->type = cur_u8(c);
	out->decimals = cur_u8(c);
}

struct take_columns take_columns(struct cursor *c, struct arena *arena)
{
	struct take_columns out = {.items = NULL};
	uint64_t count = cur_varint(c);

	if (count > cur_left(c) / COLUMN_BYTES_MIN)
		cur_fail(c);
	if (cur_ok(c))
		out.items = arena_alloc(arena, (size_t)(count ? count : 1) * sizeof(*out.items));
	if (!out.items) {
		cur_fail(c);
		return out;
	}
	memset(out.items, 0, (size_t)count * sizeof(*out.items));
	out.count = (uint32_t)count;
	for (uint32_t i = 0; cur_ok(c) && i < out.count; i++)
		take_column(c, &out.items[i]);
	return out;
}

static struct rowsum take_sum(struct cursor *c)
{
	struct rowsum sum = {.ordered = cur_u64(c)};

	sum.unordered = cur_u64(c);
	return sum;
}

static void take_column_types(struct cursor *c, unsigned flags, struct result *x)
{
	for (uint32_t i = 0; cur_ok(c) && i < x->column_count; i++) {
		struct rowsum_column *s = &x->column_sums[i];

		if (flags & RESULT_COLUMN_TYPES) {
			s->type = cur_u8(c);
			s->decimals = cur_u8(c);
			s->flags = cur_u16(c);
		} else {
			s->type = x->columns[i].type;
			s->decimals = x->columns[i].decimals;
			s->flags = x->columns[i].flags;
		}
	}
}

/* The hashes of the only row's cells, from which all sums follow. */
static void take_cells(struct cursor *c, struct result *x)
{
	if (x->column_count > MYP_COLUMNS_MAX) {
		cur_fail(c);
		return;
	}
	for (uint32_t i = 0; i < x->column_count; i++)
		x->column_sums[i].sum.unordered = cur_u64(c);
	if (cur_ok(c))
		rowsum_complete(&x->sum, x->column_sums, x->column_count);
}

/* Types and sums of the columns. There are bytes, or definitions, for each of them. */
static void take_column_sums(struct cursor *c, unsigned flags, struct arena *arena,
			     struct result *x)
{
	size_t size = x->column_count * sizeof(*x->column_sums);

	if (flags & RESULT_COLUMN_TYPES ? x->column_count > cur_left(c) / 4 : !x->columns) {
		cur_fail(c);
		return;
	}
	x->column_sums = arena_alloc(arena, size ? size : 1);
	if (!x->column_sums) {
		cur_fail(c);
		return;
	}
	memset(x->column_sums, 0, size);
	take_column_types(c, flags, x);
	for (uint32_t i = 0; flags & RESULT_COLUMN_SUMS && cur_ok(c) && i < x->column_count; i++)
		x->column_sums[i].sum = take_sum(c);
	if (flags & RESULT_ONE_ROW && cur_ok(c))
		take_cells(c, x);
}

struct response_context {
	struct arena *arena;
	const struct take_columns *shared;
	size_t shared_count;
};

static void take_result_columns(struct cursor *c, unsigned flags,
				const struct response_context *ctx, struct result *x)
{
	const unsigned sums = RESULT_COLUMN_SUMS | RESULT_COLUMN_NO_SUMS | RESULT_ONE_ROW;
	struct take_columns columns = {.items = NULL};

	if (flags & RESULT_SHARED_COLUMNS) {
		uint64_t number = cur_varint(c);

		if (number == 0 || number > ctx->shared_count) {
			cur_fail(c);
			return;
		}
		columns = ctx->shared[number - 1];
	} else if (flags & RESULT_COLUMNS) {
		columns = take_columns(c, ctx->arena);
	}
	x->columns = columns.items;
	x->column_count = columns.count;
	if (flags & RESULT_COLUMN_COUNT)
		x->column_count = (uint32_t)cur_varint_max(c, UINT32_MAX);
	if (flags & RESULT_COLUMN_COUNT && x->columns)
		cur_fail(c);
	if (cur_ok(c) && flags & sums)
		take_column_sums(c, flags, ctx->arena, x);
}

static void take_error(struct cursor *c, struct result *x)
{
	struct slice state;

	x->error.code = (uint16_t)cur_varint_max(c, UINT16_MAX);
	state = cur_var_bytes(c);
	if (state.len >= sizeof(x->error.sqlstate))
		cur_fail(c);
	else if (state.len)
		memcpy(x->error.sqlstate, state.ptr, state.len);
	x->error.message = cur_var_bytes(c);
}

static void take_result(struct cursor *c, const struct response_context *ctx, struct result *x)
{
	unsigned flags;

	x->kind = cur_below(c, RESPONSE_KINDS);
	flags = (unsigned)cur_varint_max(c, UINT32_MAX);
	take_result_columns(c, flags, ctx, x);
	if (flags & RESULT_ROWS) {
		x->rows = cur_varint(c);
		x->row_bytes = cur_varint(c);
	}
	if (flags & RESULT_SUM)
		x->sum = take_sum(c);
	x->sum_known = flags & RESULT_SUM_KNOWN;
	if (flags & RESULT_AFFECTED)
		x->affected_rows = cur_varint(c);
	if (flags & RESULT_INSERT_ID)
		x->insert_id = cur_varint(c);
	if (flags & RESULT_WARNINGS)
		x->warnings = (uint16_t)cur_varint_max(c, UINT16_MAX);
	if (flags & RESULT_STATUS)
		x->status = (uint16_t)cur_varint_max(c, UINT16_MAX);
	if (flags & RESULT_INFO)
		x->info = cur_var_bytes(c);
	if (flags & RESULT_STATE)
		x->state = cur_var_bytes(c);
	if (flags & RESULT_ERROR)
		take_error(c, x);
}

static enum err grow_results(struct response *out, size_t count)
{
	struct result *results;

	if (count > out->result_cap) {
		results = mem_resize(out->results, count * sizeof(*results));
		if (!results)
			return ERR_NOMEM;
		out->results = results;
		out->result_cap = count;
	}
	if (count)
		memset(out->results, 0, count * sizeof(*out->results));
	out->result_count = count;
	return ERR_OK;
}

static enum err take_results(struct cursor *c, const struct response_context *ctx,
			     struct response *out)
{
	uint64_t count = cur_varint(c);
	enum err e;

	if (!cur_ok(c) || count > RESPONSE_RESULTS_MAX || count > cur_left(c) / RESULT_BYTES_MIN)
		return ERR_PROTO;
	e = grow_results(out, (size_t)count);
	for (size_t i = 0; e == ERR_OK && cur_ok(c) && i < count; i++) {
		struct result *x = &out->results[i];

		take_result(c, ctx, x);
		out->rows += x->rows;
		out->row_bytes += x->row_bytes;
		out->affected_rows += x->affected_rows;
	}
	return e != ERR_OK ? e : cur_ok(c) ? ERR_OK : ERR_PROTO;
}

static void take_rest(struct cursor *c, unsigned flags, struct response *out)
{
	out->results_all = out->result_count;
	if (flags & RESPONSE_FLAG_RESULTS_ALL)
		out->results_all = cur_varint(c);
	if (flags & RESPONSE_FLAG_TOTALS) {
		out->rows = cur_varint(c);
		out->row_bytes = cur_varint(c);
		out->affected_rows = cur_varint(c);
	}
	if (flags & RESPONSE_FLAG_PREPARED) {
		out->statement_id = (uint32_t)cur_varint_max(c, UINT32_MAX);
		out->prepared_columns = (uint16_t)cur_varint_max(c, UINT16_MAX);
		out->prepared_params = (uint16_t)cur_varint_max(c, UINT16_MAX);
	}
	if (flags & RESPONSE_FLAG_FIELDS)
		out->fields = (uint32_t)cur_varint_max(c, UINT32_MAX);
	if (flags & RESPONSE_FLAG_MESSAGE)
		out->message = cur_var_bytes(c);
	out->has_infile = flags & RESPONSE_FLAG_INFILE;
	if (out->has_infile)
		out->infile = cur_var_bytes(c);
	if (flags & RESPONSE_FLAG_INFILE_BYTES)
		out->infile_bytes = cur_varint(c);
}

static unsigned take_head(struct cursor *c, const struct take_context *ctx, struct response *out)
{
	uint64_t time = (uint64_t)ctx->event->time_ns;
	unsigned flags;

	out->n = ctx->last_n - cur_difference(c, 0);
	out->command = cur_u8(c);
	out->kind = cur_below(c, RESPONSE_KINDS);
	flags = (unsigned)cur_varint_max(c, UINT32_MAX);
	out->heard = flags & RESPONSE_FLAG_HEARD;
	out->failed = flags & RESPONSE_FLAG_FAILED;
	out->unanswered = out->kind == RESPONSE_LOST && flags & RESPONSE_FLAG_UNANSWERED;
	out->last_ns = (int64_t)time;
	if (flags & RESPONSE_FLAG_LAST_NS)
		out->last_ns = (int64_t)(time - cur_difference(c, 0));
	if (flags & RESPONSE_FLAG_FIRST_NS)
		out->first_ns = (int64_t)((uint64_t)out->last_ns - cur_difference(c, 0));
	if (flags & RESPONSE_FLAG_PACKETS) {
		out->packets = cur_varint(c);
		out->bytes = cur_varint(c);
	}
	return flags;
}

enum err take_response(struct cursor *c, const struct take_context *ctx,
		       const struct take_columns *shared, size_t shared_count, struct response *out)
{
	struct response_context rctx = {
		.arena = ctx->arena,
		.shared = shared,
		.shared_count = shared_count,
	};
	struct result *results = out->results;
	size_t cap = out->result_cap;
	struct arena arena = out->arena;
	unsigned flags;
	enum err e = ERR_OK;

	*out = (struct response){.results = results, .result_cap = cap, .arena = arena};
	flags = take_head(c, ctx, out);
	if (!cur_ok(c))
		return ERR_PROTO;
	if (flags & RESPONSE_FLAG_RESULTS)
		e = take_results(c, &rctx, out);
	if (e != ERR_OK)
		return e;
	take_rest(c, flags, out);
	return cur_ok(c) ? ERR_OK : ERR_PROTO;
}
