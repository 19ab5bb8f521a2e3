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

static enum err read_sets(struct cursor *c, struct slice types,
			  const struct myp_execute_context *ctx, struct myp_params *params,
			  struct myp_bulk_execute *x)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && cur_left(c) > 0) {
		size_t at = params->count;

		e = myp_params_grow(params, ctx->param_count);
		for (size_t i = 0; e == ERR_OK && i < ctx->param_count && cur_ok(c); i++)
			read_param(c, type_of(types, ctx, i), &params->items[at + i]);
		if (e == ERR_OK && !cur_ok(c))
			e = ERR_PROTO;
		x->sets++;
	}
	x->values_known = e == ERR_OK;
	return e;
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
	if (cur_u8(&c) != MYP_COM_STMT_BULK_EXECUTE)
		return ERR_PROTO;
	x.statement_id = cur_u32(&c);
	x.flags = cur_u16(&c);
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
