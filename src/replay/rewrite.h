/*
 * rewrite - what must differ in a recorded command before the target gets it: statement ids, query
 * attributes that the target does not know, types that it was not told, connection ids.
 */
#ifndef REPLAY_REWRITE_H
#define REPLAY_REWRITE_H

#include "event/command.h"
#include "replay/statements.h"

/* Room to work in; used again for every command. */
struct rewriter {
	struct buf out, text;
	struct myp_params params, attributes;
};

void rewriter_init(struct rewriter *w);
void rewriter_release(struct rewriter *w);

/*
 * A COM_QUERY recorded under FROM for a target under TO: *PAYLOAD is left as it is, or becomes
 * bytes of W's, valid until its next use. ERR_PROTO, ERR_NOMEM, ERR_LIMIT: it cannot be made.
 */
enum err rewrite_query(struct rewriter *w, uint64_t from, uint64_t to,
		       struct slice *payload) MUST_CHECK;

/*
 * A COM_STMT_EXECUTE likewise, of M, with the types of its parameters as the recorded server knew
 * them at that time (count 0: not known), if the target was not told them yet.
 */
struct rewrite_types {
	const uint16_t *types; /* bit 15: unsigned */
	size_t count;
};
enum err rewrite_execute(struct rewriter *w, uint64_t from, uint64_t to, const struct mapped *m,
			 struct rewrite_types types, struct slice *payload) MUST_CHECK;

/* How a recorded execution is written as text. */
struct rewrite_text {
	struct slice text; /* of the statement, with its placeholders */
	struct sql_options options;
	uint16_t collation;
	struct rewrite_types types;
};

/*
 * A COM_STMT_EXECUTE recorded under FROM as a COM_QUERY under TO. ERR_PROTO: its values are not known.
 * ERR_NOMEM, ERR_LIMIT.
 */
enum err rewrite_as_text(struct rewriter *w, uint64_t from, uint64_t to,
			 const struct rewrite_text *how, struct slice *payload) MUST_CHECK;

/* One set of the parameters of a bulk execution of the statement ID, as a COM_STMT_EXECUTE under TO. ERR_NOMEM, ERR_LIMIT. */
enum err rewrite_bulk_set(struct rewriter *w, uint64_t to, uint32_t id,
			  const struct myp_params *set, struct slice *payload) MUST_CHECK;

/*
 * Likewise as a COM_QUERY, in which a column can be told its default, or nothing at all, HOW's types not being looked at; the
 * indicators of SET are lost by it. ERR_PROTO: there are no words for what it asks for.
 */
enum err rewrite_bulk_set_as_text(struct rewriter *w, uint64_t to, const struct rewrite_text *how,
				  struct myp_params *set, struct slice *payload) MUST_CHECK;

/*
 * Writes the target's ID over the recorded one of a STMT_ command of LEN bytes. False: it is too
 * short.
 */
bool rewrite_statement_id(uint8_t *payload, size_t len, uint32_t id);

/* A KILL of the target's connection ID: a COM_QUERY under TO. */
enum err rewrite_kill(struct rewriter *w, uint64_t to, uint32_t id, bool query,
		      struct slice *payload) MUST_CHECK;

#endif
