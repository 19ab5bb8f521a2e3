/* put_response - responses, their results and column definitions into records. */
#include "recording/format.h"
#include "recording/put.h"

/* Bytes at most, without texts. */
enum {
	COLUMN_MAX = 10 * VARINT_MAX + 2,
	SUM_BYTES = 16,
	CELL_BYTES = 8,
	RESULT_HEAD_MAX = 1 + VARINT_MAX,
	RESULT_COUNTS_MAX = SUM_BYTES + 6 * VARINT_MAX,
	RESPONSE_HEAD_MAX = 6 * VARINT_MAX + 2,
};

static uint8_t *write_text(uint8_t *to, struct slice s)
{
	return write_bytes(write_varint(to, s.len), s);
}

static void put_column(struct record *r, const struct myp_column *c)
{
	size_t texts = c->schema.len + c->table.len + c->org_table.len + c->name.len +
		       c->org_name.len + c->extended.len + c->def.len;
	uint8_t *to = record_room(r, COLUMN_MAX + texts);

	if (!to)
		return;
	to = write_text(to, c->schema);
	to = write_text(to, c->table);
	to = write_text(to, c->org_table);
	to = write_text(to, c->name);
	to = write_text(to, c->org_name);
	to = write_text(to, c->extended);
	to = write_text(to, c->def);
	to = write_varint(to, c->length);
	to = write_varint(to, c->charset);
	to = write_varint(to, c->flags);
	to = write_u8(to, c->type);
	record_wrote(r, write_u8(to, c->decimals));
}

void put_columns(struct record *r, const struct myp_column *columns, uint32_t count)
{
	record_varint(r, count);
	for (uint32_t i = 0; i < count; i++)
		put_column(r, &columns[i]);
}

static uint8_t *write_sum(uint8_t *to, const struct rowsum *sum)
{
	return write_u64(write_u64(to, sum->ordered), sum->unordered);
}

/* True if what the sums say of the columns' types is what the definitions say. */
static bool types_agree(const struct result *x)
{
	if (!x->columns)
		return false;
	for (uint32_t i = 0; i < x->column_count; i++) {
		const struct myp_column *c = &x->columns[i];
		const struct rowsum_column *s = &x->column_sums[i];

		if (s->type != c->type || s->decimals != c->decimals || s->flags != c->flags)
			return false;
	}
	return true;
}

/* True if there is a sum to tell, of the whole or of a column. */
static bool has_sums(const struct result *x)
{
	bool any = false;

	for (uint32_t i = 0; x->column_sums && i < x->column_count; i++)
		any |= (x->column_sums[i].sum.ordered | x->column_sums[i].sum.unordered) != 0;
	return any;
}

/* True if the hashes of the cells tell all sums. */
static bool is_one_row(const struct result *x)
{
	return x->rows == 1 && x->column_sums && x->column_count <= MYP_COLUMNS_MAX &&
	       rowsum_is_complete(&x->sum, x->column_sums, x->column_count);
}

static unsigned sum_flags(const struct result *x)
{
	unsigned columns = has_sums(x) ? RESULT_COLUMN_SUMS : RESULT_COLUMN_NO_SUMS;

	if (is_one_row(x))
		return RESULT_ONE_ROW;
	return (x->column_sums ? columns : 0u) |
	       (x->sum.ordered || x->sum.unordered ? RESULT_SUM : 0u);
}

static unsigned column_flags(const struct result *x, uint32_t shared)
{
	unsigned flags = 0;

	if (x->columns)
		flags = shared ? RESULT_SHARED_COLUMNS : RESULT_COLUMNS;
	else if (x->column_count)
		flags = RESULT_COLUMN_COUNT;
	return flags | (x->column_sums && !types_agree(x) ? RESULT_COLUMN_TYPES : 0u);
}

