/*
 * classify - what a statement is and what it does to its session.
 *
 * Every token of a statement that is looked at passes through statement_next(), which finds what
 * can stand anywhere: passwords, user locks, assignments, the semicolon. The functions named head_
 * read the head of their kind of statement; what they leave is read to the end afterwards.
 */
#include "sql/statement.h"

static void end(struct statement *s)
{
	s->ended = true;
	s->t = (struct sql_token){.kind = SQL_TOKEN_END};
}

void statement_next(struct statement *s)
{
	struct sql_class *out = s->out;

	s->before = s->t.word;
	if (s->ended)
		return;
	if (!sql_lexer_next(&s->lx, &s->t)) {
		end(s);
		return;
	}
	if (sql_secret_token(&s->secret, &s->t))
		out->secret = true;
	if (sql_token_is(&s->t, ';') && !s->to_end) {
		out->rest = slice_of(s->lx.pos, (size_t)(s->lx.end - s->lx.pos));
		end(s);
	} else if (s->t.word == SQL_WORD_GET_LOCK || s->t.word == SQL_WORD_RELEASE_LOCK ||
		   s->t.word == SQL_WORD_RELEASE_ALL_LOCKS) {
		out->changes |= SQL_CHANGES_USER_LOCK;
	} else if (sql_token_is(&s->t, SQL_SYMBOL_ASSIGN) ||
		   (s->t.kind == SQL_TOKEN_USER_VARIABLE && s->before == SQL_WORD_INTO)) {
		out->changes |= SQL_CHANGES_USER_VARIABLE;
	}
}

static bool is_blank(uint8_t b)
{
	return b == ' ' || (b >= '\t' && b <= '\r');
}

static bool chains(struct statement *s)
{
	(void)statement_skip(s, SQL_WORD_WORK);
	if (statement_skip(s, SQL_WORD_AND))
		return statement_at(s, SQL_WORD_CHAIN);
	return false;
}

static void head_transaction(struct statement *s)
{
	bool commit = statement_at(s, SQL_WORD_COMMIT);

	statement_next(s);
	if (chains(s))
		s->out->transaction =
			commit ? SQL_TRANSACTION_COMMIT_BEGIN : SQL_TRANSACTION_ROLLBACK_BEGIN;
	if (!statement_skip(s, SQL_WORD_TO))
		return;
	(void)statement_skip(s, SQL_WORD_SAVEPOINT);
	s->out->transaction = SQL_TRANSACTION_NONE;
	s->out->name = statement_text(s);
}

static void head_xa(struct statement *s)
{
	statement_next(s);
	if (statement_at(s, SQL_WORD_START) || statement_at(s, SQL_WORD_BEGIN))
		s->out->transaction = SQL_TRANSACTION_BEGIN;
	else if (statement_at(s, SQL_WORD_COMMIT))
		s->out->transaction = SQL_TRANSACTION_COMMIT;
	else if (statement_at(s, SQL_WORD_ROLLBACK))
		s->out->transaction = SQL_TRANSACTION_ROLLBACK;
}

static void head_prepared(struct statement *s)
{
	bool prepares = statement_at(s, SQL_WORD_PREPARE),
	     executes = statement_at(s, SQL_WORD_EXECUTE);

	statement_next(s);
	if (executes && statement_skip(s, SQL_WORD_IMMEDIATE)) {
		s->out->prepared = statement_text(s);
		return;
	}
	if (!executes)
		s->out->changes |= SQL_CHANGES_PREPARED;
	(void)statement_skip(s, SQL_WORD_PREPARE);
	s->out->name = statement_text(s);
	statement_next(s);
	if (prepares && statement_skip(s, SQL_WORD_FROM))
		s->out->prepared = statement_text(s);
}

static bool is_program(enum sql_word w)
{
	return w == SQL_WORD_PROCEDURE || w == SQL_WORD_FUNCTION || w == SQL_WORD_TRIGGER ||
	       w == SQL_WORD_EVENT || w == SQL_WORD_PACKAGE;
}

