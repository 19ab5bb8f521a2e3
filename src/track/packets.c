/*
 * packets - each packet of a conversation as an event: stage, events and meaning, and whether it belongs there.
 *
 * What a packet is was found out by those who follow the conversation; here it is told. What nobody knew is told
 * as UNKNOWN, and is a violation of the protocol where nothing can have been missed: the session was heard from
 * its beginning, or since a hole both sides came back in step.
 *
 * What is not to be shown of a payload is overwritten: packets_hide.c.
 */
#include "track/packets.h"

#include "base/mem.h"
#include "sql/mask.h"

enum {
	SECRETS_MAX = PENDING_MAX * (int)sizeof(uint64_t),
	STATEMENT_ID_END = 5, /* bytes up to the end of a statement's id */
};

bool packets_room_new(struct packet_room **out)
{
	struct packet_room *room = mem_zalloc(sizeof(*room));

	if (!room)
		return false;
	buf_init(&room->payload, SIZE_MAX / 2);
	buf_init(&room->hidden, SIZE_MAX / 2);
	buf_init(&room->text, SIZE_MAX / 2);
	*out = room;
	return true;
}

void packets_room_free(struct packet_room *room)
{
	if (!room)
		return;
	buf_release(&room->payload);
	buf_release(&room->hidden);
	buf_release(&room->text);
	mem_free(room);
}

bool packets_begin(struct conversation *c)
{
	c->packets = mem_zalloc(sizeof(*c->packets));
	if (!c->packets)
		return false;
	c->packets->whole = !c->session->joined;
	buf_init(&c->packets->secrets, SECRETS_MAX);
	return true;
}

void packets_free(struct packets *s)
{
	if (!s)
		return;
	buf_release(&s->secrets);
	mem_free(s);
}

void packets_gap(struct conversation *c)
{
	c->packets->whole = c->packets->sequenced = false;
}

/* ---- telling ---- */

static void emit(struct conversation *c, const struct packet *p, int64_t time_ns)
{
	struct event e = {
		.type = EVENT_PACKET,
		.order = c->packets->chunk->frame,
		.time_ns = time_ns,
		.session = c->session,
		.packet = p,
	};

	tracker_emit(c->tracker, &e);
}

/* Something happened, of which there is no packet. */
static void tell_moment(struct conversation *c, enum packet_stage stage,
			enum packet_meaning meaning, enum packet_moment moment)
{
	struct packet p = {
		.side = PACKET_OF_NOBODY,
		.stage = stage,
		.meaning = meaning,
		.first_ns = c->packets->chunk->time_ns,
		.moment = moment,
		.moments = {moment},
		.moment_count = 1,
	};

	emit(c, &p, p.first_ns);
}

static void tell_connect(struct conversation *c)
{
	struct packet p = {
		.side = PACKET_OF_NOBODY,
		.stage = STAGE_CONNECTING,
		.meaning = PACKET_CONNECT,
		.first_ns = c->session->start_ns,
		.moment = MOMENT_CONNECTED,
		.moments = {MOMENT_CONNECTING, MOMENT_CONNECTED},
		.moment_count = 2,
	};

	emit(c, &p, p.first_ns);
}

static void tell_compression(struct conversation *c)
{
	struct packet p = {
		.side = PACKET_OF_NOBODY,
		.stage = STAGE_READY_FOR_COMMAND,
		.meaning = PACKET_COMPRESSION,
		.first_ns = c->packets->chunk->time_ns,
	};

	emit(c, &p, p.first_ns);
}

/* Of the packet at hand, all that is known without knowing what it is. */
static struct packet begin(const struct conversation *c, enum packet_stage stage)
{
	const struct packets *s = c->packets;
	bool sent = s->chunk->from == STREAM_CLIENT;

