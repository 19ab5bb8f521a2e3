/* player_send - commands on their way to the target. */
#include "base/clock.h"
#include "base/mem.h"
#include "mysql/login.h"
#include "replay/player.h"
#include "sql/mask.h"

/* A KILL waits so long for its connection to be open, and looks so often whether it is. */
static const int64_t KILL_WAIT_NS = 5 * NS_PER_S, KILL_LOOK_NS = NS_PER_MS / 5;

enum { US_PER_S = 1000000 };
enum { LONG_DATA_PARAM_AT = 5 }; /* COM_STMT_SEND_LONG_DATA: code, statement id, parameter, bytes */

static const uint16_t *types_of(struct item_command *c)
{
	return (const uint16_t *)(const void *)(c + 1);
}

struct slice player_text_of(struct item_command *c)
{
	return slice_of((const uint8_t *)(c + 1) + (size_t)c->types_count * sizeof(uint16_t),
			c->text_len);
}

static uint8_t *payload_of(struct item_command *c)
{
	return (uint8_t *)(c + 1) + (size_t)c->types_count * sizeof(uint16_t) + c->text_len;
}

/* For the checkpoint: nothing more is to be done for command N. */
static void note_done(struct player *p, uint64_t n)
{
	if (!p->progress)
		return;
	atomic_store(&p->progress->sent, n);
	atomic_store(&p->progress->answered, n);
}

const uint16_t *player_types_of(struct item_command *c)
{
	return types_of(c);
}

struct slice player_payload_of(struct item_command *c)
{
	return slice_of(payload_of(c), c->payload_len);
}

static bool leave_out(struct player *p, const struct item_command *c, enum not_sent reason)
{
	if (p->retry.repeating)
		return true;
	outcome_not_sent(&p->worker->outcome, c->key, reason);
	note_done(p, c->n);
	return true;
}

bool player_leave_out(struct player *p, const struct item_command *c, enum not_sent reason)
{
	return leave_out(p, c, reason);
}

/* Makes ready for an answer to CODE, which was sent at SENT_NS. */
static bool expect_answer(struct player *p, uint64_t n, uint8_t code, int64_t sent_ns)
{
	p->response = worker_response_take(p->worker);
	if (!p->response) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
		return false;
	}
	response_begin(p->response, n, code);
	myp_answer_begin(&p->answer, code, p->caps);
	p->first_byte_ns = 0;
	p->asked_ns = sent_ns;
	counter_add(&p->worker->counters.in_flight, 1);
	player_set_phase(p, PLAYER_BUSY);
	return true;
}

bool player_send_own(struct player *p, enum player_own own, uint8_t code, struct slice text)
{
	struct buf *out = &p->worker->rewriter.out;
	const struct myp_params none = {.count = 0};
	enum err e;

	buf_reset(out);
	if (code == MYP_COM_QUERY) {
		myp_query_put(out, p->caps, text, &none);
	} else {
		buf_put_u8(out, code);
		buf_put_slice(out, text);
	}
	e = buf_err(out);
	if (e == ERR_OK)
		e = connection_send(p->connection, buf_slice(out));
	if (e != ERR_OK) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(e));
		return false;
	}
	p->own = own;
	return expect_answer(p, 0, code, clock_mono_ns());
}

static void keep_text(struct pending *d, struct slice text)
{
	d->text = mem_copy_str(text.ptr, text.len);
	d->text_len = d->text ? text.len : 0;
}

/* The statement without its passwords, to be shown if its answer differs. */
static void keep_query(struct player *p, struct pending *d, struct item_command *c)
{
	struct rewriter *w = &p->worker->rewriter;
	struct myp_query query;

	if (myp_query_decode(slice_of(payload_of(c), c->payload_len), c->caps, &w->attributes,
			     &query) != ERR_OK)
		return;
	buf_reset(&w->text);
	if (sql_mask(slice_head(query.text, OUTCOME_TEXT_MAX), c->sql, &w->text) == ERR_OK)
		keep_text(d, buf_slice(&w->text));
}

