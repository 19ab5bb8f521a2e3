/* depends - what the result of a statement depends on besides the data. */
#include "sql/depends.h"

/* A statement while its tokens go by. */
struct look {
	uint32_t found;
	struct sql_token before;
	enum sql_word first; /* of the statement; NO_WORD: none yet, or none that is known */
	bool began;
	bool asks_order;
	bool asks_clock; /* between the brackets of UNIX_TIMESTAMP() */
	unsigned lead;   /* brackets that it begins with */
	unsigned depth;  /* of brackets */
};

static const struct {
	const char *name;
	uint32_t on;
	bool called;
} names[] = {
#define CALLED(name, on) {#name, SQL_DEPENDS_##on, true},
#define BARE(name, on) {#name, SQL_DEPENDS_##on, false},
#include "sql/depends_list.h"
#undef CALLED
#undef BARE
};

static bool is(const struct sql_token *t, const char *name)
{
	return t->kind == SQL_TOKEN_WORD && slice_eq_nocase(t->text, slice_cstr(name));
}

static uint32_t by_name(const struct sql_token *t, bool called)
{
	if (t->kind != SQL_TOKEN_WORD || t->only_name)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].called == called &&
		    slice_eq_nocase(t->text, slice_cstr(names[i].name)))
			return names[i].on;
	return 0;
}

static uint32_t by_variable(const struct sql_token *t)
{
	static const char *const ids[] = {"@@last_insert_id", "@@insert_id", "@@identity"};
	static const char *const clocks[] = {"@@timestamp"};
	static const char *const chances[] = {"@@rand_seed1", "@@rand_seed2"};
	static const char *const connections[] = {"@@pseudo_thread_id", "@@proxy_user"};
	const struct {
		const char *const *items;
		size_t count;
		uint32_t on;
	} kinds[] = {
		{ids, sizeof(ids) / sizeof(*ids), SQL_DEPENDS_INSERT_ID},
		{clocks, sizeof(clocks) / sizeof(*clocks), SQL_DEPENDS_CLOCK},
		{chances, sizeof(chances) / sizeof(*chances), SQL_DEPENDS_CHANCE},
		{connections, sizeof(connections) / sizeof(*connections), SQL_DEPENDS_CONNECTION},
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t i = 0; i < kinds[k].count; i++)
			if (slice_eq_nocase(t->text, slice_cstr(kinds[k].items[i])))
				return kinds[k].on;
	return SQL_DEPENDS_SERVER;
}

/* SHOW STATUS and the like tell of the server, not of data and schema. */
static bool is_shown_of_server(const struct sql_token *t)
{
	static const char *const things[] = {"status",   "variables", "processlist", "engine",
					     "engines",  "plugins",   "master",      "slave",
					     "replica",  "replicas",  "binary",      "binlog",
					     "relaylog", "profile",   "profiles"};

	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++)
		if (is(t, things[i]))
			return true;
	return false;
}

static bool is_of_server(const struct sql_token *t)
{
	return is(t, "performance_schema") ||
	       (t->kind == SQL_TOKEN_QUOTED &&
		slice_eq_nocase(t->text, slice_cstr("`performance_schema`")));
}

/* A query, whose rows come in any order unless it asks for one. */
static bool is_query(enum sql_word w)
{
	return w == SQL_WORD_SELECT || w == SQL_WORD_WITH || w == SQL_WORD_VALUES ||
	       w == SQL_WORD_TABLE;
}

static void take_first(struct look *l, const struct sql_token *t)
{
	if (sql_token_is(t, '(')) {
		l->lead++;
		return;
	}
	l->began = true;
	l->first = t->word;
	if (t->word == SQL_WORD_EXPLAIN || t->word == SQL_WORD_ANALYZE ||
	    t->word == SQL_WORD_DESCRIBE || t->word == SQL_WORD_DESC)
		l->found |= SQL_DEPENDS_SERVER;
}

/* One statement ends. The order of all results is one sum: it is asked for if any asks for it. */
static void end_statement(struct look *l, bool *ordered, bool *query)
{
	if (l->began) {
		*query = *query || is_query(l->first);
		*ordered = *ordered || l->asks_order || !is_query(l->first);
	}
	l->began = l->asks_order = false;
	l->lead = l->depth = 0;
	l->first = SQL_NO_WORD;
}

/* A bracket opens behind the token before. */
static void take_call(struct look *l)
{
	l->found |= by_name(&l->before, true);
	l->asks_clock = is(&l->before, "unix_timestamp") && !l->before.only_name;
	l->depth++;
}

static void take(struct look *l, const struct sql_token *t)
{
	if (!l->began)
		take_first(l, t);
	if (sql_token_is(t, ')') && l->asks_clock) /* of UNIX_TIMESTAMP(), without an argument */
		l->found |= SQL_DEPENDS_CLOCK;
	l->asks_clock = false;
	if (sql_token_is(t, '('))
		take_call(l);
	else if (sql_token_is(t, ')'))
		l->depth -= l->depth > 0;
	else if (t->kind == SQL_TOKEN_SYSTEM_VARIABLE)
		l->found |= by_variable(t);
	else if (t->word == SQL_WORD_BY && l->before.word == SQL_WORD_ORDER && l->depth <= l->lead)
		l->asks_order = true;
	else if (is_of_server(t) || (l->first == SQL_WORD_SHOW && is_shown_of_server(t)))
		l->found |= SQL_DEPENDS_SERVER;
	else
		l->found |= by_name(t, false);
}

uint32_t sql_depends(struct slice sql, struct sql_options options)
{
	struct look l = {.found = 0};
	struct sql_lexer lx;
	struct sql_token t;
	bool ordered = false, query = false;

	options.comments = false;
	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t)) {
		if (t.kind == SQL_TOKEN_HINT)
			continue;
		if (sql_token_is(&t, ';'))
			end_statement(&l, &ordered, &query);
		else
			take(&l, &t);
		l.before = t;
	}
	end_statement(&l, &ordered, &query);
	return l.found | (query && !ordered ? (uint32_t)SQL_DEPENDS_ANY_ORDER : 0);
}
