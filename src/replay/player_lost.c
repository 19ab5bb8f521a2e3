/* player_lost - what becomes of a session whose connection was lost. */
#include "base/clock.h"
#include "base/mem.h"
#include "replay/player.h"

/* Between attempts to connect again. */
static const int64_t BACKOFF_FIRST_NS = 50 * NS_PER_MS, BACKOFF_MAX_NS = 2 * NS_PER_S;
static const int64_t DOOR_LOOK_NS = 5 * NS_PER_MS; /* when too many are at the target's door */

/* A server's errors in a login that pass. */
enum {
	ER_CON_COUNT = 1040,
	ER_SERVER_SHUTDOWN = 1053,
	ER_TOO_MANY_USER_CONNECTIONS = 1203,
};

void player_tell_loss(struct player *p)
{
	struct outcome *o = &p->worker->outcome;

	if (!p->trouble)
		return;
	if (p->phase == PLAYER_GONE && p->gone == NOT_SENT_NOT_CONNECTED)
		o->not_connected++;
	else
		o->connections_lost++;
	outcome_trouble(o, p->trouble);
	mem_free(p->trouble);
	p->trouble = NULL;
}

/* Lets go of the connection, and of all that has no meaning without it. */
static void let_go(struct player *p)
{
	struct worker *w = p->worker;

	if (p->response)
		atomic_fetch_sub(&w->counters.in_flight, 1);
	p->under_way = NULL;
	p->statement = NULL;
	p->own = OWN_NONE;
	p->rollback_due = p->guard_due = p->unsure = false;
	p->status_due = p->rolled_back = false;
	p->transaction_due = NULL;
	p->retry.gone = 0;
	player_retry_forget(p);
	p->clock_us = 0;
	player_drop_bulk(p);
	worker_response_give(w, p->response);
	p->response = NULL;
	timers_clear(&w->timers, &p->timer);
	player_disconnect(p);
	player_logged_in(p);
}

void player_go(struct player *p, enum not_sent reason)
{
	let_go(p);
	timers_clear(&p->worker->turns, &p->turn);
	player_leave(p);
	statements_release(&p->statements);
	mem_free(p->open);
	p->open = NULL;
	p->gone = reason;
	player_set_phase(p, PLAYER_GONE);
}

static bool may_come_back(const struct player *p, enum not_sent reason)
{
	const struct engine *g = p->worker->engine;

	return reason == NOT_SENT_CONNECTION_LOST && !g->options->stop_if_lost && p->open &&
	       p->phase != PLAYER_LOST && !atomic_load_explicit(&g->stopping, memory_order_relaxed);
}

void player_lose(struct player *p, enum not_sent reason, const char *text)
{
	struct worker *w = p->worker;
	bool as_recorded = reason == NOT_SENT_CONNECTION_LOST && p->under_way &&
			   player_end_without_answer(p, fifo_front(&p->queue));
	bool matters = (p->under_way && !as_recorded) || reason == NOT_SENT_NOT_CONNECTED;

	if (text && !p->quit) {
		mem_free(p->trouble);
		p->trouble = mem_copy_str(text, strnlen(text, REMARK_TEXT_MAX));
		atomic_store(&w->engine->target_doubtful, true);
	}
	w->outcome.abandoned += as_recorded;
	w->outcome.unanswered += p->under_way && !as_recorded;
	p->wrote |= p->under_way != NULL;
	if (may_come_back(p, reason)) {
		let_go(p);
		statements_lose(&p->statements);
		p->mourns = true;
		player_set_phase(p, PLAYER_LOST);
	} else {
		player_go(p, reason);
	}
	if (matters)
		player_tell_loss(p);
}

/* May what was refused with INFO and the server's CODE be granted later? */
static bool passes(const struct player *p, const struct errinfo *info, uint16_t code)
{
	if (code == 0)
		return info->code == ERR_IO && !engine_own_lack(info);
	return code == ER_SERVER_SHUTDOWN ||
	       (p->was_connected && (code == ER_CON_COUNT || code == ER_TOO_MANY_USER_CONNECTIONS));
}

