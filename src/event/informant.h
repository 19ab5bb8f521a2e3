/*
 * informant - who asks the server that is being listened to, beside the listening. Whoever follows the sessions and
 * whoever records them ask it; how it learns is its own business.
 *
 * All but start() and free() may be called from any thread, and none but facts() waits.
 */
#ifndef EVENT_INFORMANT_H
#define EVENT_INFORMANT_H

#include "event/census.h"
#include "event/server.h"

struct informant {
	/*
	 * Listening begins: asks the first questions, and waits at most WAIT_NS for their answers. ERR_IO, ERR_NOMEM:
	 * it cannot work at all.
	 */
	enum err (*start)(void *ctx, int64_t wait_ns, struct errinfo *info);
	/* The newest census, with a reference for the caller; NULL: none is newer than number SEEN. */
	struct census *(*census)(void *ctx, uint64_t seen);
	/* A session was heard that the newest census does not know: another may help. */
	void (*want_census)(void *ctx);
	/* Our end of its own connection, which is not to be listened to. False: it is not on the network. */
	bool (*own)(void *ctx, struct endpoint *out);
	/*
	 * Adds what the server said, where that is newer than *SEEN (the time it was asked), which moves on. ASK: asks
	 * anew first, and waits at most WAIT_NS for that. ERR_AGAIN: nothing newer is known. ERR_NOMEM.
	 */
	enum err (*facts)(void *ctx, bool ask, int64_t wait_ns, int64_t *seen,
			  struct server_facts *out);
	/* Have the facts asked anew; they come in time. */
	void (*want_facts)(void *ctx);
	void (*free)(void *ctx);
	void *ctx;
};

#endif
