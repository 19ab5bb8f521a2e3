/*
 * tally - texts, and how often each was said.
 */
#ifndef REPLAY_TALLY_H
#define REPLAY_TALLY_H

#include "base/slice.h"

enum {
	TALLY_TEXTS = 16,     /* different ones */
	TALLY_TEXT_MAX = 256, /* bytes of one, with the NUL; longer ones are cut */
};

struct tally_line {
	char text[TALLY_TEXT_MAX];
	uint64_t count;
};

/* All zero: nothing was said. */
struct tally {
	struct tally_line lines[TALLY_TEXTS];
	size_t count;
	uint64_t more; /* said of texts for which there was no room */
};

void tally_add(struct tally *t, struct slice text, uint64_t count);
void tally_merge(struct tally *into, const struct tally *from);

#endif
