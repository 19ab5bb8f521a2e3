/* command - a client's packet to a COMMAND event. */
#include "track/conversation.h"

#include "base/mem.h"
#include "mysql/bulk.h"

enum { CHANGE_USER_ROOM = 16 }; /* bytes by which a COM_CHANGE_USER may grow when written anew */

/* A piece of the file that the server asked for; an empty packet ends it. */
static void on_file_piece(struct conversation *c, const struct stream_chunk *chunk,
			  const struct myp_packet *p)
{
	struct event e = {
		.type = EVENT_DATA,
		.order = chunk->frame,
		.time_ns = chunk->time_ns,
		.session = c->session,
		.data = {.n = c->infile_n, .bytes = p->payload},
	};

	answer_expect_piece(c, p);
	if (c->packets)
		packets_piece(c);
	c->response.infile_bytes += p->payload_len;
	if (p->payload_len > p->payload.len && !p->holed)
		c->tracker->coverage.limits++;
	if (p->payload_len == 0)
		c->infile_n = 0;
	if (!p->holed)
		tracker_emit(c->tracker, &e);
}

/* True if it was decoded. What cannot be for want of memory is not told as if it were not known. */
static bool is_decoded(struct tracker *t, enum err e)
{
	if (e == ERR_NOMEM)
		tracker_fail(t, e);
	return e == ERR_OK;
}

static void decode_query(struct conversation *c, struct slice payload, struct command *cmd)
{
	struct session *s = c->session;
	struct myp_query q;

	if (!s->caps_known)
		s->caps |= guess_caps(payload);
	if (!is_decoded(c->tracker,
			myp_query_decode(payload, s->caps, &c->tracker->attributes, &q)))
		return;
	cmd->text = q.text;
	cmd->text_known = true;
}

/* Flags of the parameters that came as long data; NULL if none did. */
static const uint8_t *long_data_flags(struct tracker *t, const struct statement *st)
{
	uint8_t *flags;

	buf_reset(&t->long_data_flags);
	if (!st->long_data)
		return NULL;
	flags = buf_reserve(&t->long_data_flags, st->param_count);
	if (!flags)
		tracker_fail(t, ERR_NOMEM);
	for (uint16_t i = 0; flags && i < st->param_count; i++)
		flags[i] = statement_has_long_data(st, i);
	return flags;
}

static bool is_blob(uint8_t type)
{
	return type == MYP_TYPE_TINY_BLOB || type == MYP_TYPE_MEDIUM_BLOB ||
	       type == MYP_TYPE_LONG_BLOB || type == MYP_TYPE_BLOB;
}

static void fill_long_data(struct myp_params *params, const struct statement *st)
{
	for (size_t i = 0; i < params->count && i < st->param_count; i++) {
		struct myp_param *p = &params->items[i];

		if (!p->is_long_data)
			continue;
		p->value.kind = is_blob(p->type) ? MYP_VALUE_BYTES : MYP_VALUE_TEXT;
		p->value.type = p->type;
		p->value.bytes = buf_slice(&st->long_data[i]);
	}
}

/*
 * Behind a hole that may have hidden a SEND_LONG_DATA, values may stand in the place of others. Then the
 * packet is hardly ever used up exactly; but a value that often goes ahead is not believed to be here.
 */
static bool may_miss_long_data(const struct statement *st, const struct myp_params *params)
{
	if (st && !st->in_doubt)
		return false;
	if (st && st->had_long_data)
		return true;
	for (size_t i = 0; i < params->count; i++)
		if (is_blob(params->items[i].type))
			return true;
	return false;
}

/*
 * Values that nobody wants are not read where only values are to come: types that were sent stay to be kept, and
 * what is in doubt to be settled.
 */
static bool may_spare_values(const struct conversation *c, const struct statement *st,
			     struct slice payload)
{
	return c->tracker->sink.spares & EVENT_VALUES && st && st->counts_known && st->types &&
	       !st->in_doubt && !st->long_data && !(c->session->caps & MYP_CAP_QUERY_ATTRIBUTES) &&
	       myp_execute_carries_types(payload, st->param_count);
}

static void decode_execute(struct conversation *c, struct slice payload, struct command *cmd,
			   struct myp_execute *out)
{
	struct tracker *t = c->tracker;
	const struct statement *st = cmd->statement;
	struct myp_execute_context ctx = {.param_count_known = false};
	bool being_prepared;

