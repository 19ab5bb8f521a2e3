/* player_answer - what the target answers, and how it compares with the recording. */
#include "base/clock.h"
#include "replay/guard.h"
#include "replay/player.h"

static bool in_transaction(const struct facts *f)
{
	return f->status_known && (f->status & MYP_STATUS_IN_TRANS);
}

static const struct facts *if_prepared(const struct facts *f)
{
	return f->kind == RESPONSE_PREPARED ? f : NULL;
}

/*
 * What stands on the target for the statement TEXT that the recording calls ID: what the target has prepared,
 * or the text itself, if it answered that it does not prepare such statements. ANSWER is NULL without one: STALE if
 * that was lost.
 */
static void map_statement(struct player *p, uint32_t id, const struct facts *answer, bool stale,
			  struct slice text)
{
	const struct facts *prepared = answer ? if_prepared(answer) : NULL;
	const bool as_text = answer && error_is_unpreparable(answer->error_code);
	const bool failed = !prepared && !as_text && !stale;
	const struct mapped m = {
		.recorded_id = id,
		.target_id = prepared ? prepared->statement_id : 0,
		.params = prepared ? prepared->params : 0,
		.failed = failed,
		.as_text = as_text,
		.stale = stale,
		.text = failed || text.len == 0 ? NULL : texts_take(&p->worker->texts, text),
	};

	if (statements_put(&p->statements, &m) != ERR_OK)
		p->worker->outcome.short_of_memory = true;
}

/* The statement of the command at the front was prepared before it, with FACTS for an answer. */
static void prepared_late(struct player *p, const struct facts *facts)
{
	const struct mapped *before = statements_get(&p->statements, p->own_statement);
	struct text *again = before && before->text ? text_again(before->text) : NULL;

	map_statement(p, p->own_statement, facts, false,
		      again ? text_slice(again) : player_text_of(item_body(fifo_front(&p->queue))));
	text_drop(again);
}

/* What the target's answer says of its transaction. */
static void note_status(struct player *p, const struct facts *facts)
{
	const enum chance chance = chance_of(facts->error_code);

	if (chance == CHANCE_DEADLOCK)
		p->status &= (uint16_t)~MYP_STATUS_IN_TRANS;
	p->status_due = chance == CHANCE_LOCK_WAIT && (p->status & MYP_STATUS_IN_TRANS);
	if (!facts->status_known)
		return;
	p->status = facts->status;
	p->wrote = in_transaction(facts) && (p->wrote || facts->affected_rows > 0);
}

/* The answer to a statement of our own. */
static void finish_own(struct player *p, const struct facts *facts)
{
	struct outcome *o = &p->worker->outcome;
	enum player_own own = p->own;
	char text[REMARK_TEXT_MAX];

	p->own = OWN_NONE;
	switch (own) {
	case OWN_TRANSACTION:
		note_status(p, facts);
		p->wrote = in_transaction(facts);      /* as far as anybody knows */
		p->retry.bad |= in_transaction(facts); /* its beginning is not there */
		break;
	case OWN_GUARD:
		if (facts->error_code != 0)
			player_lose(p, NOT_SENT_NOT_CONNECTED,
				    "the target cannot make a session read only");
		break;
	case OWN_STATE:
		if (facts->error_code == 0)
			break;
		o->state_failed++;
		snprintf(text, sizeof(text), "rebuilding a session's state: error %u (%s): %s",
			 facts->error_code, facts->sqlstate, facts->message);
		outcome_trouble(o, text);
		break;
	case OWN_PREPARE:
		prepared_late(p, facts);
		break;
	case OWN_ROLLBACK:
		o->rolled_back++;
		break;
	case OWN_CLOCK:
		o->clock_failed += facts->error_code != 0;
		break;
	case OWN_STATUS:
		note_status(p, facts);
		p->rolled_back = facts->status_known && !in_transaction(facts);
		break;
	case OWN_REPEAT:
		note_status(p, facts);
		player_repeated(p, facts);
		break;
	case OWN_BULK:
		player_take_bulk(p, facts);
		break;
	case OWN_NONE:
		break;
	}
}

