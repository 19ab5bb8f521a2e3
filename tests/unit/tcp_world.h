/*
 * tcp_world - a connection between 10.0.0.1:40000 (client) and 10.0.0.2:3306, whose segments a test
 * says one by one, and whose chunks it compares with a line of text.
 */
#ifndef TESTS_TCP_WORLD_H
#define TESTS_TCP_WORLD_H

#include "check.h"

#include "../chunk_log.h"
#include "base/clock.h"
#include "tcp/tcp.h"

enum { CLIENT_PORT = 40000, SERVER_PORT = 3306 };

struct world {
	struct tcp *tcp;
	struct chunk_log log;
	uint64_t frame;
	int64_t now_ns;
	uint32_t isn[2];
	uint16_t client_port;
	struct buf story; /* "C0:abc S0:~12 ": chunks in order; ~ is a gap */
};

static inline void tell(void *ctx, const struct stream_chunk *c)
{
	struct world *w = ctx;

	buf_printf(&w->story, "%c%llu:", c->from == STREAM_CLIENT ? 'C' : 'S',
		   (unsigned long long)c->offset);
	if (c->gap)
		buf_printf(&w->story, "~%llu ", (unsigned long long)c->gap);
	else
		buf_printf(&w->story, "%.*s ", (int)c->bytes.len, (const char *)c->bytes.ptr);
}

static inline void world_init(struct world *w)
{
	struct tcp_options options = {.ports = {SERVER_PORT, 3307}, .port_count = 2};
	struct stream_handler handler;

	*w = (struct world){.now_ns = NS_PER_S, .isn = {1000, 0xfffffff0}};
	w->client_port = CLIENT_PORT;
	w->log.keep_bytes = true;
	w->log.on_chunk = tell;
	w->log.ctx = w;
	buf_init(&w->story, 1 << 20);
	handler = chunk_log_handler(&w->log);
	CHECK(tcp_new(&options, &handler, &w->tcp) == ERR_OK);
}

static inline void world_release(struct world *w)
{
	tcp_finish(w->tcp);
	tcp_free(w->tcp);
	chunk_log_release(&w->log);
	buf_release(&w->story);
}

/* SIDE sends TEXT at offset SEQ, having ACK bytes of the other side; -1 is the SYN's place. */
static inline struct segment segment(struct world *w, enum stream_side side, uint8_t flags,
				     int64_t seq, int64_t ack, const char *text)
{
	struct segment s = {
		.frame = ++w->frame,
		.time_ns = w->now_ns += NS_PER_US,
		.src = {.addr = {.bytes = {10, 0, 0, 1}}, .port = w->client_port},
		.dst = {.addr = {.bytes = {10, 0, 0, 2}}, .port = SERVER_PORT},
		.seq = w->isn[side] + 1 + (uint32_t)seq,
		.ack = flags & TCP_ACK ? w->isn[!side] + 1 + (uint32_t)ack : 0,
		.flags = flags,
		.payload = slice_cstr(text),
		.payload_wire_len = (uint32_t)strlen(text),
	};

	if (side == STREAM_SERVER) {
		struct endpoint client = s.src;

		s.src = s.dst;
		s.dst = client;
	}
	return s;
}

static inline void say(struct world *w, enum stream_side side, uint8_t flags, int64_t seq,
		       int64_t ack, const char *text)
{
	struct segment s = segment(w, side, flags, seq, ack, text);

	CHECK(tcp_segment(w->tcp, &s) == ERR_OK);
}

static inline void client(struct world *w, int64_t seq, int64_t ack, const char *text)
{
	say(w, STREAM_CLIENT, TCP_ACK, seq, ack, text);
}

static inline void server(struct world *w, int64_t seq, int64_t ack, const char *text)
{
	say(w, STREAM_SERVER, TCP_ACK, seq, ack, text);
}

static inline void handshake(struct world *w)
{
	say(w, STREAM_CLIENT, TCP_SYN, -1, 0, "");
	say(w, STREAM_SERVER, TCP_SYN | TCP_ACK, -1, 0, "");
	client(w, 0, 0, "");
}

static inline void heard(struct world *w, const char *story)
{
	buf_put_u8(&w->story, 0);
	assert_string_equal((const char *)w->story.ptr, story);
	buf_reset(&w->story);
}

static inline int end_of(const struct world *w, size_t flow)
{
	return flow < w->log.closed ? w->log.flows[flow].end : CHUNK_LOG_NO_END;
}

#endif
