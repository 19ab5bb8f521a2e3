/* put_command - commands with their values, pieces of files, gaps and coverage into records. */
#include "recording/put.h"

#include "recording/format.h"

enum { COMMAND_HEAD_MAX = 5 * VARINT_MAX + 1 }; /* bytes up to the statement's id */

/* True if S lies in WHOLE; then *AT is where. */
static bool lies_in(struct slice s, struct slice whole, uint64_t *at)
{
	uintptr_t start = (uintptr_t)whole.ptr, from = (uintptr_t)s.ptr;

	if (from < start || s.len > whole.len || from - start > whole.len - s.len)
		return false;
	*at = from - start;
	return true;
}

static void put_reference(struct record *r, struct slice s, struct slice payload)
{
	uint64_t len = s.len, at = 0;

	if (len == 0) {
		record_varint(r, 0);
		return;
	}
	if (lies_in(s, payload, &at)) {
		record_varint(r, len << 1);
		record_varint(r, at);
		return;
	}
	record_varint(r, len << 1 | 1);
	record_raw(r, s);
}

static void put_time(struct record *r, const struct myp_time *t)
{
	record_varint(r, t->year);
	record_varint(r, t->month);
	record_varint(r, t->day);
	record_varint(r, t->hour);
	record_varint(r, t->minute);
	record_varint(r, t->second);
	record_varint(r, t->micro);
	record_varint(r, t->days);
	record_bool(r, t->negative);
}

static void put_value(struct record *r, const struct myp_value *v, struct slice payload)
{
	uint32_t u32;
	uint64_t u64;

	switch (v->kind) {
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		break;
	case MYP_VALUE_INT:
		record_signed(r, v->i);
		break;
	case MYP_VALUE_UINT:
		record_varint(r, v->u);
		break;
	case MYP_VALUE_FLOAT:
		memcpy(&u32, &v->f, sizeof(u32));
		record_u32(r, u32);
		break;
	case MYP_VALUE_DOUBLE:
		memcpy(&u64, &v->d, sizeof(u64));
		record_u64(r, u64);
		break;
	case MYP_VALUE_TEXT:
	case MYP_VALUE_BYTES:
		put_reference(r, v->bytes, payload);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		put_time(r, &v->time);
		break;
	}
}

/* True if the value of parameter I is what SEND_LONG_DATA collected for it. */
static bool is_long_data(const struct command *c, const struct myp_params *list, size_t i)
{
	const struct myp_param *p = &list->items[i];
	const struct statement *st = c->statement;

	if (!p->is_long_data || list != c->params || !st || i > UINT16_MAX)
		return false;
	if (p->value.kind != MYP_VALUE_TEXT && p->value.kind != MYP_VALUE_BYTES)
		return false;
	return statement_has_long_data(st, (uint16_t)i) &&
	       p->value.bytes.ptr == st->long_data[i].ptr &&
	       p->value.bytes.len == st->long_data[i].len;
}

static void put_params(struct record *r, const struct command *c, const struct myp_params *list)
{
	record_varint(r, list->count);
	for (size_t i = 0; i < list->count; i++) {
		const struct myp_param *p = &list->items[i];
		bool long_data = is_long_data(c, list, i);
		unsigned more = (p->value.type != p->type ? VALUE_OWN_TYPE : 0u) |
				(long_data ? VALUE_IS_LONG_DATA : 0u) |
				(p->indicator ? VALUE_INDICATOR : 0u);

		record_u8(r, p->type);
		record_u8(r, (uint8_t)((unsigned)p->value.kind |
				       (p->is_unsigned ? VALUE_UNSIGNED : 0u) |
				       (p->is_long_data ? VALUE_LONG_DATA : 0u) |
				       (p->name.len ? VALUE_NAME : 0u) | (more ? VALUE_MORE : 0u)));
		if (p->name.len)
			put_reference(r, p->name, c->payload);
		if (more)
			record_u8(r, (uint8_t)more);
		if (more & VALUE_OWN_TYPE)
			record_u8(r, p->value.type);
		if (more & VALUE_INDICATOR)
			record_u8(r, p->indicator);
		if (long_data)
			record_varint(r, p->value.bytes.len);
		else
			put_value(r, &p->value, c->payload);
	}
}

