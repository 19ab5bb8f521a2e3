/*
 * seed - what the server said of a session that was open before, into the session.
 *
 * What was heard is stronger than what the server said: it may be newer. A statement's id means one text as long as the
 * connection lives, so texts hold whenever they were asked for.
 */
#include "track/conversation.h"

#include "base/mem.h"
#include "mysql/charset.h"
#include "mysql/value.h"
#include "sql/digest.h"

enum { STATE_TEXT_MAX = SESSION_STATE_MAX, NUMBER_MAX = 20 /* bytes */ };

static void check(struct conversation *c, enum err e)
{
	if (e == ERR_NOMEM)
		tracker_fail(c->tracker, e);
	else if (e == ERR_LIMIT)
		c->tracker->coverage.limits++;
}

/* The placeholders in TEXT, as the server counted them when it prepared it. */
static uint16_t count_params(struct slice text, struct sql_options options)
{
	struct sql_lexer lexer;
	struct sql_token token;
	uint16_t count = 0;

	sql_lexer_init(&lexer, text, options);
	while (sql_lexer_next(&lexer, &token))
		count = (uint16_t)(count +
				   (token.kind == SQL_TOKEN_PLACEHOLDER && count < MYP_PARAMS_MAX));
	return count;
}

/* What was heard of the statement, of which the text was not. */
static void carry_types(struct conversation *c, uint16_t *types, uint16_t count,
			struct statement *st)
{
	if (types && count == st->param_count)
		check(c, statement_set_types(c->session->pool, st, types, count));
	mem_free(types);
}

static void seed_statement(struct conversation *c, const struct census_statement *from)
{
	const struct sql_options options = session_sql_options(c->session);
	const struct statement *old = session_statement_get(c->session, from->id);
	struct statement *st = NULL;
	uint16_t *types = NULL, count = old ? old->param_count : 0;

	if (from->cut || (old && old->text))
		return;
	if (old && old->types && count > 0) {
		types = mem_alloc(count * sizeof(*types));
		if (types)
			memcpy(types, old->types, count * sizeof(*types));
		else
			tracker_fail(c->tracker, ERR_NOMEM);
	}
	check(c, session_statement_put(c->session, from->id, &from->text,
				       sql_digest_hash(from->text, options), &st));
	if (!st) {
		mem_free(types);
		return;
	}
	st->counts_known = true;
	st->param_count = count_params(from->text, options);
	st->in_doubt = true; /* long data may have been sent ahead */
	carry_types(c, types, count, st);
}

static bool has_state(const struct session *s, struct slice key)
{
	for (size_t i = 0; i < s->state_count; i++)
		if (slice_eq_nocase(s->state[i].key, key))
			return true;
	return false;
}

/* A string literal that means the same with and without NO_BACKSLASH_ESCAPES: false if there is none. */
static bool put_literal(struct buf *b, struct slice text)
{
	if (text.len && (memchr(text.ptr, '\\', text.len) || memchr(text.ptr, 0, text.len)))
		return false;
	buf_put_u8(b, '\'');
	for (size_t i = 0; i < text.len; i++) {
		buf_put_u8(b, text.ptr[i]);
		if (text.ptr[i] == '\'')
			buf_put_u8(b, '\'');
	}
	buf_put_u8(b, '\'');
	return true;
}

/* Was there room for all of B? */
static bool is_whole(struct conversation *c, const struct buf *b)
{
	if (buf_err(b) == ERR_NOMEM)
		tracker_fail(c->tracker, ERR_NOMEM);
	return buf_err(b) == ERR_OK;
}

static void put_state(struct conversation *c, struct slice key, const struct buf *text, bool whole)
{
	struct session *s = c->session;

	if (!is_whole(c, text) || !whole)
		s->state_incomplete = true;
	else if (!has_state(s, key))
		check(c, session_state_put(s, key, buf_slice(text)));
}

/* One that was prepared in SQL. */
static void seed_named(struct conversation *c, const struct census_statement *from)
{
	struct buf key, text;
	bool whole = !from->cut && !memchr(from->name.ptr, '`', from->name.len);

	buf_init(&key, STATE_TEXT_MAX);
	buf_init(&text, STATE_TEXT_MAX);
	buf_put_cstr(&key, "prepare ");
	buf_put_slice(&key, from->name);
	buf_put_cstr(&text, "PREPARE `");
	buf_put_slice(&text, from->name);
	buf_put_cstr(&text, "` FROM ");
	whole = put_literal(&text, from->text) && whole && is_whole(c, &key);
	put_state(c, buf_slice(&key), &text, whole);
	buf_release(&key);
	buf_release(&text);
}