/* The command under way was answered, as it says itself now. */
static void finish_command(struct player *p)
{
	struct worker *w = p->worker;
	struct pending *d = p->under_way;
	const struct facts *facts = &d->replayed;
	struct outcome_row *row = outcome_row(&w->outcome, d->key);
	const struct profile_call call = {
		.time_ns = d->sent_ns,
		.latency_ns = facts->first_ns - d->sent_ns,
		.duration_ns = facts->last_ns - d->sent_ns,
		.error = facts->error_code != 0,
		.rows = facts->rows,
		.affected_rows = facts->affected_rows,
		.warnings = facts->warnings,
		.bytes = facts->bytes,
	};

	p->under_way = NULL;
	if (p->progress)
		atomic_store(&p->progress->answered, d->n);
	note_status(p, facts);
	d->answered = true;
	worker_settle(w, d->receipt);
	d->receipt = NULL;
	w->outcome.answered++;
	counter_add(&w->counters.answered, 1);
	if (call.error)
		counter_add(&w->counters.errors, 1);
	if ((row && profile_stats_add(&row->replayed, &call) != ERR_OK) ||
	    timeline_add(&w->outcome.replayed_line, d->at_ns, call.latency_ns, call.error) !=
		    ERR_OK)
		w->outcome.short_of_memory = true;
	if (d->code == MYP_COM_STMT_PREPARE)
		map_statement(p, STATEMENT_LAST, facts, false, slice_of(d->text, d->text_len));
}

static void take_facts(struct player *p, const struct response *r, struct facts *to)
{
	facts_of(r, to);
	if (to->status_known)
		p->status = to->status;
}

static void finish(struct player *p, int64_t now_ns)
{
	struct response *r = p->response;
	const bool is_own = p->own != OWN_NONE;
	struct facts own;

	response_end(r, true);
	r->first_ns = p->first_byte_ns;
	r->last_ns = now_ns;
	take_facts(p, r, is_own ? &own : &p->under_way->replayed);
	if (p->statement && mapped_keep_cursor(p->statement, r) != ERR_OK)
		p->worker->outcome.short_of_memory = true;
	p->statement = NULL;
	worker_response_give(p->worker, r);
	p->response = NULL;
	counter_add(&p->worker->counters.in_flight, -1);
	player_freed(p, now_ns, HELD_BY_TARGET);
	player_set_phase(p, PLAYER_READY);
	if (is_own)
		finish_own(p, &own);
	else
		finish_command(p);
}

/* Rows that have come whole, without looking at each of them as a packet. */
static void take_rows(struct player *p)
{
	struct slice bytes = connection_unread(p->connection);

	response_take_rows(p->response, &p->answer, &bytes);
	connection_take(p->connection, bytes.len);
}

static void take_packet(struct player *p, const struct myp_packet *packet, int64_t now_ns)
{
	struct myp_item item;

	if (p->first_byte_ns == 0)
		p->first_byte_ns = now_ns;
	if (myp_answer_packet(&p->answer, packet, &item) != ERR_OK) {
		player_lose(p, NOT_SENT_CONNECTION_LOST,
			    "the target sent a packet that does not belong there");
		return;
	}
	p->response->packets++;
	p->response->bytes += packet->wire_len;
	response_add(p->response, &item, p->answer.binary,
		     p->statement ? &p->statement->cursor : NULL);
	if (item.kind == MYP_ITEM_INFILE) {
		p->retry.bad = true; /* its content is not kept */
		player_set_phase(p, PLAYER_FILE);
	}
	if (myp_answer_done(&p->answer))
		finish(p, now_ns);
	else if (p->answer.phase == MYP_ANSWER_ROWS)
		take_rows(p);
}

