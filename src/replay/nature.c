/* nature - what the results of commands depend on. */
#include "replay/nature.h"

#include "sql/depends.h"

/* True if NEEDLE, in lower case, occurs in HAY, in which it may be in either. */
static bool mentions(const char *hay, const char *needle)
{
	return strcasestr(hay, needle) != NULL;
}

/*
 * True if no statement of ROW can hold a password, as sql/secret.h knows them: such a one has a word for it outside of
 * its literals, or begins with a word behind which a literal may be a statement itself. All of a row have the same words,
 * and those stand in its text. Others are looked at one by one.
 */
static bool is_harmless(const struct profile_row *row)
{
	static const char *const words[] = {"identified", "password", "wsrep_sst_auth", ";", "..."};
	static const char *const verbs[] = {"select",  "insert", "update", "delete",
					    "replace", "begin",  "commit", "rollback"};
	bool is_plain = false;

	if (row->kind != PROFILE_STATEMENT)
		return false;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		is_plain |= strncasecmp(row->text, verbs[i], strlen(verbs[i])) == 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		is_plain &= !mentions(row->text, words[i]);
	return is_plain;
}

bool nature_is_secret(const struct natures *n, const struct session *s, const struct command *c,
		      const struct profile_row *row)
{
	const size_t at = row->key & (NATURES - 1);

	if (c->text_known && n->known[at].key == row->key && n->known[at].harmless)
		return false;
	return command_is_secret(s, c);
}

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
	n->known[at].harmless = is_one && is_harmless(row);
	return n->known[at].depends;
}
