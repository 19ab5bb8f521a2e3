/*
 * nature - what the results of commands depend on (sql/depends.h), and whether a password stands in them,
 * remembered by the row that they count under in the profile, as reading every statement for it would cost more than
 * sending it.
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
		bool harmless; /* whatever its literals are, none of them is a password */
	} known[NATURES];
};

/* enum sql_depends of C, which counts under ROW; 0 without a text. */
uint32_t nature_of(struct natures *n, const struct session *s, const struct command *c,
		   const struct profile_row *row);

/* command_is_secret() of C, which counts under ROW, and of which nature_of() was asked just before. */
bool nature_is_secret(const struct natures *n, const struct session *s, const struct command *c,
		      const struct profile_row *row);

#endif
