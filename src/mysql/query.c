/*
 * query - commands with parameters. Both carry the same block:
 *
 *   null bitmap       (count + 7) / 8
 *   new_params_bind   1              0: types are those of the last execution
 *   types             count times    2 bytes, bit 15: unsigned; under QUERY_ATTRIBUTES a name follows
 *   values            those that are neither NULL nor sent before as long data
 *
 * MySQL source documentation, "COM_QUERY" and "COM_STMT_EXECUTE"; where it is silent, what the
 * server's parse_packet() does.
 */
#include "mysql/query.h"

#include "base/mem.h"
#include "mysql/command.h"

enum {
	FLAG_PARAMETER_COUNT = 0x08,
	EXECUTE_HEADER = 10, /* bytes: command, statement, flags, iterations */
	PARAMS_FIRST =
		4, /* room for so many at first: each session that waits for a response has its own */
	PARAM_SETS = 1,    /* the only number that a server takes */
	DEDUCE_MAX = 1024, /* parameters that are tried when their number is not known: the work
			    * grows with its square */
};

void myp_params_release(struct myp_params *p)
{
	mem_free(p->items);
	*p = (struct myp_params){0};
}

enum err myp_params_resize(struct myp_params *p, size_t count)
{
	p->count = 0;
	return myp_params_grow(p, count);
}

enum err myp_params_grow(struct myp_params *p, size_t more)
{
	struct myp_param *items;
	size_t cap = p->cap ? p->cap : PARAMS_FIRST, count = p->count + more;

	if (more > MYP_PARAMS_MAX || count > MYP_PARAMS_MAX)
		return ERR_LIMIT;
	if (count > p->cap) {
		while (cap < count)
			cap *= 2;
		items = mem_resize(p->items, cap * sizeof(*items));
		if (!items)
			return ERR_NOMEM;
		p->items = items;
		p->cap = cap;
	}
	if (more > 0)
		memset(p->items + p->count, 0, more * sizeof(*p->items));
	p->count = count;
	return ERR_OK;
}

static bool bit_is_set(struct slice bits, size_t i)
{
	return bits.ptr[i / 8] >> (i % 8) & 1;
}

/* What is known of a block before it is read. */
struct block_context {
	bool named;
	size_t known;             /* how many of the first parameters the two below tell of */
	const uint16_t *types;    /* carried over, or NULL */
	const uint8_t *long_data; /* or NULL */
};

static void read_type(struct cursor *c, struct myp_param *p, bool named)
{
	uint16_t type = cur_u16(c);

	p->type = (uint8_t)type;
	p->is_unsigned = type & MYP_PARAM_UNSIGNED;
	if ((type & ~MYP_PARAM_UNSIGNED) > UINT8_MAX)
		cur_fail(c);
	if (named)
		p->name = myp_cur_lenenc_bytes(c);
}

static void carry_type(struct cursor *c, struct myp_param *p, const struct block_context *ctx,
		       size_t i)
{
	if (i >= ctx->known || !ctx->types) {
		cur_fail(c);
		return;
	}
	p->type = (uint8_t)ctx->types[i];
	p->is_unsigned = ctx->types[i] & MYP_PARAM_UNSIGNED;
}

/*
 * Reads the block of P->count parameters. *TYPES_SENT tells new_params_bind; where it is false and
 * CTX knows no types, nothing behind it is read.
 */
static void read_block(struct cursor *c, const struct block_context *ctx, struct myp_params *p,
		       bool *types_sent)
{
	struct slice nulls = cur_bytes(c, (p->count + 7) / 8);

	*types_sent = cur_u8(c) != 0;
	if (!cur_ok(c) || (!*types_sent && !ctx->types))
		return;
	for (size_t i = 0; i < p->count && cur_ok(c); i++) {
		if (*types_sent)
			read_type(c, &p->items[i], ctx->named);
		else
			carry_type(c, &p->items[i], ctx, i);
	}
	for (size_t i = 0; i < p->count && cur_ok(c); i++) {
		struct myp_param *item = &p->items[i];

		item->is_long_data = i < ctx->known && ctx->long_data && ctx->long_data[i];
		if (item->is_long_data || bit_is_set(nulls, i))
			item->value =
				(struct myp_value){.kind = MYP_VALUE_NULL, .type = item->type};
		else
			item->value = myp_value_read(c, item->type, item->is_unsigned);
	}
}

/* A count of parameters from the wire; fails over MYP_PARAMS_MAX, as in the server. */
static size_t read_count(struct cursor *c)
{
	uint64_t count = myp_cur_lenenc(c);

	if (count > MYP_PARAMS_MAX)
		cur_fail(c);
	return cur_ok(c) ? (size_t)count : 0;
}

/* Makes room for COUNT parameters, unless C is too short even for their null bitmap. */
static enum err make_room(const struct cursor *c, struct myp_params *p, size_t count)
{
	if (count > 0 && (count + 7) / 8 >= cur_left(c))
		return ERR_PROTO;
	return myp_params_resize(p, count);
}