static bool sees_the_clock(uint8_t code)
{
	return code == MYP_COM_QUERY || code == MYP_COM_STMT_EXECUTE ||
	       code == MYP_COM_STMT_BULK_EXECUTE;
}

bool player_set_clock(struct player *p, const struct item_command *c)
{
	char text[64];
	int64_t us = c->first_ns / 1000;

	if (!p->worker->engine->options->recorded_clock || us == p->clock_us || c->reason != SENT ||
	    !sees_the_clock(c->code))
		return false;
	p->clock_us = us;
	snprintf(text, sizeof(text), "SET timestamp=%lld.%06lld", (long long)(us / US_PER_S),
		 (long long)(us % US_PER_S));
	(void)player_send_own(p, OWN_CLOCK, MYP_COM_QUERY, slice_cstr(text));
	return true; /* or the connection is lost */
}

/*
 * Adds the command, whose sending began at SENT_NS, to those that wait for their comparison. Once it is sent it is
 * too late to look at the clock: the target may have answered before we run again.
 */
static struct pending *add_pending(struct player *p, struct item_command *c, int64_t sent_ns)
{
	struct pending *d = worker_pending_new(p->worker);

	if (!d) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
		return NULL;
	}
	d->n = c->n;
	d->key = c->key;
	d->code = c->code;
	d->secret = c->secret;
	d->after_gap = c->after_gap;
	d->after_loss = p->after_loss;
	d->connection = p->connections;
	d->recorded_first_ns = c->first_ns;
	d->recorded_last_ns = c->last_ns;
	d->among_others = c->among_others;
	d->depends = c->depends;
	d->sent_ns = sent_ns;
	if (c->code == MYP_COM_STMT_PREPARE && c->payload_len > 1)
		keep_text(d, slice_of(payload_of(c) + 1, c->payload_len - 1));
	if (c->code == MYP_COM_QUERY && p->worker->engine->options->keep_texts)
		keep_query(p, d, c);
	d->receipt = ((const struct item *)(const void *)c - 1)->receipt;
	receipt_hold(d->receipt);
	*p->end = d;
	p->end = &d->next;
	return d;
}

/* How late the command was sent, and how much of that is our own fault. */
static void measure_lateness(struct player *p, int64_t at_ns, int64_t sent_ns)
{
	struct worker *w = p->worker;
	struct outcome *o = &w->outcome;
	int64_t due_ns, late_ns, own_ns;

	if (!pace_is_kept(&w->engine->pace))
		return;
	due_ns = pace_due_ns(&w->engine->pace, at_ns);
	late_ns = sent_ns - due_ns;
	own_ns = p->free_ns > due_ns ? sent_ns - p->free_ns : late_ns;
	if (p->free_ns > due_ns) {
		o->late_by_target += p->held_by == HELD_BY_TARGET;
		o->late_by_order += p->held_by == HELD_BY_ORDER;
		o->late_by_rate += p->held_by == HELD_BY_RATE;
	}
	if (hist_add(&o->lateness, late_ns) != ERR_OK ||
	    hist_add(&o->own_lateness, own_ns) != ERR_OK)
		o->short_of_memory = true;
	atomic_store_explicit(&w->counters.late_ns, late_ns, memory_order_relaxed);
}

/* The command is on its way. */
static void note_sent(struct player *p, struct item_command *c, struct pending *d, int64_t at_ns)
{
	struct worker *w = p->worker;
	struct outcome_row *row;

	p->lost_ns = 0;
	p->rolled_back = false;
	d->at_ns = at_ns;
	measure_lateness(p, at_ns, d->sent_ns);
	w->outcome.sent++;
	worker_said(w, d->sent_ns);
	counter_add(&w->counters.sent, 1);
	atomic_store_explicit(&w->counters.reached_ns, at_ns, memory_order_relaxed);
	if (myp_command_shape(c->code) != MYP_SHAPE_NONE) {
		if (p->progress)
			atomic_store(&p->progress->sent, c->n);
		p->under_way = d;
		return;
	}
	note_done(p, c->n);
	d->answered = true;
	d->replayed = (struct facts){.kind = RESPONSE_NONE};
	row = outcome_row(&w->outcome, c->key);
	if (row) {
		const struct profile_call call = {
			.time_ns = d->sent_ns, .latency_ns = -1, .duration_ns = -1};

		if (profile_stats_add(&row->replayed, &call) != ERR_OK)
			w->outcome.short_of_memory = true;
	}
}

