/* facts - an answer reduced to what is compared. */
#include "replay/facts.h"

#include "base/hash.h"
#include "sql/mask.h"

static void add_columns(struct facts *f, const struct result *result)
{
	f->columns += result->column_count;
	if (result->column_count > 0 && !result->columns) {
		f->names_known = false;
		return;
	}
	for (uint32_t i = 0; i < result->column_count; i++)
		f->names = hash_seeded(result->columns[i].name, f->names);
}

static void add_result(struct facts *f, const struct result *result)
{
	add_columns(f, result);
	if (result->kind != RESPONSE_ROWS)
		return;
	if (!result->sum_known)
		f->sum_known = false;
	f->sum.ordered = hash_mix(f->sum.ordered, result->sum.ordered);
	f->sum.unordered = hash_mix(f->sum.unordered, result->sum.unordered);
}

void facts_set_message(struct facts *f, struct slice text)
{
	struct slice kept = slice_head(text, FACTS_MESSAGE_MAX - 1);

	while (kept.len > 0 && kept.len < text.len &&
	       (text.ptr[kept.len] & 0xc0) == 0x80) /* not inside a character */
		kept.len--;
	if (kept.len > 0)
		memcpy(f->message, kept.ptr, kept.len);
	f->message[kept.len] = '\0';
}

void facts_hide_message(struct facts *f)
{
	if (f->message[0])
		facts_set_message(f, SLICE_LIT(SQL_MASK_TEXT));
}

static void set_error(struct facts *f, const struct result *result)
{
	f->error_code = result->error.code;
	memcpy(f->sqlstate, result->error.sqlstate, sizeof(f->sqlstate));
	facts_set_message(f, result->error.message);
}

void facts_of(const struct response *r, struct facts *out)
{
	const struct result *last = response_last(r);
	const struct result *error = response_error(r);

	*out = (struct facts){
		.kind = r->kind,
		.names_known = true,
		.sum_known = r->results_all == r->result_count && !r->failed,
		.statement_id = r->statement_id,
		.params = r->prepared_params,
		.results = r->results_all,
		.rows = r->rows,
		.affected_rows = r->affected_rows,
		.bytes = r->bytes,
		.first_ns = r->first_ns,
		.last_ns = r->last_ns,
	};
	for (size_t i = 0; i < r->result_count; i++)
		add_result(out, &r->results[i]);
	if (r->kind == RESPONSE_PREPARED)
		out->columns = r->prepared_columns;
	if (r->kind == RESPONSE_FIELDS)
		out->columns = r->fields;
	if (r->results_all > r->result_count)
		out->names_known = false;
	if (error) {
		set_error(out, error);
	} else if (last) {
		out->warnings = last->warnings;
		out->status = last->status;
		out->status_known = last->kind == RESPONSE_OK || last->kind == RESPONSE_ROWS;
	}
}
