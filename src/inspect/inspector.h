/*
 * inspector - the informant that asks a live server: a thread with one connection, so that nobody who listens waits.
 *
 * A census is taken when it starts, and again when one is wanted, but not before some seconds have passed and fifty times as
 * long as the last one took. A connection that is lost is made anew. What it could not learn is told once.
 */
#ifndef INSPECT_INSPECTOR_H
#define INSPECT_INSPECTOR_H

#include "client/target.h"
#include "event/informant.h"

struct inspector_options {
	const struct target *target; /* taken over */
	bool sessions;               /* also asks for their state */
	/* A line for a person: what could not be learnt. From a thread of its own. */
	void (*tell)(void *ctx, const char *text);
	void *ctx;
};

/*
 * Connects, so that what is wrong shows at once. Blocks for five seconds at most. ERR_IO, ERR_UNSUPPORTED, ERR_NOMEM: OUT is
 * not written, but the target is still the caller's. Else the target's contents are the inspector's.
 */
enum err inspector_new(const struct inspector_options *options, struct informant *out,
		       struct errinfo *info) MUST_CHECK;

#endif
