/* hear - units of kakao MRTE to chunks of their clients' streams. */
#include "mrte/hear.h"

#include "base/map.h"
#include "base/mem.h"
#include "mrte/message.h"
#include "mysql/command.h"
#include "mysql/login.h"
#include "mysql/packet.h"

enum {
	SEGMENT_FULL = 500, /* bytes: a packet that goes on in another segment fills its own */
	TEXT_SEEN = 16,     /* bytes of a statement by which it is known for one */
	EXECUTE_HEAD = 5,   /* bytes: a statement's id, and flags */
};

static const int64_t IDLE_NS = INT64_C(8) * 3600 * 1000000000;

struct flow {
	struct flow *older, *newer; /* by what came last */
	struct endpoint client, server;
	void *conversation; /* NULL: nobody is interested */
	int64_t last_ns;
	uint64_t offset; /* of the next byte */
	uint32_t left;   /* bytes that the packet under way lacks */
	uint8_t header[MYP_HEADER];
	uint8_t header_len; /* bytes of a header that the unit's end cut */
	bool has_quit;      /* and was closed; it is kept, since QUIT may be published twice */
	bool last_began;    /* the last unit began a packet */
	uint64_t last_hash; /* of its bytes */
	size_t last_len;    /* 0: there was none */
};

struct mrte_hearing {
	struct endpoint server; /* of the message at hand */
	struct stream_handler handler;
	struct map flows;
	struct flow *oldest, *newest;
	struct mrte_heard heard;
	uint64_t frame;
};

/* Who says something, and where. */
struct pair {
	const struct endpoint *client, *server;
};

static bool is_pair(const void *item, const void *key)
{
	const struct flow *f = item;
	const struct pair *p = key;

	return endpoint_eq(&f->client, p->client) && endpoint_eq(&f->server, p->server);
}

static void unlink_flow(struct mrte_hearing *h, struct flow *f)
{
	*(f->older ? &f->older->newer : &h->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &h->newest) = f->older;
}

static void link_newest(struct mrte_hearing *h, struct flow *f)
{
	f->older = h->newest;
	f->newer = NULL;
	*(h->newest ? &h->newest->newer : &h->oldest) = f;
	h->newest = f;
}

static void end_conversation(struct mrte_hearing *h, struct flow *f, enum stream_end end)
{
	if (f->conversation)
		h->handler.close(h->handler.ctx, f->conversation, end, f->last_ns, h->frame);
	f->conversation = NULL;
}

static void close_flow(struct mrte_hearing *h, struct flow *f, enum stream_end end)
{
	end_conversation(h, f, end);
	unlink_flow(h, f);
	(void)map_take(&h->flows, endpoint_pair_hash(&f->client, &f->server),
		       &(struct pair){.client = &f->client, .server = &f->server});
	mem_free(f);
}

static enum err open_flow(struct mrte_hearing *h, const struct endpoint *client, int64_t time_ns,
			  struct flow **out)
{
	struct stream_flow told = {
		.id = hash_mix(endpoint_pair_hash(client, &h->server), (uint64_t)time_ns),
		.client = *client,
		.server = h->server,
		.first_ns = time_ns,
	};
	struct flow *f;

	if (h->flows.count == MRTE_FLOWS_MAX) {
		h->heard.limit_closed++;
		close_flow(h, h->oldest, STREAM_END_TIMEOUT);
	}
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->client = *client;
	f->server = h->server;
	f->last_ns = time_ns;
	if (map_put(&h->flows, endpoint_pair_hash(client, &h->server), f) != ERR_OK) {
		mem_free(f);
		return ERR_NOMEM;
	}
	link_newest(h, f);
	h->heard.flows++;
	f->conversation = h->handler.open(h->handler.ctx, &told);
	*out = f;
	return ERR_OK;
}

static void hand_on(struct mrte_hearing *h, struct flow *f, struct slice bytes, uint64_t gap)
{
	const struct stream_chunk chunk = {
		.from = STREAM_CLIENT,
		.time_ns = f->last_ns,
		.frame = h->frame,
		.offset = f->offset,
		.acked = STREAM_ACK_UNKNOWN,
		.bytes = bytes,
		.gap = gap,
	};

	f->offset += bytes.len + gap;
	if (f->conversation)
		h->handler.chunk(h->handler.ctx, f->conversation, &chunk);
}

