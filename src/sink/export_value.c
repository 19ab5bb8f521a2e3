/* export_value - parameters and responses as JSON. */
#include "sink/export_value.h"

#include "mysql/bulk.h"

#include "mysql/charset.h"
#include "sql/mask.h"

static void put_text_value(struct json *j, const struct myp_value *v, uint16_t collation,
			   struct buf *scratch)
{
	buf_reset(scratch);
	(void)myp_charset_to_utf8(collation, v->bytes, scratch);
	json_string(j, buf_slice(scratch));
}

static void put_bytes_value(struct json *j, const struct myp_value *v)
{
	json_object(j);
	json_key(j, "base64");
	json_base64(j, v->bytes);
	json_end(j);
}

static void put_value(struct json *j, const struct myp_value *v, uint16_t collation,
		      struct buf *scratch)
{
	switch (v->kind) {
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		json_null(j);
		break;
	case MYP_VALUE_INT:
		json_i64(j, v->i);
		break;
	case MYP_VALUE_UINT:
		json_u64(j, v->u);
		break;
	case MYP_VALUE_FLOAT:
		json_float(j, v->f);
		break;
	case MYP_VALUE_DOUBLE:
		json_double(j, v->d);
		break;
	case MYP_VALUE_TEXT:
		put_text_value(j, v, collation, scratch);
		break;
	case MYP_VALUE_BYTES:
		put_bytes_value(j, v);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		buf_reset(scratch);
		myp_value_put_text(scratch, v);
		json_string(j, buf_slice(scratch));
		break;
	}
}

static void put_param(struct json *j, const struct myp_param *p, uint16_t collation,
		      struct buf *scratch)
{
	if (p->indicator == MYP_INDICATOR_DEFAULT || p->indicator == MYP_INDICATOR_IGNORE) {
		json_object(j);
		json_key_cstr(j, "indicator", myp_indicator_name(p->indicator));
		json_end(j);
		return;
	}
	put_value(j, &p->value, collation, scratch);
}

void export_values(struct json *j, const struct myp_params *params, uint32_t sets,
		   uint16_t collation, struct buf *scratch)
{
	size_t in_set = sets ? params->count / sets : 0;

	for (size_t i = 0; i < params->count; i++) {
		if (sets && i % in_set == 0)
			json_array(j);
		put_param(j, &params->items[i], collation, scratch);
		if (sets && i % in_set == in_set - 1)
			json_end(j);
	}
}

static bool named_later(const struct myp_params *attributes, size_t at)
{
	for (size_t i = at + 1; i < attributes->count; i++)
		if (slice_eq(attributes->items[i].name, attributes->items[at].name))
			return true;
	return false;
}

void export_attributes(struct json *j, const struct myp_params *attributes, uint16_t collation,
		       struct buf *scratch)
{
	json_object(j);
	for (size_t i = 0; i < attributes->count; i++) {
		if (named_later(attributes, i))
			continue;
		json_key_slice(j, attributes->items[i].name);
		put_value(j, &attributes->items[i].value, collation, scratch);
	}
	json_end(j);
}

static const char *const kind_names[RESPONSE_KINDS] = {
	[RESPONSE_OK] = "ok",
	[RESPONSE_ERROR] = "error",
	[RESPONSE_ROWS] = "resultset",
	[RESPONSE_PREPARED] = "prepared",
	[RESPONSE_FIELDS] = "fields",
	[RESPONSE_STRING] = "string",
	[RESPONSE_NONE] = "none",
	[RESPONSE_LOST] = "lost",
	[RESPONSE_REPLICATION] = "replication",
};

static const char *const state_names[] = {
	[MYP_STATE_SYSTEM_VARIABLE] = "variable",
	[MYP_STATE_SCHEMA] = "schema",
	[MYP_STATE_CHANGED] = "state_changed",
	[MYP_STATE_GTIDS] = "gtids",
	[MYP_STATE_TRANSACTION_CHARACTERISTICS] = "transaction_characteristics",
	[MYP_STATE_TRANSACTION_STATE] = "transaction_state",
};

/* Session tracking: an array of one-key objects, in the server's order. */
static void put_tracked(struct json *j, struct slice changes)
{
	struct myp_states states = myp_states_of(changes);
	struct myp_state state;

	json_key(j, "tracked");
	json_array(j);
	while (myp_state_next(&states, &state)) {
		if (state.type > MYP_STATE_TRANSACTION_STATE)
			continue;
		json_object(j);
		json_key(j, state_names[state.type]);
		if (state.type == MYP_STATE_SYSTEM_VARIABLE) {
			json_string(j, state.name);
			json_key(j, "value");
		}
		json_string(j, state.value);
		json_end(j);
	}
	json_end(j);
}

