/*
 * remarks - texts, and how often each was said.
 */
#ifndef REPLAY_REMARKS_H
#define REPLAY_REMARKS_H

#include "base/slice.h"

enum {
	REMARKS_MAX = 16,      /* different ones */
	REMARK_TEXT_MAX = 256, /* bytes of one, with the NUL; longer ones are cut */
};

struct remark {
	char text[REMARK_TEXT_MAX];
	uint64_t count;
};

/* All zero: nothing was said. */
struct remarks {
	struct remark lines[REMARKS_MAX];
	size_t count;
	uint64_t more; /* said of texts for which there was no room */
};

void remarks_add(struct remarks *t, struct slice text, uint64_t count);
void remarks_merge(struct remarks *into, const struct remarks *from);

#endif