static unsigned result_flags(const struct result *x, uint32_t shared)
{
	return column_flags(x, shared) | sum_flags(x) |
	       (x->rows || x->row_bytes ? RESULT_ROWS : 0u) |
	       (x->sum_known ? RESULT_SUM_KNOWN : 0u) | (x->affected_rows ? RESULT_AFFECTED : 0u) |
	       (x->insert_id ? RESULT_INSERT_ID : 0u) | (x->warnings ? RESULT_WARNINGS : 0u) |
	       (x->status ? RESULT_STATUS : 0u) | (x->info.len ? RESULT_INFO : 0u) |
	       (x->state.len ? RESULT_STATE : 0u) |
	       (x->error.code || x->error.message.len || x->error.sqlstate[0] ? RESULT_ERROR : 0u);
}

static void put_cells(struct record *r, const struct result *x)
{
	uint8_t *to = record_room(r, x->column_count * CELL_BYTES);

	if (!to)
		return;
	for (uint32_t i = 0; i < x->column_count; i++)
		to = write_u64(to, x->column_sums[i].sum.unordered);
	record_wrote(r, to);
}

static void put_column_sums(struct record *r, const struct result *x)
{
	uint8_t *to = record_room(r, x->column_count * SUM_BYTES);

	if (!to)
		return;
	for (uint32_t i = 0; i < x->column_count; i++)
		to = write_sum(to, &x->column_sums[i].sum);
	record_wrote(r, to);
}

static void put_result_columns(struct record *r, const struct result *x, unsigned flags,
			       uint32_t shared)
{
	if (flags & RESULT_SHARED_COLUMNS)
		record_varint(r, shared);
	if (flags & RESULT_COLUMNS)
		put_columns(r, x->columns, x->column_count);
	if (flags & RESULT_COLUMN_COUNT)
		record_varint(r, x->column_count);
	for (uint32_t i = 0; flags & RESULT_COLUMN_TYPES && i < x->column_count; i++) {
		record_u8(r, x->column_sums[i].type);
		record_u8(r, x->column_sums[i].decimals);
		record_u16(r, x->column_sums[i].flags);
	}
	if (flags & RESULT_COLUMN_SUMS)
		put_column_sums(r, x);
	if (flags & RESULT_ONE_ROW)
		put_cells(r, x);
}

/* What follows the columns, but for texts. */
static void put_counts(struct record *r, const struct result *x, unsigned flags)
{
	uint8_t *to = record_room(r, RESULT_COUNTS_MAX);

	if (!to)
		return;
	if (flags & RESULT_ROWS)
		to = write_varint(write_varint(to, x->rows), x->row_bytes);
	if (flags & RESULT_SUM)
		to = write_sum(to, &x->sum);
	if (flags & RESULT_AFFECTED)
		to = write_varint(to, x->affected_rows);
	if (flags & RESULT_INSERT_ID)
		to = write_varint(to, x->insert_id);
	if (flags & RESULT_WARNINGS)
		to = write_varint(to, x->warnings);
	if (flags & RESULT_STATUS)
		to = write_varint(to, x->status);
	record_wrote(r, to);
}

static void put_result(struct record *r, const struct result *x, uint32_t shared)
{
	unsigned flags = result_flags(x, shared);
	uint8_t *to = record_room(r, RESULT_HEAD_MAX);

	if (!to)
		return;
	record_wrote(r, write_varint(write_u8(to, (uint8_t)x->kind), flags));
	put_result_columns(r, x, flags, shared);
	put_counts(r, x, flags);
	if (flags & RESULT_INFO)
		record_bytes(r, x->info);
	if (flags & RESULT_STATE)
		record_bytes(r, x->state);
	if (flags & RESULT_ERROR) {
		record_varint(r, x->error.code);
		record_bytes(r, slice_cstr(x->error.sqlstate));
		record_bytes(r, x->error.message);
	}
}

