/*
 * readonly - whether a statement can change data.
 *
 * A statement is read twice, with the content of executable comments and without, since it is up to the
 * server's version which one it executes; if they ask for several versions, there are more readings than these.
 */
#include "sql/readonly.h"

#include <stdlib.h>

enum {
	ROUTINE_NAME_MAX = 200
}; /* bytes of a name that is looked up; servers' have 2 x 64 characters */

struct reading {
	struct sql_lexer lx;
	bool without_code;    /* executable comments are comments */
	struct slice version; /* of the first executable comment; empty: none yet */
	struct sql_token t, before, before_that;
	bool ended;
	bool explains;       /* but does not execute */
	bool in_with;        /* in the list of WITH, outside of its brackets */
	bool behind;         /* outside of a bracket that came in the place of a statement */
	size_t depth;        /* of brackets */
	const uint8_t *name; /* where the name, with its qualifiers, of the last token begins */
	struct sql_allowed allowed;
	struct sql_read_only *out;
};

/* --- tokens --- */

static void harm(struct reading *r, enum sql_harm what)
{
	if (r->out->harm == SQL_HARM_NONE)
		r->out->harm = what;
}

static bool has_nested_comment(struct slice text)
{
	for (size_t i = 2; i + 1 < text.len; i++)
		if (text.ptr[i] == '/' && text.ptr[i + 1] == '*')
			return true;
	return false;
}

/* Servers disagree on what is in one comment inside of another. */
static void on_comment(struct reading *r, bool was_in_code)
{
	struct slice text = r->t.text;
	bool closes = slice_eq(text, SLICE_LIT("*/"));

	if (closes)
		return;
	if (was_in_code || has_nested_comment(text))
		harm(r, SQL_HARM_UNCLEAR);
	if (!r->lx.in_code_comment)
		return;
	if (r->version.len > 0 && !slice_eq(r->version, text))
		harm(r, SQL_HARM_UNCLEAR);
	r->version = text;
}

static bool is_name(const struct sql_token *t)
{
	return t->kind == SQL_TOKEN_WORD || t->kind == SQL_TOKEN_QUOTED;
}

static void next(struct reading *r)
{
	bool in_code;

	r->before_that = r->before;
	r->before = r->t;
	do {
		in_code = r->lx.in_code_comment;
		if (r->ended || !sql_lexer_next(&r->lx, &r->t)) {
			r->t = (struct sql_token){.kind = SQL_TOKEN_END};
			r->ended = true;
			return;
		}
		if (r->t.kind == SQL_TOKEN_COMMENT)
			on_comment(r, in_code);
	} while (r->t.kind == SQL_TOKEN_COMMENT || (r->without_code && in_code));
	if (sql_token_is(&r->t, ';')) {
		r->out->rest = slice_of(r->lx.pos, (size_t)(r->lx.end - r->lx.pos));
		r->t = (struct sql_token){.kind = SQL_TOKEN_END};
		r->ended = true;
		return;
	}
	if (is_name(&r->t) && (!r->name || !sql_token_is(&r->before, '.')))
		r->name = r->t.text.ptr;
}

static bool at(const struct reading *r, enum sql_word w)
{
	return r->t.word == w;
}

/* --- routines --- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static const char *const functions[] = {
#define FUNCTION(name) #name,
#include "sql/function_list.h"
#undef FUNCTION
};

static char upper(uint8_t b)
{
	return (char)(b >= 'a' && b <= 'z' ? b - 0x20 : b);
}

bool sql_function_reads(struct slice name)
{
	char key[ROUTINE_NAME_MAX];

	if (name.len >= sizeof(key))
		return false;
	for (size_t i = 0; i < name.len; i++)
		key[i] = upper(name.ptr[i]);
	key[name.len] = '\0';
	return bsearch(key, functions, sizeof(functions) / sizeof(*functions), sizeof(*functions),
		       compare_names) != NULL;
}

/* NAME without quotes and blanks, as a string in TO; false: it has no room there. */
static bool plain_name(struct slice name, char to[ROUTINE_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		uint8_t b = name.ptr[i];

		if (b == '`' || b == '"' || b <= ' ')
			continue;
		if (n + 1 == ROUTINE_NAME_MAX)
			return false;
		to[n++] = (char)b;
	}
	to[n] = '\0';
	return true;
}