/* Servers say why before they close a connection. */
static void take_farewell(struct player *p, const struct myp_packet *packet)
{
	char text[REMARK_TEXT_MAX] = "the target sent a packet that nobody asked for";
	struct myp_err err;

	if (myp_err_decode(packet->payload, p->caps, &err) == ERR_OK)
		snprintf(text, sizeof(text), "error %u (%s): %.*s", err.code, err.sqlstate,
			 (int)err.message.len, (const char *)err.message.ptr);
	player_lose(p, NOT_SENT_CONNECTION_LOST, text);
}

void player_receive(struct player *p)
{
	struct myp_packet packet;
	int64_t now_ns;

	if (p->phase == PLAYER_CONNECTING || !p->connection ||
	    connection_receive(p->connection, &packet) != ERR_OK)
		return;
	now_ns = clock_mono_ns();
	worker_moved(p->worker, now_ns);
	do {
		if (p->phase == PLAYER_READY)
			take_farewell(p, &packet);
		else
			take_packet(p, &packet, now_ns);
	} while (p->connection && connection_receive(p->connection, &packet) == ERR_OK);
}

void player_user_changed(struct player *p, const struct facts *facts)
{
	struct facts *timed = &p->under_way->replayed;

	*timed = *facts;
	timed->first_ns = timed->last_ns = clock_mono_ns();
	player_freed(p, timed->last_ns, HELD_BY_TARGET);
	finish_command(p);
}

void player_end(struct player *p, const struct facts *facts)
{
	p->under_way->replayed = *facts;
	finish_command(p);
}

/* --- comparison --- */

static int64_t span(int64_t from_ns, int64_t to_ns)
{
	return to_ns == 0 ? -1 : to_ns - from_ns;
}

static void count_recorded(struct outcome *o, struct outcome_row *row, const struct pending *d,
			   const struct facts *f, bool is_baseline)
{
	const bool timed = f->kind != RESPONSE_NONE;
	const struct profile_call call = {
		.time_ns = d->recorded_first_ns,
		.latency_ns = !timed        ? -1
			      : is_baseline ? f->first_ns
					    : span(d->recorded_last_ns, f->first_ns),
		.duration_ns = !timed        ? -1
			       : is_baseline ? f->last_ns
					     : span(d->recorded_first_ns, f->last_ns),
		.error = f->error_code != 0,
		.lost = f->kind == RESPONSE_LOST,
		.rows = f->rows,
		.affected_rows = f->affected_rows,
		.warnings = f->warnings,
		.bytes = f->bytes,
	};

	if ((row && profile_stats_add(&row->recorded, &call) != ERR_OK) ||
	    timeline_add(&o->recorded_line, d->at_ns, call.latency_ns, call.error) != ERR_OK)
		o->short_of_memory = true;
}

/*
 * One side's deadlock undid what the other side's transaction has still done: on the target only,
 * the rest of the transaction is left out; in the recording only, the target's is rolled back,
 * too. A lock wait given up, or a kill, undoes one statement (unless innodb_rollback_on_timeout was set): what differs until the transaction
 * ends may come from that.
 */
static void follow_transaction(struct player *p, enum verdict v, const struct pending *d,
			       const struct facts *recorded)
{
	if ((v == VERDICT_DEADLOCK_REPLAYED ||
	     (v == VERDICT_LOCK_WAIT_REPLAYED && p->rolled_back)) &&
	    in_transaction(recorded)) {
		p->skipping = true;
		p->lost_transaction = false;
	}
	if (v == VERDICT_DEADLOCK_RECORDED && in_transaction(&d->replayed))
		p->rollback_due = true;
	if (v == VERDICT_LOCK_WAIT_RECORDED || v == VERDICT_LOCK_WAIT_REPLAYED ||
	    v == VERDICT_KILLED_RECORDED || v == VERDICT_KILLED_REPLAYED)
		p->diverged = true;
	if (recorded->status_known && !in_transaction(recorded))
		p->skipping = p->diverged = false;
}