static bool is_object(enum sql_word w)
{
	return w == SQL_WORD_TABLE || w == SQL_WORD_VIEW || w == SQL_WORD_INDEX ||
	       w == SQL_WORD_DATABASE || w == SQL_WORD_SCHEMA || w == SQL_WORD_USER ||
	       w == SQL_WORD_ROLE || w == SQL_WORD_SERVER || w == SQL_WORD_SEQUENCE ||
	       w == SQL_WORD_TABLESPACE || is_program(w);
}

static void head_schema(struct statement *s)
{
	bool program_has_body = !statement_at(s, SQL_WORD_DROP);

	do {
		statement_next(s);
		if (statement_at(s, SQL_WORD_TEMPORARY)) {
			s->out->temporary = true;
			s->out->changes |= SQL_CHANGES_TEMPORARY;
			s->out->transaction = SQL_TRANSACTION_NONE;
		}
	} while (!s->ended && !is_object(s->t.word));
	s->to_end = program_has_body && is_program(s->t.word);
}

static void head_kill(struct statement *s)
{
	statement_next(s);
	if (statement_at(s, SQL_WORD_HARD) || statement_at(s, SQL_WORD_SOFT))
		statement_next(s);
	s->out->kill_query = statement_at(s, SQL_WORD_QUERY);
	if (statement_at(s, SQL_WORD_QUERY) || statement_at(s, SQL_WORD_CONNECTION))
		statement_next(s);
	if (s->t.kind == SQL_TOKEN_NUMBER)
		s->out->kill_known = statement_number(s->t.text, &s->out->kill_id);
	if (!slice_eq_nocase(statement_text(s), SLICE_LIT("connection_id")))
		return;
	statement_next(s);
	if (!sql_token_is(&s->t, '('))
		return;
	statement_next(s);
	if (!sql_token_is(&s->t, ')'))
		return;
	statement_next(s);
	s->out->kill_self = s->ended;
}

static void head_handler(struct statement *s)
{
	while (!s->ended && !statement_at(s, SQL_WORD_OPEN) && !statement_at(s, SQL_WORD_CLOSE) &&
	       !statement_at(s, SQL_WORD_READ))
		statement_next(s);
	if (statement_at(s, SQL_WORD_OPEN) || statement_at(s, SQL_WORD_CLOSE))
		s->out->changes |= SQL_CHANGES_HANDLER;
}

static void head_lock(struct statement *s)
{
	statement_next(s);
	if (statement_at(s, SQL_WORD_TABLES) || statement_at(s, SQL_WORD_TABLE))
		s->out->changes |= SQL_CHANGES_TABLE_LOCK;
	else
		s->out->transaction = SQL_TRANSACTION_NONE;
}

static void head_flush(struct statement *s)
{
	for (; !s->ended; statement_next(s))
		if (statement_at(s, SQL_WORD_LOCK) || statement_at(s, SQL_WORD_EXPORT))
			s->out->changes |= SQL_CHANGES_TABLE_LOCK;
}

static void head_name(struct statement *s)
{
	statement_next(s);
	if (s->out->verb == SQL_VERB_USE)
		s->out->changes |= SQL_CHANGES_DATABASE;
	if (s->out->verb == SQL_VERB_RELEASE_SAVEPOINT)
		(void)statement_skip(s, SQL_WORD_SAVEPOINT);
	s->out->name = statement_text(s);
}

