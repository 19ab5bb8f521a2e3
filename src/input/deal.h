/*
 * deal - segments dealt to threads, each of which follows its own flows. Internal to input/.
 *
 * Who reads puts segments in batches; a batch stands in a ring of a few, and every thread goes through all of it: what is
 * of its flows it takes, of the rest it hears the time. So each comes to the same as one that follows all flows, and in
 * the same order. Flows are dealt out in turn, by a hash of their endpoints that sends later connections of the same ones
 * the same way.
 *
 * Bytes of a file are not copied: a batch owns the buffer that they were read to (capture_lend()). Others are. Bounded:
 * BATCHES of a buffer each; a buffer that had to be larger is waited for. All calls come from the thread that reads.
 */
#ifndef INPUT_DEAL_H
#define INPUT_DEAL_H

#include "capture/capture.h"
#include "input/chain.h"

struct deal;

/* Starts a thread for each of the COUNT sinks, 1 to INPUT_THREADS_MAX, which are copied. ERR_NOMEM, ERR_IO. */
enum err deal_new(const struct input_options *options, const struct event_sink *sinks, size_t count,
		  struct deal **out, struct errinfo *info) MUST_CHECK;

/* Has the bytes of C's frames read to where they can stay. Before its next frame. ERR_NOMEM. */
enum err deal_lend(struct deal *d, struct capture *c, struct errinfo *info) MUST_CHECK;

/* Takes one. Waits while there is no room. ERR_NOMEM. */
enum err deal_segment(struct deal *d, const struct segment *s, struct errinfo *info) MUST_CHECK;

/* As chain_set_census(), for all threads. */
void deal_set_census(struct deal *d, struct census *census);

/* Nothing came for a while: the capture's time is NOW_NS (negative: not known). ERR_NOMEM. */
enum err deal_tick(struct deal *d, int64_t now_ns, struct errinfo *info) MUST_CHECK;

/* What went wrong first in a thread, if anything did. */
enum err deal_error(struct deal *d, struct errinfo *info);

/* The input has ended: lets the threads take what is left, and ends them. Once. What went wrong first in them. */
enum err deal_finish(struct deal *d, struct errinfo *info) MUST_CHECK;

/* What they have counted by now. */
void deal_coverage(struct deal *d, struct coverage *out);

void deal_free(struct deal *d); /* NULL is fine; ends the threads if deal_finish() did not */

#endif
