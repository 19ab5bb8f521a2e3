/* probe - finds MySQL among all connections, by what is said in them. */
#include "track/probe.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "mysql/proto.h"
#include "track/conversation.h"

enum {
	FIRST_BYTES = 12,        /* of the server, that are looked at */
	FIRST_BYTES_MIN = 7,     /* so many decide */
	GREETING_LEN_MAX = 4096, /* bytes of the first packet's payload */
	ERROR_CODE_MIN = 1000,   /* of the server's own errors */
	RESPONSE_PACKETS = 8,    /* that are looked at */
	COLUMN_COUNT_LEN = 4, /* bytes of the longest packet that only counts columns, and a flag */
};

enum verdict {
	UNDECIDED,
	IS_MYSQL,
	IS_OTHER,
};

struct held {
	struct stream_chunk chunk; /* its bytes are in the buffer */
	size_t at;
};

struct probed {
	struct stream_flow said;
	enum verdict verdict;
	bool joined;                /* the greeting cannot be hoped for any more */
	bool swapped;               /* TCP took the client for the server */
	void *inner;                /* the inner handler's, once it is MySQL */
	uint8_t first[FIRST_BYTES]; /* the server's first bytes */
	size_t first_len;
	struct proxy_reader proxy;
	struct held held[PROBE_HELD_MAX];
	size_t held_count;
	struct buf bytes;       /* of what is held */
	enum stream_side asker; /* joined: whose commands are held */
	enum stream_side last;  /* joined: who spoke last */
	bool heard[2];
	uint64_t next[2]; /* offset of what a side says next */
	uint64_t
		base[2]; /* joined: the same when what is held began; offsets are told from there */
	uint32_t turns;
	uint64_t looked_at; /* bytes */
};

struct probe {
	struct stream_handler inner;
	uint64_t other_flows;
};

/* ---- what MySQL looks like ---- */

/* The server's first bytes: a greeting, or an error in its place. */
static enum verdict look_at_greeting(struct slice first)
{
	struct cursor c = cur_of(first);
	uint32_t len = cur_u24(&c);
	uint8_t sequence = cur_u8(&c), protocol = cur_u8(&c);
	uint16_t code;

	if (!cur_ok(&c))
		return UNDECIDED;
	if (sequence != 0 || len < FIRST_BYTES_MIN || len > GREETING_LEN_MAX)
		return IS_OTHER;
	if (protocol == MYP_ERR) {
		code = cur_u16(&c);
		return !cur_ok(&c) ? UNDECIDED : code >= ERROR_CODE_MIN ? IS_MYSQL : IS_OTHER;
	}
	if (protocol != 10 && protocol != 9)
		return IS_OTHER;
	if (cur_left(&c) < 2)
		return UNDECIDED;
	while (cur_left(&c) > 0) {
		uint8_t ch = cur_u8(&c);

		if (ch == 0)
			break;
		if (ch < 0x20 || ch > 0x7e)
			return IS_OTHER;
	}
	return IS_MYSQL;
}

static bool first_of_response_fits(struct slice payload, uint32_t len)
{
	uint8_t kind = payload.len > 0 ? payload.ptr[0] : 0;

	switch (kind) {
	case 0x00: /* OK, or a prepared statement */
		return len >= 7;
	case MYP_ERR:
		return len >= 9 && payload.len > 3 && payload.ptr[3] == '#';
	case 0xfb: /* LOCAL INFILE */
		return len >= 2;
	case 0xfe: /* EOF */
		return len == 5;
	default:
		return len <= COLUMN_COUNT_LEN;
	}
}

/* Does an answer to a command begin here? The packets that can be seen are numbered from 1. */
static bool response_fits(struct slice bytes)
{
	struct cursor c = cur_of(bytes);
	uint8_t expected = 1;

	for (int i = 0; i < RESPONSE_PACKETS && cur_left(&c) >= MYP_HEADER; i++) {
		uint32_t len = cur_u24(&c);
		uint8_t sequence = cur_u8(&c);
		struct slice payload = slice_head(slice_of(c.pos, cur_left(&c)), len);

		if (sequence != expected && sequence != 1) /* or the next response */
			return false;
		if (len == 0 || (i == 0 && !first_of_response_fits(payload, len)))
			return false;
		if (payload.len < len)
			return i > 0 || payload.len > 0;
		cur_skip(&c, len);
		expected = (uint8_t)(sequence + 1);
	}
	return expected > 1;
}