/* Words that need no other word to tell what they begin. */
static enum sql_verb verb_of(enum sql_word w)
{
	switch ((unsigned)w) {
#define VERB(name)                                                                                 \
	case SQL_WORD_##name:                                                                      \
		return SQL_VERB_##name;
		VERB(SELECT)
		VERB(INSERT)
		VERB(UPDATE)
		VERB(DELETE)
		VERB(REPLACE)
		VERB(CALL)
		VERB(DO)
		VERB(HANDLER)
		VERB(SET)
		VERB(USE)
		VERB(BEGIN)
		VERB(COMMIT)
		VERB(ROLLBACK)
		VERB(SAVEPOINT)
		VERB(XA)
		VERB(PREPARE)
		VERB(EXECUTE)
		VERB(DEALLOCATE)
		VERB(LOCK)
		VERB(UNLOCK)
		VERB(SHOW)
		VERB(EXPLAIN)
		VERB(KILL)
		VERB(CREATE)
		VERB(ALTER)
		VERB(DROP)
		VERB(TRUNCATE)
		VERB(RENAME)
		VERB(GRANT)
		VERB(REVOKE)
		VERB(FLUSH)
		VERB(RESET)
		VERB(SHUTDOWN)
#undef VERB
	case SQL_WORD_TABLE:
	case SQL_WORD_VALUES:
		return SQL_VERB_SELECT;
	case SQL_WORD_RELEASE:
		return SQL_VERB_RELEASE_SAVEPOINT;
	case SQL_WORD_DESC:
	case SQL_WORD_DESCRIBE:
		return SQL_VERB_EXPLAIN;
	case SQL_WORD_HELP:
		return SQL_VERB_SHOW;
	case SQL_WORD_CHECK:
	case SQL_WORD_CHECKSUM:
	case SQL_WORD_OPTIMIZE:
	case SQL_WORD_REPAIR:
	case SQL_WORD_CACHE:
		return SQL_VERB_TABLE_ADMIN;
	case SQL_WORD_CHANGE:
	case SQL_WORD_STOP:
		return SQL_VERB_REPLICATION;
	case SQL_WORD_INSTALL:
	case SQL_WORD_UNINSTALL:
		return SQL_VERB_PLUGIN;
	case SQL_WORD_IF:
	case SQL_WORD_LOOP:
	case SQL_WORD_WHILE:
	case SQL_WORD_REPEAT:
	case SQL_WORD_CASE:
	case SQL_WORD_FOR:
		return SQL_VERB_COMPOUND;
	}
	return SQL_VERB_OTHER;
}

/* Goes to the first word at this level that begins a statement: behind WITH, SET STATEMENT, ... */
static enum sql_verb inner_verb(struct statement *s)
{
	size_t depth = 0;

	for (; !s->ended; statement_next(s)) {
		enum sql_verb v = verb_of(s->t.word);

		if (sql_token_is(&s->t, '('))
			depth++;
		else if (sql_token_is(&s->t, ')') && depth > 0)
			depth--;
		else if (depth == 0 && v >= SQL_VERB_SELECT && v <= SQL_VERB_REPLACE)
			return v;
	}
	return SQL_VERB_OTHER;
}

/* The verb, where it takes a second word to tell. */
static enum sql_verb verb_here(struct statement *s)
{
	enum sql_word w = s->t.word;

	switch ((unsigned)w) {
	case SQL_WORD_WITH:
		statement_next(s);
		return inner_verb(s);
	case SQL_WORD_START:
		statement_next(s);
		return statement_at(s, SQL_WORD_TRANSACTION) ? SQL_VERB_BEGIN
							     : SQL_VERB_REPLICATION;
	case SQL_WORD_LOAD:
		statement_next(s);
		return statement_at(s, SQL_WORD_INDEX) ? SQL_VERB_TABLE_ADMIN : SQL_VERB_LOAD_DATA;
	case SQL_WORD_ANALYZE:
		statement_next(s);
		if (statement_at(s, SQL_WORD_TABLE) || statement_at(s, SQL_WORD_LOCAL) ||
		    statement_at(s, SQL_WORD_NO_WRITE_TO_BINLOG))
			return SQL_VERB_TABLE_ADMIN;
		return inner_verb(s);
	case SQL_WORD_BEGIN: {
		struct statement look = *s;
		struct sql_class unused = {.verb = SQL_VERB_OTHER};

		look.out = &unused;
		statement_next(&look);
		return statement_at(&look, SQL_WORD_NOT) ? SQL_VERB_COMPOUND : SQL_VERB_BEGIN;
	}
	case SQL_WORD_DROP: {
		struct statement look = *s;
		struct sql_class unused = {.verb = SQL_VERB_OTHER};

		look.out = &unused;
		statement_next(&look);
		return statement_at(&look, SQL_WORD_PREPARE) ? SQL_VERB_DEALLOCATE : SQL_VERB_DROP;
	}
	}
	return verb_of(w);
}

/* SET STATEMENT x = 1 FOR SELECT ... is the SELECT. */
static enum sql_verb set_or_inner_verb(struct statement *s)
{
	struct statement look = *s;
	struct sql_class unused = {.verb = SQL_VERB_OTHER};

