/*
 * effect - what a command or its response changes in the session: database, character set, settings,
 * prepared statements, what is open. Applied after the event was handed over, and only if the server
 * agreed.
 */
#include "track/conversation.h"

#include "base/mem.h"
#include "mysql/charset.h"
#include "mysql/rowsum.h"
#include "sql/classify.h"
#include "sql/digest.h"

enum {
	KEY_MAX = 1024,      /* bytes */
	NAME_MAX = 1024,     /* bytes */
	CARRIED_ENOUGH = 16, /* executions that show that a client sends types once only */
};

/* Changes that a SET statement makes and that have to be made again to rebuild the session. */
static const uint32_t state_changes = SQL_CHANGES_USER_VARIABLE | SQL_CHANGES_VARIABLE |
				      SQL_CHANGES_CHARSET | SQL_CHANGES_AUTOCOMMIT |
				      SQL_CHANGES_SQL_MODE | SQL_CHANGES_TIME_ZONE |
				      SQL_CHANGES_ISOLATION | SQL_CHANGES_ROLE;

static void check(struct conversation *c, enum err e)
{
	if (e == ERR_NOMEM)
		tracker_fail(c->tracker, e);
	else if (e == ERR_LIMIT)
		c->tracker->coverage.limits++;
}

static struct statement *statement_of(struct conversation *c, uint32_t id)
{
	if (id == MYP_STATEMENT_LAST && c->last_prepared_known)
		id = c->last_prepared;
	return session_statement_get(c->session, id);
}

/* A statement that was prepared before listening began, in a hole, or is just being prepared. */
static struct statement *put_unknown(struct conversation *c, uint32_t id)
{
	struct statement *st = NULL;

	check(c, session_statement_put(c->session, id, NULL, 0, &st));
	return st;
}

/* What was sent ahead for an execution is used up. */
static void begin_anew(struct statement *st)
{
	statement_drop_long_data(st);
	st->in_doubt = false;
}

/*
 * The commands that were not heard may have sent long data, or types that differ from those heard last;
 * and they may have prepared a statement. Types are still believed of a client that binds its parameters
 * once and then only executes, as those do that are written for speed.
 */
void effect_of_hole(struct conversation *c)
{
	struct statement *st;
	size_t at = 0;

	c->session->state_incomplete = true;
	c->last_prepared_known = false;
	session_statement_remove(c->session, MYP_STATEMENT_LAST);
	while ((st = statement_table_next(&c->session->statements, &at)) != NULL) {
		st->in_doubt = true;
		statement_drop_long_data(st);
		if (c->types_vary || c->carried < CARRIED_ENOUGH)
			statement_drop_types(c->session->pool, st);
	}
}

bool effect_needs_text(const struct command *command)
{
	struct sql_class class;

	if (command->code == MYP_COM_STMT_PREPARE || command->code == MYP_COM_INIT_DB)
		return true;
	if (command->code != MYP_COM_QUERY || !command->text_known || command->cut ||
	    sql_is_ordinary(command->text))
		return false;
	/* The options do not matter here: what is missed under an odd sql_mode is seen at the response. */
	sql_classify(command->text, (struct sql_options){.charset = SQL_CHARSET_PLAIN}, &class);
	return class.changes || class.rest.len;
}

/* Executions of it were heard before with other types: a driver that says them anew as values come. */
static bool differs(const struct statement *st, const struct command *command)
{
	if (!st->types)
		return false;
	if (st->param_count != command_param_count(command))
		return true;
	for (size_t i = 0; i < st->param_count; i++)
		if (st->types[i] != myp_param_wire_type(&command->params->items[i]))
			return true;
	return false;
}

static void keep_types(struct conversation *c, const struct command *command)
{
	struct statement *st = statement_of(c, command->statement_id);

	if (!st)
		st = put_unknown(c, command->statement_id);
	if (!st)
		return;
	c->types_vary = c->types_vary || differs(st, command);
	check(c, command_keep_types(command, c->session->pool, st));
}

