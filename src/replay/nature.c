/* nature - what the results of commands depend on. */
#include "replay/nature.h"

#include "sql/depends.h"

uint32_t nature_of(struct natures *n, const struct session *s, const struct command *c,
		   const struct profile_row *row)
{
	const size_t at = row->key & (NATURES - 1);
	const bool is_one = row->kind != PROFILE_OTHERS; /* all of the row are the same statement */

	if (!c->text_known)
		return 0;
	if (is_one && n->known[at].key == row->key)
		return n->known[at].depends;
	n->known[at].key = is_one ? row->key : 0;
	n->known[at].depends = sql_depends(c->text, session_sql_options(s));
	return n->known[at].depends;
}
