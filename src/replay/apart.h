/*
 * apart - why an answer that differs may not be the target's doing. A reason needs evidence: the
 * statement's own words, the checksum without order, ids that were seen to differ, another run.
 */
#ifndef REPLAY_APART_H
#define REPLAY_APART_H

#include "replay/compare.h"

enum apart {
#define APART(name, text) APART_##name,
#include "replay/apart_list.h"
#undef APART
	APARTS,
	NOT_APART = APARTS, /* the target has to answer for it */
};

const char *apart_name(enum apart a); /* "CLOCK": for machines, to be put in lower case */
const char *apart_text(enum apart a); /* for people */

/* What is known beside the two answers. */
struct evidence {
	uint32_t depends;    /* enum sql_depends, of the statement */
	bool among_others;   /* other sessions were open at that time */
	bool own_ids_differ; /* an INSERT of this session drew another id before */
	bool ids_differ;     /* one of any session did */
	bool unstable;       /* the same server answered otherwise in another run */
};

/* The reason to set V, which is how the two answers differ, apart; NOT_APART: there is none. */
enum apart apart_why(enum verdict v, const struct facts *recorded, const struct facts *replayed,
		     const struct evidence *e);

#endif