	return (struct packet){
		.side = sent ? PACKET_OF_CLIENT : PACKET_OF_SERVER,
		.stage = stage,
		.meaning = PACKET_UNKNOWN,
		.moments = {sent ? MOMENT_PACKET_SENT : MOMENT_READ_PACKET, MOMENT_PACKET_RECEIVED},
		.moment_count = sent ? 1 : 2,
		.moment = sent ? MOMENT_PACKET_SENT : MOMENT_PACKET_RECEIVED,
		.sequence = s->now->sequence,
		.first_ns = c->packet_ns[s->chunk->from],
		.length = s->now->payload_len,
		.payload = s->now->payload,
		.caps = c->session->caps,
		.doubtful = c->doubts > 0 || s->now->holed,
	};
}

/* What the client's tracing says behind PACKET_RECEIVED, or before PACKET_SENT. */
static void add_moment(struct packet *p, enum packet_moment m)
{
	if (p->side == PACKET_OF_SERVER) {
		p->moments[p->moment_count++] = m;
	} else {
		p->moments[p->moment_count] = p->moments[p->moment_count - 1];
		p->moments[p->moment_count++ - 1] = m;
	}
	p->moment = m;
}

/* The sequence ids of an exchange rise by one, of both sides; those of a compressed session may do as they like. */
static void check_sequence(struct conversation *c, struct packet *p)
{
	struct packets *s = c->packets;

	if (s->sequenced && s->whole && !c->compressed && s->now->sequence != s->sequence)
		p->violation = "its sequence id is not the next one";
	s->sequence = (uint8_t)(s->now->last_sequence + 1);
	s->sequenced = true;
}

static void tell(struct conversation *c, struct packet *p)
{
	struct packets *s = c->packets;

	if (p->violation) {
		s->whole = false;
		add_moment(p, MOMENT_ERROR);
	}
	emit(c, p, s->chunk->time_ns);
	s->now = NULL;
}

/* What is not known may be anything: of the client also a password. */
static void tell_unknown(struct conversation *c, const char *violation)
{
	struct packet p = begin(c, STAGE_UNKNOWN);

	p.n = c->phase == PHASE_COMMAND && c->packets->awaited && c->first ? c->first->n : 0;
	if (p.side == PACKET_OF_CLIENT || c->phase != PHASE_COMMAND ||
	    (c->first &&
	     (c->first->code == MYP_COM_CHANGE_USER || packets_is_secret(c->packets, c->first->n))))
		packets_hide_from(c, &p, 0);
	if (c->packets->whole)
		p.violation = violation;
	c->packets->sequenced = false;
	tell(c, &p);
}

/* ---- login ---- */

static void tell_error(struct conversation *c, enum packet_stage stage)
{
	struct packet p = begin(c, stage);

	p.meaning = PACKET_ERROR;
	tell(c, &p);
}

static bool is_error(const struct packets *s)
{
	return s->chunk->from == STREAM_SERVER && s->now->payload.len > 0 &&
	       s->now->payload.ptr[0] == MYP_ERR;
}

static void hear_greeting(struct conversation *c)
{
	struct packet p = begin(c, STAGE_WAIT_FOR_INIT_PACKET);
	struct myp_greeting g;

	if (is_error(c->packets)) {
		tell_error(c, STAGE_WAIT_FOR_INIT_PACKET);
		return;
	}
	if (p.side == PACKET_OF_CLIENT) {
		tell_unknown(c, "the client speaks before the server's greeting");
		return;
	}
	if (myp_greeting_decode(p.payload, &g) != ERR_OK) {
		tell_unknown(c, "it is no greeting");
		return;
	}
	packets_hide_challenge(c, &p, &g);
	p.meaning = PACKET_GREETING;
	p.caps = g.caps;
	add_moment(&p, MOMENT_INIT_PACKET_RECEIVED);
	check_sequence(c, &p);
	tell(c, &p);
}