/* ---- what is held ---- */

static enum stream_side other(enum stream_side side)
{
	return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

static void drop_held(struct probed *f)
{
	f->held_count = 0;
	buf_reset(&f->bytes);
}

/* False: it is more than is held. */
static bool hold(struct probed *f, const struct stream_chunk *chunk)
{
	struct held *h = &f->held[f->held_count];

	if (f->held_count == PROBE_HELD_MAX)
		return false;
	*h = (struct held){.chunk = *chunk, .at = f->bytes.len};
	buf_put_slice(&f->bytes, chunk->bytes);
	if (buf_err(&f->bytes) != ERR_OK)
		return false;
	f->held_count++;
	return true;
}

static void hand_on(struct probe *p, struct probed *f, const struct stream_chunk *chunk)
{
	struct stream_chunk c = *chunk;

	c.offset -= f->base[c.from];
	if (c.acked != STREAM_ACK_UNKNOWN) {
		int64_t base = (int64_t)f->base[other(c.from)];

		c.acked = c.acked > base ? c.acked - base : 0;
	}
	c.from = f->swapped ? other(c.from) : c.from;
	if (f->inner)
		p->inner.chunk(p->inner.ctx, f->inner, &c);
}

/* With the last one of them it became clear what they are: events are told in the order of frames. */
static void hand_on_held(struct probe *p, struct probed *f)
{
	uint64_t frame = f->held_count > 0 ? f->held[f->held_count - 1].chunk.frame : 0;

	for (size_t i = 0; i < f->held_count; i++) {
		struct held *h = &f->held[i];

		h->chunk.bytes = slice_of(f->bytes.ptr + h->at, h->chunk.bytes.len);
		h->chunk.frame = frame;
		hand_on(p, f, &h->chunk);
	}
	drop_held(f);
	buf_release(&f->bytes);
}

/* ---- verdicts ---- */

static void found(struct probe *p, struct probed *f)
{
	struct stream_flow said = f->said;

	f->verdict = IS_MYSQL;
	if (f->swapped) {
		said.client = f->said.server;
		said.server = f->said.client;
	}
	said.from_start = said.from_start && !f->joined;
	f->inner = p->inner.open(p->inner.ctx, &said);
	hand_on_held(p, f);
}

static void give_up(struct probe *p, struct probed *f)
{
	f->verdict = IS_OTHER;
	p->other_flows++;
	drop_held(f);
	buf_release(&f->bytes);
}

/* ---- flows ---- */

/* Of a flow heard from its start: the client may only let a proxy speak before the greeting. */
static enum verdict look_at_start(struct probed *f, const struct stream_chunk *chunk)
{
	struct slice bytes = chunk->bytes;
	struct endpoint ignored;