static void on_execute(struct conversation *c, const struct command *command,
		       const struct myp_execute *execute)
{
	struct statement *st;

	if (command->params_known && execute->types_sent)
		keep_types(c, command);
	st = statement_of(c, command->statement_id);
	if (!st)
		return;
	c->carried += !execute->types_sent && command->params->count > 0;
	begin_anew(st);
}

static void on_long_data(struct conversation *c, const struct command *command)
{
	struct cursor cur = cur_of(slice_skip(command->payload, 5));
	struct statement *st = statement_of(c, command->statement_id);
	uint16_t param = cur_u16(&cur);
	enum err e;

	if (!st)
		st = put_unknown(c, command->statement_id);
	if (!st || !cur_ok(&cur))
		return;
	st->had_long_data = true;
	e = statement_add_long_data(st, param, cur_rest(&cur), c->tracker->options.max_statement);
	if (e != ERR_OK) /* no such parameter as far as is known, or longer than what is kept */
		st->in_doubt = true;
	if (e != ERR_PROTO)
		check(c, e);
}

void effect_of_command(struct conversation *c, const struct command *command,
		       const struct myp_execute *execute)
{
	struct statement *st;

	switch (command->code) {
	case MYP_COM_QUIT:
		c->quit = true;
		break;
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_BULK_EXECUTE:
		on_execute(c, command, execute);
		break;
	case MYP_COM_STMT_PREPARE: /* until it is answered nobody knows its id */
		c->last_prepared_known = false;
		break;
	case MYP_COM_STMT_SEND_LONG_DATA:
		on_long_data(c, command);
		break;
	case MYP_COM_STMT_RESET:
		st = statement_of(c, command->statement_id);
		if (st)
			begin_anew(st);
		break;
	case MYP_COM_STMT_CLOSE:
		session_statement_remove(c->session, command->statement_id);
		break;
	default: /* a number from the wire: the others change nothing before they are answered */
		break;
	}
}

static void set_collation(struct conversation *c, uint16_t collation, enum fact_source source)
{
	if (collation != 0)
		session_set_collation(c->session, collation, source);
}

static void set_database(struct conversation *c, struct slice name)
{
	check(c, fact_set(&c->session->database, name, FACT_STATEMENT));
	c->session->database_known = true;
}

/* Holds NAME, in any case, in a list with commas between. */
static bool list_has(struct slice list, struct slice name)
{
	while (list.len) {
		const uint8_t *comma = memchr(list.ptr, ',', list.len);
		size_t n = comma ? (size_t)(comma - list.ptr) : list.len;

		if (slice_eq_nocase(slice_head(list, n), name))
			return true;
		list = slice_skip(list, n + 1);
	}
	return false;
}

static void track_variable(struct conversation *c, const struct myp_state *state)
{
	if (slice_eq(state->name, SLICE_LIT("character_set_client"))) {
		set_collation(c, myp_charset_default_collation(state->value), FACT_STATEMENT);
	} else if (slice_eq(state->name, SLICE_LIT("sql_mode"))) {
		c->session->ansi_quotes = list_has(state->value, SLICE_LIT("ANSI_QUOTES"));
		c->session->no_backslash_escapes =
			list_has(state->value, SLICE_LIT("NO_BACKSLASH_ESCAPES"));
	}
}

/* What the server itself says has changed. */
static void track(struct conversation *c, struct slice changes)
{
	struct myp_states states = myp_states_of(changes);
	struct myp_state state;

	while (myp_state_next(&states, &state)) {
		if (state.type == MYP_STATE_SCHEMA)
			set_database(c, state.value);
		else if (state.type == MYP_STATE_SYSTEM_VARIABLE)
			track_variable(c, &state);
	}
}

static void set_open(struct session *s, uint32_t what, bool is_open)
{
	s->open = is_open ? s->open | what : s->open & ~what;
}

