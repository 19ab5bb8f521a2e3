/*
 * talk - conversations for tests, written down packet by packet, and what the tracker tells of them as a
 * short text.
 *
 *   session ok app@shop               login, user and database; "joined" in front where it was
 *   > 1 QUERY select 1 [shop]         ordinal, command, text with values in place ("?" if not known), database
 *   < 1 resultset 1/2 err 0           ordinal, kind, results/rows, error code
 *   gap c 10, data 1 5, end fin
 *   c 1 READY_FOR_COMMAND SEND_COMMAND command 9      only where packets are asked for: side, ordinal, stage,
 *                                                     event, meaning, length
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include <stdio.h>

#include "event_check.h"
#include "mysql/login.h"
#include "mysql/packet.h"
#include "track/tracker.h"

/* One chunk: a packet of one side, or, where it is lost, the hole in its place. */
struct line {
	char who; /* 'c' or 's'; 'C' or 'S': the same, lost */
	uint8_t sequence;
	struct slice payload;
	bool raw;     /* PAYLOAD are bytes without a header */
	bool at_once; /* its sender had not received anything since its line before */
};

#define BYTES(text)                                                                                \
	{                                                                                          \
		.ptr = (const uint8_t *)(text), .len = sizeof(text) - 1                            \
	}
#define C(seq, text)                                                                               \
	{                                                                                          \
		.who = 'c', .sequence = (seq), .payload = BYTES(text)                              \
	}
#define S(seq, text)                                                                               \
	{                                                                                          \
		.who = 's', .sequence = (seq), .payload = BYTES(text)                              \
	}
#define LOST_C(seq, text)                                                                          \
	{                                                                                          \
		.who = 'C', .sequence = (seq), .payload = BYTES(text)                              \
	}
#define LOST_S(seq, text)                                                                          \
	{                                                                                          \
		.who = 'S', .sequence = (seq), .payload = BYTES(text)                              \
	}
#define AHEAD(seq, text)                                                                           \
	{                                                                                          \
		.who = 'c', .sequence = (seq), .payload = BYTES(text), .at_once = true             \
	}
#define RAW_C(text)                                                                                \
	{                                                                                          \
		.who = 'c', .payload = BYTES(text), .raw = true                                    \
	}
#define RAW_S(text)                                                                                \
	{                                                                                          \
		.who = 's', .payload = BYTES(text), .raw = true                                    \
	}
#define HOLE_C(text)                                                                               \
	{                                                                                          \
		.who = 'C', .payload = BYTES(text), .raw = true                                    \
	}
#define HOLE_S(text)                                                                               \
	{                                                                                          \
		.who = 'S', .payload = BYTES(text), .raw = true                                    \
	}

struct talk {
	struct event_check check;
	struct buf told, text;
	struct tracker *tracker;
	struct stream_handler handler;
	void *conversation;
	uint64_t offset[2], acked[2];
	uint64_t frame;
	uint16_t collation; /* of the command that came last */
	bool mariadb;       /* the server is one */
	bool out_of_memory; /* to say it, not to hear it */
	size_t pieces;      /* bytes of a chunk at most; 0: any */
};

static inline void talk_put(struct talk *t, const char *text)
{
	buf_put_cstr(&t->told, text);
}

static inline void talk_number(struct talk *t, uint64_t n, const char *behind)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu%s", (unsigned long long)n, behind);
	talk_put(t, text);
}

static inline void talk_session(struct talk *t, const struct session *s)
{
	static const char *const logins[] = {"none ", "ok ", "error ", "tls "};

	talk_put(t, s->joined ? "joined session " : "session ");
	talk_put(t, logins[s->login]);
	buf_put_slice(&t->told, fact_slice(&s->user));
	talk_put(t, "@");
	buf_put_slice(&t->told, fact_slice(&s->database));
	talk_put(t, s->compression == SESSION_PLAIN ? "\n" : " compressed\n");
}

static inline void talk_command(struct talk *t, const struct event *e)
{
	const struct command *c = e->command;
	const char *name = myp_command_name(c->code);

	t->collation = c->collation;
	talk_put(t, "> ");
	talk_number(t, c->n, " ");
	talk_put(t, name ? name : "unknown");
	talk_put(t, " ");
	buf_reset(&t->text);
	if (command_put_text(e->session, c, &t->text))
		buf_put_slice(&t->told, buf_slice(&t->text));
	else
		talk_put(t, "?");
	talk_put(t, " [");
	if (c->database_known)
		buf_put_slice(&t->told, c->database);
	else
		talk_put(t, "?");
	talk_put(t, "]\n");
}

