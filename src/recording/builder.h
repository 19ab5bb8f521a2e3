/*
 * builder - events to blocks, each of which stands for itself.
 *
 * Before the first event of a session in a block it puts what the session is, before the first
 * command that uses a prepared statement what that is. A record that is longer than a block goes on
 * in the next ones. What to do with a full block is the caller's: pack it and write it to a file, or send
 * it. Memory is bounded by the block, however many sessions there are.
 */
#ifndef RECORDING_BUILDER_H
#define RECORDING_BUILDER_H

#include "event/event.h"
#include "event/server.h"
#include "recording/block.h"

/* Takes a full block, which is borrowed for the call. */
typedef enum err builder_fn(void *ctx, const struct block *b, struct errinfo *info);

struct builder;

/* RECORDING is the identity; AIM the bytes at which a block is full, at least 512, at most RECORDING_BLOCK_AIM. */
enum err builder_new(uint64_t recording, size_t aim, builder_fn *fn, void *ctx,
		     struct builder **out) MUST_CHECK;
void builder_free(struct builder *b);

/* Adds E. Hands over blocks before and while it does. ERR_NOMEM, ERR_LIMIT, or what FN returned. */
enum err builder_event(struct builder *b, const struct event *e, struct errinfo *info) MUST_CHECK;

/* The session's next event comes from another source: what it is, and its statements, are told anew. */
void builder_retell(struct builder *b, uint64_t session);

/* What the block at hand says of the server. ERR_NOMEM, ERR_LIMIT, or what FN returned. */
enum err builder_server(struct builder *b, const struct server_facts *s,
			struct errinfo *info) MUST_CHECK;

/* True if events wait in a block that is not full. */
bool builder_pending(const struct builder *b);

/* What blocks say of the coverage from now on; copied. */
void builder_set_coverage(struct builder *b, const struct coverage *c);

/* Hands over the block that is being filled, even if it is empty. FLAGS: RECORDING_BLOCK_LAST or 0. */
enum err builder_flush(struct builder *b, uint16_t flags, struct errinfo *info) MUST_CHECK;

#endif