static void apply_status(struct session *s, uint16_t status)
{
	set_open(s, SESSION_OPEN_TRANSACTION, status & MYP_STATUS_IN_TRANS);
	s->no_backslash_escapes = status & MYP_STATUS_NO_BACKSLASH_ESCAPES;
	if (status & MYP_STATUS_CURSOR_EXISTS)
		set_open(s, SESSION_OPEN_CURSOR, true);
	if (status & MYP_STATUS_LAST_ROW_SENT)
		set_open(s, SESSION_OPEN_CURSOR, false);
}

/*
 * The names that a SET statement sets, "a,b": what a later SET of the same names replaces. Scope words are
 * left out.
 */
static struct slice set_key(struct slice text, struct sql_options options, struct buf *out)
{
	struct sql_lexer lexer;
	struct sql_token token;
	struct slice name = {.ptr = NULL, .len = 0};
	bool in_name = true;
	size_t depth = 0;

	sql_lexer_init(&lexer, text, options);
	(void)sql_lexer_next(&lexer, &token); /* SET */
	while (sql_lexer_next(&lexer, &token)) {
		if (sql_token_is(&token, '('))
			depth++;
		else if (sql_token_is(&token, ')') && depth)
			depth--;
		else if (sql_token_is(&token, ',') && depth == 0)
			in_name = true;
		else if (in_name &&
			 (sql_token_is(&token, '=') || sql_token_is(&token, SQL_SYMBOL_ASSIGN))) {
			buf_put_slice(out, name);
			buf_put_u8(out, ',');
			in_name = false;
		} else if (in_name && token.symbol == 0) {
			name = token.text;
		}
	}
	if (out->len ==
	    0) /* SET NAMES x, SET CHARACTER SET x, SET TRANSACTION ...: the words themselves */
		buf_put_slice(out, slice_head(text, KEY_MAX / 2));
	return buf_slice(out);
}

static struct slice special_key(const struct sql_class *class)
{
	if (class->changes == (SQL_CHANGES_CHARSET | SQL_CHANGES_VARIABLE) ||
	    class->changes == SQL_CHANGES_CHARSET)
		return SLICE_LIT("names");
	if (class->changes & SQL_CHANGES_ROLE)
		return SLICE_LIT("role");
	if (class->changes & SQL_CHANGES_ISOLATION)
		return SLICE_LIT("isolation");
	return (struct slice){.ptr = NULL, .len = 0};
}

/* Keeps (or drops) what has to be said again to rebuild the session. */
static void keep_state(struct conversation *c, struct slice text, const struct sql_class *class,
		       struct sql_options options)
{
	struct session *s = c->session;
	struct slice key = special_key(class);
	struct buf b;

	buf_init(&b, KEY_MAX);
	if (class->verb == SQL_VERB_PREPARE || class->verb == SQL_VERB_DEALLOCATE) {
		buf_put_cstr(&b, "prepare ");
		sql_unquote(class->name, options, &b);
		key = buf_slice(&b);
	} else if (key.len == 0) {
		key = set_key(text, options, &b);
	}
	check(c, buf_err(&b) == ERR_NOMEM ? ERR_NOMEM : ERR_OK);
	if (buf_err(&b) != ERR_OK)
		s->state_incomplete = true;
	else if (class->verb == SQL_VERB_DEALLOCATE)
		session_state_remove(s, key);
	else
		check(c, session_state_put(s, key, text));
	buf_release(&b);
}

static void apply_set(struct conversation *c, const struct sql_class *class,
		      struct sql_options options)
{
	struct session *s = c->session;
	struct buf name;

	if (class->sql_mode_known) {
		s->ansi_quotes = class->ansi_quotes;
		s->no_backslash_escapes = class->no_backslash_escapes;
	}
	if (!(class->changes & SQL_CHANGES_CHARSET))
		return;
	buf_init(&name, NAME_MAX);
	sql_unquote(class->charset, options, &name);
	check(c, buf_err(&name) == ERR_NOMEM ? ERR_NOMEM : ERR_OK);
	set_collation(c, myp_charset_default_collation(buf_slice(&name)), FACT_STATEMENT);
	buf_release(&name);
}

