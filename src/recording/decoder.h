/*
 * decoder - blocks to events: the inverse of the builder.
 *
 * It owns the sessions, which live on from block to block. A session that first occurs without its
 * login is announced by a SESSION event of its own; one that goes on after damage is told a gap first.
 */
#ifndef RECORDING_DECODER_H
#define RECORDING_DECODER_H

#include "event/event.h"
#include "event/server.h"

struct decoder;

enum err decoder_new(struct decoder **out) MUST_CHECK;
void decoder_free(struct decoder *d);

/* Starts on a block's unpacked body, which must live until the next call of this. */
void decoder_begin(struct decoder *d, struct slice raw);

/*
 * The next event, borrowed until the next call on D. ERR_EOF: the block has no more. ERR_PROTO: what
 * is left of the block is not what it should be; go on with the next one and decoder_damage().
 * ERR_NOMEM; ERR_LIMIT: more sessions at once than RECORDING_SESSIONS_MAX.
 */
enum err decoder_next(struct decoder *d, struct event *out) MUST_CHECK;

/* Something between the block before and the next one is missing. */
void decoder_damage(struct decoder *d);

/*
 * After the last block, when it was not a finished recording's: an END for each session still open, at the
 * time and order of the last event. ERR_EOF when there is none left.
 */
enum err decoder_end(struct decoder *d, struct event *out) MUST_CHECK;

/* What servers said, as far as it is read. Borrowed from D. */
const struct server_log *decoder_servers(const struct decoder *d);

/* What the last COVERAGE said, and the gaps that damage made. */
void decoder_coverage(const struct decoder *d, struct coverage *out);

#endif