/* Bytes that were not published, or cannot be trusted: the next one begins a packet. */
static void lose(struct mrte_hearing *h, struct flow *f, uint64_t bytes)
{
	f->left = 0;
	f->header_len = 0;
	if (bytes)
		hand_on(h, f, slice_of(NULL, 0), bytes);
}

static bool is_between_packets(const struct flow *f)
{
	return f->left == 0 && f->header_len == 0;
}

/* Reads the lengths of what is in DATA. */
static void follow(struct flow *f, struct slice data)
{
	struct cursor c = cur_of(data);

	while (cur_left(&c)) {
		size_t n = cur_left(&c) < f->left ? cur_left(&c) : f->left;

		cur_skip(&c, n);
		f->left -= (uint32_t)n;
		while (f->left == 0 && cur_left(&c) && f->header_len < MYP_HEADER)
			f->header[f->header_len++] = cur_u8(&c);
		if (f->header_len < MYP_HEADER)
			continue;
		f->left = (uint32_t)f->header[0] | (uint32_t)f->header[1] << 8 |
			  (uint32_t)f->header[2] << 16;
		f->header_len = 0;
		f->has_quit = f->left == 1 && f->header[3] == 0 && cur_peek(&c) == MYP_COM_QUIT &&
			      cur_left(&c) > 0;
	}
}

/* What a unit is if a packet begins with it. */
struct begun {
	bool is_packet;
	bool is_whole; /* the unit ends where a packet does */
	bool is_login;
	bool is_long_command; /* its first part, as far as that can be told */
	uint8_t sequence;
	uint8_t code; /* of a command */
};

/*
 * Does a command begin here that goes on in another unit? It stands where the rest of another is due, so that more is asked
 * of it than a number that means a command: text that looks like text, an execution as all are.
 */
static bool begins_long_command(struct slice data)
{
	struct cursor c = cur_of(data);
	struct slice text;

	if (cur_u24(&c) <= data.len - MYP_HEADER || cur_u8(&c) != 0)
		return false;
	switch (cur_u8(&c)) {
	case MYP_COM_QUERY:
	case MYP_COM_STMT_PREPARE:
		text = cur_bytes(&c, TEXT_SEEN);
		for (size_t i = 0; i < text.len; i++)
			if (text.ptr[i] < '\t' || (text.ptr[i] > '\r' && text.ptr[i] < ' '))
				return false;
		return cur_ok(&c);
	case MYP_COM_STMT_EXECUTE:
		cur_skip(&c, EXECUTE_HEAD);
		return cur_u32(&c) == 1; /* times, and never another number */
	default:                         /* a byte from the wire */
		return false;
	}
}

/* Are the packets of C, up to its end, all such as clients send? *IS_WHOLE: the last one ends there. */
static bool are_packets(struct cursor c, bool *is_whole)
{
	*is_whole = false;
	while (cur_left(&c) > MYP_HEADER) {
		uint32_t len = cur_u24(&c);
		uint8_t sequence = cur_u8(&c);

		if (sequence == 0 && (len == 0 || !myp_command_known(cur_peek(&c))))
			return false;
		if (len > cur_left(&c))
			return sequence == 0 || cur_left(&c) >= SEGMENT_FULL;
		cur_skip(&c, len);
	}
	*is_whole = cur_left(&c) == 0;
	return true; /* of a header in pieces nothing can be said */
}

static struct begun begun_by(struct slice data)
{
	struct begun b = {.is_packet = false};
	struct cursor c = cur_of(data);

	b.is_packet = are_packets(c, &b.is_whole);
	if (data.len > MYP_HEADER) {
		uint32_t len = cur_u24(&c);

		b.sequence = cur_u8(&c);
		b.code = cur_peek(&c);
		b.is_long_command = begins_long_command(data);
		b.is_login = b.sequence == 1 && len == cur_left(&c) &&
			     myp_login_has_filler(slice_of(c.pos, cur_left(&c)));
	}
	return b;
}

/* What a client says once, or not again at once. */
static bool is_never_repeated(const struct begun *b)
{
	return b->is_login || (b->is_whole && b->sequence == 0 &&
			       (b->code == MYP_COM_QUIT || b->code == MYP_COM_STMT_CLOSE));
}

/* DATA is the bytes of the unit before it: does that prove that they were sent once? */
static bool is_duplicate(const struct flow *f, const struct begun *b)
{
	if (!is_between_packets(f))
		return f->last_began && b->is_packet;
	return f->last_began ? is_never_repeated(b) : !b->is_packet || b->sequence != 0;
}

