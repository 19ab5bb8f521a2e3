/* classify_set - what a SET changes. */
#include "sql/statement.h"

/* What stands between the quotes, for values that hold no escapes. */
static struct slice between_quotes(struct slice s)
{
	if (s.len < 2 || (s.ptr[0] != '\'' && s.ptr[0] != '"' && s.ptr[0] != '`'))
		return s;
	return slice_of(s.ptr + 1, s.len - 2);
}

static void sql_mode_names(struct slice list, struct sql_class *out)
{
	static const char *const ansi[] = {"ansi_quotes", "ansi",   "db2",        "maxdb",
					   "mssql",       "oracle", "postgresql", NULL};
	static const char *const escapes[] = {"no_backslash_escapes", NULL};

	while (list.len > 0) {
		const uint8_t *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
		struct slice name = slice_head(list, len);

		out->ansi_quotes |= statement_is_one_of(name, ansi);
		out->no_backslash_escapes |= statement_is_one_of(name, escapes);
		list = slice_skip(list, len + 1);
	}
}

static void set_sql_mode(const struct sql_token *value, struct sql_class *out)
{
	enum { MODE_ANSI_QUOTES = 4, MODE_NO_BACKSLASH_ESCAPES = 1 << 20 };
	uint64_t bits;

	out->changes |= SQL_CHANGES_SQL_MODE;
	out->ansi_quotes = false;
	out->no_backslash_escapes = false;
	out->sql_mode_known = true;
	if (value->kind == SQL_TOKEN_NUMBER && statement_number(value->text, &bits)) {
		out->ansi_quotes = bits & MODE_ANSI_QUOTES;
		out->no_backslash_escapes = bits & MODE_NO_BACKSLASH_ESCAPES;
	} else if (value->kind == SQL_TOKEN_STRING ||
		   (value->kind == SQL_TOKEN_WORD && value->word != SQL_WORD_DEFAULT)) {
		sql_mode_names(between_quotes(value->text), out);
	} else {
		out->sql_mode_known = false;
	}
}

static enum sql_switch switch_of(struct slice value)
{
	static const char *const on[] = {"1", "on", "true", NULL};
	static const char *const off[] = {"0", "off", "false", NULL};

	value = between_quotes(value);
	if (statement_is_one_of(value, on))
		return SQL_SWITCH_ON;
	return statement_is_one_of(value, off) ? SQL_SWITCH_OFF : SQL_SWITCH_UNKNOWN;
}

/* A session variable gets VALUE, which is an END if it is not one literal or word. */
static void set_variable(struct slice name, const struct sql_token *value, struct sql_class *out)
{
	out->changes |= SQL_CHANGES_VARIABLE;
	if (slice_eq_nocase(name, SLICE_LIT("autocommit"))) {
		out->changes |= SQL_CHANGES_AUTOCOMMIT;
		out->autocommit = switch_of(value->text);
	} else if (slice_eq_nocase(name, SLICE_LIT("sql_mode"))) {
		set_sql_mode(value, out);
	} else if (slice_eq_nocase(name, SLICE_LIT("time_zone"))) {
		out->changes |= SQL_CHANGES_TIME_ZONE;
		out->time_zone = value->kind == SQL_TOKEN_STRING ? value->text : slice_of(NULL, 0);
	} else if (slice_eq_nocase(name, SLICE_LIT("character_set_client"))) {
		out->changes |= SQL_CHANGES_CHARSET;
		out->charset = value->text;
	}
}

/* Goes to the comma behind the current assignment. */
static void to_comma(struct statement *s)
{
	size_t depth = 0;

	for (; !s->ended; statement_next(s)) {
		if (sql_token_is(&s->t, ',') && depth == 0)
			return;
		if (sql_token_is(&s->t, '('))
			depth++;
		else if (sql_token_is(&s->t, ')') && depth > 0)
			depth--;
	}
}

static bool is_global_scope(struct slice word)
{
	static const char *const scopes[] = {"global", "persist", "persist_only", NULL};

	return statement_is_one_of(word, scopes);
}

static bool is_session_scope(struct slice word)
{
	static const char *const scopes[] = {"session", "local", NULL};

	return statement_is_one_of(word, scopes);
}

/* A scope, as a word or as @@scope. : true if it is global. */
static bool set_scope(struct statement *s)
{
	struct slice word = statement_text(s);
	bool variable = s->t.kind == SQL_TOKEN_SYSTEM_VARIABLE, global;

	if (variable)
		word = slice_skip(word, 2);
	global = is_global_scope(word);
	if (!global && !is_session_scope(word))
		return false;
	statement_next(s);
	if (sql_token_is(&s->t, '.'))
		statement_next(s);
	return global;
}

static void set_charset(struct statement *s)
{
	s->out->changes |= SQL_CHANGES_CHARSET | SQL_CHANGES_VARIABLE;
	s->out->charset = statement_text(s);
}

/* NAME = VALUE, the scope being read. */
static void set_assignment(struct statement *s, bool global)
{
	struct slice name = statement_text(s);
	struct sql_token value;
	bool user = s->t.kind == SQL_TOKEN_USER_VARIABLE;

	if (s->t.kind == SQL_TOKEN_SYSTEM_VARIABLE)
		name = slice_skip(name, 2);
	statement_next(s);
	if (!sql_token_is(&s->t, '=') && !sql_token_is(&s->t, SQL_SYMBOL_ASSIGN))
		return;
	statement_next(s);
	value = s->t;
	if (!s->ended)
		statement_next(s);
	if (!s->ended && !sql_token_is(&s->t, ','))
		value = (struct sql_token){.kind = SQL_TOKEN_END};
	if (user)
		s->out->changes |= SQL_CHANGES_USER_VARIABLE;
	else if (global)
		s->out->changes |= SQL_CHANGES_GLOBAL;
	else
		set_variable(between_quotes(name), &value, s->out);
}

static void set_item(struct statement *s)
{
	bool global = set_scope(s);

	if (statement_skip(s, SQL_WORD_NAMES)) {
		set_charset(s);
	} else if (statement_skip(s, SQL_WORD_CHARSET)) {
		set_charset(s);
	} else if (statement_at(s, SQL_WORD_CHARACTER) || statement_at(s, SQL_WORD_CHAR)) {
		statement_next(s);
		if (statement_skip(s, SQL_WORD_SET))
			set_charset(s);
	} else if (statement_at(s, SQL_WORD_TRANSACTION)) {
		s->out->changes |= global ? SQL_CHANGES_GLOBAL : SQL_CHANGES_ISOLATION;
	} else if (statement_at(s, SQL_WORD_ROLE)) {
		s->out->changes |= SQL_CHANGES_ROLE;
	} else if (statement_at(s, SQL_WORD_PASSWORD)) {
		s->out->transaction = SQL_TRANSACTION_IMPLICIT_COMMIT;
	} else if (!statement_at(s, SQL_WORD_DEFAULT) && !statement_at(s, SQL_WORD_RESOURCE)) {
		set_assignment(s, global);
	}
	to_comma(s);
}

void statement_set(struct statement *s)
{
	do {
		statement_next(s);
		set_item(s);
	} while (!s->ended);
}
