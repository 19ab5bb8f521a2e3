/* put_response - responses, their results and column definitions into records. */
#include "recording/format.h"
#include "recording/put.h"

void put_columns(struct record *r, const struct myp_column *columns, uint32_t count)
{
	record_varint(r, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct myp_column *c = &columns[i];

		record_bytes(r, c->schema);
		record_bytes(r, c->table);
		record_bytes(r, c->org_table);
		record_bytes(r, c->name);
		record_bytes(r, c->org_name);
		record_bytes(r, c->extended);
		record_bytes(r, c->def);
		record_varint(r, c->length);
		record_varint(r, c->charset);
		record_varint(r, c->flags);
		record_u8(r, c->type);
		record_u8(r, c->decimals);
	}
}

static void put_sum(struct record *r, const struct rowsum *sum)
{
	record_u64(r, sum->ordered);
	record_u64(r, sum->unordered);
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

static unsigned column_flags(const struct result *x, uint32_t shared)
{
	unsigned flags = 0;

	if (x->columns)
		flags = shared ? RESULT_SHARED_COLUMNS : RESULT_COLUMNS;
	else if (x->column_count)
		flags = RESULT_COLUMN_COUNT;
	if (!x->column_sums)
		return flags;
	if (!types_agree(x))
		flags |= RESULT_COLUMN_TYPES;
	return flags | (has_sums(x) ? RESULT_COLUMN_SUMS : RESULT_COLUMN_NO_SUMS);
}

static unsigned result_flags(const struct result *x, uint32_t shared)
{
	return column_flags(x, shared) | (x->rows || x->row_bytes ? RESULT_ROWS : 0u) |
	       (x->sum.ordered || x->sum.unordered ? RESULT_SUM : 0u) |
	       (x->sum_known ? RESULT_SUM_KNOWN : 0u) | (x->affected_rows ? RESULT_AFFECTED : 0u) |
	       (x->insert_id ? RESULT_INSERT_ID : 0u) | (x->warnings ? RESULT_WARNINGS : 0u) |
	       (x->status ? RESULT_STATUS : 0u) | (x->info.len ? RESULT_INFO : 0u) |
	       (x->state.len ? RESULT_STATE : 0u) |
	       (x->error.code || x->error.message.len || x->error.sqlstate[0] ? RESULT_ERROR : 0u);
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
	for (uint32_t i = 0; flags & RESULT_COLUMN_SUMS && i < x->column_count; i++)
		put_sum(r, &x->column_sums[i].sum);
}

static void put_result(struct record *r, const struct result *x, uint32_t shared)
{
	unsigned flags = result_flags(x, shared);

	record_u8(r, (uint8_t)x->kind);
	record_varint(r, flags);
	put_result_columns(r, x, flags, shared);
	if (flags & RESULT_ROWS) {
		record_varint(r, x->rows);
		record_varint(r, x->row_bytes);
	}
	if (flags & RESULT_SUM)
		put_sum(r, &x->sum);
	if (flags & RESULT_AFFECTED)
		record_varint(r, x->affected_rows);
	if (flags & RESULT_INSERT_ID)
		record_varint(r, x->insert_id);
	if (flags & RESULT_WARNINGS)
		record_varint(r, x->warnings);
	if (flags & RESULT_STATUS)
		record_varint(r, x->status);
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

	record_difference(r, last_n, p->n);
	record_u8(r, p->command);
	record_u8(r, (uint8_t)p->kind);
	record_varint(r, flags);
	if (flags & RESPONSE_FLAG_LAST_NS)
		record_difference(r, (uint64_t)e->time_ns, (uint64_t)p->last_ns);
	if (flags & RESPONSE_FLAG_FIRST_NS)
		record_difference(r, (uint64_t)p->last_ns, (uint64_t)p->first_ns);
	if (flags & RESPONSE_FLAG_PACKETS) {
		record_varint(r, p->packets);
		record_varint(r, p->bytes);
	}
	if (flags & RESPONSE_FLAG_RESULTS) {
		record_varint(r, p->result_count);
		for (size_t i = 0; i < p->result_count; i++)
			put_result(r, &p->results[i], i < shared_count ? shared[i] : 0);
	}
	put_rest(r, p, flags);
}