/* Finds the place of DATA in the stream; false if it has none. */
static bool place(struct mrte_hearing *h, struct flow *f, const struct begun *b, size_t len)
{
	if (!is_between_packets(f)) {
		/* The collector cuts what is longer than its snapshot length, and says nothing. */
		bool is_next = (b->is_whole && b->sequence == 0) || b->is_long_command;

		if (!is_next || f->left == len)
			return true;
		h->heard.cut++;
		lose(h, f, f->left ? f->left : 1);
		return true;
	}
	if (b->is_packet)
		return true;
	h->heard.misplaced++;
	lose(h, f, len);
	return false;
}

/* Are these the bytes of the unit before? */
static bool is_same(const struct flow *f, struct slice data)
{
	return f->last_len == data.len && f->last_hash == hash_bytes(data);
}

static enum err hear_data(struct mrte_hearing *h, struct flow *f, struct slice data)
{
	struct begun b = begun_by(data);

	if (is_same(f, data) && is_duplicate(f, &b)) {
		h->heard.duplicates++;
		return ERR_OK;
	}
	if (b.is_login && f->last_len && is_between_packets(f)) {
		struct endpoint client = f->client; /* on a port that another connection had */
		int64_t time_ns = f->last_ns;

		close_flow(h, f, STREAM_END_REUSED);
		if (open_flow(h, &client, time_ns, &f) != ERR_OK)
			return ERR_NOMEM;
	}
	f->last_len = data.len;
	f->last_hash = hash_bytes(data);
	if (!place(h, f, &b, data.len))
		return ERR_OK;
	f->last_began = is_between_packets(f);
	hand_on(h, f, data, 0);
	follow(f, data);
	if (f->has_quit)
		end_conversation(h, f, STREAM_END_FIN);
	return ERR_OK;
}

static enum err hear_unit(struct mrte_hearing *h, const struct mrte_unit *u, int64_t time_ns)
{
	const struct pair pair = {.client = &u->client, .server = &h->server};
	struct flow *f = map_get(&h->flows, endpoint_pair_hash(&u->client, &h->server), &pair);

	h->frame++;
	h->heard.units++;
	if (f && f->has_quit && !is_same(f, u->data)) {
		close_flow(h, f, STREAM_END_FIN);
		f = NULL;
	}
	if (!f && open_flow(h, &u->client, time_ns, &f) != ERR_OK)
		return ERR_NOMEM;
	unlink_flow(h, f);
	link_newest(h, f);
	f->last_ns = time_ns;
	if (u->is_whole)
		return hear_data(h, f, u->data);
	h->heard.bad_checksums++;
	lose(h, f, u->data.len);
	return ERR_OK;
}

static void close_idle(struct mrte_hearing *h, int64_t now_ns)
{
	while (h->oldest && now_ns - h->oldest->last_ns > IDLE_NS)
		close_flow(h, h->oldest, STREAM_END_TIMEOUT);
}

enum err mrte_hear(struct mrte_hearing *h, struct slice message, int64_t time_ns)
{
	struct cursor units;
	struct mrte_unit unit;
	enum err e = ERR_PROTO, first = ERR_OK;

	h->heard.messages++;
	close_idle(h, time_ns);
	if (mrte_message_open(message, &h->server.addr, &units))
		while ((e = mrte_message_next(&units, &unit)) == ERR_OK)
			if (hear_unit(h, &unit, time_ns) != ERR_OK)
				first = ERR_NOMEM;
	h->heard.bad_messages += e == ERR_PROTO;
	return first;
}

void mrte_hearing_finish(struct mrte_hearing *h)
{
	while (h->oldest)
		close_flow(h, h->oldest, STREAM_END_CAPTURE);
}

const struct mrte_heard *mrte_hearing_stats(const struct mrte_hearing *h)
{
	return &h->heard;
}

enum err mrte_hearing_new(uint16_t port, const struct stream_handler *handler,
			  struct mrte_hearing **out)
{
	struct mrte_hearing *h = mem_zalloc(sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	h->server.port = port;
	h->handler = *handler;
	map_init(&h->flows, MRTE_FLOWS_MAX, is_pair);
	*out = h;
	return ERR_OK;
}

void mrte_hearing_free(struct mrte_hearing *h)
{
	if (!h)
		return;
	while (h->oldest) {
		struct flow *f = h->oldest;

		unlink_flow(h, f);
		mem_free(f);
	}
	map_release(&h->flows);
	mem_free(h);
}
