/*
 * tcp - segments to chunks: two ordered byte streams per flow.
 *
 * Out of order, retransmitted, overlapping and duplicated segments are put right (the bytes heard
 * first win); a hole becomes a gap when the other side has acknowledged bytes behind it, so that it
 * will not be sent again, and it was not filled within the reorder window; or when what is held for
 * it reaches the limit; or when the flow ends. A segment that the capture cut is data followed by a
 * gap. The order between the two directions is that of stream/chunk.h.
 *
 * The handler hears of a flow with its first chunk: connections in which nothing was said, such as a
 * port scan's, are counted, but not told. A direction that was never heard is not waited for.
 *
 * Connections can be shed, to spend less on listening: which ones is settled by a hash of their addresses and ports, so
 * that a share of them is a fair sample. A connection that is shed costs a look into a table for each segment.
 *
 * Bounded: flows, bytes held per direction and in all, idle time. Time is the capture's own.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "base/err.h"
#include "net/segment.h"
#include "stream/chunk.h"

enum {
	TCP_PORTS_MAX = 64,
	TCP_FLOWS_MAX = 1 << 17, /* heard from both sides; past it the longest idle one is closed */
	TCP_ONE_SIDED_MAX = 1 << 13, /* the same of those heard from one side only */
	TCP_HOLD_MAX = 4 << 20,      /* bytes held per direction before a hole becomes a gap */
	TCP_HOLD_ALL_MAX = 32 << 20, /* bytes held in all flows together */
	TCP_REORDER_FRAMES = 64,     /* of the same flow, for a hole that was acknowledged */
	TCP_REORDER_NS = 200000000,  /* or so long by the capture's clock, whichever is first */
	TCP_SHARE_ALL = 1 << 16,     /* of connections: all of them are heard */
};

struct tcp_options {
	uint16_t ports[TCP_PORTS_MAX]; /* server ports; a flow with none of them is not followed */
	size_t port_count;
	bool any_port; /* every flow is followed; of two PORTS the first is the server's, then the lower one */
	unsigned parts; /* of the limits of all flows, it takes one part in so many; 0: all */
	int64_t idle_ns; /* a flow without frames for so long has ended; 0: 8 hours (MySQL's wait_timeout) */
};

struct tcp_stats {
	uint64_t segments;    /* TCP, on the ports */
	uint64_t other_ports; /* TCP, on no port of ours */
	uint64_t flows;
	uint64_t gaps, gap_bytes;
	uint64_t retransmitted_bytes; /* heard again and left out */
	uint64_t out_of_order;        /* segments held for an earlier one */
	uint64_t shed;         /* flows that were not opened, though something was said in them */
	uint64_t let_go;       /* flows that were closed by STREAM_END_SHED */
	uint64_t shed_frames;  /* segments of both */
	uint64_t shed_bytes;   /* their payload */
	uint64_t limit_closed; /* flows closed, or holes given up, because a limit was reached */
};

struct tcp;

/* HANDLER is copied. ERR_NOMEM. */
enum err tcp_new(const struct tcp_options *options, const struct stream_handler *handler,
		 struct tcp **out) MUST_CHECK;

/* Takes one segment. ERR_NOMEM: the segment was not taken; its bytes will become a gap. */
enum err tcp_segment(struct tcp *t, const struct segment *s) MUST_CHECK;

/* Is S on the ports? Changes nothing. */
bool tcp_follows(const struct tcp *t, const struct segment *s);

/*
 * Lets the time of a segment pass that tcp_follows(), but is of a flow which another struct tcp follows: so that both
 * together do what one does.
 */
void tcp_pass(struct tcp *t, int64_t time_ns, uint64_t frame);

/* Says that the capture's time is NOW_NS though no segment came (live): lets idle flows and holes end. */
void tcp_tick(struct tcp *t, int64_t now_ns);

/*
 * Hears BEGINNING (of TCP_SHARE_ALL) of the connections that begin from now on, and of those under way RUNNING, which is no
 * less. The others are shed: one under way is closed by STREAM_END_SHED when it is idle, at the latest some seconds
 * later. A connection that was shed is joined again when it belongs to the share. At first all are heard.
 */
void tcp_set_share(struct tcp *t, uint32_t beginning, uint32_t running);

/* Ends all flows with STREAM_END_CAPTURE. */
void tcp_finish(struct tcp *t);

const struct tcp_stats *tcp_get_stats(const struct tcp *t);
void tcp_free(struct tcp *t); /* NULL is fine; flows that are open are not told */

#endif