/* What a command changes in what we know of its statement M. */
static void note_statement(struct player *p, struct item_command *c, struct mapped *m)
{
	const uint8_t *payload = payload_of(c);

	if (c->code == MYP_COM_STMT_SEND_LONG_DATA) {
		if (c->payload_len >= LONG_DATA_PARAM_AT + 2 &&
		    mapped_set_long_data(m, (uint16_t)(payload[LONG_DATA_PARAM_AT] |
						       payload[LONG_DATA_PARAM_AT + 1] << 8)) !=
			    ERR_OK)
			player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
	} else if (c->code == MYP_COM_STMT_EXECUTE) {
		m->bound = true;
		mapped_clear_long_data(m);
	} else if (c->code == MYP_COM_STMT_RESET) {
		mapped_clear_long_data(m);
	} else if (c->code == MYP_COM_STMT_CLOSE && !player_retry_keeps(p, m)) {
		statements_remove(&p->statements, c->statement_id);
	}
}

/* What a command changes in what we know of the connection. */
static void note_effect(struct player *p, struct item_command *c, struct mapped *m)
{
	if (m)
		note_statement(p, c, m);
	if (c->code == MYP_COM_QUIT)
		p->quit = true;
	if (c->code != MYP_COM_CHANGE_USER && c->code != MYP_COM_RESET_CONNECTION)
		return;
	p->retry.gone = 0;
	player_retry_forget(p);
	statements_release(&p->statements);
	p->guard_due = p->worker->engine->options->read_only;
	p->skipping = p->diverged = p->rollback_due = p->after_loss = false;
}

/* The command's bytes as the target has to get them. */
static enum err make_payload(struct player *p, struct item_command *c, const struct mapped *m,
			     struct slice *out)
{
	struct rewriter *w = &p->worker->rewriter;
	struct rewrite_types types = {.types = types_of(c), .count = c->types_count};

	*out = slice_of(payload_of(c), c->payload_len);
	if (m && !rewrite_statement_id(payload_of(c), c->payload_len, m->target_id))
		return ERR_PROTO;
	if (c->code == MYP_COM_STMT_EXECUTE)
		return rewrite_execute(w, c->caps, p->caps, m, types, out);
	if (c->code == MYP_COM_QUERY)
		return rewrite_query(w, c->caps, p->caps, out);
	return ERR_OK;
}

/* The command was sent once more, as CODE. */
static bool note_repeated(struct player *p, struct item_command *c, struct mapped *m, uint8_t code)
{
	note_effect(p, c, m);
	if (p->phase != PLAYER_READY || myp_command_shape(c->code) == MYP_SHAPE_NONE)
		return p->phase == PLAYER_READY;
	p->own = OWN_REPEAT;
	p->statement = m;
	return expect_answer(p, 0, code, clock_mono_ns());
}

/* Sends PAYLOAD, whose code is CODE, in the place of the recorded one. */
static bool send_payload(struct player *p, struct item *item, struct mapped *m, uint8_t code,
			 struct slice payload)
{
	struct item_command *c = item_body(item);
	int64_t sent_ns = clock_mono_ns();
	enum err e = connection_send(p->connection, payload);
	struct pending *d;

	if (e == ERR_LIMIT && connection_unsent(p->connection) > 0)
		return false;
	if (e != ERR_OK) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(e));
		return false;
	}
	if (p->retry.repeating)
		return note_repeated(p, c, m, code);
	d = add_pending(p, c, sent_ns);
	if (!d)
		return false;
	note_sent(p, c, d, item->at_ns);
	player_retry_note(p, item, c);
	note_effect(p, c, m);
	if (p->phase != PLAYER_READY || !p->under_way)
		return p->phase == PLAYER_READY;
	p->statement = m;
	return expect_answer(p, c->n, code, d->sent_ns);
}

