/*
 * command - what a client asked for.
 */
#ifndef EVENT_COMMAND_H
#define EVENT_COMMAND_H

#include "event/session.h"
#include "mysql/command.h"
#include "mysql/query.h"
#include "sql/lex.h"

/* Borrowed, all of it, during the call that hands it over. */
struct command {
	uint64_t n;       /* ordinal in the session, from 1 */
	int64_t first_ns; /* time of its first byte */
	int64_t last_ns;  /* time of its last byte */
	uint8_t code;     /* enum myp_command, or a number without a name */
	bool cut;         /* longer than --max-statement: TEXT and PAYLOAD are its beginning only */
	bool has_statement; /* STATEMENT_ID is meant: STMT_ commands but PREPARE */
	uint32_t statement_id;
	const struct statement *statement; /* NULL if not known or not meant */
	struct slice
		text; /* of QUERY and STMT_PREPARE; the prepared text of STMT_ commands where known;
				database of INIT_DB; table of FIELD_LIST; user of CHANGE_USER; as sent */
	bool text_known;
	struct slice database; /* default database when it was sent */
	bool database_known;
	bool params_known; /* STMT_EXECUTE, STMT_BULK_EXECUTE: types and values were understood */
	uint32_t
		sets; /* STMT_BULK_EXECUTE, if params_known: PARAMS has so many sets, one after the other */
	const struct myp_params *params;     /* never NULL */
	const struct myp_params *attributes; /* never NULL */
	uint16_t collation;                  /* that TEXT is in; 0: unknown */
	struct slice
		payload; /* the packet's, first byte included; of CHANGE_USER: without its authentication
				data, or empty */
};

/* The parameters of an execution; of a bulk execution, those of one set. */
size_t command_param_count(const struct command *c);

/* What an execution whose parameters are known leaves in its statement: their types. ERR_NOMEM, ERR_LIMIT. */
enum err command_keep_types(const struct command *c, struct statement_pool *pool,
			    struct statement *st) MUST_CHECK;

/* How the session's statements are to be lexed, as far as is known. */
struct sql_options session_sql_options(const struct session *s);

/*
 * The statement with its values in place, for every sink that speaks SQL: of an execution the prepared
 * text with literals for its placeholders, of all others the text. Appended to OUT as sent, in the session's
 * character set. False, and nothing appended, if the text or a value is not known.
 */
bool command_put_text(const struct session *s, const struct command *c, struct buf *out);

/*
 * TEXT with PARAMS as literals in the place of its placeholders, in order; appended to OUT. False, with a part
 * appended, if their numbers differ.
 */
bool command_bind(struct slice text, const struct myp_params *params, struct sql_options options,
		  uint16_t collation, struct buf *out);

/*
 * True if a password stands in the statement, or among its parameters: outputs mask the one with sql_mask()
 * and leave out the others.
 */
bool command_is_secret(const struct session *s, const struct command *c);

/* Digest of the statement (sql/digest.h), 0 where it has none. */
uint64_t command_digest(const struct session *s, const struct command *c);

#endif