static void apply_statement(struct conversation *c, struct slice text,
			    const struct sql_class *class, struct sql_options options)
{
	struct session *s = c->session;
	struct buf name;

	if (class->verb == SQL_VERB_USE) {
		buf_init(&name, NAME_MAX);
		sql_unquote(class->name, options, &name);
		set_database(c, buf_slice(&name));
		buf_release(&name);
	}
	if (class->verb == SQL_VERB_SET)
		apply_set(c, class, options);
	if (class->changes & SQL_CHANGES_TEMPORARY && class->verb == SQL_VERB_CREATE)
		set_open(s, SESSION_OPEN_TEMPORARY_TABLE, true);
	if (class->changes & SQL_CHANGES_USER_LOCK)
		set_open(s, SESSION_OPEN_USER_LOCK, true);
	if (class->changes & SQL_CHANGES_TABLE_LOCK)
		set_open(s, SESSION_OPEN_TABLE_LOCK, class->verb == SQL_VERB_LOCK);
	if (!class->secret && (class->changes & SQL_CHANGES_PREPARED ||
			       (class->verb == SQL_VERB_SET && class->changes & state_changes &&
				!(class->changes & SQL_CHANGES_GLOBAL))))
		keep_state(c, text, class, options);
}

/* Each of the statements that the text holds; of a failed one the first DONE went well. */
static void apply_statements(struct conversation *c, struct slice text, uint64_t done)
{
	while (text.len && done--) {
		struct sql_options options = session_sql_options(c->session);
		struct sql_class class;
		struct slice one;

		sql_classify(text, options, &class);
		one = class.rest.len ? slice_head(text, (size_t)(class.rest.ptr - text.ptr)) : text;
		while (one.len && (one.ptr[one.len - 1] == ';' || one.ptr[one.len - 1] <= ' '))
			one.len--;
		apply_statement(c, one, &class, options);
		text = class.rest;
	}
}

static void copy_columns(struct conversation *c, struct statement *st, const struct result *result)
{
	if (result->column_count > 0 && result->column_sums)
		check(c, statement_set_columns(c->session->pool, st, result->column_sums,
					       (uint16_t)result->column_count));
}

/* Those behind P that mean the statement prepared last mean ST, whose id is known now. */
static void resolve_last(struct conversation *c, const struct pending *p, struct statement *st)
{
	const struct statement *last = session_statement_get(c->session, MYP_STATEMENT_LAST);

	c->last_prepared = st->id;
	c->last_prepared_known = true;
	for (struct pending *q = p->next; q && q->code != MYP_COM_STMT_PREPARE; q = q->next)
		if (q->has_statement && q->statement_id == MYP_STATEMENT_LAST)
			q->statement_id = st->id;
	if (last && last->types && last->param_count == st->param_count)
		check(c, statement_set_types(c->session->pool, st, last->types, last->param_count));
	session_statement_remove(c->session, MYP_STATEMENT_LAST);
}

static void prepared(struct conversation *c, const struct pending *p, const struct response *r)
{
	struct slice text = buf_slice(&p->text);
	uint64_t digest = sql_digest_hash(text, session_sql_options(c->session));
	struct statement *st = NULL;

	check(c, session_statement_put(c->session, r->statement_id, &text, digest, &st));
	if (!st)
		return;
	st->counts_known = true;
	st->param_count = r->prepared_params;
	st->column_count = r->prepared_columns;
	if (r->result_count)
		copy_columns(c, st, &r->results[0]);
	resolve_last(c, p, st);
}