/* How many digits TEXT begins with. */
static size_t digits_of(struct slice text)
{
	size_t n = 0;

	while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
		n++;
	return n;
}

static bool is_number(struct slice text)
{
	return text.len > 0 && digits_of(text) == text.len;
}

/* As the servers write an integer or a DECIMAL. */
static bool is_decimal(struct slice text)
{
	struct slice rest = text;
	size_t whole;

	if (rest.len > 0 && rest.ptr[0] == '-')
		rest = slice_skip(rest, 1);
	whole = digits_of(rest);
	if (text.len > NUMBER_MAX || whole == 0 || (whole > 1 && rest.ptr[0] == '0'))
		return false;
	rest = slice_skip(rest, whole);
	return rest.len == 0 || (rest.ptr[0] == '.' && is_number(slice_skip(rest, 1)));
}

static bool is(struct slice name, const char *other)
{
	return slice_eq_nocase(name, slice_cstr(other));
}

/* "READ-COMMITTED" */
static void put_isolation(struct buf *text, struct slice value)
{
	buf_put_cstr(text, "SET SESSION TRANSACTION ISOLATION LEVEL ");
	for (size_t i = 0; i < value.len; i++)
		buf_put_u8(text, value.ptr[i] == '-' ? ' ' : value.ptr[i]);
}

static void note_sql_mode(struct session *s, struct slice value)
{
	static const char ansi[] = "ANSI_QUOTES", backslash[] = "NO_BACKSLASH_ESCAPES";

	s->ansi_quotes = memmem(value.ptr, value.len, ansi, sizeof(ansi) - 1) != NULL;
	s->no_backslash_escapes =
		memmem(value.ptr, value.len, backslash, sizeof(backslash) - 1) != NULL;
}

static void seed_setting(struct conversation *c, const struct census_variable *v)
{
	struct buf key, text;
	bool whole = true;

	buf_init(&key, STATE_TEXT_MAX);
	buf_init(&text, STATE_TEXT_MAX);
	if (is(v->name, "transaction_isolation") || is(v->name, "tx_isolation")) {
		buf_put_cstr(&key, "isolation");
		put_isolation(&text, v->value);
	} else if (is(v->name, "transaction_read_only") || is(v->name, "tx_read_only")) {
		buf_put_cstr(&key, "access");
		buf_put_cstr(&text, "SET SESSION TRANSACTION READ ");
		buf_put_cstr(&text, is(v->value, "ON") ? "ONLY" : "WRITE");
	} else {
		buf_put_slice(&key, v->name); /* as the key of a SET that was heard */
		buf_put_u8(&key, ',');
		buf_put_cstr(&text, "SET SESSION ");
		buf_put_slice(&text, v->name);
		buf_put_u8(&text, '=');
		if (is_number(v->value))
			buf_put_slice(&text, v->value);
		else
			whole = put_literal(&text, v->value);
	}
	if (is(v->name, "sql_mode") && !has_state(c->session, buf_slice(&key)))
		note_sql_mode(c->session, v->value);
	put_state(c, buf_slice(&key), &text, is_whole(c, &key) && whole);
	buf_release(&key);
	buf_release(&text);
}

/* The bytes as a literal, for what no string literal says the same in every sql_mode. */
static void put_bytes(struct buf *b, struct slice bytes)
{
	bool is_ascii = true;

	for (size_t i = 0; i < bytes.len; i++)
		is_ascii = is_ascii && bytes.ptr[i] != 0 && bytes.ptr[i] < 0x80;
	if (is_ascii)
		buf_put_cstr(b, "_utf8mb4 ");
	myp_bytes_put_literal(b, bytes);
}

/* The server tells the bytes only: what reads as a number was one, it is assumed. */
static void put_value(struct buf *b, struct slice value)
{
	struct buf literal;

	buf_init(&literal, STATE_TEXT_MAX);
	if (is_decimal(value))
		buf_put_slice(b, value);
	else if (put_literal(&literal, value) && buf_err(&literal) == ERR_OK)
		buf_put_slice(b, buf_slice(&literal));
	else
		put_bytes(b, value);
	buf_release(&literal);
}

static void seed_user_variable(struct conversation *c, const struct census_variable *v)
{
	bool whole = !v->unknown && v->name.len && !memchr(v->name.ptr, '`', v->name.len);
	struct buf key, text;

	buf_init(&key, STATE_TEXT_MAX);
	buf_init(&text, STATE_TEXT_MAX);
	buf_put_u8(&key, '@'); /* as the key of a SET that was heard */
	buf_put_slice(&key, v->name);
	buf_put_u8(&key, ',');
	buf_put_cstr(&text, "SET @`");
	buf_put_slice(&text, v->name);
	buf_put_cstr(&text, "`=");
	put_value(&text, v->value);
	put_state(c, buf_slice(&key), &text, is_whole(c, &key) && whole);
	buf_release(&key);
	buf_release(&text);
}