/* True if an earlier run, of whose ANSWERS there may be none, was answered otherwise than F. */
static bool was_otherwise(const struct answers *answers, uint64_t session, uint64_t n,
			  const struct facts *f)
{
	struct facts earlier;

	return answers && answers_get(answers, session, n, &earlier) &&
	       verdict_differs(compare_facts(&earlier, f));
}

static enum apart set_apart(struct player *p, const struct pending *d, const struct facts *before,
			    enum verdict v)
{
	struct engine *g = p->worker->engine;
	const struct replay_options *o = g->options;
	const struct evidence e = {
		.depends = d->depends,
		.among_others = d->among_others ||
				atomic_load_explicit(&g->bulk_by_set, memory_order_relaxed),
		.own_ids_differ = p->ids_differ,
		.ids_differ = atomic_load_explicit(&g->ids_differ, memory_order_relaxed),
		.unstable = verdict_differs(v) &&
			    (was_otherwise(o->again, p->session, d->n, &d->replayed) ||
			     was_otherwise(o->baseline_again, p->session, d->n, before)),
	};
	enum apart why = apart_why(v, before, &d->replayed, &e);

	if (v == VERDICT_OTHER_INSERT_ID && why != NOT_APART) {
		p->ids_differ = true;
		atomic_store_explicit(&g->ids_differ, true, memory_order_relaxed);
	}
	return why;
}

/* What D is compared with: the recorded answer, or the baseline's, which OUT has room for. NULL: that is not there. */
static const struct facts *find_before(struct player *p, const struct pending *d,
				       const struct facts *recorded, struct facts *out)
{
	const struct answers *baseline = p->worker->engine->options->baseline;

	if (!baseline || recorded->kind == RESPONSE_NONE)
		return recorded;
	return answers_get(baseline, p->session, d->n, out) ? out : NULL;
}

/* How BEFORE and what D was answered differ, as far as the target has to answer for it. */
static enum verdict judge(struct player *p, const struct pending *d, const struct facts *before)
{
	enum verdict v = compare_facts(before, &d->replayed);

	if (p->worker->engine->options->read_only && guard_refused(before, &d->replayed)) {
		v = VERDICT_REFUSED;
		p->worker->outcome.refused_read_only++;
	}
	if (d->after_gap && verdict_differs(v))
		v = VERDICT_AFTER_GAP;
	if (p->diverged && verdict_differs(v))
		v = VERDICT_CONSEQUENCE;
	if (d->after_loss && verdict_differs(v))
		v = VERDICT_AFTER_LOSS;
	return v;
}

static void keep_difference(struct player *p, struct outcome_row *row, const struct pending *d,
			    struct outcome_sample *sample)
{
	sample->session = p->session;
	sample->n = d->n;
	sample->replayed = d->replayed;
	if (d->code == MYP_COM_QUERY && !d->secret)
		sample->text = d->text;
	if (d->secret) {
		facts_hide_message(&sample->recorded);
		facts_hide_message(&sample->replayed);
	}
	outcome_compared(&p->worker->outcome, row, sample);
}

static void compare(struct player *p, const struct pending *d, const struct facts *recorded)
{
	const bool is_baseline = p->worker->engine->options->baseline != NULL;
	struct outcome *o = &p->worker->outcome;
	struct outcome_row *row = outcome_row(o, d->key);
	enum verdict v = VERDICT_NOT_COMPARED;
	enum apart apart = NOT_APART;
	struct facts earlier;
	const struct facts *before = find_before(p, d, recorded, &earlier);

	if (before) {
		v = judge(p, d, before);
		apart = set_apart(p, d, before, v);
		count_recorded(o, row, d, before, is_baseline);
	}
	if (before && (apart != NOT_APART || verdict_differs(v)) &&
	    outcome_wants_sample(row, apart)) {
		struct outcome_sample sample = {.verdict = v, .apart = apart, .recorded = *before};

		keep_difference(p, row, d, &sample);
	} else {
		outcome_counted(o, row, v, apart);
	}
	follow_transaction(p, compare_facts(recorded, &d->replayed), d, recorded);
}