/* SECRET: what may repeat a password is left out. */
static void put_tail(struct json *j, const struct result *r, bool secret)
{
	json_key_u64(j, "warnings", r->warnings);
	json_key_u64(j, "status", r->status);
	if (secret)
		return;
	if (r->info.len) {
		json_key_string(j, "info", r->info);
	}
	if (r->state.len)
		put_tracked(j, r->state);
}

static void put_error(struct json *j, const struct result *r, bool secret)
{
	json_key(j, "error");
	json_object(j);
	json_key_u64(j, "code", r->error.code);
	json_key_cstr(j, "sqlstate", r->error.sqlstate);
	json_key_string(j, "message", secret ? SLICE_LIT(SQL_MASK_TEXT) : r->error.message);
	json_end(j);
}

static void put_result(struct json *j, const struct result *r, bool secret)
{
	json_object(j);
	json_key_cstr(j, "response", kind_names[r->kind]);
	if (r->column_count)
		json_key_u64(j, "columns", r->column_count);
	if (r->column_count || r->rows)
		json_key_u64(j, "rows", r->rows);
	if (r->kind == RESPONSE_OK) {
		json_key_u64(j, "affected_rows", r->affected_rows);
		json_key_u64(j, "insert_id", r->insert_id);
	}
	if (r->kind == RESPONSE_ERROR)
		put_error(j, r, secret);
	else if (r->kind != RESPONSE_LOST)
		put_tail(j, r, secret);
	json_end(j);
}

static void put_results(struct json *j, const struct response *r, bool secret)
{
	if (r->results_all < 2)
		return;
	json_key(j, "results");
	json_array(j);
	for (size_t i = 0; i < r->result_count; i++)
		put_result(j, &r->results[i], secret);
	json_end(j);
}

static const struct result *first_rows(const struct response *r)
{
	for (size_t i = 0; i < r->result_count; i++)
		if (r->results[i].column_count || r->results[i].kind == RESPONSE_ROWS)
			return &r->results[i];
	return NULL;
}

/* Columns and rows, where there is a result set, be it whole, lost or broken off. */
static void put_rows(struct json *j, const struct response *r)
{
	const struct result *rows = first_rows(r);

	if (!rows)
		return;
	json_key(j, "columns");
	if (rows->column_count)
		json_u64(j, rows->column_count);
	else
		json_null(j); /* rows fetched for a statement whose prepare was not heard */
	json_key_u64(j, "rows", r->rows);
}

static void put_infile(struct json *j, const struct response *r)
{
	if (!r->has_infile)
		return;
	json_key_string(j, "infile", r->infile);
	json_key_u64(j, "infile_bytes", r->infile_bytes);
}

static void put_prepared(struct json *j, const struct response *r)
{
	json_key_u64(j, "statement_id", r->statement_id);
	json_key_u64(j, "columns", r->prepared_columns);
	json_key_u64(j, "parameter_count", r->prepared_params);
	if (r->result_count)
		json_key_u64(j, "warnings", r->results[0].warnings);
}

static uint64_t insert_id(const struct response *r)
{
	for (size_t i = r->result_count; i > 0; i--)
		if (r->results[i - 1].insert_id)
			return r->results[i - 1].insert_id;
	return 0;
}

static void put_done(struct json *j, const struct response *r, bool secret)
{
	const struct result *last = response_last(r);

	if (r->kind == RESPONSE_OK) {
		json_key_u64(j, "affected_rows", r->affected_rows);
		json_key_u64(j, "insert_id", insert_id(r));
	} else {
		put_rows(j, r);
		if (r->affected_rows)
			json_key_u64(j, "affected_rows", r->affected_rows);
	}
	if (last)
		put_tail(j, last, secret);
}

void export_response(struct json *j, const struct response *r, bool secret)
{
	json_key_cstr(j, "response", kind_names[r->kind]);
	switch (r->kind) {
	case RESPONSE_OK:
	case RESPONSE_ROWS:
		put_done(j, r, secret);
		break;
	case RESPONSE_ERROR:
		put_error(j, response_error(r), secret);
		put_rows(j, r);
		break;
	case RESPONSE_PREPARED:
		put_prepared(j, r);
		break;
	case RESPONSE_FIELDS:
		json_key_u64(j, "columns", r->fields);
		break;
	case RESPONSE_STRING:
		json_key_string(j, "message", r->message);
		break;
	case RESPONSE_LOST:
		if (r->unanswered)
			json_key_bool(j, "unanswered", true);
		put_rows(j, r);
		break;
	case RESPONSE_NONE:
	case RESPONSE_REPLICATION:
	case RESPONSE_KINDS:
		break;
	}
	put_results(j, r, secret);
	put_infile(j, r);
}