static unsigned flags_of(const struct event *e)
{
	const struct command *c = e->command;
	const struct session *s = e->session;
	struct slice text = c->statement ? statement_text(c->statement) : slice_of(NULL, 0);
	bool is_prepared = c->text.len && c->text.ptr == text.ptr && c->text.len == text.len;

	return (c->last_ns != e->time_ns ? COMMAND_LAST_NS : 0u) |
	       (c->first_ns != c->last_ns ? COMMAND_FIRST_NS : 0u) | (c->cut ? COMMAND_CUT : 0u) |
	       (c->has_statement ? COMMAND_STATEMENT_ID : 0u) |
	       (c->statement ? COMMAND_STATEMENT : 0u) | (c->text_known ? COMMAND_TEXT_KNOWN : 0u) |
	       (c->database_known ? COMMAND_DATABASE_KNOWN : 0u) |
	       (c->params_known ? COMMAND_PARAMS_KNOWN : 0u) |
	       (slice_eq(c->database, fact_slice(&s->database)) ? 0u : COMMAND_DATABASE) |
	       (c->collation != s->collation ? COMMAND_COLLATION : 0u) |
	       (is_prepared ? COMMAND_STATEMENT_TEXT : 0u) |
	       (c->params->count ? COMMAND_PARAMS : 0u) |
	       (c->attributes->count ? COMMAND_ATTRIBUTES : 0u) | (c->sets ? COMMAND_SETS : 0u);
}

void put_command(struct record *r, const struct event *e, uint64_t last_n)
{
	const struct command *c = e->command;
	unsigned flags = flags_of(e);
	uint8_t *to = record_room(r, COMMAND_HEAD_MAX);

	if (!to)
		return;
	to = write_difference(to, c->n, last_n + 1);
	to = write_u8(to, c->code);
	to = write_varint(to, flags);
	if (flags & COMMAND_LAST_NS)
		to = write_difference(to, (uint64_t)e->time_ns, (uint64_t)c->last_ns);
	if (flags & COMMAND_FIRST_NS)
		to = write_difference(to, (uint64_t)c->last_ns, (uint64_t)c->first_ns);
	if (flags & COMMAND_STATEMENT_ID)
		to = write_varint(to, c->statement_id);
	record_wrote(r, to);
	if (flags & COMMAND_DATABASE)
		record_bytes(r, c->database);
	if (flags & COMMAND_COLLATION)
		record_varint(r, c->collation);
	record_bytes(r, c->payload);
	if (!(flags & COMMAND_STATEMENT_TEXT))
		put_reference(r, c->text, c->payload);
	if (flags & COMMAND_SETS)
		record_varint(r, c->sets);
	if (flags & COMMAND_PARAMS)
		put_params(r, c, c->params);
	if (flags & COMMAND_ATTRIBUTES)
		put_params(r, c, c->attributes);
}

void put_data(struct record *r, const struct event *e, uint64_t last_n)
{
	record_difference(r, e->data.n, last_n);
	record_raw(r, e->data.bytes);
}

void put_gap(struct record *r, const struct event *e)
{
	record_u8(r, (uint8_t)e->gap.side);
	record_varint(r, e->gap.bytes);
	record_varint(r, e->gap.after);
}

void put_coverage(struct record *r, const struct coverage *c)
{
	uint64_t count = 0;

	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		count++;
	record_varint(r, count);
	for (const struct coverage_field *f = coverage_fields; f->name; f++) {
		record_bytes(r, slice_cstr(f->name));
		record_varint(r, coverage_get(c, f));
	}
}
