/*
 * reply - what a server answers with. Layouts are those of the MySQL source documentation, "Generic
 * Response Packets", "Column Definition" and "COM_STMT_PREPARE_OK", except where noted.
 */
#include "mysql/reply.h"

enum {
	SQLSTATE_LEN = 5,
	ERR_PROGRESS = 0xffff,
	PREPARED_WARNINGS_FROM = 12, /* bytes of a COM_STMT_PREPARE_OK with a warning count */
	CR_UNKNOWN_ERROR = 2000,     /* what a client library makes of an error without a code */
	COLUMN_STRINGS = 6,          /* catalog to original name, in a definition */
	COLUMN_FIXED = 10,           /* bytes behind them that are read */
};

/*
 * The info of an OK packet. The manual has string<EOF> without CLIENT_SESSION_TRACK, but servers
 * write a length in front in either case; proxies do as the manual says. With ALONE nothing may follow
 * it.
 */
static struct slice read_info(struct cursor *c, bool alone)
{
	struct cursor measured = *c;
	struct slice info = myp_cur_lenenc_bytes(&measured);

	if (!cur_ok(&measured) || (alone && !cur_done(&measured)))
		return cur_rest(c);
	*c = measured;
	return info;
}

/* What was agreed is not known of a joined session; the flag is set only if it was, and then this fits. */
static bool state_follows(struct cursor c)
{
	(void)myp_cur_lenenc_bytes(&c);
	(void)myp_cur_lenenc_bytes(&c);
	return cur_done(&c);
}

enum err myp_ok_decode(struct slice payload, uint64_t caps, struct myp_ok *out)
{
	struct cursor c = cur_of(payload);
	struct myp_ok ok = {.affected_rows = 0};
	uint8_t first = cur_u8(&c);
	bool changed;

	if (first != MYP_OK && first != MYP_EOF)
		return ERR_PROTO;
	ok.affected_rows = myp_cur_lenenc(&c);
	ok.insert_id = myp_cur_lenenc(&c);
	if (caps & MYP_CAP_PROTOCOL_41) {
		ok.status = cur_u16(&c);
		ok.warnings = cur_u16(&c);
	} else if (caps & MYP_CAP_TRANSACTIONS) {
		ok.status = cur_u16(&c);
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	changed = (ok.status & MYP_STATUS_SESSION_STATE_CHANGED) &&
		  (caps & MYP_CAP_SESSION_TRACK || state_follows(c));
	if (cur_left(&c) > 0)
		ok.info = read_info(&c, !changed);
	if (changed && cur_left(&c) > 0)
		ok.state = myp_cur_lenenc_bytes(&c);
	*out = ok;
	return ERR_OK;
}

static bool is_sqlstate(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z'))
			return false;
	return s.len == SQLSTATE_LEN;
}

/*
 * The marker and state may be there before the handshake, when no capabilities are agreed on yet:
 * so it is their looks that count then.
 */
static void read_sqlstate(struct cursor *c, uint64_t caps, struct myp_err *e)
{
	struct cursor after = *c;
	bool marked = cur_u8(&after) == '#';
	struct slice state = cur_bytes(&after, SQLSTATE_LEN);

	memcpy(e->sqlstate, "HY000", sizeof(e->sqlstate));
	if (!marked || !cur_ok(&after))
		return;
	if (is_sqlstate(state))
		memcpy(e->sqlstate, state.ptr, SQLSTATE_LEN);
	else if (!(caps & MYP_CAP_PROTOCOL_41))
		return;
	*c = after;
}

/*
 * Servers that speak version 9 of the protocol (3.20) send a message and no code. No code is two letters:
 * the lowest such number is higher than the errors of any server before 4.1.
 */
static bool is_code(struct cursor c)
{
	uint8_t low = cur_u8(&c), high = cur_u8(&c);

	return !cur_ok(&c) || low < ' ' || low > '~' || high < ' ' || high > '~';
}

enum err myp_err_decode(struct slice payload, uint64_t caps, struct myp_err *out)
{
	struct cursor c = cur_of(payload);
	struct myp_err e = {.code = 0};

	if (cur_u8(&c) != MYP_ERR)
		return ERR_PROTO;
	e.code = caps & MYP_CAP_PROTOCOL_41 || is_code(c) ? cur_u16(&c) : CR_UNKNOWN_ERROR;
	if (!cur_ok(&c))
		return ERR_PROTO;
	read_sqlstate(&c, caps, &e);
	e.message = cur_rest(&c);
	*out = e;
	return ERR_OK;
}

bool myp_is_progress(struct slice payload, uint64_t caps)
{
	struct cursor c = cur_of(payload);

	return (caps & (MYP_CAP_MARIADB_PROGRESS | MYP_CAP_CAPABILITY_EXTENSION)) &&
	       cur_u8(&c) == MYP_ERR && cur_u16(&c) == ERR_PROGRESS;
}

enum err myp_eof_decode(struct slice payload, uint64_t caps, struct myp_eof *out)
{
	struct cursor c = cur_of(payload);
	uint16_t warnings = 0, status = 0;

	if (cur_u8(&c) != MYP_EOF)
		return ERR_PROTO;
	if ((caps & MYP_CAP_PROTOCOL_41) && cur_left(&c) > 0) {
		warnings = cur_u16(&c);
		status = cur_u16(&c);
	}
	if (!cur_done(&c))
		return ERR_PROTO;
	*out = (struct myp_eof){.warnings = warnings, .status = status};
	return ERR_OK;
}

/* The value of one change that is not a system variable; as it is where its form is not known. */
static struct slice state_value(uint8_t type, struct slice data)
{
	struct cursor c = cur_of(data);
	struct slice value;

