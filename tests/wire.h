/*
 * wire - segments of made-up connections as a capture, and the whole way from it to events.
 *
 * A wire is a pcap file in memory. Its frames are Ethernet, with all that a network may put around a segment.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "input/input.h"
#include "net/segment.h"
#include "stream/chunk.h"

enum wire_shape {
	WIRE_IPV4,
	WIRE_IPV6,
	WIRE_VLAN,
	WIRE_FRAGMENTS, /* of IPv4, two */
	WIRE_VXLAN,
	WIRE_SHAPES,
};

enum {
	WIRE_MAX = 64 << 20,
	WIRE_SERVER_PORT = 3306,
	WIRE_CLIENT_PORT = 40000,
	WIRE_PAYLOAD_MAX = 60000, /* so that it fits into any shape */
};

struct wire_segment {
	int64_t time_ns;
	enum wire_shape shape;
	unsigned flow; /* number of its connection */
	enum stream_side from;
	uint8_t flags;
	uint32_t seq, ack;
	uint32_t cut; /* bytes that the capture cut off its end */
	struct slice payload;
};

static inline void wire_be(struct buf *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		buf_put_u8(b, (uint8_t)(v >> 8 * n));
}

static inline void wire_begin(struct buf *w)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, figures, snap_len, link;
	} head = {0xa1b23c4d, 2, 4, 0, 0, 1 << 18, 1};

	buf_init(w, WIRE_MAX);
	buf_put(w, &head, sizeof(head));
}

/* A frame as it is. */
static inline void wire_put_frame(struct buf *w, int64_t time_ns, struct slice frame, uint32_t cut)
{
	uint32_t kept = cut < frame.len ? (uint32_t)frame.len - cut : 0;

	buf_put_uint_le(w, (uint64_t)time_ns / 1000000000, 4);
	buf_put_uint_le(w, (uint64_t)time_ns % 1000000000, 4);
	buf_put_uint_le(w, kept, 4);
	buf_put_uint_le(w, frame.len, 4);
	buf_put_slice(w, slice_head(frame, kept));
}

static inline void wire_addr(struct buf *b, unsigned machine, bool v6)
{
	if (v6)
		buf_put_zeros(b, 12);
	wire_be(b, (v6 ? 0xfd000000 : 0x0a000000) + machine, 4);
}

