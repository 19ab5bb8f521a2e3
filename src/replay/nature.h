/*
 * nature - what the results of commands depend on (sql/depends.h), remembered by the row that they
 * count under in the profile, as reading every statement for it would cost more than sending it.
 */
#ifndef REPLAY_NATURE_H
#define REPLAY_NATURE_H

#include "event/command.h"
#include "profile/profile.h"

enum { NATURES = 4096 }; /* remembered at once; a power of two */

struct natures {
	struct {
		uint64_t key; /* 0: none */
		uint32_t depends;
	} known[NATURES];
};

/* enum sql_depends of C, which counts under ROW; 0 without a text. */
uint32_t nature_of(struct natures *n, const struct session *s, const struct command *c,
		   const struct profile_row *row);

#endif