	if (!c->session->caps_known)
		c->session->caps |= guess_caps(payload);
	ctx.caps = c->session->caps;
	if (may_spare_values(c, st, payload)) {
		c->carried += st->param_count > 0;
		return;
	}
	if (st) {
		ctx.param_count_known = st->counts_known;
		ctx.param_count = st->param_count;
		ctx.types = st->types;
		ctx.long_data = long_data_flags(t, st);
	}
	if (cmd->cut ||
	    !is_decoded(t, myp_execute_decode(payload, &ctx, &t->params, &t->attributes, out)))
		return;
	/* A statement that is just being prepared has had none: all since then was heard. */
	being_prepared = !st && cmd->text_known && c->lost_commands == 0;
	if ((!being_prepared && may_miss_long_data(st, &t->params)) ||
	    (st && st->in_doubt && out->left > 0)) {
		t->params.count = 0;
		return;
	}
	cmd->params_known = out->values_known;
	if (ctx.long_data)
		fill_long_data(&t->params, st);
}

static void decode_bulk(struct conversation *c, struct slice payload, struct command *cmd,
			struct myp_execute *out)
{
	const struct statement *st = cmd->statement;
	struct myp_execute_context ctx = {.caps = c->session->caps};
	struct myp_bulk_execute bulk;

	if (st) {
		ctx.param_count_known = st->counts_known;
		ctx.param_count = st->param_count;
		ctx.types = st->types;
	}
	if (cmd->cut ||
	    !is_decoded(c->tracker, myp_bulk_decode(payload, &ctx, &c->tracker->params, &bulk)))
		return;
	cmd->params_known = bulk.values_known;
	cmd->sets = bulk.sets;
	out->types_sent = bulk.flags & MYP_BULK_SEND_TYPES;
}

/* The last statement may still be being prepared: then its text is all that is known. */
static void find_last_prepared(struct conversation *c, struct command *cmd)
{
	const struct pending *preparing = NULL;

	for (const struct pending *p = c->first; p; p = p->next)
		if (p->code == MYP_COM_STMT_PREPARE)
			preparing = p;
	if (preparing) {
		cmd->text = buf_slice(&preparing->text);
		cmd->text_known = true;
	} else if (c->last_prepared_known) {
		cmd->statement = session_statement_get(c->session, c->last_prepared);
	}
}

static void decode_statement_id(struct conversation *c, struct slice payload, struct command *cmd)
{
	struct cursor cur = cur_of(payload);

	cur_skip(&cur, 1);
	cmd->statement_id = cur_u32(&cur);
	cmd->has_statement = cur_ok(&cur);
	if (!cmd->has_statement)
		return;
	if (cmd->statement_id == MYP_STATEMENT_LAST)
		find_last_prepared(c, cmd);
	else
		cmd->statement = session_statement_get(c->session, cmd->statement_id);
	if (cmd->statement && cmd->statement->text) {
		cmd->text = statement_text(cmd->statement);
		cmd->text_known = true;
	}
}

/* FIELD_LIST: the table's name up to a NUL, then a pattern. */
static void decode_table(struct slice payload, struct command *cmd)
{
	struct cursor cur = cur_of(slice_skip(payload, 1));
	struct slice rest = slice_skip(payload, 1), name = cur_nul(&cur);

	cmd->text = cur_ok(&cur) ? name : rest;
	cmd->text_known = true;
}

static void decode(struct conversation *c, struct slice payload, struct command *cmd,
		   struct myp_execute *execute)
{
	switch (cmd->code) {
	case MYP_COM_QUERY:
		decode_query(c, payload, cmd);
		break;
	case MYP_COM_INIT_DB:
	case MYP_COM_CREATE_DB:
	case MYP_COM_DROP_DB:
	case MYP_COM_STMT_PREPARE:
		cmd->text = slice_skip(payload, 1);
		cmd->text_known = true;
		break;
	case MYP_COM_FIELD_LIST:
		decode_table(payload, cmd);
		break;
	case MYP_COM_STMT_EXECUTE:
		decode_statement_id(c, payload, cmd);
		decode_execute(c, payload, cmd, execute);
		break;
	case MYP_COM_STMT_BULK_EXECUTE:
		decode_statement_id(c, payload, cmd);
		decode_bulk(c, payload, cmd, execute);
		break;
	case MYP_COM_STMT_SEND_LONG_DATA:
	case MYP_COM_STMT_CLOSE:
	case MYP_COM_STMT_RESET:
	case MYP_COM_STMT_FETCH:
		decode_statement_id(c, payload, cmd);
		break;
	default: /* a number from the wire: nothing more to decode */
		break;
	}
}

/*
 * What is asked for is told, the authentication data is not. Under guessed capabilities it could
 * be taken for something else: then there is no payload at all.
 */
static void decode_change_user(struct conversation *c, struct command *cmd, struct pending *p,
			       struct slice payload)
{
	/*
	 * Room for both, since the login's slices point into the first; a low --max-statement has
	 * none.
	 */
	bool room = buf_reserve(&p->text, 2 * payload.len + CHANGE_USER_ROOM) != NULL;

