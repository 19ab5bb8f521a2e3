/* turns - which answers a command has to wait for, and which of them are there. */
#include "replay/turns.h"

#include "base/mem.h"
#include "sql/classify.h"

enum { TURNS_FIRST = 1 << 12, WORD_BITS = 64 };

static uint64_t bit_of(uint64_t n)
{
	return UINT64_C(1) << n % TURNS_UNDER_WAY;
}

static void set_bit(uint64_t *bits, uint64_t n, bool on)
{
	*bits = on ? *bits | bit_of(n) : *bits & ~bit_of(n);
}

/* SELECT ... FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE. */
static bool locks_rows(const struct session *s, struct slice text)
{
	static const char *const second[] = {"update", "share", "in"};
	struct slice before = {.ptr = NULL, .len = 0};
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, text, session_sql_options(s));
	for (; sql_lexer_next(&lexer, &token); before = token.text) {
		bool follows = slice_eq_nocase(before, SLICE_LIT("for")) ||
			       slice_eq_nocase(before, SLICE_LIT("lock"));

		for (size_t i = 0; follows && i < sizeof(second) / sizeof(*second); i++)
			if (slice_eq_nocase(token.text, slice_cstr(second[i])))
				return true;
	}
	return false;
}

/* What the statements of TEXT do, all of them. */
static void look_at_text(const struct session *s, struct slice text, bool *writes, bool *ends)
{
	struct sql_class class;

	do {
		sql_classify(text, session_sql_options(s), &class);
		*writes |= sql_verb_writes(class.verb) || class.verb == SQL_VERB_OTHER ||
			   class.changes & (SQL_CHANGES_GLOBAL | SQL_CHANGES_USER_LOCK) ||
			   (class.verb == SQL_VERB_SELECT && locks_rows(s, text));
		*ends |= class.transaction != SQL_TRANSACTION_NONE;
		text = class.rest;
	} while (text.len > 0);
}

/* Of what is not known it is taken that it may change something. */
static void look_at(const struct session *s, const struct command *c, bool *writes, bool *ends)
{
	switch (c->code) {
	case MYP_COM_QUERY:
	case MYP_COM_STMT_EXECUTE:
	case MYP_COM_STMT_BULK_EXECUTE:
		if (c->text_known)
			look_at_text(s, c->text, writes, ends);
		else
			*writes = true;
		break;
	case MYP_COM_CREATE_DB:
	case MYP_COM_DROP_DB:
	case MYP_COM_CHANGE_USER:
	case MYP_COM_RESET_CONNECTION:
		*writes = *ends = true;
		break;
	default: /* a number from the wire: nothing of the database changes by it */
		break;
	}
}

bool turns_writes_within(const struct session *s, const struct command *c)
{
	bool writes = false, ends = false;

	look_at(s, c, &writes, &ends);
	return writes && !ends;
}

struct turn turns_command(struct turns_plan *p, struct turns_session *ts, const struct session *s,
			  const struct command *c)
{
	uint64_t n = p->count;
	bool keeps_locks, writes = false, ends = false;

	if (p->order == ORDER_SESSION)
		return (struct turn){.after = 0};
	look_at(s, c, &writes, &ends);
	set_bit(&ts->writes, c->n, writes);
	set_bit(&ts->ends, c->n, ends);
	keeps_locks = (ts->in_transaction || ts->no_autocommit) && ts->writes & bit_of(c->n);
	while (n > 0 && p->count - n < TURNS_RECENT && p->recent[n % TURNS_RECENT] > c->first_ns)
		n--;
	return (struct turn){.after = n, .as_answered = keeps_locks};
}

/* Does the answer R to command N change what others see, or may lock? */
static bool counts(struct turns_session *ts, uint64_t n, const struct facts *r)
{
	bool was_open = ts->in_transaction,
	     is_open = r->status_known && r->status & MYP_STATUS_IN_TRANS;

	if (!r->status_known) /* an error, or it was not heard */
		return (ts->writes | ts->ends) & bit_of(n);
	ts->in_transaction = is_open;
	ts->no_autocommit = !(r->status & MYP_STATUS_AUTOCOMMIT);
	return ts->writes & bit_of(n) || (was_open && (!is_open || ts->ends & bit_of(n)));
}

uint64_t turns_response(struct turns_plan *p, struct turns_session *ts, uint64_t n,
			const struct facts *r)
{
	bool does_count = counts(ts, n, r);

	if (p->order == ORDER_SESSION || (p->order == ORDER_COMMIT && !does_count))
		return 0;
	p->count++;
	p->recent[p->count % TURNS_RECENT] = r->last_ns;
	return p->count;
}

enum err turns_init(struct turns *t)
{
	*t = (struct turns){.cap = TURNS_FIRST};
	pthread_mutex_init(&t->lock, NULL);
	t->later = mem_zalloc(t->cap / 8);
	return t->later ? ERR_OK : ERR_NOMEM;
}

void turns_release(struct turns *t)
{
	mem_free(t->later);
	t->later = NULL;
	pthread_mutex_destroy(&t->lock);
}

static uint64_t *word_of(const struct turns *t, uint64_t n)
{
	return &t->later[n % t->cap / WORD_BITS];
}

static uint64_t mask_of(uint64_t n)
{
	return UINT64_C(1) << n % WORD_BITS;
}

/* Room for number N, which is above REACHED. */
static enum err make_room(struct turns *t, uint64_t reached, uint64_t n)
{
	struct turns larger = {.cap = t->cap};

	while (n - reached >= larger.cap)
		larger.cap *= 2;
	if (larger.cap == t->cap)
		return ERR_OK;
	larger.later = mem_zalloc(larger.cap / 8);
	if (!larger.later)
		return ERR_NOMEM;
	for (uint64_t i = reached + 1; i < reached + t->cap; i++)
		if (*word_of(t, i) & mask_of(i))
			*word_of(&larger, i) |= mask_of(i);
	mem_free(t->later);
	t->later = larger.later;
	t->cap = larger.cap;
	return ERR_OK;
}

static bool advance(struct turns *t, uint64_t reached)
{
	uint64_t to = reached;

	while (*word_of(t, to + 1) & mask_of(to + 1)) {
		to++;
		*word_of(t, to) &= ~mask_of(to);
	}
	atomic_store(&t->reached, to);
	return to != reached;
}

enum err turns_done(struct turns *t, uint64_t n, bool *moved)
{
	uint64_t reached;
	enum err e;

	pthread_mutex_lock(&t->lock);
	reached = atomic_load(&t->reached);
	e = make_room(t, reached, n);
	if (e == ERR_OK) {
		*word_of(t, n) |= mask_of(n);
		*moved = advance(t, reached);
	}
	pthread_mutex_unlock(&t->lock);
	return e;
}
