/*
 * chunk_log - a stream_handler that holds a producer to stream/chunk.h's promises and keeps what it
 * was told of one flow. A broken promise aborts.
 */
#ifndef TESTS_CHUNK_LOG_H
#define TESTS_CHUNK_LOG_H

#include <assert.h>
#include <stdbool.h>

#include "base/buf.h"
#include "stream/chunk.h"

enum { CHUNK_LOG_FLOWS_MAX = 64, CHUNK_LOG_BYTES_MAX = 64 << 20, CHUNK_LOG_NO_END = -1 };

/* One flow. A gap stands in the bytes as zeros. */
struct chunk_flow {
	struct stream_flow said;
	struct buf bytes[2];
	uint64_t frame; /* of the last chunk */
	uint64_t at[2]; /* offset reached */
	uint64_t gaps[2], gap_bytes[2], chunks[2];
	int end; /* enum stream_end */
	struct chunk_log *log;
};

struct chunk_log {
	struct chunk_flow flows[CHUNK_LOG_FLOWS_MAX]; /* the later ones are checked, but not kept */
	size_t opened, closed;
	bool keep_bytes;
	bool busy; /* no conversation is idle */
	/* Called for each chunk, after the checks; may be NULL. */
	void (*on_chunk)(void *ctx, const struct stream_chunk *chunk);
	void *ctx;
};

static void *chunk_log_open(void *ctx, const struct stream_flow *said)
{
	struct chunk_log *log = ctx;
	struct chunk_flow *f = calloc(1, sizeof(*f));

	assert(f);
	f->said = *said;
	f->end = CHUNK_LOG_NO_END;
	f->log = log;
	buf_init(&f->bytes[0], CHUNK_LOG_BYTES_MAX);
	buf_init(&f->bytes[1], CHUNK_LOG_BYTES_MAX);
	log->opened++;
	return f;
}

static void chunk_log_chunk(void *ctx, void *conversation, const struct stream_chunk *c)
{
	struct chunk_log *log = ctx;
	struct chunk_flow *f = conversation;

	assert(f->end == CHUNK_LOG_NO_END);
	assert(c->offset == f->at[c->from]);
	assert((c->gap > 0) != (c->bytes.len > 0));
	assert(c->frame >= f->frame);
	f->frame = c->frame;
	assert(c->acked == STREAM_ACK_UNKNOWN ||
	       (c->acked >= 0 && (uint64_t)c->acked <= f->at[!c->from]));
	f->at[c->from] += c->gap + c->bytes.len;
	f->chunks[c->from]++;
	f->gaps[c->from] += c->gap > 0;
	f->gap_bytes[c->from] += c->gap;
	if (log->keep_bytes && c->gap < CHUNK_LOG_BYTES_MAX) {
		buf_put_slice(&f->bytes[c->from], c->bytes);
		buf_put_zeros(&f->bytes[c->from], c->gap);
	}
	if (log->on_chunk)
		log->on_chunk(log->ctx, c);
}

static bool chunk_log_idle(void *ctx, const void *conversation)
{
	const struct chunk_log *log = ctx;

	(void)conversation;
	return !log->busy;
}

static void chunk_log_close(void *ctx, void *conversation, enum stream_end end, int64_t time_ns,
			    uint64_t frame)
{
	struct chunk_log *log = ctx;
	struct chunk_flow *f = conversation;

	(void)time_ns;
	(void)frame;
	assert(f->end == CHUNK_LOG_NO_END);
	f->end = (int)end;
	if (log->closed < CHUNK_LOG_FLOWS_MAX) {
		log->flows[log->closed] = *f;
	} else {
		buf_release(&f->bytes[0]);
		buf_release(&f->bytes[1]);
	}
	log->closed++;
	free(f);
}

static inline struct stream_handler chunk_log_handler(struct chunk_log *log)
{
	return (struct stream_handler){.open = chunk_log_open,
				       .chunk = chunk_log_chunk,
				       .idle = chunk_log_idle,
				       .close = chunk_log_close,
				       .ctx = log};
}

static inline void chunk_log_release(struct chunk_log *log)
{
	for (size_t i = 0; i < log->closed && i < CHUNK_LOG_FLOWS_MAX; i++) {
		buf_release(&log->flows[i].bytes[0]);
		buf_release(&log->flows[i].bytes[1]);
	}
}

#endif
