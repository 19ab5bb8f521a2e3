/* player_retry - repeats a transaction that the target has rolled back by chance, and the recorded server has not. */
#include "base/mem.h"
#include "replay/player.h"

enum { LOG_KEEP = 4096 }; /* bytes of an empty log's memory */

void retry_init(struct retry *t)
{
	*t = (struct retry){.at = 0};
	buf_init(&t->log, RETRY_LOG_MAX);
}

void retry_release(struct retry *t)
{
	buf_release(&t->log);
}

/* Statements that were closed, and were kept for a repeat. */
static void close_gone(struct player *p)
{
	struct mapped *m;
	uint32_t id = 0;

	while (p->retry.gone > 0) {
		p->retry.gone--;
		for (size_t at = 0; (m = map_next(&p->statements.map, &at)) && !m->gone;)
			;
		if (!m)
			return;
		id = m->recorded_id;
		if (!m->stale)
			player_close_statement(p, m->target_id);
		statements_remove(&p->statements, id);
	}
}

void player_retry_forget(struct player *p)
{
	struct retry *t = &p->retry;

	close_gone(p);
	p->worker->retry_bytes -= t->log.len;
	buf_reset(&t->log);
	buf_shrink(&t->log, LOG_KEEP);
	t->at = t->last_at = 0;
	t->attempts = 0;
	t->bad = t->repeating = false;
}

/* What is sent again; what else a client says changes no data, or is not undone by a rollback. */
static bool is_repeated(const struct item_command *c)
{
	return c->code == MYP_COM_QUERY || c->code == MYP_COM_INIT_DB ||
	       c->code == MYP_COM_STMT_EXECUTE || c->code == MYP_COM_STMT_BULK_EXECUTE ||
	       c->code == MYP_COM_STMT_SEND_LONG_DATA || c->code == MYP_COM_STMT_RESET ||
	       c->code == MYP_COM_STMT_FETCH;
}

void player_retry_note(struct player *p, const struct item *item, const struct item_command *c)
{
	struct retry *t = &p->retry;

	if (p->worker->engine->options->retries == 0 || !is_repeated(c))
		return;
	if (!(p->status & MYP_STATUS_IN_TRANS) && c->code != MYP_COM_STMT_SEND_LONG_DATA &&
	    !t->sent_ahead)
		player_retry_forget(p);
	t->sent_ahead = c->code == MYP_COM_STMT_SEND_LONG_DATA;
	t->last_at = t->log.len;
	t->last_n = c->n;
	if (c->kill_id != 0 || p->bulk || p->worker->retry_bytes + item->size > RETRY_LOGS_MAX)
		t->bad = true;
	if (t->bad)
		return;
	buf_put(&t->log, item, item->size);
	if (buf_err(&t->log) != ERR_OK) {
		t->bad = true;
		return;
	}
	p->worker->retry_bytes += item->size;
	((struct item *)(void *)(t->log.ptr + t->last_at))->receipt =
		NULL; /* held by the first try only */
}

bool player_retry_keeps(struct player *p, struct mapped *m)
{
	if (p->retry.log.len == 0 || !m->text)
		return false;
	p->retry.gone += !m->gone;
	m->gone = m->stale = true;
	return true;
}

/* Is D, answered by the target as it was, to be repeated, since the recorded server has answered as RECORDED? */
static bool begins(struct player *p, const struct pending *d, const struct facts *recorded)
{
	struct retry *t = &p->retry;
	const unsigned retries = p->worker->engine->options->retries;
	enum verdict v;

	if (retries == 0 || !d || !d->answered || t->attempts >= retries)
		return false;
	v = compare_facts(recorded, &d->replayed);
	if (v != VERDICT_DEADLOCK_REPLAYED && v != VERDICT_LOCK_WAIT_REPLAYED)
		return false;
	if (t->bad || t->log.len == 0 || t->last_n != d->n) {
		p->worker->outcome.not_retried += t->attempts == 0;
		return false;
	}
	p->worker->outcome.retried++;
	t->attempts++;
	t->repeating = true;
	t->at = v == VERDICT_DEADLOCK_REPLAYED ? 0 : t->last_at;
	return true;
}

/* Sends what comes next. False: all was sent and answered. */
static bool go_on(struct player *p)
{
	struct retry *t = &p->retry;

	if (p->rolled_back && t->at < t->log.len) { /* a lock wait has undone all of it */
		p->rolled_back = false;
		t->at = 0;
	}
	while (t->at < t->log.len) {
		struct item *item = (struct item *)(void *)(t->log.ptr + t->at);

		if (!player_send(p, item))
			return true;
		t->at += item->size;
		if (p->phase != PLAYER_READY)
			return true;
	}
	t->repeating = false;
	return false;
}

bool player_repeats(struct player *p, const struct item_response *r)
{
	struct pending *d = p->first && p->first->n == r->n ? p->first : NULL;

	return (p->retry.repeating || begins(p, d, &r->facts)) && go_on(p);
}

/* Where the command that ended at AT begins. */
static size_t before(const struct retry *t, size_t at)
{
	size_t from = 0, next = 0;

	while (next < at) {
		from = next;
		next += ((const struct item *)(const void *)(t->log.ptr + from))->size;
	}
	return from;
}

void player_repeated(struct player *p, const struct facts *facts)
{
	struct retry *t = &p->retry;
	struct pending *d = p->first;
	struct facts last = *facts;
	const enum chance chance = chance_of(facts->error_code);
	const bool again = chance == CHANCE_DEADLOCK || chance == CHANCE_LOCK_WAIT;

	if (again && t->attempts < p->worker->engine->options->retries) {
		t->attempts++;
		t->at = chance == CHANCE_DEADLOCK ? 0 : before(t, t->at);
		return;
	}
	if (again)
		t->at = t->log.len; /* so it stays with what the target has answered at last */
	if (t->at < t->log.len)
		return;
	if (!again)
		p->worker->outcome.retry_done++;
	last.first_ns =
		d->replayed.first_ns; /* what it takes is that of the first attempt, everywhere */
	last.last_ns = d->replayed.last_ns;
	d->replayed = last;
}
