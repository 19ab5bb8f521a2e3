/* take_command - commands with their values, pieces of files, gaps and coverage out of records. */
#include "mysql/bulk.h"
#include "recording/format.h"
#include "recording/take.h"
#include "recording/varint.h"

enum {
	VALUE_KINDS = MYP_VALUE_UNKNOWN + 1,
	VALUE_BYTES_MIN = 2, /* bytes that a value takes at least */
};

static struct slice take_reference(struct cursor *c, struct slice payload)
{
	uint64_t v = cur_varint(c), len = v >> 1, at;

	if (len == 0)
		return (struct slice){.ptr = NULL, .len = 0};
	if (v & 1) {
		if (len <= cur_left(c))
			return cur_bytes(c, (size_t)len);
		cur_fail(c);
		return (struct slice){.ptr = NULL, .len = 0};
	}
	at = cur_varint(c);
	if (len > payload.len || at > payload.len - len) {
		cur_fail(c);
		return (struct slice){.ptr = NULL, .len = 0};
	}
	return slice_of(payload.ptr + at, (size_t)len);
}

static struct myp_time take_time(struct cursor *c)
{
	struct myp_time t = {.year = (uint16_t)cur_varint_max(c, UINT16_MAX)};

	t.month = (uint8_t)cur_varint_max(c, UINT8_MAX);
	t.day = (uint8_t)cur_varint_max(c, UINT8_MAX);
	t.hour = (uint8_t)cur_varint_max(c, UINT8_MAX);
	t.minute = (uint8_t)cur_varint_max(c, UINT8_MAX);
	t.second = (uint8_t)cur_varint_max(c, UINT8_MAX);
	t.micro = (uint32_t)cur_varint_max(c, UINT32_MAX);
	t.days = (uint32_t)cur_varint_max(c, UINT32_MAX);
	t.negative = cur_bool(c);
	return t;
}

static void take_value(struct cursor *c, struct slice payload, struct myp_value *v)
{
	uint32_t u32;
	uint64_t u64;

	switch (v->kind) {
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		break;
	case MYP_VALUE_INT:
		v->i = cur_signed(c);
		break;
	case MYP_VALUE_UINT:
		v->u = cur_varint(c);
		break;
	case MYP_VALUE_FLOAT:
		u32 = cur_u32(c);
		memcpy(&v->f, &u32, sizeof(v->f));
		break;
	case MYP_VALUE_DOUBLE:
		u64 = cur_u64(c);
		memcpy(&v->d, &u64, sizeof(v->d));
		break;
	case MYP_VALUE_TEXT:
	case MYP_VALUE_BYTES:
		v->bytes = take_reference(c, payload);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		v->time = take_time(c);
		break;
	}
}

/* What SEND_LONG_DATA collected; unknown if that is not all of it. */
static void take_long_value(struct cursor *c, const struct statement *st, size_t i,
			    struct myp_value *v)
{
	uint64_t len = cur_varint(c);

	if (st && i <= UINT16_MAX && statement_has_long_data(st, (uint16_t)i) &&
	    st->long_data[i].len == len)
		v->bytes = buf_slice(&st->long_data[i]);
	else
		v->kind = MYP_VALUE_UNKNOWN;
}

static void take_param(struct cursor *c, const struct command *cmd, size_t i, struct myp_param *p)
{
	unsigned flags, more = 0;

	p->type = cur_u8(c);
	flags = cur_u8(c);
	if ((flags & VALUE_KIND) >= VALUE_KINDS) {
		cur_fail(c);
		return;
	}
	p->is_unsigned = flags & VALUE_UNSIGNED;
	p->is_long_data = flags & VALUE_LONG_DATA;
	if (flags & VALUE_NAME)
		p->name = take_reference(c, cmd->payload);
	if (flags & VALUE_MORE)
		more = cur_u8(c);
	p->value.kind = (enum myp_value_kind)(flags & VALUE_KIND);
	p->value.type = more & VALUE_OWN_TYPE ? cur_u8(c) : p->type;
	if (more & VALUE_INDICATOR)
		p->indicator = (uint8_t)cur_below(c, MYP_INDICATORS);
	if (more & VALUE_IS_LONG_DATA)
		take_long_value(c, cmd->statement, i, &p->value);
	else
		take_value(c, cmd->payload, &p->value);
}

static enum err take_params(struct cursor *c, const struct command *cmd, struct myp_params *out)
{
	uint64_t count = cur_varint(c);
	enum err e;