/* A statement that only the target prepared is closed again. */
void player_close_statement(struct player *p, uint32_t target_id)
{
	uint8_t payload[5] = {MYP_COM_STMT_CLOSE};

	rewrite_statement_id(payload, sizeof(payload), target_id);
	if (p->connection &&
	    connection_send(p->connection, slice_of(payload, sizeof(payload))) != ERR_OK)
		p->worker->outcome.short_of_memory = true;
}

static void link_statement(struct player *p, const struct pending *d, const struct facts *recorded)
{
	const struct facts *answer = d && d->answered ? &d->replayed : NULL;
	struct slice text = d ? slice_of(d->text, d->text_len) : slice_of(NULL, 0);

	if (recorded->kind == RESPONSE_PREPARED)
		map_statement(p, recorded->statement_id, answer,
			      text.len > 0 && (!answer || d->connection != p->connections), text);
	else if (answer && if_prepared(answer) && recorded->kind == RESPONSE_ERROR)
		player_close_statement(p, answer->statement_id);
}

static struct pending *take_first(struct player *p)
{
	struct pending *d = p->first;

	p->first = d->next;
	if (!p->first)
		p->end = &p->first;
	return d;
}

/* For the next run, which is compared with this one: as it is at last, if it was repeated. */
static void keep_answer(struct player *p, const struct pending *d)
{
	struct answers *keep = p->worker->engine->options->keep;
	struct facts kept;

	if (!keep)
		return;
	kept = d->replayed;
	kept.first_ns -= d->sent_ns;
	kept.last_ns -= d->sent_ns;
	answers_add(keep, p->session, d->n, &kept);
}

/* A command of which one answer is missing. */
static void drop(struct player *p, struct pending *d)
{
	struct outcome *o = &p->worker->outcome;

	if (d->answered) {
		keep_answer(p, d);
		outcome_counted(o, outcome_row(o, d->key), VERDICT_NOT_COMPARED, NOT_APART);
	}
	worker_pending_free(p->worker, d);
}

bool player_begins_unsure(struct player *p, const struct item_command *c)
{
	if (!p->unsure || !c->may_write || p->status & MYP_STATUS_IN_TRANS)
		return false;
	(void)player_send_own(p, OWN_TRANSACTION, MYP_COM_QUERY, SLICE_LIT(PLAYER_BEGIN));
	return true;
}

/* What a joined session is like, by its first answer that tells it; the target's follows. */
static void settle_unsure(struct player *p, const struct facts *recorded)
{
	if (!p->unsure || !recorded->status_known)
		return;
	p->unsure = false;
	if (!(recorded->status & MYP_STATUS_AUTOCOMMIT))
		p->transaction_due = p->status & MYP_STATUS_AUTOCOMMIT
					     ? "SET autocommit=0 /* myna: as recorded */"
					     : NULL;
	else if (in_transaction(recorded) && !(p->status & MYP_STATUS_IN_TRANS))
		p->transaction_due = PLAYER_BEGIN;
	else if (!in_transaction(recorded) && p->status & MYP_STATUS_IN_TRANS)
		p->transaction_due = "COMMIT /* myna: no transaction was open */";
}

void player_recorded(struct player *p, const struct item_response *r)
{
	struct pending *d;

	player_turn_done(p, r);
	settle_unsure(p, &r->facts);
	while (p->first && p->first->n < r->n)
		drop(p, take_first(p));
	if (!p->first || p->first->n != r->n) {
		link_statement(p, NULL, &r->facts);
		if (r->facts.status_known && !in_transaction(&r->facts))
			p->skipping = p->diverged = false;
		return;
	}
	d = take_first(p);
	link_statement(p, d, &r->facts);
	if (d->answered) {
		keep_answer(p, d);
		compare(p, d, &r->facts);
		worker_pending_free(p->worker, d);
	} else {
		drop(p, d);
	}
}

void player_settle_rest(struct player *p)
{
	while (p->first)
		drop(p, take_first(p));
}
