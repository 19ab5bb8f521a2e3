/*
 * classify - what a statement is and what it does to its session, told from its tokens alone.
 *
 * It asks for no grammar: a statement with a mistake in it has a class, too, and what a procedure
 * or a prepared text does inside is not seen. Ordinary SELECT, INSERT, UPDATE and DELETE are told
 * by their first word and a scan for the few bytes that could make them more than that.
 */
#ifndef SQL_CLASSIFY_H
#define SQL_CLASSIFY_H

#include "base/buf.h"
#include "sql/lex.h"

enum sql_verb {
#define SQL_VERB(name, text, transaction, writes, head) SQL_VERB_##name,
#include "sql/verb_list.h"
#undef SQL_VERB
	SQL_VERBS
};

const char *sql_verb_text(enum sql_verb v); /* "select" */
bool sql_verb_writes(enum sql_verb v);      /* it changes, or may change, data or schema */

enum sql_transaction {
	SQL_TRANSACTION_NONE,
	SQL_TRANSACTION_BEGIN, /* commits what is open and begins */
	SQL_TRANSACTION_COMMIT,
	SQL_TRANSACTION_COMMIT_BEGIN, /* AND CHAIN */
	SQL_TRANSACTION_ROLLBACK,
	SQL_TRANSACTION_ROLLBACK_BEGIN, /* AND CHAIN */
	SQL_TRANSACTION_IMPLICIT_COMMIT
};

/* What a statement changes in its session, as bits. */
enum sql_change {
	SQL_CHANGES_USER_VARIABLE = 1 << 0,
	SQL_CHANGES_VARIABLE = 1 << 1, /* any variable of the session, the next four included */
	SQL_CHANGES_CHARSET = 1 << 2,  /* SET NAMES, CHARACTER SET, character_set_client */
	SQL_CHANGES_AUTOCOMMIT = 1 << 3,
	SQL_CHANGES_SQL_MODE = 1 << 4,
	SQL_CHANGES_TIME_ZONE = 1 << 5,
	SQL_CHANGES_DATABASE = 1 << 6,
	SQL_CHANGES_PREPARED = 1 << 7,  /* PREPARE, DEALLOCATE */
	SQL_CHANGES_TEMPORARY = 1 << 8, /* CREATE or DROP TEMPORARY TABLE */
	SQL_CHANGES_USER_LOCK = 1 << 9, /* GET_LOCK and its kin */
	SQL_CHANGES_TABLE_LOCK = 1 << 10,
	SQL_CHANGES_ISOLATION = 1 << 11, /* SET [SESSION] TRANSACTION */
	SQL_CHANGES_ROLE = 1 << 12,
	SQL_CHANGES_HANDLER = 1 << 13, /* HANDLER OPEN or CLOSE */
	SQL_CHANGES_GLOBAL = 1 << 14   /* SET GLOBAL or PERSIST: not of the session alone */
};

enum sql_switch { SQL_SWITCH_UNKNOWN, SQL_SWITCH_OFF, SQL_SWITCH_ON };

/* All slices are parts of the statement as written, quotes included: see sql_unquote(). */
struct sql_class {
	enum sql_verb verb;
	enum sql_transaction transaction;
	uint32_t changes; /* enum sql_change */
	bool secret; /* a password stands in this statement (REST may hold others): sql_mask() hides it */
	bool temporary;        /* CREATE or DROP of a TEMPORARY table */
	struct slice rest;     /* what follows the semicolon; empty if that is nothing but blanks */
	struct slice name;     /* USE: database; PREPARE, EXECUTE, DEALLOCATE: statement; SAVEPOINT,
				   RELEASE, ROLLBACK TO: savepoint; else empty */
	struct slice prepared; /* PREPARE: the text literal or @variable; EXECUTE IMMEDIATE: same */
	struct slice charset;  /* with CHANGES_CHARSET: its name or literal */
	struct slice time_zone;     /* with CHANGES_TIME_ZONE: the literal; empty if not one */
	enum sql_switch autocommit; /* with CHANGES_AUTOCOMMIT */
	bool sql_mode_known;        /* the new sql_mode is a literal, and so the next two */
	bool no_backslash_escapes;
	bool ansi_quotes;
	bool kill_known; /* KILL with a literal number, which is: */
	bool kill_query; /* KILL QUERY, not the connection */
	bool kill_self;  /* KILL CONNECTION_ID() */
	uint64_t kill_id;
};

/*
 * Fills *OUT for the first statement of SQL; the further ones are OUT->rest. A CREATE of a stored
 * program, or a compound statement, reaches to the end of SQL, as its body holds semicolons.
 */
void sql_classify(struct slice sql, struct sql_options options, struct sql_class *out);

/*
 * True if SQL is one ordinary SELECT, INSERT, UPDATE, DELETE or REPLACE that changes nothing in its session, as far as
 * the first word and a scan tell; of most that are, it is. What sql_classify() says of such a statement is no more.
 */
bool sql_is_ordinary(struct slice sql);

/*
 * What the quotes of TEXT, a name or a literal as written, hold: appended to OUT without the quotes,
 * doubled quotes made single, escapes (in ' and " only) resolved; of N'x' and _charset'x' the x. Text
 * without quotes as it is. OUT fails as buffers do.
 */
void sql_unquote(struct slice text, struct sql_options options, struct buf *out);

/* Appends NAME, UTF-8 without quotes, to OUT as an identifier in backquotes. */
void sql_quote_name(struct slice name, struct buf *out);

#endif
