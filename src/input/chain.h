/*
 * chain - segments through TCP and the tracker to events. Internal to input/.
 *
 * One thread at a time. Several chains may share the flows of an input between them: each takes the segments of its own
 * flows, and lets the time of all others pass.
 */
#ifndef INPUT_CHAIN_H
#define INPUT_CHAIN_H

#include "input/input.h"
#include "net/segment.h"

struct chain;

/* PARTS: of the limits of all flows, the chain takes one part in so many. ERR_NOMEM. */
enum err chain_new(const struct input_options *options, unsigned parts,
		   struct chain **out) MUST_CHECK;
void chain_free(struct chain *c); /* NULL is fine */

/* Where events go from now on; copied. Before the first segment. */
void chain_set_sink(struct chain *c, const struct event_sink *sink);

/* What the server says of its sessions from now on; the reference is taken over. */
void chain_set_census(struct chain *c, struct census *census);

/* What the sink returns, or ERR_NOMEM. */
enum err chain_segment(struct chain *c, const struct segment *s, struct errinfo *info) MUST_CHECK;

/* As tcp_follows(); may be asked while another thread uses the chain. */
bool chain_follows(const struct chain *c, const struct segment *s);

/* As tcp_pass(), tcp_tick() and tcp_finish(). A failure of the sink shows in chain_error(). */
void chain_pass(struct chain *c, int64_t time_ns, uint64_t frame);
void chain_tick(struct chain *c, int64_t now_ns);
void chain_finish(struct chain *c);

/* As tcp_set_share(). */
void chain_set_share(struct chain *c, uint32_t beginning, uint32_t running);
enum err chain_error(const struct chain *c, struct errinfo *info);

/* What was counted here: what frames tell is zero. */
void chain_coverage(const struct chain *c, struct coverage *out);

#endif
