/* guard - what --read-only lets through to the target. */
#include "replay/guard.h"

#include "base/hash.h"
#include "sql/classify.h"

enum {
	PREPARED_MAX = 1 << 16,       /* names */
	PREPARED_TEXT_MAX = 16 << 20, /* bytes */
	ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION = 1792,
};

void guard_session_init(struct guard_session *s)
{
	map_init(&s->prepared, PREPARED_MAX, NULL);
}

void guard_session_release(struct guard_session *s)
{
	map_release(&s->prepared);
}

/* Names of prepared statements are the same in either case. */
static uint64_t name_hash(struct slice name)
{
	uint64_t h = 0;

	for (size_t i = 0; i < name.len; i++) {
		uint8_t b = name.ptr[i];

		if (b != '`' && b != '"')
			h = hash_mix(h, b >= 'A' && b <= 'Z' ? b | 0x20u : b);
	}
	return h;
}

static enum not_sent reason_of(enum sql_harm harm)
{
	switch (harm) {
	case SQL_HARM_NONE:
		return SENT;
	case SQL_HARM_WRITES:
		return NOT_SENT_READ_ONLY_WRITES;
	case SQL_HARM_LOCKS:
		return NOT_SENT_READ_ONLY_LOCKS;
	case SQL_HARM_ROUTINE:
		return NOT_SENT_READ_ONLY_ROUTINE;
	case SQL_HARM_GLOBAL:
		return NOT_SENT_READ_ONLY_GLOBAL;
	case SQL_HARM_ALLOWS:
		return NOT_SENT_READ_ONLY_ALLOWS;
	case SQL_HARM_UNCLEAR:
		return NOT_SENT_READ_ONLY_UNCLEAR;
	}
	return NOT_SENT_READ_ONLY_WRITES;
}

static void note_routine(const struct guard *g, struct slice name)
{
	char text[REMARK_TEXT_MAX];

	if (name.len == 0)
		return;
	(void)snprintf(text, sizeof(text), "not called, as it may write: %.*s",
		       (int)(name.len < sizeof(text) ? name.len : sizeof(text)),
		       (const char *)name.ptr);
	outcome_note(g->outcome, text);
}

/* Every statement of TEXT, none of which may have to do with SQL-level prepared statements. */
static enum not_sent check_plain(const struct guard *g, struct slice text,
				 struct sql_options options)
{
	struct sql_read_only r;

	do {
		sql_read_only_check(text, options, g->allowed, &r);
		if (r.harm == SQL_HARM_ROUTINE)
			note_routine(g, r.routine);
		if (r.harm != SQL_HARM_NONE)
			return reason_of(r.harm);
		if (r.prepared != SQL_PREPARED_NONE)
			return NOT_SENT_READ_ONLY_UNKNOWN;
		if (r.read_write)
			return NOT_SENT_READ_ONLY_ALLOWS;
		text = r.rest;
	} while (text.len > 0);
	return SENT;
}

/* The text that a PREPARE or EXECUTE IMMEDIATE has in quotes. */
static enum not_sent check_prepared_text(const struct guard *g, struct slice literal,
					 struct sql_options options)
{
	enum not_sent reason = NOT_SENT_READ_ONLY_UNKNOWN;
	struct buf text;

	if (literal.len < 2 || (literal.ptr[0] != '\'' && literal.ptr[0] != '"'))
		return reason; /* a variable, or an expression */
	buf_init(&text, PREPARED_TEXT_MAX);
	sql_unquote(literal, options, &text);
	if (buf_err(&text) == ERR_OK)
		reason = check_plain(g, buf_slice(&text), options);
	buf_release(&text);
	return reason;
}

/* STATEMENT begins with a PREPARE, EXECUTE or DEALLOCATE. */
static enum not_sent check_prepared(const struct guard *g, struct guard_session *gs,
				    struct slice statement, enum sql_prepared what,
				    struct sql_options options)
{
	struct sql_class class;
	enum not_sent reason;
	uint64_t hash;