void player_begin(struct player *p, struct item *item)
{
	struct item_command *c = item_body(item);
	struct pending *d = add_pending(p, c, clock_mono_ns());

	if (d)
		note_sent(p, c, d, item->at_ns);
}

bool player_send_part(struct player *p, uint8_t code, struct slice payload)
{
	int64_t sent_ns = clock_mono_ns();
	enum err e = connection_send(p->connection, payload);

	if (e == ERR_LIMIT && connection_unsent(p->connection) > 0)
		return false;
	if (e != ERR_OK) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(e));
		return false;
	}
	p->own = OWN_BULK;
	return expect_answer(p, 0, code, sent_ns);
}

/* What concerns a statement that the target does not prepare. */
static bool send_as_text(struct player *p, struct item *item, struct mapped *m)
{
	struct item_command *c = item_body(item);
	const struct rewrite_text how = {
		.text = text_slice(m->text),
		.options = c->sql,
		.collation = c->collation,
		.types = {.types = types_of(c), .count = c->types_count},
	};
	struct slice payload = slice_of(payload_of(c), c->payload_len);
	bool gone;

	if (c->code == MYP_COM_STMT_SEND_LONG_DATA) /* which no statement has room for */
		m->failed = true;
	if (m->failed)
		return leave_out(p, c, NOT_SENT_NOT_PREPARED);
	if (c->code == MYP_COM_STMT_CLOSE)
		statements_remove(&p->statements, c->statement_id);
	if (c->code != MYP_COM_STMT_EXECUTE)
		return leave_out(p, c, NOT_SENT_AS_TEXT);
	if (rewrite_as_text(&p->worker->rewriter, c->caps, p->caps, &how, &payload) != ERR_OK)
		return leave_out(p, c, NOT_SENT_NOT_PREPARED);
	gone = send_payload(p, item, NULL, MYP_COM_QUERY, payload);
	p->worker->outcome.as_text += p->under_way != NULL;
	return gone;
}

/* A connection that is to be killed is about to be opened: looks again soon. False: it took too long. */
static bool wait_for_victim(struct player *p)
{
	int64_t now_ns = clock_mono_ns();

	if (p->kill_since_ns == 0)
		p->kill_since_ns = now_ns;
	return now_ns - p->kill_since_ns < KILL_WAIT_NS &&
	       timers_set(&p->worker->timers, &p->timer, now_ns + KILL_LOOK_NS) == ERR_OK;
}

/*
 * KILL goes to the connection that stands for the recorded one; as a statement, since not all
 * servers know COM_PROCESS_KILL.
 */
static bool send_kill(struct player *p, struct item *item)
{
	struct item_command *c = item_body(item);
	uint32_t id = 0;
	struct slice payload;
	bool is_there =
		engine_kill_get(p->worker->engine, engine_kill_key(c->kill_id, p->copy), &id);

	if (is_there && id == 0 && wait_for_victim(p))
		return false;
	p->kill_since_ns = 0;
	if (id == 0 ||
	    rewrite_kill(&p->worker->rewriter, p->caps, id, c->kill_query, &payload) != ERR_OK)
		return leave_out(p, c, NOT_SENT_KILL_UNKNOWN);
	return send_payload(p, item, NULL, MYP_COM_QUERY, payload);
}

/* Signed anew, as the target's account; the text is the new database. */
static bool send_change_user(struct player *p, struct item *item)
{
	struct item_command *c = item_body(item);
	const struct target *t = p->worker->engine->options->target;
	struct slice text = player_text_of(c);
	char database[256]; /* names have at most 64 characters */
	struct pending *d;
	enum err e;

	if (text.len >= sizeof(database))
		return leave_out(p, c, NOT_SENT_UNKNOWN_COMMAND);
	if (text.len > 0)
		memcpy(database, text.ptr, text.len);
	database[text.len] = '\0';
	d = add_pending(p, c, clock_mono_ns());
	if (!d)
		return false;
	e = connection_change_user(p->connection, c->account ? c->account->user : t->user,
				   c->account ? c->account->password : t->password, database,
				   c->collation);
	note_sent(p, c, d, item->at_ns);
	note_effect(p, c, NULL);
	if (e != ERR_OK)
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(e));
	else
		player_set_phase(p, PLAYER_CONNECTING);
	return e == ERR_OK;
}