/* What a cursor's rows, or a later result without metadata, will look like. */
static void executed(struct conversation *c, const struct pending *p, const struct response *r)
{
	const struct result *first = r->result_count ? &r->results[0] : NULL;
	struct statement *st;

	if (!first || !first->columns)
		return;
	st = session_statement_get(c->session, p->statement_id);
	if (!st)
		return;
	if (!st->columns || st->column_count != first->column_count ||
	    first->status & MYP_STATUS_CURSOR_EXISTS)
		copy_columns(c, st, first);
}

static void changed_user(struct conversation *c, const struct pending *p)
{
	struct session *s = c->session;

	session_reset_state(s);
	check(c, fact_set(&s->user, p->login->user, FACT_LOGIN));
	check(c, fact_set(&s->database, p->login->database, FACT_LOGIN));
	s->database_known = true;
	if (p->login->auth_plugin.len)
		check(c, fact_set(&s->auth_plugin, p->login->auth_plugin, FACT_LOGIN));
	set_collation(c, p->login->collation, FACT_LOGIN);
	c->login_collation = p->login->collation;
}

/* MariaDB goes back to the character set of the login, MySQL to the server's own. */
static void connection_reset(struct conversation *c)
{
	struct session *s = c->session;
	uint16_t collation = s->is_mariadb ? c->login_collation : c->server_collation;

	session_reset_state(s);
	session_set_collation(s, collation, collation ? FACT_LOGIN : FACT_UNKNOWN);
}

static void apply_command(struct conversation *c, const struct pending *p, const struct response *r)
{
	switch (p->code) {
	case MYP_COM_INIT_DB:
		set_database(c, buf_slice(&p->text));
		break;
	case MYP_COM_QUERY:
		apply_statements(c, buf_slice(&p->text), r->results_all);
		break;
	case MYP_COM_STMT_PREPARE:
		prepared(c, p, r);
		break;
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_BULK_EXECUTE:
		executed(c, p, r);
		break;
	case MYP_COM_CHANGE_USER:
		changed_user(c, p);
		break;
	case MYP_COM_RESET_CONNECTION:
		connection_reset(c);
		break;
	default: /* a number from the wire: the others change nothing */
		break;
	}
}

/* What a command whose answer nobody could hear has most likely done. */
static void presume(struct conversation *c, const struct pending *p)
{
	if (p->code == MYP_COM_INIT_DB)
		set_database(c, buf_slice(&p->text));
	else if (p->code == MYP_COM_QUERY)
		apply_statements(c, buf_slice(&p->text), UINT64_MAX);
}

/* Whether a command whose answer was not heard has done what it says is not known. */
static void forget(struct conversation *c, const struct pending *p)
{
	if (p->text.len == 0)
		return;
	c->session->state_incomplete = true;
	if (p->code == MYP_COM_INIT_DB)
		c->session->database_known = false;
}

/* Before 4.1 the end of rows says nothing of the session, and before 4.0 nothing does. */
static bool tells_status(const struct session *s, const struct result *last)
{
	if (!last || last->kind == RESPONSE_PREPARED) /* whose packet has no status */
		return false;
	return s->caps & MYP_CAP_PROTOCOL_41 ||
	       (s->caps & MYP_CAP_TRANSACTIONS && last->kind == RESPONSE_OK);
}

void effect_of_response(struct conversation *c, const struct pending *p, const struct response *r)
{
	const struct result *last = response_last(r);

	if (r->kind == RESPONSE_LOST) {
		if (c->tracker->options.no_answers)
			presume(c, p);
		else
			forget(c, p);
		return;
	}
	if (r->kind == RESPONSE_ERROR) {
		if (p->code == MYP_COM_QUERY && r->results_all > 1)
			apply_statements(c, buf_slice(&p->text), r->results_all - 1);
		return;
	}
	apply_command(c, p, r);
	if (!tells_status(c->session, last))
		return;
	apply_status(c->session, last->status);
	for (size_t i = 0; i < r->result_count; i++)
		track(c, r->results[i].state);
}