enum err myp_query_decode(struct slice payload, uint64_t caps, struct myp_params *attributes,
			  struct myp_query *out)
{
	const struct block_context ctx = {.named = true};
	struct cursor c = cur_of(payload);
	bool types_sent = true;
	size_t count = 0;
	enum err e;

	if (cur_u8(&c) != MYP_COM_QUERY)
		return ERR_PROTO;
	if (caps & MYP_CAP_QUERY_ATTRIBUTES) {
		count = read_count(&c);
		if (myp_cur_lenenc(&c) != PARAM_SETS)
			return ERR_PROTO;
	}
	e = make_room(&c, attributes, count);
	if (e != ERR_OK)
		return e;
	if (count > 0)
		read_block(&c, &ctx, attributes, &types_sent);
	if (!cur_ok(&c) || !types_sent)
		return ERR_PROTO;
	*out = (struct myp_query){.text = cur_rest(&c)};
	return ERR_OK;
}

/* All parameters of an execution, attributes behind the statement's own, as one list. */
struct both {
	const struct myp_params *own;
	const struct myp_params *attributes; /* or NULL */
};

static size_t both_count(const struct both *b)
{
	return b->own->count + (b->attributes ? b->attributes->count : 0);
}

static const struct myp_param *both_at(const struct both *b, size_t i)
{
	return i < b->own->count ? &b->own->items[i] : &b->attributes->items[i - b->own->count];
}

static bool is_null(const struct myp_param *p)
{
	return !p->is_long_data && p->value.kind == MYP_VALUE_NULL;
}

static void put_block(struct buf *out, const struct both *all, bool named)
{
	size_t count = both_count(all);

	for (size_t i = 0; i < count; i += 8) {
		uint8_t bits = 0;

		for (size_t k = i; k < count && k < i + 8; k++)
			bits |= (uint8_t)(is_null(both_at(all, k)) << (k - i));
		buf_put_u8(out, bits);
	}
	buf_put_u8(out, 1);
	for (size_t i = 0; i < count; i++) {
		const struct myp_param *p = both_at(all, i);

		buf_put_uint_le(out, myp_param_wire_type(p), 2);
		if (named)
			myp_put_lenenc_bytes(out, p->name);
	}
	for (size_t i = 0; i < count; i++)
		if (!both_at(all, i)->is_long_data)
			myp_value_put(out, &both_at(all, i)->value);
}

void myp_query_put(struct buf *out, uint64_t caps, struct slice text,
		   const struct myp_params *attributes)
{
	const struct myp_params none = {0};
	const struct both all = {.own = attributes ? attributes : &none};

	buf_put_u8(out, MYP_COM_QUERY);
	if (caps & MYP_CAP_QUERY_ATTRIBUTES) {
		myp_put_lenenc(out, both_count(&all));
		myp_put_lenenc(out, PARAM_SETS);
		if (both_count(&all) > 0)
			put_block(out, &all, true);
	}
	buf_put_slice(out, text);
}

/* The types at C are of COUNT parameters, as far as types alone can tell. */
static bool types_look_right(struct cursor c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint16_t type = cur_u16(&c);

		if (!cur_ok(&c) || (type & ~MYP_PARAM_UNSIGNED) > UINT8_MAX ||
		    !myp_type_name((uint8_t)type))
			return false;
	}
	return true;
}

/* C, which begins with a null bitmap, holds exactly COUNT parameters with their types. */
static bool fits(struct cursor c, size_t count)
{
	struct slice nulls = cur_bytes(&c, (count + 7) / 8);
	struct cursor types;

	if (cur_u8(&c) != 1 || !types_look_right(c, count))
		return false;
	if (nulls.len == 0 || (count % 8 && nulls.ptr[nulls.len - 1] >> (count % 8)))
		return false;
	types = cur_of(cur_bytes(&c, count * 2));
	for (size_t i = 0; i < count && cur_ok(&c); i++) {
		uint16_t type = cur_u16(&types);

		if (!bit_is_set(nulls, i))
			(void)myp_value_read(&c, (uint8_t)type, type & MYP_PARAM_UNSIGNED);
	}
	return cur_done(&c);
}

/* The one count of parameters that explains all bytes of C; 0: none or several do. */
static size_t deduce_count(struct cursor c)
{
	size_t found = 0;

	for (size_t n = 1; n <= DEDUCE_MAX && n * 2 <= cur_left(&c); n++) {
		if (!fits(c, n))
			continue;
		if (found)
			return 0;
		found = n;
	}
	return found;
}

/* How many parameters there are in all, and how many of them are the statement's own. */
struct counts {
	size_t all;
	size_t own;
	bool own_known;
	bool unknown; /* not even how many */
};