static inline void talk_response(struct talk *t, const struct response *r)
{
	static const char *const kinds[] = {"ok",     "error", "resultset", "prepared",   "fields",
					    "string", "none",  "lost",      "replication"};
	const struct result *error = response_error(r);

	talk_put(t, "< ");
	talk_number(t, r->n, " ");
	talk_put(t, kinds[r->kind]);
	talk_put(t, " ");
	talk_number(t, r->results_all, "/");
	talk_number(t, r->rows, " err ");
	talk_number(t, error ? error->error.code : 0, "\n");
}

static inline void talk_packet(struct talk *t, const struct packet *p)
{
	static const char *const sides[] = {"c ", "s ", "- "};
	const char *stage = packet_stage_name(p->stage);

	talk_put(t, sides[p->side]);
	talk_number(t, p->n, " ");
	talk_put(t, stage ? stage : "?");
	talk_put(t, " ");
	talk_put(t, p->moment_count ? packet_moment_name(p->moment) : "?");
	talk_put(t, " ");
	talk_put(t, packet_meaning_name(p->meaning));
	talk_put(t, " ");
	talk_number(t, p->length, p->doubtful ? " doubtful" : "");
	if (p->violation) {
		talk_put(t, ": ");
		talk_put(t, p->violation);
	}
	talk_put(t, "\n");
}

static inline enum err talk_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct talk *t = ctx;

	(void)info;
	switch (e->type) {
	case EVENT_SESSION:
		talk_session(t, e->session);
		break;
	case EVENT_COMMAND:
		talk_command(t, e);
		break;
	case EVENT_DATA:
		talk_put(t, "data ");
		talk_number(t, e->data.n, " ");
		talk_number(t, e->data.bytes.len, "\n");
		break;
	case EVENT_RESPONSE:
		talk_response(t, e->response);
		break;
	case EVENT_GAP:
		talk_put(t, e->gap.side == GAP_COMMANDS ? "gap c " : "gap s ");
		talk_number(t, e->gap.bytes, "\n");
		break;
	case EVENT_END:
		talk_put(t, "end ");
		talk_put(t, end_reason_name(e->end));
		talk_put(t, "\n");
		break;
	case EVENT_PACKET:
		talk_packet(t, e->packet);
		break;
	case EVENT_TYPES:
		break;
	}
	return buf_err(&t->told);
}

/* False if there was no memory. */
static inline bool talk_begin_flow(struct talk *t, const struct stream_flow *flow,
				   const struct tracker_options *options)
{
	struct event_sink sink;

	*t = (struct talk){.frame = 0};
	buf_init(&t->told, 1 << 20);
	buf_init(&t->text, 1 << 20);
	t->check.next = (struct event_sink){.event = talk_event, .ctx = t};
	sink = event_check_sink(&t->check);
	if (tracker_new(options, &sink, &t->tracker) != ERR_OK)
		return false;
	t->handler = tracker_handler(t->tracker);
	t->conversation = t->handler.open(t->handler.ctx, flow);
	return t->conversation != NULL;
}

static inline bool talk_begin_as(struct talk *t, bool from_start,
				 const struct tracker_options *options)
{
	struct stream_flow flow = {.id = 7, .first_ns = 1, .from_start = from_start};

	return talk_begin_flow(t, &flow, options);
}

static inline bool talk_begin(struct talk *t, bool from_start)
{
	return talk_begin_as(t, from_start, &(struct tracker_options){.max_statement = 1 << 20});
}

static inline void talk_chunk(struct talk *t, enum stream_side side, struct slice bytes, bool lost)
{
	struct stream_chunk chunk = {
		.from = side,
		.time_ns = (int64_t)(t->frame + 1) * 1000,
		.frame = t->frame + 1,
		.offset = t->offset[side],
		.acked = (int64_t)t->acked[side],
		.bytes = lost ? (struct slice){.ptr = NULL} : bytes,
		.gap = lost ? bytes.len : 0,
	};

	t->frame++;
	t->offset[side] += bytes.len;
	t->handler.chunk(t->handler.ctx, t->conversation, &chunk);
}

