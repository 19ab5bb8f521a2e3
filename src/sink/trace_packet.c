/* trace_packet - one line per packet, for people. */
#include "sink/trace_packet.h"

#include "base/mem.h"
#include "mysql/charset.h"
#include "sink/packet_facts.h"
#include "sink/trace_line.h"

enum { HEX_ROW = 16, HEX_HALF = 8 }; /* bytes */

struct packet_sink {
	struct trace_line line;
	bool hex;
	uint64_t *violations;
	struct buf facts; /* of one packet, in UTF-8 */
	struct buf utf8;
};

static const char marks[] = {
	[PACKET_OF_CLIENT] = '>', [PACKET_OF_SERVER] = '<', [PACKET_OF_NOBODY] = '*'};

/* ---- facts, as "key=value key=value" ---- */

static void put_key(struct packet_sink *t, struct slice key)
{
	if (t->facts.len)
		buf_put_u8(&t->facts, ' ');
	buf_put_slice(&t->facts, key);
	if (key.len)
		buf_put_u8(&t->facts, '=');
}

static void on_number(void *ctx, const char *key, uint64_t v)
{
	struct packet_sink *t = ctx;

	put_key(t, slice_cstr(key));
	buf_printf(&t->facts, "%llu", (unsigned long long)v);
}

static void on_text(void *ctx, struct slice key, struct slice text, uint16_t collation,
		    bool leading)
{
	struct packet_sink *t = ctx;
	bool quoted = !leading && (text.len == 0 || memchr(text.ptr, ' ', text.len));

	buf_reset(&t->utf8);
	(void)myp_charset_to_utf8(collation, text, &t->utf8);
	put_key(t, slice_head(key, leading ? 0 : key.len));
	if (quoted)
		buf_put_u8(&t->facts, '"');
	buf_put_slice(&t->facts, buf_slice(&t->utf8));
	if (quoted)
		buf_put_u8(&t->facts, '"');
}

static void on_names(void *ctx, const char *key, const struct bit_name *names, uint64_t bits)
{
	struct packet_sink *t = ctx;
	const char *mark = "";

	if (bits == 0)
		return;
	put_key(t, slice_cstr(key));
	for (const struct bit_name *n = names; n->name; n++) {
		if (!(bits & n->bit))
			continue;
		buf_put_cstr(&t->facts, mark);
		buf_put_cstr(&t->facts, n->name);
		mark = ",";
		bits &= ~n->bit;
	}
	if (bits)
		buf_printf(&t->facts, "%s0x%llx", mark, (unsigned long long)bits);
}

static void on_open(void *ctx, const char *key)
{
	struct packet_sink *t = ctx;

	put_key(t, slice_cstr(key));
	buf_put_cstr(&t->facts, "(");
}

static void on_close(void *ctx)
{
	struct packet_sink *t = ctx;

	buf_put_cstr(&t->facts, " )");
}

/* ---- lines ---- */

static enum line_colour colour_of(const struct packet *p)
{
	if (p->meaning == PACKET_ERROR || p->violation)
		return LINE_RED;
	if (p->doubtful || p->meaning == PACKET_UNKNOWN)
		return LINE_YELLOW;
	if (p->side == PACKET_OF_CLIENT)
		return LINE_BLUE;
	return p->side == PACKET_OF_NOBODY ? LINE_GREEN : LINE_PLAIN;
}

static void put_columns(struct packet_sink *t, const struct event *e)
{
	const struct packet *p = e->packet;
	const char *stage = packet_stage_name(p->stage);
	const char *moment = p->moment_count ? packet_moment_name(p->moment) : "-";
	struct out *out = t->line.out;

	line_head(&t->line, e->session, p->first_ns, marks[p->side]);
	out_printf(out, "%-23s ", stage ? stage : "-");
	line_colour(&t->line, colour_of(p));
	out_printf(out, "%-20s", moment);
	line_colour(&t->line, LINE_PLAIN);
	if (p->side == PACKET_OF_NOBODY)
		out_put_repeat(out, ' ', 12);
	else
		out_printf(out, " %3u %7llu", p->sequence, (unsigned long long)p->length);
}

/* What it is, unless what follows says that: "field 1/3", "row 2", "greeting". */
static void put_meaning(struct packet_sink *t, const struct packet *p)
{
	struct out *out = t->line.out;

	if (p->meaning == PACKET_COMMAND)
		return;
	out_printf(out, "  %s", packet_meaning_name(p->meaning));
	if (p->meaning == PACKET_FIELD || p->meaning == PACKET_PARAM) {
		out_printf(out, " %llu", (unsigned long long)p->index);
		if (p->count)
			out_printf(out, "/%u", p->count);
	} else if (p->meaning == PACKET_ROW) {
		out_printf(out, " %llu", (unsigned long long)p->index);
	}
}

