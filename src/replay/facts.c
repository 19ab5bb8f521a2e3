/* facts - an answer reduced to what is compared. */
#include "replay/facts.h"

#include "base/hash.h"
#include "sql/mask.h"

/*
 * Servers have many types for the same thing, and differ in which they take: a column is told apart
 * by what a client makes of it.
 */
static char kind_of_type(uint8_t type)
{
	switch (type) {
	case MYP_TYPE_TINY:
	case MYP_TYPE_SHORT:
	case MYP_TYPE_INT24:
	case MYP_TYPE_LONG:
	case MYP_TYPE_LONGLONG:
	case MYP_TYPE_YEAR:
	case MYP_TYPE_BOOL:
		return 'i';
	case MYP_TYPE_DECIMAL:
	case MYP_TYPE_NEWDECIMAL:
		return 'n';
	case MYP_TYPE_FLOAT:
	case MYP_TYPE_DOUBLE:
		return 'f';
	case MYP_TYPE_DATE:
	case MYP_TYPE_NEWDATE:
		return 'd';
	case MYP_TYPE_DATETIME:
	case MYP_TYPE_TIMESTAMP:
		return 't';
	case MYP_TYPE_TIME:
		return 'h';
	default: /* a number from the wire; strings and what comes as one */
		return 's';
	}
}

const char *facts_kind_name(char kind)
{
	switch (kind) {
	case 'i':
		return "integer";
	case 'n':
		return "decimal";
	case 'f':
		return "floating point";
	case 'd':
		return "date";
	case 't':
		return "date and time";
	case 'h':
		return "time";
	default: /* not one of our enum: all else comes as a string */
		return "string";
	}
}

static void add_column_sums(struct facts *f, const struct result *result)
{
	uint32_t at = f->columns - result->column_count;

	if (!result->column_sums) {
		f->sum_known = false;
		return;
	}
	for (uint32_t i = 0; i < result->column_count; i++, at++) {
		const struct rowsum_column *c = &result->column_sums[i];
		const bool is_float = kind_of_type(c->type) == 'f';
		const bool is_id = (c->flags & MYP_COLUMN_AUTO_INCREMENT) != 0;

		f->has_floats |= is_float;
		f->has_ids |= is_id;
		if (!is_float)
			f->but_floats = hash_mix(f->but_floats, c->sum.unordered);
		if (!is_id)
			f->but_ids = hash_mix(f->but_ids, c->sum.unordered);
		if (at < FACTS_COLUMNS_MAX)
			f->column_sums[at] = (uint32_t)(c->sum.unordered ^ c->sum.unordered >> 32);
	}
}

uint32_t facts_other_columns(const struct facts *a, const struct facts *b)
{
	uint32_t found = 0;

	if (!a->sum_known || !b->sum_known || a->columns != b->columns)
		return 0;
	for (uint32_t i = 0; i < FACTS_COLUMNS_MAX; i++)
		found |= (uint32_t)(a->column_sums[i] != b->column_sums[i]) << i;
	return found;
}

static void add_columns(struct facts *f, const struct result *result)
{
	uint32_t at = f->columns;

	f->columns += result->column_count;
	if (result->column_count > 0 && !result->columns) {
		f->names_known = false;
		return;
	}
	for (uint32_t i = 0; i < result->column_count; i++, at++) {
		const char kind = kind_of_type(result->columns[i].type);

		f->names = hash_seeded(result->columns[i].name, f->names);
		f->types = hash_mix(f->types, (uint64_t)kind);
		if (at < FACTS_COLUMNS_MAX)
			f->column_kinds[at] = kind;
	}
}

static void add_result(struct facts *f, const struct result *result)
{
	add_columns(f, result);
	if (result->insert_id != 0)
		f->insert_id = result->insert_id;
	if (result->kind != RESPONSE_ROWS)
		return;
	if (!result->sum_known)
		f->sum_known = false;
	add_column_sums(f, result);
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
