/*
 * chunk - bytes of one direction of one flow in order, or a gap in them; and the interface by which
 * they reach whoever follows conversations.
 *
 * Whoever makes chunks (TCP reassembly, a TLS library's plaintext, a broker's raw segments) promises:
 *
 * - Within a direction, chunks are in order and without holes: each starts at the offset at which
 *   the one before it ended; bytes that were never seen are a gap chunk. Offsets count bytes from
 *   the first one of the direction (the one after SYN, or, where the SYN was not heard, the first
 *   that is known of), so that the two sides' offsets and acknowledgements can be compared.
 * - Between directions, order is causal: a chunk is handed over only after everything that its
 *   sender had acknowledged when it was sent was handed over, as data or as a gap.
 * - Before a conversation is closed, everything that is known to have been said in it was handed over, as data or as a
 *   gap: what was acknowledged, and what stands before a FIN or a reset.
 * - Everything borrowed is valid during the call only.
 */
#ifndef STREAM_CHUNK_H
#define STREAM_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/addr.h"

enum stream_side { STREAM_CLIENT, STREAM_SERVER };

enum { STREAM_ACK_UNKNOWN = -1 };

struct stream_flow {
	uint64_t id; /* the same on every run over one file, unique in practice between machines */
	struct endpoint client, server;
	int64_t first_ns; /* time of the first frame */
	bool from_start;  /* the opening handshake was heard (its SYN or SYN-ACK) */
};

struct stream_chunk {
	enum stream_side from;
	int64_t time_ns; /* when it was captured; of a gap: of the frame that made it certain */
	uint64_t
		frame; /* ordinal of the frame with which it could be handed over: never less than before */
	uint64_t offset; /* of its first byte in its direction */
	int64_t acked; /* offset in the other direction up to which its sender had received; or STREAM_ACK_UNKNOWN */
	struct slice bytes; /* empty for a gap */
	uint64_t gap;       /* bytes never seen; 0 for data */
};

enum stream_end {
	STREAM_END_FIN,     /* both sides closed, or one did; heard */
	STREAM_END_RESET,   /* heard */
	STREAM_END_TIMEOUT, /* idle for too long, or pushed out by newer flows */
	STREAM_END_REUSED,  /* a new connection on the same ports */
	STREAM_END_CAPTURE, /* the input ended first */
	STREAM_END_SHED,    /* let go, to spend less on listening */
};

/* All calls come from one thread. */
struct stream_handler {
	/* A flow was seen for the first time. What it returns is given to the other calls; NULL means
	 * "not interested", and nothing more is said of that flow. */
	void *(*open)(void *ctx, const struct stream_flow *flow);
	void (*chunk)(void *ctx, void *conversation, const struct stream_chunk *chunk);
	/* True if nothing more needs to be said of it, which is then closed; asked after each segment. May be NULL. */
	bool (*bored)(void *ctx, const void *conversation);
	/* True if nothing is under way in it, so that it can be let go without leaving anything half told. May be NULL:
	 * always. */
	bool (*idle)(void *ctx, const void *conversation);
	/* The last call for that conversation. */
	void (*close)(void *ctx, void *conversation, enum stream_end end, int64_t time_ns,
		      uint64_t frame);
	void *ctx;
};

#endif