static void put_notes(struct packet_sink *t, const struct event *e)
{
	const struct packet *p = e->packet;

	if (p->ahead)
		out_put_cstr(t->line.out, " [sent ahead]");
	if (p->doubtful)
		out_put_cstr(t->line.out, " [in doubt]");
	if (p->payload.len < p->length && p->side != PACKET_OF_NOBODY)
		out_put_cstr(t->line.out, " [cut]");
	out_put_byte(t->line.out, '\n');
	if (!p->violation)
		return;
	line_head(&t->line, e->session, p->first_ns, '!');
	line_colour(&t->line, LINE_RED);
	out_printf(t->line.out, "violation: %s", p->violation);
	line_colour(&t->line, LINE_PLAIN);
	out_put_byte(t->line.out, '\n');
}

static bool is_hidden(const struct packet *p, size_t at)
{
	return at < p->hidden.len && p->hidden.ptr[at];
}

static void put_hex_row(struct packet_sink *t, const struct packet *p, size_t from)
{
	struct out *out = t->line.out;
	size_t left = p->payload.len - from, n = left < HEX_ROW ? left : HEX_ROW;

	out_printf(out, "        %06zx ", from);
	for (size_t i = 0; i < HEX_ROW; i++) {
		if (i % HEX_HALF == 0)
			out_put_byte(out, ' ');
		if (i >= n)
			out_put_cstr(out, "   ");
		else if (is_hidden(p, from + i))
			out_put_cstr(out, "** ");
		else
			out_printf(out, "%02x ", p->payload.ptr[from + i]);
	}
	out_put_cstr(out, " |");
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p->payload.ptr[from + i];

		out_put_byte(out, c < 0x20 || c > 0x7e ? '.' : c);
	}
	out_put_cstr(out, "|\n");
}

static void put_packet(struct packet_sink *t, const struct event *e)
{
	const struct packet_facts facts = {.number = on_number,
					   .text = on_text,
					   .names = on_names,
					   .open = on_open,
					   .close = on_close,
					   .ctx = t};
	const struct packet *p = e->packet;

	*t->violations += p->violation != NULL;
	buf_reset(&t->facts);
	packet_facts_tell(p, e->session, &facts);
	put_columns(t, e);
	put_meaning(t, p);
	if (t->facts.len) {
		out_put_cstr(t->line.out, p->meaning == PACKET_COMMAND ? "  " : " ");
		line_text(&t->line, 0, buf_slice(&t->facts));
	}
	put_notes(t, e);
	for (size_t at = 0; t->hex && at < p->payload.len; at += HEX_ROW)
		put_hex_row(t, p, at);
}

static void put_end(struct packet_sink *t, const struct event *e)
{
	line_head(&t->line, e->session, e->time_ns, '*');
	out_printf(t->line.out, "%-23s %-20s              ", packet_stage_name(STAGE_DISCONNECTED),
		   packet_moment_name(MOMENT_DISCONNECTED));
	line_end(&t->line, e);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct packet_sink *t = ctx;

	switch (e->type) {
	case EVENT_SESSION:
		line_session(&t->line, e->session);
		break;
	case EVENT_PACKET:
		put_packet(t, e);
		break;
	case EVENT_GAP:
		line_gap(&t->line, e);
		break;
	case EVENT_END:
		put_end(t, e);
		break;
	case EVENT_COMMAND:
	case EVENT_DATA:
	case EVENT_RESPONSE:
	case EVENT_TYPES:
		break;
	}
	return t->line.out->failed != ERR_OK ? out_flush(t->line.out, info) : ERR_OK;
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct packet_sink *t = ctx;

	(void)so_far;
	(void)progress;
	return out_flush(t->line.out, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct packet_sink *t = ctx;

	(void)coverage;
	return out_flush(t->line.out, info);
}

static void sink_free(void *ctx)
{
	struct packet_sink *t = ctx;

	line_release(&t->line);
	buf_release(&t->facts);
	buf_release(&t->utf8);
	mem_free(t);
}

enum err trace_packet_new(struct out *out, const struct trace_options *options,
			  uint64_t *violations, struct event_sink *sink)
{
	struct packet_sink *t = mem_zalloc(sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	line_init(&t->line, out, options->colour, options->width);
	t->hex = options->hex;
	t->violations = violations;
	buf_init(&t->facts, SIZE_MAX / 2);
	buf_init(&t->utf8, SIZE_MAX / 2);
	*sink = (struct event_sink){.event = on_event,
				    .tick = on_tick,
				    .finish = on_finish,
				    .free = sink_free,
				    .ctx = t};
	return ERR_OK;
}