static bool is_allowed(const struct reading *r, struct slice name)
{
	char text[ROUTINE_NAME_MAX];
	const char *dot;

	if (!plain_name(name, text))
		return false;
	dot = strrchr(text, '.');
	for (size_t i = 0; i < r->allowed.count; i++)
		if (strcasecmp(r->allowed.names[i], text) == 0 ||
		    (dot && strcasecmp(r->allowed.names[i], dot + 1) == 0))
			return true;
	return false;
}

/* The name of the routine ends with LAST. */
static void calls(struct reading *r, const struct sql_token *last)
{
	const uint8_t *end = last->text.ptr + last->text.len;
	struct slice name = slice_of(r->name, (size_t)(end - r->name));

	if (r->out->harm != SQL_HARM_NONE || is_allowed(r, name))
		return;
	r->out->harm = SQL_HARM_ROUTINE;
	r->out->routine = name;
}

/* At an opening bracket: does it belong to a function, and may that be called? */
static void on_bracket(struct reading *r)
{
	const struct sql_token *name = &r->before, *front = &r->before_that;
	bool qualified = sql_token_is(front, '.');

	if (!is_name(name))
		return;
	if (name->kind == SQL_TOKEN_WORD && !name->only_name && sql_word_is_reserved(name->word))
		return;
	if (front->word == SQL_WORD_AS || front->word == SQL_WORD_INTO || sql_token_is(front, ')'))
		return; /* a type, or the name of a table, with a list */
	if (r->in_with && r->depth == 0)
		return; /* the name of a common table expression */
	if (!qualified && name->kind == SQL_TOKEN_WORD && sql_function_reads(name->text))
		return;
	calls(r, name);
}

/* --- what all statements have in common --- */

static void look_at_word(struct reading *r)
{
	enum sql_word before = r->before.word;

	if (before == SQL_WORD_INTO && r->t.kind != SQL_TOKEN_USER_VARIABLE &&
	    (!r->explains || at(r, SQL_WORD_OUTFILE) || at(r, SQL_WORD_DUMPFILE)))
		harm(r, SQL_HARM_WRITES);
	if (before == SQL_WORD_FOR && (at(r, SQL_WORD_UPDATE) || at(r, SQL_WORD_SHARE)))
		harm(r, SQL_HARM_LOCKS);
	if (before == SQL_WORD_LOCK && at(r, SQL_WORD_IN))
		harm(r, SQL_HARM_LOCKS);
	if (at(r, SQL_WORD_FOR) && before == SQL_WORD_VALUE && r->before_that.word == SQL_WORD_NEXT)
		harm(r, SQL_HARM_WRITES);
	if (sql_token_is(&r->before, '.') && slice_eq_nocase(r->t.text, SLICE_LIT("nextval")))
		harm(r, SQL_HARM_WRITES);
}

static bool begins_inner(enum sql_word w)
{
	return w == SQL_WORD_SELECT || w == SQL_WORD_TABLE || w == SQL_WORD_VALUES ||
	       w == SQL_WORD_INSERT || w == SQL_WORD_UPDATE || w == SQL_WORD_DELETE ||
	       w == SQL_WORD_REPLACE;
}

static bool inner_writes(enum sql_word w)
{
	return begins_inner(w) && w != SQL_WORD_SELECT && w != SQL_WORD_TABLE &&
	       w != SQL_WORD_VALUES;
}

/* The statement behind WITH has begun? */
static void follow_with(struct reading *r)
{
	if (!(r->in_with || r->behind) || r->depth > 0)
		return;
	if (begins_inner(r->t.word)) {
		r->in_with = false;
		if (inner_writes(r->t.word) && !r->explains)
			harm(r, SQL_HARM_WRITES);
	} else if (sql_token_is(&r->t, '(') && sql_token_is(&r->before, ')')) {
		r->in_with = false;
		r->behind = true;
	}
}

/* The current token, whatever statement it is in. */
static void look(struct reading *r)
{
	look_at_word(r);
	follow_with(r);
	if (sql_token_is(&r->t, '(')) {
		on_bracket(r);
		r->depth++;
	} else if (sql_token_is(&r->t, ')') && r->depth > 0) {
		r->depth--;
	}
}

static void look_to_end(struct reading *r)
{
	for (; !r->ended; next(r))
		look(r);
}

/* --- SET --- */

static bool is_global_scope(struct slice word)
{
	return slice_eq_nocase(word, SLICE_LIT("global")) ||
	       slice_eq_nocase(word, SLICE_LIT("persist")) ||
	       slice_eq_nocase(word, SLICE_LIT("persist_only"));
}

/* What a variable is called, without @@ and quotes. */
static struct slice variable_name(const struct sql_token *t)
{
	struct slice s = t->text;