	sql_classify(statement, options, &class);
	hash = name_hash(class.name);
	if (class.name.len == 0) /* EXECUTE IMMEDIATE */
		return check_prepared_text(g, class.prepared, options);
	if (what == SQL_PREPARED_EXECUTED)
		return map_get(&gs->prepared, hash, NULL) ? SENT : NOT_SENT_READ_ONLY_UNKNOWN;
	if (what == SQL_PREPARED_GONE)
		return map_take(&gs->prepared, hash, NULL) ? SENT : NOT_SENT_READ_ONLY_UNKNOWN;
	(void)map_take(&gs->prepared, hash, NULL);
	reason = check_prepared_text(g, class.prepared, options);
	if (reason == SENT && map_put(&gs->prepared, hash, gs) != ERR_OK)
		g->outcome->short_of_memory = true; /* its executions will be left out */
	return reason;
}

static enum not_sent check_text(const struct guard *g, struct guard_session *gs, struct slice text,
				struct sql_options options, struct slice *instead)
{
	enum not_sent reason;
	struct sql_read_only r;
	bool first = true;

	do {
		sql_read_only_check(text, options, g->allowed, &r);
		reason = reason_of(r.harm);
		if (r.harm == SQL_HARM_ROUTINE)
			note_routine(g, r.routine);
		if (reason == SENT && r.prepared != SQL_PREPARED_NONE)
			reason = check_prepared(g, gs, text, r.prepared, options);
		if (reason == SENT && r.read_write) {
			if (!first || r.rest.len > 0 || !instead)
				return NOT_SENT_READ_ONLY_ALLOWS;
			*instead = r.snapshot ? SLICE_LIT("\x03START TRANSACTION WITH CONSISTENT "
							  "SNAPSHOT, READ ONLY")
					      : SLICE_LIT("\x03START TRANSACTION READ ONLY");
		}
		first = false;
		text = r.rest;
	} while (reason == SENT && text.len > 0);
	return reason;
}

bool guard_state(const struct guard *g, struct guard_session *gs, const struct session *s,
		 struct slice text)
{
	return check_text(g, gs, text, session_sql_options(s), NULL) == SENT;
}

bool guard_refused(const struct facts *recorded, const struct facts *replayed)
{
	return replayed->error_code == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION &&
	       recorded->error_code != replayed->error_code;
}

enum not_sent guard_command(const struct guard *g, struct guard_session *gs,
			    const struct session *s, const struct command *c, struct slice *payload)
{
	switch (c->code) {
	case MYP_COM_QUERY:
		if (!c->text_known)
			return NOT_SENT_READ_ONLY_UNKNOWN;
		return check_text(g, gs, c->text, session_sql_options(s), payload);
	case MYP_COM_STMT_PREPARE:
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_BULK_EXECUTE:
	case MYP_COM_STMT_SEND_LONG_DATA:
	case MYP_COM_STMT_FETCH:
	case MYP_COM_STMT_RESET:
	case MYP_COM_STMT_CLOSE:
		if (!c->text_known)
			return NOT_SENT_READ_ONLY_UNKNOWN;
		return check_plain(g, c->text, session_sql_options(s));
	case MYP_COM_CHANGE_USER:
	case MYP_COM_RESET_CONNECTION:
		guard_session_release(gs);
		return SENT;
	case MYP_COM_QUIT:
	case MYP_COM_INIT_DB:
	case MYP_COM_FIELD_LIST:
	case MYP_COM_STATISTICS:
	case MYP_COM_PROCESS_INFO:
	case MYP_COM_PROCESS_KILL:
	case MYP_COM_PING:
	case MYP_COM_SET_OPTION:
		return SENT;
	default: /* a number from the wire */
		return NOT_SENT_READ_ONLY_WRITES;
	}
}