	if (!room)
		buf_reset(&p->text);
	p->login = mem_zalloc(sizeof(*p->login));
	cmd->payload = (struct slice){.ptr = NULL, .len = 0};
	buf_put_slice(&p->text, payload);
	if (!p->login || buf_err(&p->text) != ERR_OK) {
		tracker_fail(c->tracker, ERR_NOMEM);
		return;
	}
	if (myp_change_user_decode(buf_slice(&p->text), c->session->caps, p->login) != ERR_OK)
		return;
	p->login->auth_data = (struct slice){.ptr = NULL, .len = 0};
	cmd->text = p->login->user;
	cmd->text_known = true;
	if (!room || !c->session->caps_known)
		return;
	myp_change_user_put(&p->text, p->login);
	cmd->payload = slice_skip(buf_slice(&p->text), payload.len);
}

static void emit(struct conversation *c, const struct stream_chunk *chunk,
		 const struct command *cmd)
{
	struct event e = {
		.type = EVENT_COMMAND,
		.order = chunk->frame,
		.time_ns = chunk->time_ns,
		.session = c->session,
		.command = cmd,
	};

	conversation_announce(c, cmd->first_ns, chunk->frame);
	tracker_emit(c->tracker, &e);
}

static void on_command(struct conversation *c, const struct stream_chunk *chunk,
		       const struct myp_packet *p)
{
	struct tracker *t = c->tracker;
	struct session *s = c->session;
	struct myp_execute execute = {.statement_id = 0};
	struct command cmd = {
		.n = ++s->commands,
		.first_ns = c->packet_ns[STREAM_CLIENT],
		.last_ns = conversation_packet_end_ns(c, chunk),
		.code = p->payload.ptr[0],
		.cut = p->payload_len > p->payload.len,
		.database = fact_slice(&s->database),
		.database_known = s->database_known,
		.collation = s->collation,
		.params = &t->params,
		.attributes = &t->attributes,
		.payload = p->payload,
	};
	struct pending *pending = answer_push(c, cmd.n, cmd.code);

	if (!pending)
		return;
	t->params.count = t->attributes.count = 0;
	decode(c, p->payload, &cmd, &execute);
	if (cmd.code == MYP_COM_CHANGE_USER)
		decode_change_user(c, &cmd, pending, p->payload);
	pending->last_sequence = p->last_sequence;
	pending->last_ns = cmd.last_ns;
	pending->end = c->position[STREAM_CLIENT];
	pending->has_statement = cmd.has_statement;
	pending->statement_id = cmd.statement_id;
	if (effect_needs_text(&cmd))
		buf_put_slice(&pending->text, cmd.text);
	if (buf_err(&pending->text) == ERR_NOMEM)
		tracker_fail(t, ERR_NOMEM);
	t->coverage.commands++;
	t->coverage.limits += cmd.cut;
	t->coverage.unknown_commands += !myp_command_known(cmd.code);
	emit(c, chunk, &cmd);
	if (c->packets)
		packets_command(c, &cmd);
	effect_of_command(c, &cmd, &execute);
	answer_settle_silent(c, chunk);
}

/* A command is number 0; of the pieces of a file every 256th is, too. */
static bool is_file_piece(const struct conversation *c, const struct myp_packet *p)
{
	return c->infile_n &&
	       (p->sequence != 0 || c->infile_next[0] == 0 || c->infile_next[1] == 0);
}

/* Packets of a client that are no commands: answers to what the server asked. */
static bool is_reply(const struct conversation *c, const struct myp_packet *p)
{
	return p->sequence != 0 && c->first && c->first->code == MYP_COM_CHANGE_USER;
}

/* Where a command was thought to begin was none: what was found since is not one, either. */
static void fall_out_of_step(struct conversation *c, const struct myp_packet *p)
{
	c->tracker->coverage.undecoded_bytes += p->wire_len;
	c->in_step[STREAM_CLIENT] = false;
	c->lost_commands = true;
	effect_of_hole(c);
	conversation_forget(c, STREAM_CLIENT);
}

void command_packet(struct conversation *c, const struct stream_chunk *chunk,
		    const struct myp_packet *p)
{
	if (is_file_piece(c, p)) {
		on_file_piece(c, chunk, p);
		return;
	}
	if (is_reply(c, p))
		return;
	if (p->sequence != 0 || p->payload_len == 0 || p->holed) {
		c->tracker->coverage.undecoded_bytes += p->wire_len;
		return;
	}
	if (!c->session->caps_known && !guess_is_sent(p->payload.ptr[0])) {
		fall_out_of_step(c, p);
		return;
	}
	c->infile_n = 0;
	answer_before_command(c, chunk);
	on_command(c, chunk, p);
}