	if (t->kind == SQL_TOKEN_SYSTEM_VARIABLE)
		s = slice_skip(s, 2);
	if (s.len >= 2 && (s.ptr[0] == '`' || s.ptr[0] == '"'))
		s = slice_of(s.ptr + 1, s.len - 2);
	return s;
}

static bool is_session_scope(struct slice word)
{
	return slice_eq_nocase(word, SLICE_LIT("session")) ||
	       slice_eq_nocase(word, SLICE_LIT("local"));
}

/* The name that is set, at which R stands. */
static void look_at_variable(struct reading *r)
{
	struct slice name = variable_name(&r->t);

	if (is_global_scope(name) || at(r, SQL_WORD_RESOURCE))
		harm(r, SQL_HARM_GLOBAL);
	if (at(r, SQL_WORD_PASSWORD) || at(r, SQL_WORD_DEFAULT))
		harm(r, SQL_HARM_WRITES);
	if (slice_eq_nocase(name, SLICE_LIT("transaction_read_only")) ||
	    slice_eq_nocase(name, SLICE_LIT("tx_read_only")))
		harm(r, SQL_HARM_ALLOWS);
}

/* One assignment or its like, up to the comma behind it, or to a FOR if that is to END it. */
static void look_at_item(struct reading *r, bool for_ends)
{
	bool transaction;

	if (is_session_scope(variable_name(&r->t))) {
		next(r);
		if (sql_token_is(&r->t, '.'))
			next(r);
	}
	look_at_variable(r);
	transaction = at(r, SQL_WORD_TRANSACTION);
	for (; !r->ended; next(r)) {
		if (r->depth == 0 && ((sql_token_is(&r->t, ',') && !transaction) ||
				      (for_ends && at(r, SQL_WORD_FOR))))
			return;
		if (transaction && at(r, SQL_WORD_WRITE))
			harm(r, SQL_HARM_ALLOWS);
		look(r);
	}
}

static void check_query(struct reading *r);

static void check_set(struct reading *r)
{
	bool statement;

	next(r);
	statement = at(r, SQL_WORD_STATEMENT);
	if (statement)
		next(r);
	look_at_item(r, statement);
	while (sql_token_is(&r->t, ',')) {
		next(r);
		look_at_item(r, statement);
	}
	if (r->ended)
		return;
	next(r); /* FOR */
	check_query(r);
}

/* --- statements --- */

/* A query, where no other statement is let through. */
static void check_query(struct reading *r)
{
	for (; sql_token_is(&r->t, '('); next(r)) {
		r->depth++;
		r->behind = true;
	}
	if (at(r, SQL_WORD_WITH)) {
		r->depth = 0; /* its statement is looked for at this level */
		r->in_with = true;
	} else if (!begins_inner(r->t.word) || inner_writes(r->t.word)) {
		harm(r, SQL_HARM_WRITES);
	}
	next(r);
	look_to_end(r);
}

/* Behind EXPLAIN or, which is what EXECUTES says, ANALYZE. */
static void check_explain(struct reading *r, bool executes)
{
	for (; !r->ended && !begins_inner(r->t.word) && !at(r, SQL_WORD_WITH) &&
	       !sql_token_is(&r->t, '(');
	     next(r)) {
		executes |= at(r, SQL_WORD_ANALYZE);
		look(r);
	}
	r->explains = !executes;
	if (executes) {
		check_query(r);
		return;
	}
	r->in_with = at(r, SQL_WORD_WITH);
	look_to_end(r);
}

static void check_analyze(struct reading *r)
{
	next(r);
	if (at(r, SQL_WORD_TABLE) || at(r, SQL_WORD_LOCAL) || at(r, SQL_WORD_NO_WRITE_TO_BINLOG))
		harm(r, SQL_HARM_WRITES);
	check_explain(r, true);
}

static void check_start(struct reading *r)
{
	next(r);
	if (!at(r, SQL_WORD_TRANSACTION))
		harm(r, SQL_HARM_WRITES);
	for (; !r->ended; next(r)) {
		r->out->read_write |= at(r, SQL_WORD_WRITE);
		r->out->snapshot |= at(r, SQL_WORD_SNAPSHOT);
	}
}

static void check_call(struct reading *r)
{
	struct sql_token last = r->t;

	next(r);
	while (!r->ended && (is_name(&r->t) || sql_token_is(&r->t, '.'))) {
		last = r->t;
		next(r);
	}
	if (is_name(&last) && last.word != SQL_WORD_CALL)
		calls(r, &last);
	else
		harm(r, SQL_HARM_WRITES);
	if (!r->ended) { /* the bracket of its own, which belongs to no function */
		r->depth++;
		next(r);
	}
	look_to_end(r);
}