	look.out = &unused;
	statement_next(&look);
	if (!statement_at(&look, SQL_WORD_STATEMENT))
		return SQL_VERB_SET;
	while (!s->ended && !statement_at(s, SQL_WORD_FOR))
		statement_next(s);
	statement_next(s);
	return verb_of(s->t.word);
}

static void head_none(struct statement *s)
{
	(void)s;
}

static void head_unlock(struct statement *s)
{
	s->out->changes |= SQL_CHANGES_TABLE_LOCK;
}

static void head_compound(struct statement *s)
{
	s->to_end = true;
}

static void head_set(struct statement *s)
{
	statement_set(s);
}

static const struct {
	const char *text;
	enum sql_transaction transaction;
	bool writes;
	void (*head)(struct statement
			     *s); /* reads the head of the statement, which stands at its verb */
} verbs[] = {
#define SQL_VERB(name, verb_text, effect, does_write, head_name)                                   \
	{.text = verb_text,                                                                        \
	 .transaction = SQL_TRANSACTION_##effect,                                                  \
	 .writes = does_write,                                                                     \
	 .head = head_##head_name},
#include "sql/verb_list.h"
#undef SQL_VERB
};

const char *sql_verb_text(enum sql_verb v)
{
	return verbs[v].text;
}

bool sql_verb_writes(enum sql_verb v)
{
	return verbs[v].writes;
}

/* True if the bracket at P, in the text from BEGIN on, may be that of a function we look for. */
static bool calls_for_a_look(const uint8_t *begin, const uint8_t *p)
{
	static const char *const tails[] = {"lock", "ocks", "word", "rypt", "ngth", NULL};

	while (p > begin && is_blank(p[-1]))
		p--;
	if (p > begin && p[-1] == '/')
		return true;
	return p - begin >= 4 && statement_is_one_of(slice_of(p - 4, 4), tails);
}

/* Without semicolons, variables and such functions, a plain statement is nothing more than plain. */
static bool is_plain(const uint8_t *begin, const uint8_t *end)
{
	const uint8_t *stop = end, *p = begin;
	size_t len;

	while (stop > begin && (is_blank(stop[-1]) || stop[-1] == ';'))
		stop--;
	len = (size_t)(stop - begin);
	if (len == 0)
		return true;
	if (memchr(begin, ';', len) || memchr(begin, '@', len))
		return false;
	while (p < stop && (p = memchr(p, '(', (size_t)(stop - p))) != NULL) {
		if (calls_for_a_look(begin, p))
			return false;
		p++;
	}
	return true;
}

bool sql_is_ordinary(struct slice sql)
{
	static const char *const words[] = {"select", "insert", "update", "delete", NULL};
	static const char *const replace[] = {"replace", NULL};
	size_t len = statement_is_one_of(slice_head(sql, 7), replace) ? 7 : 6;

	if (sql.len <= len || !is_blank(sql.ptr[len]) ||
	    (len == 6 && !statement_is_one_of(slice_head(sql, len), words)))
		return false;
	return is_plain(sql.ptr + len, sql.ptr + sql.len);
}

/* What follows the statement; nothing, if that is blanks and semicolons. */
static struct slice trimmed(struct slice rest)
{
	while (rest.len > 0 && (is_blank(rest.ptr[0]) || rest.ptr[0] == ';'))
		rest = slice_skip(rest, 1);
	return rest;
}

void sql_classify(struct slice sql, struct sql_options options, struct sql_class *out)
{
	struct statement s = {.out = out};

	*out = (struct sql_class){.verb = SQL_VERB_EMPTY};
	options.comments = false;
	sql_lexer_init(&s.lx, sql, options);
	do
		statement_next(&s);
	while (sql_token_is(&s.t, '(') || s.t.kind == SQL_TOKEN_HINT);
	if (!s.ended) {
		out->verb = statement_at(&s, SQL_WORD_SET) ? set_or_inner_verb(&s) : verb_here(&s);
		if (out->verb >= SQL_VERB_SELECT && out->verb <= SQL_VERB_REPLACE &&
		    is_plain(s.lx.pos, s.lx.end))
			return;
		out->transaction = verbs[out->verb].transaction;
		verbs[out->verb].head(&s);
	}
	while (!s.ended)
		statement_next(&s);
	out->rest = trimmed(out->rest);
}