/* True if what the response counts in all is the sum over its results. */
static bool totals_agree(const struct response *p)
{
	uint64_t rows = 0, row_bytes = 0, affected = 0;

	for (size_t i = 0; i < p->result_count; i++) {
		rows += p->results[i].rows;
		row_bytes += p->results[i].row_bytes;
		affected += p->results[i].affected_rows;
	}
	return rows == p->rows && row_bytes == p->row_bytes && affected == p->affected_rows;
}

static unsigned response_flags(const struct event *e)
{
	const struct response *p = e->response;
	bool prepared = p->statement_id || p->prepared_columns || p->prepared_params;

	return (p->heard ? RESPONSE_FLAG_HEARD : 0u) | (p->failed ? RESPONSE_FLAG_FAILED : 0u) |
	       (p->last_ns != e->time_ns ? RESPONSE_FLAG_LAST_NS : 0u) |
	       (p->first_ns ? RESPONSE_FLAG_FIRST_NS : 0u) |
	       (p->packets || p->bytes ? RESPONSE_FLAG_PACKETS : 0u) |
	       (p->result_count ? RESPONSE_FLAG_RESULTS : 0u) |
	       (p->results_all != p->result_count ? RESPONSE_FLAG_RESULTS_ALL : 0u) |
	       (totals_agree(p) ? 0u : RESPONSE_FLAG_TOTALS) |
	       (prepared ? RESPONSE_FLAG_PREPARED : 0u) | (p->fields ? RESPONSE_FLAG_FIELDS : 0u) |
	       (p->message.len ? RESPONSE_FLAG_MESSAGE : 0u) |
	       (p->has_infile ? RESPONSE_FLAG_INFILE : 0u) |
	       (p->infile_bytes ? RESPONSE_FLAG_INFILE_BYTES : 0u) |
	       (p->unanswered ? RESPONSE_FLAG_UNANSWERED : 0u);
}

static void put_rest(struct record *r, const struct response *p, unsigned flags)
{
	if (flags & RESPONSE_FLAG_RESULTS_ALL)
		record_varint(r, p->results_all);
	if (flags & RESPONSE_FLAG_TOTALS) {
		record_varint(r, p->rows);
		record_varint(r, p->row_bytes);
		record_varint(r, p->affected_rows);
	}
	if (flags & RESPONSE_FLAG_PREPARED) {
		record_varint(r, p->statement_id);
		record_varint(r, p->prepared_columns);
		record_varint(r, p->prepared_params);
	}
	if (flags & RESPONSE_FLAG_FIELDS)
		record_varint(r, p->fields);
	if (flags & RESPONSE_FLAG_MESSAGE)
		record_bytes(r, p->message);
	if (flags & RESPONSE_FLAG_INFILE)
		record_bytes(r, p->infile);
	if (flags & RESPONSE_FLAG_INFILE_BYTES)
		record_varint(r, p->infile_bytes);
}

void put_response(struct record *r, const struct event *e, uint64_t last_n, const uint32_t *shared,
		  size_t shared_count)
{
	const struct response *p = e->response;
	unsigned flags = response_flags(e);
	uint8_t *to = record_room(r, RESPONSE_HEAD_MAX);

	if (!to)
		return;
	to = write_difference(to, last_n, p->n);
	to = write_u8(to, p->command);
	to = write_u8(to, (uint8_t)p->kind);
	to = write_varint(to, flags);
	if (flags & RESPONSE_FLAG_LAST_NS)
		to = write_difference(to, (uint64_t)e->time_ns, (uint64_t)p->last_ns);
	if (flags & RESPONSE_FLAG_FIRST_NS)
		to = write_difference(to, (uint64_t)p->last_ns, (uint64_t)p->first_ns);
	if (flags & RESPONSE_FLAG_PACKETS)
		to = write_varint(write_varint(to, p->packets), p->bytes);
	record_wrote(r, to);
	if (flags & RESPONSE_FLAG_RESULTS) {
		record_varint(r, p->result_count);
		for (size_t i = 0; i < p->result_count; i++)
			put_result(r, &p->results[i], i < shared_count ? shared[i] : 0);
	}
	put_rest(r, p, flags);
}