/* An attempt to connect has failed for INFO and CODE: there will be another, if that can help. */
static void attempt_failed(struct player *p, const struct errinfo *info, uint16_t code)
{
	const enum not_sent reason =
		p->was_connected ? NOT_SENT_CONNECTION_LOST : NOT_SENT_NOT_CONNECTED;

	if (!may_come_back(p, NOT_SENT_CONNECTION_LOST) || !passes(p, info, code)) {
		mem_free(p->trouble);
		p->trouble = mem_copy_str(info->text, strlen(info->text));
		atomic_store(&p->worker->engine->target_doubtful, true);
		player_go(p, reason);
		player_tell_loss(p);
		return;
	}
	p->worker->outcome.connect_failed++;
	atomic_store(&p->worker->engine->target_doubtful, true);
	let_go(p);
	player_set_phase(p, PLAYER_LOST);
}

void player_failed(struct player *p)
{
	struct myp_err server = {.code = 0};
	struct errinfo info = {.code = ERR_OK};

	(void)connection_error(p->connection, &info, &server);
	if (p->phase == PLAYER_CONNECTING && !p->under_way) {
		attempt_failed(p, &info, server.code);
		return;
	}
	if (p->under_way && p->under_way->code == MYP_COM_CHANGE_USER && server.code != 0) {
		struct facts facts = {
			.kind = RESPONSE_ERROR, .error_code = server.code, .results = 1};

		memcpy(facts.sqlstate, server.sqlstate, sizeof(facts.sqlstate));
		facts_set_message(&facts, server.message);
		player_user_changed(p, &facts);
	}
	player_lose(p, NOT_SENT_CONNECTION_LOST, info.text);
}

/*
 * What was open in the recording when C was sent was open on the connection that was lost, if that was before it.
 * Differences may come from there from now on, also from what nobody sees: LAST_INSERT_ID(), what a routine has set.
 */
void player_mourn(struct player *p, const struct item_command *c)
{
	struct outcome *o = &p->worker->outcome;

	if (!p->mourns)
		return;
	p->mourns = false;
	p->after_loss = true;
	o->lost_temporary += (c->open & SESSION_OPEN_TEMPORARY_TABLE) != 0;
	o->lost_locks += (c->open & (SESSION_OPEN_USER_LOCK | SESSION_OPEN_TABLE_LOCK)) != 0;
	o->lost_cursors += (c->open & SESSION_OPEN_CURSOR) != 0;
	if (!(c->open & SESSION_OPEN_TRANSACTION) || p->skipping)
		return;
	if (!p->wrote && !(p->status & MYP_STATUS_AUTOCOMMIT))
		return; /* what comes begins one of its own, and nothing of the lost one is missing */
	o->lost_transactions++;
	p->skipping = p->lost_transaction = true;
}

bool player_does_without(struct player *p, const struct item_command *c)
{
	enum not_sent reason = c->reason;

	if (reason == SENT)
		reason = player_skips(p, c);
	if (reason == SENT && c->code == MYP_COM_QUIT) {
		p->quit = true;
		reason = NOT_SENT_CONNECTION_LOST;
	}
	if (reason == SENT)
		return false;
	player_tell_loss(p);
	outcome_not_sent(&p->worker->outcome, c->key, reason);
	return true;
}

/* For so long it was tried. */
static void give_up(struct player *p)
{
	player_tell_loss(p);
	outcome_trouble(&p->worker->outcome, "a session was given up: no connection for so long");
	player_go(p, p->was_connected ? NOT_SENT_CONNECTION_LOST : NOT_SENT_NOT_CONNECTED);
}

bool player_connect_again(struct player *p)
{
	struct worker *w = p->worker;
	const int64_t now_ns = clock_mono_ns();

	player_tell_loss(p);
	if (p->lost_ns == 0) {
		p->lost_ns = p->again_ns = now_ns;
		p->backoff_ns = BACKOFF_FIRST_NS;
	}
	if (now_ns - p->lost_ns >= w->engine->options->reconnect_ns) {
		give_up(p);
		return false;
	}
	if (now_ns >= p->again_ns && !worker_has_door(w))
		p->again_ns = now_ns + DOOR_LOOK_NS;
	if (now_ns < p->again_ns) {
		if (timers_set(&w->timers, &p->timer, p->again_ns) != ERR_OK)
			player_go(p, NOT_SENT_CONNECTION_LOST);
		return false;
	}
	p->again_ns = now_ns + p->backoff_ns;
	p->backoff_ns = p->backoff_ns * 2 < BACKOFF_MAX_NS ? p->backoff_ns * 2 : BACKOFF_MAX_NS;
	player_connect(p);
	return p->connection != NULL;
}
