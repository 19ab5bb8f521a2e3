/* bulk - COM_STMT_BULK_EXECUTE. */
#include "mysql/bulk.h"

#include "mysql/command.h"

const char *myp_indicator_name(enum myp_indicator i)
{
	switch (i) {
	case MYP_INDICATOR_NONE:
		return "none";
	case MYP_INDICATOR_NULL:
		return "null";
	case MYP_INDICATOR_DEFAULT:
		return "default";
	case MYP_INDICATOR_IGNORE:
		return "ignore";
	case MYP_INDICATORS:
		break;
	}
	return "unknown";
}

/* The type of parameter I, from TYPES, which were sent now (2 bytes each) or, if empty, before. */
static uint16_t type_of(struct slice types, const struct myp_execute_context *ctx, size_t i)
{
	if (types.len == 0)
		return ctx->types[i];
	return (uint16_t)(types.ptr[2 * i] | types.ptr[2 * i + 1] << 8);
}

static void read_param(struct cursor *c, uint16_t type, struct myp_param *p)
{
	uint8_t indicator = cur_u8(c);

	p->type = (uint8_t)type;
	p->is_unsigned = type & MYP_PARAM_UNSIGNED;
	p->indicator = indicator;
	if (indicator >= MYP_INDICATORS || (type & ~MYP_PARAM_UNSIGNED) > UINT8_MAX)
		cur_fail(c);
	else if (indicator == MYP_INDICATOR_NONE)
		p->value = myp_value_read(c, p->type, p->is_unsigned);
	else
		p->value = (struct myp_value){.kind = MYP_VALUE_NULL, .type = p->type};
}

/* One set, behind what PARAMS hold. */
static enum err read_set(struct cursor *c, struct slice types,
			 const struct myp_execute_context *ctx, struct myp_params *params)
{
	size_t at = params->count;
	enum err e = myp_params_grow(params, ctx->param_count);

	for (size_t i = 0; e == ERR_OK && i < ctx->param_count && cur_ok(c); i++)
		read_param(c, type_of(types, ctx, i), &params->items[at + i]);
	return e == ERR_OK && !cur_ok(c) ? ERR_PROTO : e;
}

static enum err read_sets(struct cursor *c, struct slice types,
			  const struct myp_execute_context *ctx, struct myp_params *params,
			  struct myp_bulk_execute *x)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && cur_left(c) > 0) {
		e = read_set(c, types, ctx, params);
		x->sets++;
	}
	x->values_known = e == ERR_OK;
	return e;
}

static void read_head(struct cursor *c, struct myp_bulk_execute *x)
{
	if (cur_u8(c) != MYP_COM_STMT_BULK_EXECUTE)
		cur_fail(c);
	x->statement_id = cur_u32(c);
	x->flags = cur_u16(c);
}

enum err myp_bulk_decode(struct slice payload, const struct myp_execute_context *ctx,
			 struct myp_params *params, struct myp_bulk_execute *out)
{
	struct cursor c = cur_of(payload);
	struct myp_bulk_execute x = {.sets = 0};
	struct slice types = {.ptr = NULL};
	enum err e = myp_params_resize(params, 0);

	if (e != ERR_OK)
		return e;
	read_head(&c, &x);
	if (!cur_ok(&c))
		return ERR_PROTO;
	if (ctx->param_count_known && ctx->param_count > 0) {
		if (x.flags & MYP_BULK_SEND_TYPES)
			types = cur_bytes(&c, (size_t)ctx->param_count * 2);
		if (types.len > 0 || ctx->types)
			e = read_sets(&c, types, ctx, params, &x);
	}
	if (!cur_ok(&c))
		e = ERR_PROTO;
	if (e == ERR_LIMIT) { /* the server takes more than we list */
		params->count = 0;
		x.sets = 0;
		e = ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	*out = x;
	return ERR_OK;
}

enum err myp_bulk_open(struct slice payload, const struct myp_execute_context *ctx,
		       struct myp_bulk_reader *out)
{
	struct cursor c = cur_of(payload);
	struct myp_bulk_execute x = {.sets = 0};
	struct myp_bulk_reader r = {.types_at = 0};

	read_head(&c, &x);
	if (!ctx->param_count_known || ctx->param_count == 0)
		return ERR_PROTO;
	if (x.flags & MYP_BULK_SEND_TYPES) {
		r.types_at = payload.len - cur_left(&c);
		cur_skip(&c, (size_t)ctx->param_count * 2);
	} else if (!ctx->types) {
		return ERR_PROTO;
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	r.flags = x.flags;
	r.at = payload.len - cur_left(&c);
	*out = r;
	return ERR_OK;
}

enum err myp_bulk_next(struct myp_bulk_reader *r, struct slice payload,
		       const struct myp_execute_context *ctx, struct myp_params *params)
{
	struct cursor c = cur_of(slice_skip(payload, r->at));
	struct slice types = {.ptr = NULL};
	enum err e;

	if (cur_left(&c) == 0)
		return ERR_EOF;
	if (r->types_at != 0)
		types = slice_head(slice_skip(payload, r->types_at), (size_t)ctx->param_count * 2);
	e = myp_params_resize(params, 0);
	if (e == ERR_OK)
		e = read_set(&c, types, ctx, params);
	if (e == ERR_OK)
		r->at = payload.len - cur_left(&c);
	return e;
}