	if (type == MYP_STATE_GTIDS)
		cur_skip(&c, 1); /* number of the encoding; there is only one */
	value = myp_cur_lenenc_bytes(&c);
	return cur_done(&c) ? value : data;
}

bool myp_state_next(struct myp_states *s, struct myp_state *out)
{
	struct myp_state state = {.type = MYP_STATE_SYSTEM_VARIABLE};

	if (cur_left(&s->variables) == 0) {
		struct slice data;

		if (cur_left(&s->entries) == 0)
			return false;
		state.type = cur_u8(&s->entries);
		data = myp_cur_lenenc_bytes(&s->entries);
		if (!cur_ok(&s->entries))
			return false;
		if (state.type != MYP_STATE_SYSTEM_VARIABLE) {
			state.value = state_value(state.type, data);
			*out = state;
			return true;
		}
		s->variables = cur_of(data);
	}
	state.name = myp_cur_lenenc_bytes(&s->variables);
	state.value = myp_cur_lenenc_bytes(&s->variables);
	if (!cur_ok(&s->variables)) {
		cur_fail(&s->entries);
		return false;
	}
	*out = state;
	return true;
}

/*
 * Before 4.1, every number has a length in front: table, name, 3 bytes of length, type, flags and
 * decimals; flags are two bytes under CLIENT_LONG_FLAG, else one: their length tells.
 */
static void read_column_320(struct cursor *c, struct myp_column *out)
{
	uint8_t rest;

	*out = (struct myp_column){.table = myp_cur_lenenc_bytes(c)};
	out->name = myp_cur_lenenc_bytes(c);
	if (cur_u8(c) != 3)
		cur_fail(c);
	out->length = cur_u24(c);
	if (cur_u8(c) != 1)
		cur_fail(c);
	out->type = cur_u8(c);
	rest = cur_u8(c);
	if (rest != 2 && rest != 3)
		cur_fail(c);
	out->flags = rest == 3 ? cur_u16(c) : cur_u8(c);
	out->decimals = cur_u8(c);
}

static void read_column_41(struct cursor *c, uint64_t caps, struct myp_column *out)
{
	struct cursor fixed;

	(void)myp_cur_lenenc_bytes(c); /* catalog, always "def" */
	out->schema = myp_cur_lenenc_bytes(c);
	out->table = myp_cur_lenenc_bytes(c);
	out->org_table = myp_cur_lenenc_bytes(c);
	out->name = myp_cur_lenenc_bytes(c);
	out->org_name = myp_cur_lenenc_bytes(c);
	out->extended = slice_of(NULL, 0);
	if (caps & MYP_CAP_MARIADB_EXTENDED_METADATA)
		out->extended = myp_cur_lenenc_bytes(c);
	fixed = cur_of(myp_cur_lenenc_bytes(c));
	out->charset = cur_u16(&fixed);
	out->length = cur_u32(&fixed);
	out->type = cur_u8(&fixed);
	out->flags = cur_u16(&fixed);
	out->decimals = cur_u8(&fixed);
}

/* The default value of COM_FIELD_LIST; NULL, and what is not there, is empty. */
static struct slice read_default(struct cursor *c)
{
	if (cur_left(c) > 0 && cur_peek(c) != MYP_LENENC_NULL)
		return myp_cur_lenenc_bytes(c);
	return (struct slice){.ptr = NULL, .len = 0};
}

bool myp_is_column(struct slice payload, uint64_t caps)
{
	struct cursor c = cur_of(payload);
	int strings = COLUMN_STRINGS + (caps & MYP_CAP_MARIADB_EXTENDED_METADATA ? 1 : 0);

	if (caps & MYP_CAP_PROTOCOL_41) {
		while (strings--)
			(void)myp_cur_lenenc_bytes(&c);
		if (myp_cur_lenenc_bytes(&c).len < COLUMN_FIXED)
			return false;
	} else {
		struct myp_column unused;

		read_column_320(&c, &unused);
	}
	(void)read_default(&c);
	return cur_ok(&c);
}

/* What is known to be one is read to where it is wanted: to copy so much that was just written costs more than to look twice. */
enum err myp_column_decode(struct slice payload, uint64_t caps, struct myp_column *out)
{
	struct cursor c = cur_of(payload);

	if (!myp_is_column(payload, caps))
		return ERR_PROTO;
	if (caps & MYP_CAP_PROTOCOL_41)
		read_column_41(&c, caps, out);
	else
		read_column_320(&c, out);
	out->def = read_default(&c);
	return ERR_OK;
}

enum err myp_prepared_decode(struct slice payload, uint64_t caps, struct myp_prepared *out)
{
	struct cursor c = cur_of(payload);
	struct myp_prepared p = {.metadata_follows = true};

	if (cur_u8(&c) != MYP_OK)
		return ERR_PROTO;
	p.statement_id = cur_u32(&c);
	p.columns = cur_u16(&c);
	p.params = cur_u16(&c);
	if (payload.len >= PREPARED_WARNINGS_FROM) {
		cur_skip(&c, 1);
		p.warnings = cur_u16(&c);
		if ((caps & MYP_CAP_OPTIONAL_RESULTSET_METADATA) && cur_left(&c) > 0)
			p.metadata_follows = cur_u8(&c) != 0;
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	*out = p;
	return ERR_OK;
}
