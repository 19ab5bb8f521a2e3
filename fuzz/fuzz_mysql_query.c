/*
 * Target: myp_query_decode, myp_query_put, myp_execute_decode, myp_execute_put, myp_bulk_decode, myp_value_read,
 * myp_value_put, myp_value_put_text, myp_value_put_literal.
 * The first byte holds switches, the second a number of parameters; then come that many types (2 bytes
 * each) and long data marks (1 byte each) if the switches say so, then the payload.
 */
#include <assert.h>
#include <stdlib.h>

#include "mysql/bulk.h"

enum {
	SWITCH_EXECUTE = 1 << 0,
	SWITCH_ATTRIBUTES = 1 << 1,
	SWITCH_COUNT_KNOWN = 1 << 2,
	SWITCH_TYPES = 1 << 3,
	SWITCH_LONG_DATA = 1 << 4,
	SWITCH_BULK = 1 << 5,
};

enum { MESSAGE_MAX = 1 << 20, COUNT_MAX = UINT8_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lists {
	struct myp_params params, attributes;
};

static void lists_release(struct lists *l)
{
	myp_params_release(&l->params);
	myp_params_release(&l->attributes);
}

static void check_same_value(const struct myp_value *a, const struct myp_value *b)
{
	struct buf x, y;

	buf_init(&x, MESSAGE_MAX);
	buf_init(&y, MESSAGE_MAX);
	myp_value_put(&x, a);
	myp_value_put(&y, b);
	assert(a->kind == b->kind && a->type == b->type);
	assert(slice_eq(buf_slice(&x), buf_slice(&y)));
	buf_release(&x);
	buf_release(&y);
}

static void check_same(const struct myp_params *a, const struct myp_params *b)
{
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct myp_param *p = &a->items[i], *q = &b->items[i];

		assert(p->type == q->type && p->is_unsigned == q->is_unsigned);
		assert(p->is_long_data == q->is_long_data && slice_eq(p->name, q->name));
		check_same_value(&p->value, &q->value);
	}
}

static void show(const struct myp_params *p, unsigned quote_flags)
{
	struct buf out;

	buf_init(&out, MESSAGE_MAX);
	for (size_t i = 0; i < p->count; i++) {
		myp_value_put_text(&out, &p->items[i].value);
		buf_reset(&out);
		myp_value_put_literal(&out, &p->items[i].value, quote_flags, "gbk");
		assert(out.len > 0 || buf_err(&out) != ERR_OK);
		buf_reset(&out);
	}
	buf_release(&out);
}

static void check_query(struct slice payload, uint64_t caps)
{
	struct lists l = {0};
	struct myp_query q, again;
	struct buf out;
	enum err e;

	buf_init(&out, MESSAGE_MAX);
	if (myp_query_decode(payload, caps, &l.params, &q) == ERR_OK) {
		show(&l.params, 0);
		myp_query_put(&out, caps, q.text, &l.params);
		e = myp_query_decode(buf_slice(&out), caps, &l.attributes, &again);
		assert(e == ERR_OK && slice_eq(q.text, again.text));
		check_same(&l.params, &l.attributes);
	}
	buf_release(&out);
	lists_release(&l);
}

static void check_execute(struct slice payload, const struct myp_execute_context *ctx)
{
	struct myp_execute_context known = *ctx;
	struct lists first = {0}, second = {0};
	struct myp_execute x, y;
	struct buf out;
	enum err e;

	buf_init(&out, MESSAGE_MAX);
	e = myp_execute_decode(payload, ctx, &first.params, &first.attributes, &x);
	if (e == ERR_OK && x.values_known) {
		show(&first.params, MYP_QUOTE_MULTIBYTE);
		show(&first.attributes, MYP_QUOTE_NO_BACKSLASH);
		myp_execute_put(&out, ctx->caps, &x, &first.params, &first.attributes);
		known.param_count_known = true;
		known.param_count = x.param_count;
		if (!ctx->param_count_known) {
			known.types = NULL;
			known.long_data = NULL;
		}
		e = myp_execute_decode(buf_slice(&out), &known, &second.params, &second.attributes,
				       &y);
		assert(e == ERR_OK && y.values_known);
		assert(x.statement_id == y.statement_id && x.param_count == y.param_count);
		assert(x.param_count == first.params.count);
		check_same(&first.params, &second.params);
		check_same(&first.attributes, &second.attributes);
	} else if (e == ERR_OK) {
		assert(first.params.count == 0 && first.attributes.count == 0);
	}
	buf_release(&out);
	lists_release(&first);
	lists_release(&second);
}

static void check_bulk(struct slice payload, const struct myp_execute_context *ctx)
{
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	if (myp_bulk_decode(payload, ctx, &params, &x) == ERR_OK) {
		assert(params.count == (size_t)x.sets * (x.sets ? ctx->param_count : 0));
		show(&params, 0);
	}
	myp_params_release(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	uint8_t switches = cur_u8(&c), count = cur_u8(&c);
	uint16_t types[COUNT_MAX] = {0};
	uint8_t long_data[COUNT_MAX] = {0};
	struct myp_execute_context ctx = {
		.caps = switches & SWITCH_ATTRIBUTES ? MYP_CAP_QUERY_ATTRIBUTES : 0,
		.param_count_known = switches & SWITCH_COUNT_KNOWN,
		.param_count = count,
		.types = switches & SWITCH_TYPES ? types : NULL,
		.long_data = switches & SWITCH_LONG_DATA ? long_data : NULL,
	};

	for (size_t i = 0; ctx.types && i < count; i++)
		types[i] = cur_u16(&c) & 0x80ff;
	for (size_t i = 0; ctx.long_data && i < count; i++)
		long_data[i] = cur_u8(&c) & 1;
	if (!cur_ok(&c) || cur_left(&c) > UINT16_MAX)
		return 0;
	if (switches & SWITCH_BULK)
		check_bulk(cur_rest(&c), &ctx);
	else if (switches & SWITCH_EXECUTE)
		check_execute(cur_rest(&c), &ctx);
	else
		check_query(cur_rest(&c), ctx.caps);
	return 0;
}
