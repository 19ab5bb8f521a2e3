/*
 * example - one statement with its values for each row of the profile, to ask the target's EXPLAIN of:
 * the first one heard that can be explained without being executed.
 */
#ifndef REPLAY_EXAMPLE_H
#define REPLAY_EXAMPLE_H

#include "base/map.h"
#include "event/command.h"
#include "profile/profile.h"

enum {
	EXAMPLE_TEXT_MAX = 16 << 10,  /* bytes; longer statements are no examples */
	EXAMPLES_BYTES_MAX = 16 << 20 /* of all */
};

struct example {
	uint64_t key; /* of its row */
	char *text, *database;
};

struct examples {
	struct map rows; /* struct example by key */
	size_t bytes;
};

void examples_init(struct examples *e);
void examples_release(struct examples *e);

/*
 * Keeps C, which counts under ROW, if ROW has no example yet and C can be one: a single SELECT, INSERT, UPDATE,
 * DELETE or REPLACE whose values are known, with no password in it. Out of memory it has none.
 */
void examples_offer(struct examples *e, const struct session *s, const struct command *c,
		    const struct profile_row *row);

const struct example *examples_get(const struct examples *e, uint64_t key); /* NULL: none */

#endif