/* True if what follows the word W makes the statement harmless. */
static void check_next(struct reading *r, enum sql_word w)
{
	next(r);
	if (!at(r, w))
		harm(r, SQL_HARM_WRITES);
	look_to_end(r);
}

static void check_begin(struct reading *r)
{
	next(r);
	if (at(r, SQL_WORD_NOT))
		harm(r, SQL_HARM_WRITES);
	look_to_end(r);
}

static void check_prepared(struct reading *r, enum sql_prepared what)
{
	r->out->prepared = what;
	next(r);
	look_to_end(r);
}

static void check_lock(struct reading *r)
{
	harm(r, SQL_HARM_LOCKS);
	look_to_end(r);
}

static void check_drop(struct reading *r)
{
	next(r);
	if (at(r, SQL_WORD_PREPARE))
		check_prepared(r, SQL_PREPARED_GONE);
	else
		harm(r, SQL_HARM_WRITES);
	look_to_end(r);
}

static void check_statement(struct reading *r)
{
	while (sql_token_is(&r->t, '(') || r->t.kind == SQL_TOKEN_HINT)
		next(r);
	switch ((unsigned)r->t.word) {
	case SQL_WORD_SELECT:
	case SQL_WORD_TABLE:
	case SQL_WORD_VALUES:
	case SQL_WORD_WITH:
		check_query(r);
		return;
	case SQL_WORD_SHOW:
	case SQL_WORD_HELP:
	case SQL_WORD_CHECKSUM:
	case SQL_WORD_USE:
	case SQL_WORD_COMMIT:
	case SQL_WORD_ROLLBACK:
	case SQL_WORD_SAVEPOINT:
	case SQL_WORD_RELEASE:
	case SQL_WORD_UNLOCK:
	case SQL_WORD_HANDLER:
	case SQL_WORD_DO:
	case SQL_WORD_KILL:
		next(r);
		look_to_end(r);
		return;
	case SQL_WORD_EXPLAIN:
	case SQL_WORD_DESCRIBE:
	case SQL_WORD_DESC:
		next(r);
		check_explain(r, false);
		return;
	case SQL_WORD_ANALYZE:
		check_analyze(r);
		return;
	case SQL_WORD_SET:
		check_set(r);
		return;
	case SQL_WORD_BEGIN:
		check_begin(r);
		return;
	case SQL_WORD_START:
		check_start(r);
		return;
	case SQL_WORD_XA:
		check_next(r, SQL_WORD_RECOVER);
		return;
	case SQL_WORD_CALL:
		check_call(r);
		return;
	case SQL_WORD_PREPARE:
		check_prepared(r, SQL_PREPARED_MADE);
		return;
	case SQL_WORD_EXECUTE:
		check_prepared(r, SQL_PREPARED_EXECUTED);
		return;
	case SQL_WORD_DEALLOCATE:
		check_prepared(r, SQL_PREPARED_GONE);
		return;
	case SQL_WORD_DROP:
		check_drop(r);
		return;
	case SQL_WORD_LOCK:
		check_lock(r);
		return;
	}
	if (!r->ended)
		harm(r, SQL_HARM_WRITES);
	look_to_end(r);
}

/* Returns true if there is an executable comment. */
static bool read(struct slice sql, struct sql_options options, struct sql_allowed allowed,
		 bool without_code, struct sql_read_only *out)
{
	struct reading r = {.without_code = without_code, .allowed = allowed, .out = out};

	*out = (struct sql_read_only){.harm = SQL_HARM_NONE};
	options.comments = true;
	sql_lexer_init(&r.lx, sql, options);
	next(&r);
	check_statement(&r);
	return r.version.len > 0;
}

void sql_read_only_check(struct slice sql, struct sql_options options, struct sql_allowed allowed,
			 struct sql_read_only *out)
{
	struct sql_read_only plain;

	if (!read(sql, options, allowed, false, out) || out->harm != SQL_HARM_NONE)
		return;
	(void)read(sql, options, allowed, true, &plain);
	if (plain.harm != SQL_HARM_NONE) {
		out->harm = plain.harm;
		out->routine = plain.routine;
	} else if (plain.rest.ptr != out->rest.ptr || plain.prepared != out->prepared ||
		   plain.read_write != out->read_write) {
		out->harm = SQL_HARM_UNCLEAR;
	}
}