static bool is_in_transaction(uint8_t code)
{
	return code == MYP_COM_QUERY || code == MYP_COM_STMT_EXECUTE ||
	       code == MYP_COM_STMT_FETCH || code == MYP_COM_STMT_BULK_EXECUTE;
}

enum not_sent player_skips(struct player *p, const struct item_command *c)
{
	player_mourn(p, c);
	if (c->begins)
		p->skipping = p->diverged = false;
	if (!p->skipping || !is_in_transaction(c->code))
		return SENT;
	return p->lost_transaction ? NOT_SENT_TRANSACTION_LOST : NOT_SENT_ROLLED_BACK;
}

/* Why a command of the statement M, which the target does not have (any more), is left out. SENT: it is to be prepared. */
static enum not_sent without_statement(const struct item_command *c, struct mapped *m)
{
	if (c->code == MYP_COM_STMT_CLOSE || (c->code == MYP_COM_STMT_RESET && m && m->stale))
		return NOT_SENT_NOTHING_TO_CLOSE;
	if (m && m->stale && c->code == MYP_COM_STMT_FETCH)
		return NOT_SENT_CURSOR_LOST;
	if (m && m->stale && m->text)
		return SENT;
	return m && m->failed ? NOT_SENT_NOT_PREPARED : NOT_SENT_STATEMENT_UNKNOWN;
}

/* Prepares the statement of C before it. */
static bool prepare_before(struct player *p, const struct item_command *c, struct slice text)
{
	p->own_statement = c->statement_id;
	p->worker->outcome.prepared_late++;
	player_send_own(p, OWN_PREPARE, MYP_COM_STMT_PREPARE, text);
	return false;
}

/* A command of a statement that the target does not have ready. */
static bool send_unprepared(struct player *p, struct item_command *c, struct mapped *m)
{
	enum not_sent reason;

	if (!m && c->text_len > 0)
		return prepare_before(p, c, player_text_of(c));
	reason = without_statement(c, m);
	if (reason == SENT)
		return prepare_before(p, c, text_slice(m->text));
	if (m && c->code == MYP_COM_STMT_CLOSE)
		statements_remove(&p->statements, c->statement_id);
	else if (m && c->code == MYP_COM_STMT_RESET)
		m->data_lost = false;
	return leave_out(p, c, reason);
}

/* What was sent ahead for the next execution of M is not there, so that it would be another one. */
static bool lacks_data(struct mapped *m, uint8_t code)
{
	const bool lacks = m->data_lost &&
			   (code == MYP_COM_STMT_EXECUTE || code == MYP_COM_STMT_SEND_LONG_DATA);

	if (lacks && code == MYP_COM_STMT_EXECUTE)
		m->data_lost = false;
	return lacks;
}

bool player_send(struct player *p, struct item *item)
{
	struct item_command *c = item_body(item);
	struct mapped *m = NULL;
	struct slice payload;
	enum not_sent skips;

	if (c->reason != SENT)
		return leave_out(p, c, c->reason);
	skips = player_skips(p, c);
	if (skips != SENT)
		return leave_out(p, c, skips);
	if (c->has_statement) {
		m = statements_get(&p->statements, c->statement_id);
		if (m && m->gone && !p->retry.repeating)
			m = NULL;
		if (m && lacks_data(m, c->code))
			return leave_out(p, c, NOT_SENT_DATA_LOST);
		if (!m || m->failed || (m->stale && !m->as_text))
			return send_unprepared(p, c, m);
		if (player_lacks_bulk(p, c))
			return player_send_bulk(p, item, m);
		if (m->as_text)
			return send_as_text(p, item, m);
	}
	if (c->kill_id != 0)
		return send_kill(p, item);
	if (c->code == MYP_COM_CHANGE_USER)
		return send_change_user(p, item);
	if (make_payload(p, c, m, &payload) != ERR_OK)
		return leave_out(p, c, NOT_SENT_PARAMETERS_UNKNOWN);
	return send_payload(p, item, m, c->code, payload);
}