	if (chunk->from == STREAM_SERVER) {
		size_t n = bytes.len < FIRST_BYTES - f->first_len ? bytes.len
								  : FIRST_BYTES - f->first_len;

		memcpy(f->first + f->first_len, bytes.ptr, n);
		f->first_len += n;
		return look_at_greeting(slice_of(f->first, f->first_len));
	}
	if (f->proxy.done || f->first_len > 0)
		return IS_OTHER;
	if (proxy_take(&f->proxy, &bytes, &ignored) == PROXY_NONE || bytes.len > 0)
		return IS_OTHER;
	return UNDECIDED;
}

static void begin_asking(struct probed *f, const struct stream_chunk *chunk)
{
	bool has_all = chunk->acked == STREAM_ACK_UNKNOWN ||
		       (uint64_t)chunk->acked == f->next[other(chunk->from)];

	drop_held(f);
	memcpy(f->base, f->next, sizeof(f->base));
	if (!has_all || !guess_command_start(chunk->bytes) || !hold(f, chunk))
		drop_held(f);
	f->asker = chunk->from;
}

/* Only one side is heard, and all it says are commands. */
static bool asks_alone(const struct probed *f)
{
	size_t commands = 0;

	if (f->heard[STREAM_CLIENT] && f->heard[STREAM_SERVER])
		return false;
	for (size_t i = 0; i < f->held_count; i++)
		commands += guess_command_start(
			slice_of(f->bytes.ptr + f->held[i].at, f->held[i].chunk.bytes.len));
	return commands >= PROBE_COMMANDS;
}

/* A joined flow: who asks, and who answers? True: found. */
static bool look_at_talk(struct probed *f, const struct stream_chunk *chunk)
{
	bool turn = !f->heard[chunk->from] || f->last != chunk->from;

	f->heard[chunk->from] = true;
	f->last = chunk->from;
	f->turns += turn;
	f->looked_at += chunk->bytes.len;
	if (chunk->offset == 0 && guess_greeting(chunk->bytes)) {
		drop_held(f);
		memcpy(f->base, f->next, sizeof(f->base));
		f->swapped = chunk->from == STREAM_CLIENT;
		return hold(f, chunk);
	}
	if (f->held_count > 0 && chunk->from != f->asker && response_fits(chunk->bytes)) {
		f->swapped = f->asker == STREAM_SERVER;
		return hold(f, chunk);
	}
	if (f->held_count == 0 || chunk->from != f->asker || !hold(f, chunk))
		begin_asking(f, chunk);
	if (!asks_alone(f))
		return false;
	f->swapped = f->asker == STREAM_SERVER;
	return true;
}

static void look(struct probe *p, struct probed *f, const struct stream_chunk *chunk)
{
	enum verdict verdict = UNDECIDED;

	if (chunk->gap) {
		drop_held(f);
		f->joined = true;
	} else if (f->joined) {
		if (look_at_talk(f, chunk))
			found(p, f);
		else if (f->turns >= PROBE_TURNS_MAX || f->looked_at >= PROBE_BYTES_MAX)
			give_up(p, f);
	} else {
		verdict = look_at_start(f, chunk);
		if (verdict == IS_OTHER || !hold(f, chunk))
			give_up(p, f);
		else if (verdict == IS_MYSQL)
			found(p, f);
	}
	f->next[chunk->from] = chunk->offset + chunk->bytes.len + chunk->gap;
}

/* ---- the handler ---- */

static void *on_open(void *ctx, const struct stream_flow *flow)
{
	struct probed *f = mem_zalloc(sizeof(*f));

	(void)ctx;
	if (!f)
		return NULL;
	f->said = *flow;
	f->joined = !flow->from_start;
	buf_init(&f->bytes, PROBE_HELD_BYTES_MAX);
	return f;
}

static void on_chunk(void *ctx, void *conversation, const struct stream_chunk *chunk)
{
	struct probe *p = ctx;
	struct probed *f = conversation;

	switch (f->verdict) {
	case UNDECIDED:
		look(p, f, chunk);
		break;
	case IS_MYSQL:
		hand_on(p, f, chunk);
		break;
	case IS_OTHER:
		break;
	}
}

static bool on_bored(void *ctx, const void *conversation)
{
	const struct probed *f = conversation;

	(void)ctx;
	return f->verdict == IS_OTHER;
}

static bool on_idle(void *ctx, const void *conversation)
{
	const struct probe *p = ctx;
	const struct probed *f = conversation;

	return !f->inner || !p->inner.idle || p->inner.idle(p->inner.ctx, f->inner);
}

static void on_close(void *ctx, void *conversation, enum stream_end end, int64_t time_ns,
		     uint64_t frame)
{
	struct probe *p = ctx;
	struct probed *f = conversation;

	if (f->inner)
		p->inner.close(p->inner.ctx, f->inner, end, time_ns, frame);
	p->other_flows += f->verdict == UNDECIDED;
	buf_release(&f->bytes);
	mem_free(f);
}

struct stream_handler probe_handler(struct probe *p)
{
	return (struct stream_handler){
		.open = on_open,
		.chunk = on_chunk,
		.bored = on_bored,
		.idle = on_idle,
		.close = on_close,
		.ctx = p,
	};
}

uint64_t probe_other_flows(const struct probe *p)
{
	return p->other_flows;
}

enum err probe_new(const struct stream_handler *inner, struct probe **out)
{
	struct probe *p = mem_zalloc(sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->inner = *inner;
	*out = p;
	return ERR_OK;
}

void probe_free(struct probe *p)
{
	mem_free(p);
}
