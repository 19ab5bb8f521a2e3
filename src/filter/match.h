/*
 * match - what is asked of a statement: its digest, and what stands in its text.
 */
#ifndef FILTER_MATCH_H
#define FILTER_MATCH_H

#include "base/opt.h"
#include "event/command.h"

enum { MATCH_TEXT_MAX = 1 << 20 }; /* bytes of a text that are looked at */

struct match;

/*
 * REGEX: POSIX extended, either case; NULL: none. DIGESTS: ids or their beginnings, which must outlive M. *OUT is NULL if
 * nothing is asked. ERR_USAGE: INFO says what is wrong; ERR_NOMEM.
 */
enum err match_new(const char *regex, const struct opt_texts *digests, struct match **out,
		   struct errinfo *info) MUST_CHECK;
void match_free(struct match *m); /* NULL is fine */

/*
 * True if C's statement is what is asked for. The text of an execution has its values in place, where they are known.
 * What has no text that is known, or no digest, is not.
 */
bool match_passes(struct match *m, const struct session *s, const struct command *c);

/* True if ID, as outputs show it, is one of TEXTS, or begins with one. */
bool match_id(const struct opt_texts *texts, uint64_t id);

/* ERR_USAGE, with a text for --OPTION, if one of TEXTS cannot be the beginning of an id. */
enum err match_check_ids(const struct opt_texts *texts, const char *option,
			 struct errinfo *info) MUST_CHECK;

#endif