static inline uint16_t wire_sum(uint64_t sum, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		sum += i % 2 ? bytes.ptr[i] : (uint64_t)bytes.ptr[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The TCP part; with its checksum over IPv4 addresses, which is only looked at in fragments. */
static inline void wire_tcp(struct buf *b, const struct wire_segment *s)
{
	uint16_t ports[2] = {(uint16_t)(WIRE_CLIENT_PORT + s->flow), WIRE_SERVER_PORT};
	size_t start = b->len;
	uint64_t pseudo;
	uint16_t sum;

	wire_be(b, ports[s->from], 2);
	wire_be(b, ports[!s->from], 2);
	wire_be(b, s->seq, 4);
	wire_be(b, s->ack, 4);
	wire_be(b, 5 << 4, 1);
	wire_be(b, s->flags, 1);
	wire_be(b, 0xffff, 2);
	wire_be(b, 0, 4);
	buf_put_slice(b, s->payload);
	assert(buf_err(b) == ERR_OK);
	pseudo = 2 * 0x0a00 + 1 + 2 + 6 + (b->len - start);
	sum = wire_sum(pseudo, slice_of(b->ptr + start, b->len - start));
	b->ptr[start + 16] = (uint8_t)(sum >> 8);
	b->ptr[start + 17] = (uint8_t)sum;
}

static inline void wire_ip4(struct buf *b, enum stream_side from, uint8_t protocol, uint32_t id,
			    uint16_t fragment, struct slice payload)
{
	wire_be(b, 0x4500, 2);
	wire_be(b, 20 + payload.len, 2);
	wire_be(b, id, 2);
	wire_be(b, fragment, 2);
	wire_be(b, 64, 1);
	wire_be(b, protocol, 1);
	wire_be(b, 0, 2);
	wire_addr(b, 1 + from, false);
	wire_addr(b, 2 - from, false);
	buf_put_slice(b, payload);
}

static inline void wire_ethernet(struct buf *b, uint16_t type)
{
	buf_reset(b);
	buf_put_zeros(b, 12);
	wire_be(b, type, 2);
}

static inline void wire_fragments(struct buf *w, struct buf *b, const struct wire_segment *s,
				  struct slice tcp)
{
	static const uint16_t more = 0x2000;
	size_t half = tcp.len / 2 / 8 * 8;
	uint32_t id = (uint32_t)(w->len / 16); /* another than that of its neighbours */

	wire_ethernet(b, 0x800);
	wire_ip4(b, s->from, 6, id, half ? more : 0, slice_head(tcp, half ? half : tcp.len));
	wire_put_frame(w, s->time_ns, buf_slice(b), 0);
	if (half == 0)
		return;
	wire_ethernet(b, 0x800);
	wire_ip4(b, s->from, 6, id, (uint16_t)(half / 8), slice_skip(tcp, half));
	wire_put_frame(w, s->time_ns, buf_slice(b), s->cut);
}

/* An Ethernet frame around an IPv4 one, in UDP. */
static inline void wire_vxlan(struct buf *b, const struct wire_segment *s, struct slice tcp)
{
	struct buf inner, udp;

	buf_init(&inner, WIRE_MAX);
	buf_init(&udp, WIRE_MAX);
	wire_ethernet(&inner, 0x800);
	wire_ip4(&inner, s->from, 6, 0, 0, tcp);
	wire_be(&udp, 50000, 2);
	wire_be(&udp, 4789, 2);
	wire_be(&udp, 16 + inner.len, 2);
	wire_be(&udp, 0, 2);
	wire_be(&udp, UINT64_C(0x08000000000007) << 8, 8);
	buf_put_slice(&udp, buf_slice(&inner));
	wire_ethernet(b, 0x800);
	wire_ip4(b, s->from, 17, 0, 0, buf_slice(&udp));
	buf_release(&inner);
	buf_release(&udp);
}

static inline void wire_put(struct buf *w, const struct wire_segment *s)
{
	struct buf tcp, frame;

	buf_init(&tcp, WIRE_MAX);
	buf_init(&frame, WIRE_MAX);
	wire_tcp(&tcp, s);
	switch (s->shape) {
	case WIRE_IPV4:
	case WIRE_SHAPES:
		wire_ethernet(&frame, 0x800);
		wire_ip4(&frame, s->from, 6, 0, 0, buf_slice(&tcp));
		break;
	case WIRE_IPV6:
		wire_ethernet(&frame, 0x86dd);
		wire_be(&frame, 6 << 4, 1);
		wire_be(&frame, 0, 3);
		wire_be(&frame, tcp.len, 2);
		wire_be(&frame, 0x0640, 2);
		wire_addr(&frame, 1 + s->from, true);
		wire_addr(&frame, 2 - s->from, true);
		buf_put_slice(&frame, buf_slice(&tcp));
		break;
	case WIRE_VLAN:
		wire_ethernet(&frame, 0x8100);
		wire_be(&frame, 0x00070800, 4);
		wire_ip4(&frame, s->from, 6, 0, 0, buf_slice(&tcp));
		break;
	case WIRE_FRAGMENTS:
		wire_fragments(w, &frame, s, buf_slice(&tcp));
		break;
	case WIRE_VXLAN:
		wire_vxlan(&frame, s, buf_slice(&tcp));
		break;
	}
	assert(buf_err(&frame) == ERR_OK);
	if (s->shape != WIRE_FRAGMENTS)
		wire_put_frame(w, s->time_ns, buf_slice(&frame), s->cut);
	buf_release(&tcp);
	buf_release(&frame);
}

/* Gives what is heard of FILE, a capture or a recording, to SINK. What input_open() and input_run() return. */
static inline enum err wire_run(struct slice file, const struct input_options *options,
				const struct event_sink *sink, struct coverage *coverage,
				struct errinfo *info)
{
	static const volatile sig_atomic_t never;
	struct input_options o = *options;
	int fd = memfd_create("wire", MFD_CLOEXEC);
	struct input *in = NULL;
	char path[64];
	enum err e;

	assert(fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	o.path = path;
	e = input_open(&o, &in, info);
	if (e == ERR_OK)
		e = input_run(in, sink, &never, info);
	if (e == ERR_OK && coverage)
		input_coverage(in, coverage);
	input_free(in);
	close(fd);
	return e;
}

#endif
