/* trace_json - one line of JSON per packet. */
#include "base/mem.h"
#include "mysql/charset.h"
#include "out/json.h"
#include "sink/packet_facts.h"
#include "sink/trace_packet.h"

struct json_sink {
	struct out *out;
	struct json json;
	bool hex;
	uint64_t *violations;
	struct buf text;
};

static void on_number(void *ctx, const char *key, uint64_t v)
{
	struct json_sink *t = ctx;

	json_key_u64(&t->json, key, v);
}

static void on_text(void *ctx, struct slice key, struct slice text, uint16_t collation,
		    bool leading)
{
	struct json_sink *t = ctx;

	(void)leading;
	buf_reset(&t->text);
	(void)myp_charset_to_utf8(collation, text, &t->text);
	json_key_slice(&t->json, key);
	json_string(&t->json, buf_slice(&t->text));
}

static void on_names(void *ctx, const char *key, const struct bit_name *names, uint64_t bits)
{
	struct json_sink *t = ctx;
	char number[24];

	json_key(&t->json, key);
	json_array(&t->json);
	for (const struct bit_name *n = names; n->name; n++) {
		if (bits & n->bit)
			json_cstr(&t->json, n->name);
		bits &= ~n->bit;
	}
	if (bits) {
		(void)snprintf(number, sizeof(number), "0x%llx", (unsigned long long)bits);
		json_cstr(&t->json, number);
	}
	json_end(&t->json);
}

static void on_open(void *ctx, const char *key)
{
	struct json_sink *t = ctx;

	json_key(&t->json, key);
	json_object(&t->json);
}

static void on_close(void *ctx)
{
	struct json_sink *t = ctx;

	json_end(&t->json);
}

static void put_session_id(struct json *j, const struct session *s)
{
	char id[SESSION_ID_TEXT];

	json_key_cstr(j, "session", session_id_format(s->id, id));
}

static void put_words(struct json *j, const struct packet *p)
{
	const char *stage = packet_stage_name(p->stage);

	json_key(j, "stage");
	if (stage)
		json_cstr(j, stage);
	else
		json_null(j);
	json_key(j, "events");
	json_array(j);
	for (size_t i = 0; i < p->moment_count; i++)
		json_cstr(j, packet_moment_name(p->moments[i]));
	json_end(j);
}

/* Two digits a byte, "**" for one that is not shown. */
static void put_hex(struct json_sink *t, const struct packet *p)
{
	static const char digits[] = "0123456789abcdef";

	buf_reset(&t->text);
	for (size_t i = 0; i < p->payload.len; i++) {
		bool hidden = i < p->hidden.len && p->hidden.ptr[i];

		buf_put_u8(&t->text, (uint8_t)(hidden ? '*' : digits[p->payload.ptr[i] >> 4]));
		buf_put_u8(&t->text, (uint8_t)(hidden ? '*' : digits[p->payload.ptr[i] & 15]));
	}
	json_key_string(&t->json, "hex", buf_slice(&t->text));
}

static void put_place(struct json *j, const struct packet *p)
{
	static const char *const sides[] = {
		[PACKET_OF_CLIENT] = "client", [PACKET_OF_SERVER] = "server"};

	if (p->side == PACKET_OF_NOBODY)
		return;
	json_key_cstr(j, "from", sides[p->side]);
	json_key_u64(j, "sequence", p->sequence);
	json_key_u64(j, "length", p->length);
}

static void put_packet(struct json_sink *t, const struct event *e)
{
	const struct packet_facts facts = {.number = on_number,
					   .text = on_text,
					   .names = on_names,
					   .open = on_open,
					   .close = on_close,
					   .ctx = t};
	const struct packet *p = e->packet;
	struct json *j = &t->json;

	*t->violations += p->violation != NULL;
	json_object(j);
	json_key_cstr(j, "type", "packet");
	put_session_id(j, e->session);
	if (p->n)
		json_key_u64(j, "n", p->n);
	json_key_i64(j, "time_ns", p->first_ns);
	put_words(j, p);
	put_place(j, p);
	json_key_cstr(j, "meaning", packet_meaning_name(p->meaning));
	if (p->meaning == PACKET_FIELD || p->meaning == PACKET_PARAM || p->meaning == PACKET_ROW)
		json_key_u64(j, "index", p->index);
	packet_facts_tell(p, e->session, &facts);
	if (p->ahead)
		json_key_bool(j, "ahead", true);
	if (p->doubtful)
		json_key_bool(j, "doubtful", true);
	if (p->violation)
		json_key_cstr(j, "violation", p->violation);
	if (t->hex && p->side != PACKET_OF_NOBODY)
		put_hex(t, p);
	json_end(j);
	json_newline(j);
}

static void put_gap(struct json *j, const struct event *e)
{
	json_object(j);
	json_key_cstr(j, "type", "gap");
	put_session_id(j, e->session);
	json_key_i64(j, "time_ns", e->time_ns);
	json_key_cstr(j, "from", e->gap.side == GAP_COMMANDS ? "client" : "server");
	json_key_u64(j, "bytes", e->gap.bytes);
	json_end(j);
	json_newline(j);
}

static void put_end(struct json *j, const struct event *e)
{
	const struct packet p = {
		.stage = STAGE_DISCONNECTED, .moments = {MOMENT_DISCONNECTED}, .moment_count = 1};

	json_object(j);
	json_key_cstr(j, "type", "end");
	put_session_id(j, e->session);
	json_key_i64(j, "time_ns", e->time_ns);
	put_words(j, &p);
	json_key_cstr(j, "reason", end_reason_name(e->end));
	json_end(j);
	json_newline(j);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct json_sink *t = ctx;

	switch (e->type) {
	case EVENT_PACKET:
		put_packet(t, e);
		break;
	case EVENT_GAP:
		put_gap(&t->json, e);
		break;
	case EVENT_END:
		put_end(&t->json, e);
		break;
	case EVENT_SESSION:
	case EVENT_COMMAND:
	case EVENT_DATA:
	case EVENT_RESPONSE:
	case EVENT_TYPES:
		break;
	}
	return t->out->failed != ERR_OK ? out_flush(t->out, info) : ERR_OK;
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct json_sink *t = ctx;

	(void)so_far;
	(void)progress;
	return out_flush(t->out, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct json_sink *t = ctx;

	(void)coverage;
	return out_flush(t->out, info);
}

static void sink_free(void *ctx)
{
	struct json_sink *t = ctx;

	buf_release(&t->text);
	mem_free(t);
}

enum err trace_json_new(struct out *out, const struct trace_options *options, uint64_t *violations,
			struct event_sink *sink)
{
	struct json_sink *t = mem_zalloc(sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->out = out;
	t->hex = options->hex;
	t->violations = violations;
	json_init(&t->json, out);
	buf_init(&t->text, SIZE_MAX / 2);
	*sink = (struct event_sink){.event = on_event,
				    .tick = on_tick,
				    .finish = on_finish,
				    .free = sink_free,
				    .ctx = t};
	return ERR_OK;
}
