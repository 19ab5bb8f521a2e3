/* secret - finds the passwords in a statement, token by token. */
#include "sql/secret.h"

static uint8_t lower(uint8_t b)
{
	return b >= 'A' && b <= 'Z' ? (uint8_t)(b | 0x20) : b;
}

/* True if NEEDLE, in lower case, occurs in HAY in either case. */
static bool mentions(struct slice hay, struct slice needle)
{
	for (size_t at = 0; at + needle.len <= hay.len; at++) {
		size_t n = 0;

		while (n < needle.len && lower(hay.ptr[at + n]) == needle.ptr[n])
			n++;
		if (n == needle.len)
			return true;
	}
	return false;
}

/* True if NAME ends in "password", perhaps before a closing quote, or is another known option. */
static bool names_a_secret(struct slice name)
{
	static const struct slice password = {.ptr = (const uint8_t *)"password", .len = 8};

	if (name.len > 0 && strchr("`'\"", name.ptr[name.len - 1]))
		name.len--;
	if (name.len >= password.len &&
	    slice_eq_nocase(slice_skip(name, name.len - password.len), password))
		return true;
	return mentions(name, SLICE_LIT("wsrep_sst_auth"));
}

/* True if options of statements with this first word are looked at. */
static bool has_options(enum sql_word verb)
{
	return verb == SQL_WORD_CREATE || verb == SQL_WORD_ALTER || verb == SQL_WORD_CHANGE ||
	       verb == SQL_WORD_START || verb == SQL_WORD_SET;
}

/* True if a literal of such a statement may be a statement itself. */
static bool holds_statements(enum sql_word verb)
{
	return verb == SQL_WORD_PREPARE || verb == SQL_WORD_EXECUTE || verb == SQL_WORD_SET;
}

/* True if a SET inside such a statement is one of its own: it may be a compound one. */
static bool holds_set(enum sql_word verb)
{
	switch ((unsigned)verb) {
	case SQL_WORD_SET:
	case SQL_WORD_CREATE:
	case SQL_WORD_ALTER:
	case SQL_WORD_BEGIN:
	case SQL_WORD_IF:
	case SQL_WORD_ELSE:
	case SQL_WORD_ELSEIF:
	case SQL_WORD_CASE:
	case SQL_WORD_WHEN:
	case SQL_WORD_LOOP:
	case SQL_WORD_REPEAT:
	case SQL_WORD_WHILE:
	case SQL_WORD_FOR:
		return true;
	}
	return false;
}

/* True if a string of a CREATE or ALTER names a password itself, as in the COMMENT of a Spider table. */
static bool holds_options(const struct sql_secret *s, struct slice text)
{
	return (s->verb == SQL_WORD_CREATE || s->verb == SQL_WORD_ALTER) &&
	       (mentions(text, SLICE_LIT("password \"")) ||
		mentions(text, SLICE_LIT("password '")));
}

static bool is_literal(const struct sql_token *t)
{
	if (t->kind == SQL_TOKEN_QUOTED)
		return t->text.ptr[0] == '"'; /* perhaps we are wrong about ANSI_QUOTES */
	return t->kind == SQL_TOKEN_STRING || t->kind == SQL_TOKEN_HEX ||
	       t->kind == SQL_TOKEN_PLACEHOLDER;
}

static bool literal(struct sql_secret *s, const struct sql_token *t)
{
	bool secret =
		s->state != SQL_SECRET_NOTHING || s->brackets > 0 || holds_options(s, t->text);

	if (!secret && holds_statements(s->verb))
		secret = mentions(t->text, SLICE_LIT("identified")) ||
			 mentions(t->text, SLICE_LIT("password"));
	s->state = secret ? SQL_SECRET_GOES_ON : SQL_SECRET_NOTHING;
	return secret;
}

static enum sql_secret_state word(struct sql_secret *s, const struct sql_token *t)
{
	switch ((unsigned)t->word) {
	case SQL_WORD_IDENTIFIED:
		s->identified = true;
		return SQL_SECRET_NOTHING;
	case SQL_WORD_BY:
	case SQL_WORD_AS:
	case SQL_WORD_USING:
	case SQL_WORD_REPLACE:
		return s->identified ? SQL_SECRET_NEXT : SQL_SECRET_NOTHING;
	case SQL_WORD_TO:
		return s->set_password ? SQL_SECRET_NEXT : SQL_SECRET_NOTHING;
	case SQL_WORD_PASSWORD:
		if (s->verb == SQL_WORD_SET || (s->before == SQL_WORD_SET && holds_set(s->verb))) {
			s->set_password = true;
			s->identified = true;
		}
		s->names_function = true;
		return s->identified || has_options(s->verb) ? SQL_SECRET_NEXT : SQL_SECRET_NOTHING;
	case SQL_WORD_OLD_PASSWORD:
	case SQL_WORD_ENCRYPT:
	case SQL_WORD_VALIDATE_PASSWORD_STRENGTH:
		s->names_function = true;
		return SQL_SECRET_NOTHING;
	case SQL_WORD_CONNECTION:
		if (s->verb == SQL_WORD_CREATE || s->verb == SQL_WORD_ALTER)
			return SQL_SECRET_NEXT;
		return SQL_SECRET_NOTHING;
	}
	return has_options(s->verb) && names_a_secret(t->text) ? SQL_SECRET_NEXT
							       : SQL_SECRET_NOTHING;
}

static void count_brackets(struct sql_secret *s, const struct sql_token *t)
{
	if (sql_token_is(t, '(') && (s->names_function || s->brackets > 0))
		s->brackets++;
	else if (sql_token_is(t, ')') && s->brackets > 0)
		s->brackets--;
}

static enum sql_secret_state symbol(struct sql_secret *s, const struct sql_token *t)
{
	bool equals = sql_token_is(t, '=') || sql_token_is(t, SQL_SYMBOL_ASSIGN);

	if (equals && s->set_password)
		return SQL_SECRET_NEXT;
	if (s->state == SQL_SECRET_NEXT && (equals || sql_token_is(t, '(')))
		return SQL_SECRET_NEXT;
	if (sql_token_is(t, ','))
		s->set_password = false;
	return SQL_SECRET_NOTHING;
}

bool sql_secret_token(struct sql_secret *s, const struct sql_token *t)
{
	if (t->kind == SQL_TOKEN_COMMENT || t->kind == SQL_TOKEN_HINT)
		return false;
	count_brackets(s, t);
	s->names_function = false;
	if (is_literal(t))
		return literal(s, t);
	if (sql_token_is(t, ';')) {
		*s = (struct sql_secret){.verb = SQL_NO_WORD};
		return false;
	}
	if (s->verb == SQL_NO_WORD)
		s->verb = t->word;
	if (t->kind == SQL_TOKEN_WORD)
		s->state = word(s, t);
	else if (t->kind == SQL_TOKEN_SYMBOL)
		s->state = symbol(s, t);
	else if (t->kind == SQL_TOKEN_HOST)
		s->state = SQL_SECRET_NOTHING;
	else
		s->state = has_options(s->verb) && names_a_secret(t->text) ? SQL_SECRET_NEXT
									   : SQL_SECRET_NOTHING;
	s->before = t->word;
	return false;
}