static enum err count_params(struct cursor *c, const struct myp_execute_context *ctx, uint8_t flags,
			     struct counts *out)
{
	bool attributes = ctx->caps & MYP_CAP_QUERY_ATTRIBUTES;
	struct counts n = {.own = ctx->param_count, .own_known = ctx->param_count_known};

	if (!n.own_known)
		n.own = 0;
	n.all = n.own;
	if (attributes &&
	    (flags & FLAG_PARAMETER_COUNT || (n.own_known ? n.own > 0 : cur_left(c) > 0))) {
		n.all = read_count(c);
	} else if (!n.own_known && cur_left(c) > 0) {
		n.own = n.all = deduce_count(*c);
		n.own_known = n.all > 0;
		n.unknown = n.all == 0;
	}
	if (!cur_ok(c) || n.all < n.own)
		return ERR_PROTO;
	*out = n;
	return ERR_OK;
}

/* With an unknown number of own parameters: attributes are the last ones, and they have names. */
static size_t own_by_names(const struct myp_params *all)
{
	size_t own = all->count;

	while (own > 0 && all->items[own - 1].name.len > 0)
		own--;
	return own;
}

static enum err split(struct myp_params *params, size_t own, struct myp_params *attributes)
{
	size_t count = params->count - own;
	enum err e = myp_params_resize(attributes, count);

	if (e != ERR_OK)
		return e;
	if (count > 0)
		memcpy(attributes->items, params->items + own, count * sizeof(*params->items));
	params->count = own;
	return ERR_OK;
}

/* Reads the parameters at C into *PARAMS and *ATTRIBUTES and completes *X. */
static enum err read_params(struct cursor *c, const struct myp_execute_context *ctx,
			    const struct counts *n, struct myp_params *params,
			    struct myp_params *attributes, struct myp_execute *x)
{
	const struct block_context block = {
		.named = ctx->caps & MYP_CAP_QUERY_ATTRIBUTES,
		.known = ctx->param_count_known ? ctx->param_count : 0,
		.types = ctx->param_count_known ? ctx->types : NULL,
		.long_data = ctx->long_data,
	};
	size_t own = n->own;
	enum err e = make_room(c, params, n->all);

	if (e == ERR_OK && n->all > 0)
		read_block(c, &block, params, &x->types_sent);
	if (e == ERR_OK && !cur_ok(c))
		e = ERR_PROTO;
	if (e != ERR_OK)
		return e;
	x->left = cur_left(c);
	x->values_known = n->all == 0 || x->types_sent || block.types;
	if (!x->values_known)
		own = params->count = 0;
	else if (!n->own_known)
		own = own_by_names(params);
	x->param_count = (uint16_t)(x->values_known ? own : n->own);
	return split(params, own, attributes);
}

static enum err no_params(struct myp_params *params, struct myp_params *attributes)
{
	enum err e = myp_params_resize(params, 0);

	return e == ERR_OK ? myp_params_resize(attributes, 0) : e;
}

enum err myp_execute_decode(struct slice payload, const struct myp_execute_context *ctx,
			    struct myp_params *params, struct myp_params *attributes,
			    struct myp_execute *out)
{
	struct cursor c = cur_of(payload);
	struct myp_execute x = {0};
	struct counts n;
	enum err e;

	if (cur_u8(&c) != MYP_COM_STMT_EXECUTE)
		return ERR_PROTO;
	x.statement_id = cur_u32(&c);
	x.flags = cur_u8(&c);
	x.iterations = cur_u32(&c);
	if (!cur_ok(&c))
		return ERR_PROTO;
	e = count_params(&c, ctx, x.flags, &n);
	if (e == ERR_OK)
		e = n.unknown ? no_params(params, attributes)
			      : read_params(&c, ctx, &n, params, attributes, &x);
	if (e != ERR_OK)
		return e;
	*out = x;
	return ERR_OK;
}

bool myp_execute_carries_types(struct slice payload, uint16_t count)
{
	struct cursor c = cur_of(payload);

	cur_skip(&c, EXECUTE_HEADER);
	cur_skip(&c, (count + 7u) / 8);
	return cur_u8(&c) == 0 && cur_ok(&c);
}

void myp_execute_put(struct buf *out, uint64_t caps, const struct myp_execute *e,
		     const struct myp_params *params, const struct myp_params *attributes)
{
	bool named = caps & MYP_CAP_QUERY_ATTRIBUTES;
	const struct both all = {.own = params, .attributes = named ? attributes : NULL};
	uint8_t flags = e->flags & (uint8_t)~FLAG_PARAMETER_COUNT;

	buf_put_u8(out, MYP_COM_STMT_EXECUTE);
	buf_put_uint_le(out, e->statement_id, 4);
	buf_put_u8(out, named ? flags | FLAG_PARAMETER_COUNT : flags);
	buf_put_uint_le(out, e->iterations, 4);
	if (named)
		myp_put_lenenc(out, both_count(&all));
	if (both_count(&all) > 0)
		put_block(out, &all, named);
}
