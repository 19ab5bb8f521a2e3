/*
 * lex - cuts a statement of MySQL or MariaDB into tokens, as the servers' own lexers do.
 *
 * The text is foreign: every text is a sequence of tokens, whatever it holds, and nothing beyond
 * its end is read; a string, name or comment that is not closed ends there. No allocation; time
 * is linear. A statement that is cut off gives the tokens of what is there.
 *
 * The content of executable comments is code, whatever version they ask for, except for versions
 * that no server has (99999, and 990000 and above), which is how people switch code off. That is
 * what most servers execute, and leaves no literal unseen.
 *
 * Sources: sql_lex.cc of both servers, MySQL manual 11.1 to 11.7; tried on MariaDB 10.11. Not
 * known: dollar-quoted bodies of MySQL 9's JavaScript routines, Oracle mode.
 */
#ifndef SQL_LEX_H
#define SQL_LEX_H

#include "sql/charset.h"
#include "sql/word.h"

struct sql_options {
	enum sql_charset charset;
	bool no_backslash_escapes; /* sql_mode: a backslash in a string is a backslash */
	bool ansi_quotes;          /* sql_mode: "x" is a name */
	bool comments;             /* comments are tokens, not blanks */
};

enum sql_token_kind {
	SQL_TOKEN_END,
	SQL_TOKEN_WORD,          /* without quotes: a word of the language or a name */
	SQL_TOKEN_QUOTED,        /* `name`, or "name" under ANSI_QUOTES */
	SQL_TOKEN_STRING,        /* 'x' "x" N'x' _utf8'x'; adjacent ones are tokens of their own */
	SQL_TOKEN_HEX,           /* x'4D' 0x4D b'01' 0b01, also after _charset */
	SQL_TOKEN_NUMBER,        /* 1 1.5 .5 1e10; without a sign */
	SQL_TOKEN_NULL,          /* \N */
	SQL_TOKEN_PLACEHOLDER,   /* ? */
	SQL_TOKEN_SYMBOL,        /* an operator, bracket, comma, semicolon or unknown byte */
	SQL_TOKEN_USER_VARIABLE, /* @x @`x` @'x' @"x" */
	SQL_TOKEN_SYSTEM_VARIABLE, /* @@x or @@`x`, up to a dot: of @@global.x it is @@global */
	SQL_TOKEN_HOST,            /* @host or @'host' after an account's name; @? in digests */
	SQL_TOKEN_HINT,            /* an optimizer hint, whole */
	SQL_TOKEN_COMMENT          /* only on request; also the marks of executable comments */
};

/* A symbol of one byte is that byte; of two or three these. */
enum sql_symbol {
	SQL_SYMBOL_ASSIGN = 256, /* := */
	SQL_SYMBOL_ELLIPSIS,     /* ..., which only digests hold */
	SQL_SYMBOL_MANY          /* all others: <=> <= >= <> != << >> -> ->> || && */
};

struct sql_token {
	enum sql_token_kind kind;
	enum sql_word word; /* of a WORD; NONE if it is only a name */
	bool only_name;     /* a WORD next to a dot: a name, whatever it says */
	uint32_t symbol;    /* of a SYMBOL: enum sql_symbol or the byte; else 0 */
	struct slice text;  /* as written, with its quotes */
};

struct sql_lexer {
	const uint8_t *pos;
	const uint8_t *end;
	struct sql_options options;
	bool in_code_comment;    /* between the marks of an executable comment */
	bool name_next;          /* after a dot: only a name can follow */
	bool string_before;      /* the token before was a string */
	const uint8_t *name_end; /* of the name before, NULL if it was none: an account or table */
};

/* Sets *LX to the start of SQL, whose bytes must live as long as tokens are taken. */
void sql_lexer_init(struct sql_lexer *lx, struct slice sql, struct sql_options options);

/* Fills *OUT with the next token and returns true; at the end, an END of no text and false. */
bool sql_lexer_next(struct sql_lexer *lx, struct sql_token *out);

static inline bool sql_token_is(const struct sql_token *t, uint32_t symbol)
{
	return t->symbol == symbol;
}

/* A value written into the statement, or the place of one. Excludes NULL, TRUE, FALSE as words. */
static inline bool sql_token_is_value(const struct sql_token *t)
{
	return t->kind >= SQL_TOKEN_STRING && t->kind <= SQL_TOKEN_PLACEHOLDER;
}

#endif