static void hear_login(struct conversation *c)
{
	struct packet p = begin(c, STAGE_AUTHENTICATE);
	struct myp_login l;

	if (is_error(c->packets)) {
		tell_error(c, STAGE_AUTHENTICATE);
		return;
	}
	if (p.side == PACKET_OF_SERVER) {
		tell_unknown(c, "the server speaks before the client's login");
		return;
	}
	if (myp_login_decode(p.payload, c->server_caps, &l) != ERR_OK) {
		tell_unknown(c, "it is no login");
		return;
	}
	packets_hide(c, &p, l.auth_data);
	p.caps = c->server_caps;
	check_sequence(c, &p);
	if (l.is_ssl_request) {
		p.meaning = PACKET_SSL_REQUEST;
		p.moment = p.moments[0] = MOMENT_SEND_SSL_REQUEST; /* in the place of PACKET_SENT */
		tell(c, &p);
		tell_moment(c, STAGE_SSL_NEGOTIATION, PACKET_TLS, MOMENT_SSL_CONNECT);
		return;
	}
	p.meaning = PACKET_LOGIN;
	add_moment(&p, MOMENT_AUTH_PLUGIN);
	add_moment(&p, MOMENT_SEND_AUTH_RESPONSE);
	tell(c, &p);
}

/* A step of the authentication, of the login or of CHANGE_USER: names may be shown, data may not. */
static void fill_auth(struct conversation *c, struct packet *p)
{
	struct myp_auth a;

	if (p->side == PACKET_OF_CLIENT ||
	    myp_auth_decode(c->packets->now->payload, &a) != ERR_OK) {
		p->meaning = PACKET_AUTH_DATA;
		packets_hide_from(c, p, 0);
		if (p->side == PACKET_OF_CLIENT)
			add_moment(p, MOMENT_SEND_AUTH_DATA);
		return;
	}
	packets_hide(c, p, a.auth_data);
	switch (a.kind) {
	case MYP_AUTH_OK:
		p->meaning = PACKET_OK;
		add_moment(p, MOMENT_AUTHENTICATED);
		break;
	case MYP_AUTH_ERR:
		p->meaning = PACKET_ERROR;
		break;
	case MYP_AUTH_SWITCH:
	case MYP_AUTH_SWITCH_OLD:
		p->meaning = PACKET_AUTH_SWITCH;
		add_moment(p, MOMENT_AUTH_PLUGIN);
		break;
	case MYP_AUTH_MORE:
		p->meaning = PACKET_AUTH_MORE;
		break;
	case MYP_AUTH_NEXT_FACTOR:
		p->meaning = PACKET_AUTH_NEXT_FACTOR;
		add_moment(p, MOMENT_AUTH_PLUGIN);
		break;
	}
}

static void hear_auth(struct conversation *c)
{
	struct packet p = begin(c, STAGE_AUTHENTICATE);

	fill_auth(c, &p);
	check_sequence(c, &p);
	if (p.meaning == PACKET_AUTH_DATA && p.side == PACKET_OF_SERVER && c->packets->whole)
		p.violation = "it is no step of an authentication";
	tell(c, &p);
}

void packets_hear(struct conversation *c, const struct stream_chunk *chunk,
		  const struct myp_packet *p)
{
	struct packets *s = c->packets;

	s->now = p;
	s->chunk = chunk;
	s->awaited = c->first && !c->held;
	if (!s->connected && !c->session->joined)
		tell_connect(c);
	s->connected = true;
	if (!s->compressed && c->compressed) {
		s->compressed = true;
		tell_compression(c);
	}
	switch (c->phase) {
	case PHASE_GREETING:
		hear_greeting(c);
		break;
	case PHASE_LOGIN:
		hear_login(c);
		break;
	case PHASE_AUTH:
		hear_auth(c);
		break;
	case PHASE_COMMAND: /* told by those who know */
	case PHASE_DEAF:
	case PHASES:
		break;
	}
}

/* ---- commands ---- */

static void fill_text(struct conversation *c, const struct command *cmd, bool secret,
		      struct packet *p)
{
	struct buf *text = &c->tracker->room->text;

	p->text = cmd->text_known ? cmd->text : (struct slice){.ptr = NULL};
	buf_shrink(text, ROOM_KEEP);
	if (secret)
		p->text = sql_mask(cmd->text, session_sql_options(c->session), text) == ERR_OK
				  ? buf_slice(text)
				  : (struct slice){.ptr = NULL};
	else if (cmd->code == MYP_COM_STMT_EXECUTE && command_put_text(c->session, cmd, text))
		p->text = buf_slice(text);
}

