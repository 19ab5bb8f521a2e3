/*
 * secret - finds the passwords in a statement, token by token. Used by classify and mask.
 *
 * Secret is the literal behind IDENTIFIED ... BY, AS, USING, PASSWORD or REPLACE; SET PASSWORD, also
 * inside a compound statement; all in the brackets of PASSWORD(), OLD_PASSWORD(), ENCRYPT() and
 * VALIDATE_PASSWORD_STRENGTH(), in any statement; PASSWORD, and any option that ends
 * so (MASTER_PASSWORD, SOURCE_PASSWORD), in CREATE, ALTER, CHANGE, START and SET; CONNECTION, which
 * may be a URL with a password, and a string in which one is named (Spider's COMMENT), in CREATE and
 * ALTER; wsrep_sst_auth; and a whole string of a
 * PREPARE, EXECUTE or SET that speaks of a password or IDENTIFIED itself. A placeholder in the place of such a literal
 * is one, too: the password comes with the execution. What an application
 * keeps in a column named password is data like other data.
 */
#ifndef SQL_SECRET_H
#define SQL_SECRET_H

#include "sql/lex.h"

enum sql_secret_state {
	SQL_SECRET_NOTHING,
	SQL_SECRET_NEXT,   /* a literal would be secret now */
	SQL_SECRET_GOES_ON /* one was: a string that follows is part of it */
};

struct sql_secret {
	enum sql_word verb; /* the statement's first word */
	enum sql_secret_state state;
	bool identified;      /* IDENTIFIED, or SET PASSWORD, was seen: more passwords may follow */
	bool set_password;    /* in SET PASSWORD, up to its sign of equality and value */
	bool names_function;  /* the last word may be a function of passwords */
	uint32_t brackets;    /* open since such a function's name; 0: not inside one */
	enum sql_word before; /* the word that came last; none behind a symbol */
};

/* The all-zero struct is the start of a statement. A semicolon begins the next. */
bool sql_secret_token(struct sql_secret *s, const struct sql_token *t); /* T is a secret */

#endif