static inline void talk_line(struct talk *t, const struct line *l)
{
	enum stream_side side = l->who == 'c' || l->who == 'C' ? STREAM_CLIENT : STREAM_SERVER;
	bool lost = l->who == 'C' || l->who == 'S';
	uint8_t sequence = l->sequence;
	struct slice rest;
	struct buf b;

	buf_init(&b, 1 << 26);
	if (l->raw)
		buf_put_slice(&b, l->payload);
	else
		myp_packet_put(&b, l->payload, &sequence);
	if (!l->at_once)
		t->acked[side] = t->offset[!side];
	t->out_of_memory = t->out_of_memory || buf_err(&b) != ERR_OK;
	rest = buf_slice(&b);
	while (rest.len && !t->out_of_memory) {
		size_t n = t->pieces && !lost && t->pieces < rest.len ? t->pieces : rest.len;

		talk_chunk(t, side, slice_head(rest, n), lost);
		rest = slice_skip(rest, n);
	}
	buf_release(&b);
}

static inline void talk_end(struct talk *t, enum stream_end end)
{
	t->frame++;
	t->handler.close(t->handler.ctx, t->conversation, end, (int64_t)t->frame * 1000, t->frame);
	t->conversation = NULL;
}

static inline void talk_release(struct talk *t)
{
	if (t->conversation)
		t->handler.close(t->handler.ctx, t->conversation, STREAM_END_CAPTURE, 0,
				 t->frame + 1);
	tracker_free(t->tracker);
	buf_release(&t->told);
	buf_release(&t->text);
}

/* A greeting and a response to it, with the capabilities that a test wants; TO is big enough. */
static inline struct slice talk_greeting(uint64_t caps, struct buf *to)
{
	uint64_t low = caps | MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION | MYP_CAP_PLUGIN_AUTH;

	buf_reset(to);
	buf_put(to,
		"\x0a"
		"8.0.30\0"
		"\x09\0\0\0"
		"12345678\0",
		1 + 7 + 4 + 9);
	buf_put_uint_le(to, low & 0xffff, 2);
	buf_put(to, "\xff\x02\0", 3);
	buf_put_uint_le(to, low >> 16 & 0xffff, 2);
	buf_put(to,
		"\x15\0\0\0\0\0\0\0\0\0\0"
		"123456789012\0"
		"caching_sha2_password",
		11 + 13 + 22);
	return buf_slice(to);
}

/* GREETING with a version as long as its own. */
static inline struct slice talk_rename(struct slice greeting, const char *version)
{
	memcpy((uint8_t *)(uintptr_t)greeting.ptr + 1, version, strlen(version));
	return greeting;
}

static inline struct slice talk_login(uint64_t caps, bool tls, struct buf *to)
{
	struct myp_login l = {
		.caps = caps | MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION |
			MYP_CAP_CONNECT_WITH_DB | MYP_CAP_PLUGIN_AUTH,
		.collation = 45,
		.user = SLICE_LIT("app"),
		.database = SLICE_LIT("shop"),
		.auth_plugin = SLICE_LIT("caching_sha2_password"),
		.auth_data = SLICE_LIT("secret secret secret"),
		.is_ssl_request = tls,
	};

	buf_reset(to);
	myp_login_put(to, &l);
	return buf_slice(to);
}

/* Greeting, login with CAPS and OK. */
static inline void talk_logged_in(struct talk *t, uint64_t caps)
{
	struct buf b;
	struct line greeting = {.who = 's'}, login = {.who = 'c', .sequence = 1};
	static const struct line ok = S(2, "\0\0\0\2\0\0\0");

	buf_init(&b, 1 << 12);
	greeting.payload = talk_greeting(caps | MYP_CAP_CONNECT_WITH_DB, &b);
	if (t->mariadb)
		greeting.payload = talk_rename(greeting.payload, "5.5.5-");
	talk_line(t, &greeting);
	login.payload = talk_login(caps, false, &b);
	talk_line(t, &login);
	t->out_of_memory = t->out_of_memory || buf_err(&b) != ERR_OK;
	buf_release(&b);
	talk_line(t, &ok);
}

#endif