static void hide_change_user(struct conversation *c, struct packet *p)
{
	struct myp_login l;

	if (c->session->caps_known &&
	    myp_change_user_decode(p->payload, c->session->caps, &l) == ERR_OK)
		packets_hide(c, p, l.auth_data);
	else
		packets_hide_from(c, p, 1);
}

void packets_command(struct conversation *c, const struct command *cmd)
{
	struct packets *s = c->packets;
	bool secret = command_is_secret(c->session, cmd);
	struct packet p;

	/* Nobody waits but this one, which both sides know to be a command: they are in step. */
	if (c->session->caps_known && c->doubts == 0 && c->pending_count == 1 &&
	    c->in_step[STREAM_SERVER])
		s->whole = true;
	p = begin(c, STAGE_READY_FOR_COMMAND);
	p.n = cmd->n;
	p.meaning = PACKET_COMMAND;
	p.command = cmd->code;
	p.doubtful = false;
	p.ahead = c->first->n != cmd->n;
	p.collation = cmd->collation;
	p.has_statement = cmd->has_statement;
	p.statement_id = cmd->statement_id;
	fill_text(c, cmd, secret, &p);
	if (secret) {
		buf_put(&s->secrets, &cmd->n, sizeof(cmd->n));
		packets_hide_from(c, &p, cmd->has_statement ? STATEMENT_ID_END : 1);
	} else if (cmd->code == MYP_COM_CHANGE_USER) {
		hide_change_user(c, &p);
		add_moment(&p, MOMENT_AUTH_PLUGIN);
	}
	add_moment(&p, MOMENT_SEND_COMMAND);
	tell(c, &p);
}

void packets_piece(struct conversation *c)
{
	struct packet p = begin(c, STAGE_FILE_REQUEST);

	p.n = c->infile_n;
	p.command = MYP_COM_QUERY;
	p.meaning = p.length ? PACKET_FILE_DATA : PACKET_FILE_END;
	add_moment(&p, MOMENT_SEND_FILE);
	check_sequence(c, &p);
	tell(c, &p);
}

/* ---- answers ---- */

/* The first packet of an answer. */
static void begin_answer(struct conversation *c)
{
	struct packets *s = c->packets;
	struct myp_answer fresh;

	myp_answer_begin(&fresh, c->first->code, c->answer.caps);
	packets_forget_secrets(s, c->first->n);
	s->stage = packet_stage_of(&fresh);
	s->sequence = (uint8_t)(c->first->last_sequence + 1);
	s->sequenced = true;
	s->last = PACKET_UNKNOWN;
	s->index = 0;
	s->columns = s->params = 0;
}

/* Most packets tell by themselves; what is left is of the stage that the packet before led to. */
static enum packet_stage stage_of_item(const struct packets *s, enum myp_item_kind kind)
{
	switch (kind) {
	case MYP_ITEM_COLUMN:
	case MYP_ITEM_COLUMNS_END:
		return STAGE_WAIT_FOR_FIELD_DEF;
	case MYP_ITEM_PARAM:
	case MYP_ITEM_PARAMS_END:
		return STAGE_WAIT_FOR_PARAM_DEF;
	case MYP_ITEM_ROW:
	case MYP_ITEM_ROWS_END:
		return STAGE_WAIT_FOR_ROW;
	case MYP_ITEM_OK:
	case MYP_ITEM_ERR:
	case MYP_ITEM_COLUMN_COUNT:
	case MYP_ITEM_PREPARED:
	case MYP_ITEM_INFILE:
	case MYP_ITEM_STRING:
	case MYP_ITEM_AUTH:
	case MYP_ITEM_PROGRESS:
	case MYP_ITEM_REPLICATION:
		break;
	}
	return s->stage;
}