	if (!cur_ok(c) || count > MYP_PARAMS_MAX || count > cur_left(c) / VALUE_BYTES_MIN)
		return ERR_PROTO;
	e = myp_params_resize(out, (size_t)count);
	if (e != ERR_OK)
		return e;
	for (size_t i = 0; cur_ok(c) && i < out->count; i++)
		take_param(c, cmd, i, &out->items[i]);
	return cur_ok(c) ? ERR_OK : ERR_PROTO;
}

/* What stands before the payload. */
static unsigned take_head(struct cursor *c, const struct take_context *ctx, struct command *out)
{
	const struct event *e = ctx->event;
	unsigned flags;

	out->n = cur_difference(c, ctx->last_n + 1);
	out->code = cur_u8(c);
	flags = (unsigned)cur_varint_max(c, UINT32_MAX);
	out->last_ns = e->time_ns;
	if (flags & COMMAND_LAST_NS)
		out->last_ns = (int64_t)((uint64_t)e->time_ns - cur_difference(c, 0));
	out->first_ns = out->last_ns;
	if (flags & COMMAND_FIRST_NS)
		out->first_ns = (int64_t)((uint64_t)out->last_ns - cur_difference(c, 0));
	out->cut = flags & COMMAND_CUT;
	out->text_known = flags & COMMAND_TEXT_KNOWN;
	out->database_known = flags & COMMAND_DATABASE_KNOWN;
	out->params_known = flags & COMMAND_PARAMS_KNOWN;
	out->has_statement = flags & COMMAND_STATEMENT_ID;
	if (out->has_statement)
		out->statement_id = (uint32_t)cur_varint_max(c, UINT32_MAX);
	if (flags & COMMAND_STATEMENT)
		out->statement = session_statement_get(e->session, out->statement_id);
	out->database = fact_slice(&e->session->database);
	if (flags & COMMAND_DATABASE)
		out->database = cur_var_bytes(c);
	out->collation = e->session->collation;
	if (flags & COMMAND_COLLATION)
		out->collation = (uint16_t)cur_varint_max(c, UINT16_MAX);
	return flags;
}

enum err take_command(struct cursor *c, const struct take_context *ctx, struct command *out)
{
	struct command cmd = {.params = ctx->params, .attributes = ctx->attributes};
	unsigned flags = take_head(c, ctx, &cmd);
	enum err e = ERR_OK;

	ctx->params->count = ctx->attributes->count = 0;
	cmd.payload = cur_var_bytes(c);
	if (!(flags & COMMAND_STATEMENT_TEXT))
		cmd.text = take_reference(c, cmd.payload);
	else if (cmd.statement)
		cmd.text = statement_text(cmd.statement);
	else
		cmd.text_known = false; /* read from a block that has no room for the statement */
	if (!cur_ok(c))
		return ERR_PROTO;
	if (flags & COMMAND_SETS)
		cmd.sets = (uint32_t)cur_varint_max(c, MYP_PARAMS_MAX);
	if (flags & COMMAND_PARAMS)
		e = take_params(c, &cmd, ctx->params);
	if (e == ERR_OK && flags & COMMAND_ATTRIBUTES)
		e = take_params(c, &cmd, ctx->attributes);
	if (e == ERR_OK && cmd.sets && ctx->params->count % cmd.sets != 0)
		e = ERR_PROTO;
	if (e != ERR_OK)
		return e;
	*out = cmd;
	return ERR_OK;
}

void take_data(struct cursor *c, const struct take_context *ctx)
{
	ctx->event->data.n = cur_difference(c, ctx->last_n);
	ctx->event->data.bytes = cur_rest(c);
}

void take_gap(struct cursor *c, const struct take_context *ctx)
{
	struct event *e = ctx->event;

	e->gap.side = cur_below(c, GAP_RESPONSES + 1);
	e->gap.bytes = cur_varint(c);
	e->gap.after = cur_varint(c);
}

static void set_field(struct coverage *c, struct slice name, uint64_t value)
{
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		if (slice_eq(name, slice_cstr(f->name)))
			memcpy((char *)c + f->offset, &value, sizeof(value));
}

void take_coverage(struct cursor *c, struct coverage *out)
{
	uint64_t count = cur_varint(c);
	struct coverage sum = {.frames = 0};

	for (uint64_t i = 0; cur_ok(c) && i < count; i++) {
		struct slice name = cur_var_bytes(c);

		set_field(&sum, name, cur_varint(c));
	}
	if (cur_ok(c))
		*out = sum;
}