/* What a connection has by its login alone, with the collation that the character set has by default. */
static bool is_usual_collation(struct slice charset, struct slice collation)
{
	static const char *const ends[] = {"_general_ci", "_0900_ai_ci", "_uca1400_ai_ci",
					   "_swedish_ci"};
	struct slice end = slice_skip(collation, charset.len);

	if (!slice_eq_nocase(slice_head(collation, charset.len), charset))
		return true; /* not of this character set: there is no SET NAMES for it */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (is(end, ends[i]))
			return true;
	return false;
}

static void seed_charset(struct conversation *c, const struct census_session *from)
{
	struct slice client = {.ptr = NULL, .len = 0}, collation = client;
	struct session *s = c->session;
	struct buf text;

	for (const struct census_variable *v = from->variables; v; v = v->next) {
		if (is(v->name, "character_set_client"))
			client = v->value;
		else if (is(v->name, "collation_connection"))
			collation = v->value;
	}
	if (client.len == 0 || s->collation_source != FACT_UNKNOWN)
		return;
	if (myp_charset_default_collation(client))
		session_set_collation(s, myp_charset_default_collation(client), FACT_ASKED);
	if (is_usual_collation(client, collation))
		return;
	buf_init(&text, STATE_TEXT_MAX);
	buf_put_cstr(&text, "SET NAMES ");
	buf_put_slice(&text, client);
	buf_put_cstr(&text, " COLLATE ");
	buf_put_slice(&text, collation);
	put_state(c, SLICE_LIT("names"), &text, true);
	buf_release(&text);
}

static void seed_variables(struct conversation *c, const struct census_session *from)
{
	if (!from->variables_known)
		c->session->state_incomplete = true;
	seed_charset(c, from);
	for (const struct census_variable *v = from->variables; v; v = v->next)
		if (!is(v->name, "character_set_client") && !is(v->name, "character_set_results") &&
		    !is(v->name, "collation_connection"))
			seed_setting(c, v);
}

/* Whoever has said something since then may have changed them, in many ways. */
static void seed_user_variables(struct conversation *c, const struct census_session *from)
{
	if (c->session->commands > 0) {
		c->session->state_incomplete |= from->user_variables != NULL;
		return;
	}
	for (const struct census_variable *v = from->user_variables; v; v = v->next)
		seed_user_variable(c, v);
}

static void seed_identity(struct conversation *c, const struct census *census,
			  const struct census_session *from)
{
	struct session *s = c->session;

	if (s->connection_id == 0)
		s->connection_id = from->connection_id;
	if (s->user.source == FACT_UNKNOWN)
		check(c, fact_set(&s->user, from->user, FACT_ASKED));
	if (s->server_version.source == FACT_UNKNOWN) {
		check(c, fact_set(&s->server_version, census->version, FACT_ASKED));
		s->is_mariadb = census->is_mariadb;
	}
	if (!s->database_known) {
		check(c, fact_set(&s->database, from->database, FACT_ASKED));
		s->database_known = true;
	}
	if (s->commands == 0 && from->idle && from->in_transaction)
		s->open |= SESSION_OPEN_TRANSACTION;
	if (s->commands == 0 && from->has_user_lock)
		s->open |= SESSION_OPEN_USER_LOCK;
}

static void seed_session(struct conversation *c, const struct census *census,
			 const struct census_session *from)
{
	seed_identity(c, census, from);
	seed_variables(c, from); /* sql_mode tells how the statements are read */
	seed_user_variables(c, from);
	for (const struct census_statement *st = from->statements; st; st = st->next) {
		if (st->name.len)
			seed_named(c, st);
		else
			seed_statement(c, st);
	}
}

void conversation_seed(struct conversation *c, const struct stream_chunk *chunk)
{
	struct tracker *t = c->tracker;
	const struct session *s = c->session;
	const struct census_session *found;

	if (!t->census || c->census_seen == t->census->number)
		return;
	c->census_seen = t->census->number;
	found = census_find(t->census, s->proxy.port ? &s->proxy : &s->client, &s->server);
	if (found) {
		c->wants_seed = false;
		t->coverage.asked++;
		t->coverage.unmatched -= c->unmatched;
		seed_session(c, t->census, found);
		return;
	}
	/* One that the server knew nothing of though it was open then is not known by that address. */
	if (t->census->begun_ns > chunk->time_ns)
		c->wants_seed = false;
	else
		t->informant.want_census(t->informant.ctx);
	t->coverage.unmatched += !c->unmatched;
	c->unmatched = true;
}