static enum packet_meaning meaning_of(enum myp_item_kind kind)
{
	switch (kind) {
	case MYP_ITEM_OK:
		return PACKET_OK;
	case MYP_ITEM_ERR:
		return PACKET_ERROR;
	case MYP_ITEM_COLUMN_COUNT:
		return PACKET_COLUMN_COUNT;
	case MYP_ITEM_COLUMN:
		return PACKET_FIELD;
	case MYP_ITEM_COLUMNS_END:
		return PACKET_FIELDS_END;
	case MYP_ITEM_PARAM:
		return PACKET_PARAM;
	case MYP_ITEM_PARAMS_END:
		return PACKET_PARAMS_END;
	case MYP_ITEM_ROW:
		return PACKET_ROW;
	case MYP_ITEM_ROWS_END:
		return PACKET_ROWS_END;
	case MYP_ITEM_PREPARED:
		return PACKET_PREPARED;
	case MYP_ITEM_INFILE:
		return PACKET_FILE_REQUEST;
	case MYP_ITEM_STRING:
		return PACKET_STRING;
	case MYP_ITEM_AUTH:
		return PACKET_AUTH_DATA;
	case MYP_ITEM_PROGRESS:
		return PACKET_PROGRESS;
	case MYP_ITEM_REPLICATION:
		return PACKET_REPLICATION;
	}
	return PACKET_UNKNOWN;
}

/* Which of how many it is. */
static void count_item(struct packets *s, const struct myp_item *item, struct packet *p)
{
	if (p->meaning != s->last)
		s->index = 0;
	s->last = p->meaning;
	if (item->kind == MYP_ITEM_COLUMN_COUNT) {
		s->columns = item->column_count;
	} else if (item->kind == MYP_ITEM_PREPARED) {
		s->columns = item->prepared.columns;
		s->params = item->prepared.params;
	}
	p->count = item->kind == MYP_ITEM_PARAM ? s->params : s->columns;
	p->index = ++s->index;
}

void packets_item(struct conversation *c, const struct myp_item *item)
{
	struct packets *s = c->packets;
	struct packet p;

	if (c->response.packets == 0)
		begin_answer(c);
	p = begin(c, stage_of_item(s, item->kind));
	s->stage = packet_stage_of(&c->answer);
	p.n = c->first->n;
	p.command = c->first->code;
	p.meaning = meaning_of(item->kind);
	p.caps = c->answer.caps;
	p.binary = c->answer.binary;
	check_sequence(c, &p);
	count_item(s, item, &p);
	if (p.meaning == PACKET_AUTH_DATA)
		fill_auth(c, &p);
	else if (p.meaning == PACKET_OK && c->answer.shape == MYP_SHAPE_AUTH)
		add_moment(&p, MOMENT_AUTHENTICATED);
	if (item->kind != MYP_ITEM_AUTH && packets_is_secret(s, p.n))
		packets_hide_item(c, item, &p);
	tell(c, &p);
}

/* ---- what nobody knew ---- */

static void tell_auth_reply(struct conversation *c)
{
	struct packet p = begin(c, STAGE_AUTHENTICATE);

	p.n = c->first->n;
	p.command = c->first->code;
	fill_auth(c, &p);
	check_sequence(c, &p);
	tell(c, &p);
}

static void tell_of_client(struct conversation *c)
{
	const struct myp_packet *p = c->packets->now;

	if (p->sequence != 0 && c->first && c->first->code == MYP_COM_CHANGE_USER)
		tell_auth_reply(c);
	else if (p->holed)
		tell_unknown(c, NULL);
	else if (p->sequence != 0)
		tell_unknown(c, "no command: its sequence id is not 0");
	else
		tell_unknown(c, p->payload_len ? NULL : "no command: it is empty");
}

void packets_heard(struct conversation *c)
{
	struct packets *s = c->packets;

	if (!s->now)
		return;
	if (s->chunk->from == STREAM_CLIENT)
		tell_of_client(c);
	else if (s->awaited)
		tell_unknown(c, "no answer to what was asked");
	else if (is_error(s)) /* why it closes an idle connection */
		tell_error(c, STAGE_READY_FOR_COMMAND);
	else
		tell_unknown(c, "nothing was asked");
	s->now = NULL;
}
