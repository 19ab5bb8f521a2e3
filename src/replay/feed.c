/* feed - cuts events into items and hands them to the workers. */
#include "replay/feed.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "replay/feed_item.h"
#include "replay/player.h"

enum err feed_init(struct feed *f, struct engine *g, struct worker *workers, unsigned count,
		   struct outcome *outcome)
{
	*f = (struct feed){.engine = g,
			   .workers = workers,
			   .worker_count = count,
			   .outcome = outcome,
			   .since_ns = INT64_MIN,
			   .until_ns = INT64_MAX};
	map_init(&f->sessions, FEED_SESSIONS_MAX, NULL);
	map_init(&f->users, FEED_USERS_MAX, NULL);
	buf_init(&f->payload, FEED_PAYLOAD_MAX);
	examples_init(&f->examples);
	f->turns.order = g->options->order;
	spool_init(&f->spool, g->options->spool_folder, g->options->spool_limit);
	return profile_new(PROFILE_ROWS_MAX, &f->names);
}

/*
 * What waits is counted here and not item by item: the workers change the count, and what one processor writes another
 * has to fetch.
 */
static void hand_over(struct feed *f, unsigned worker, struct batch *b)
{
	atomic_fetch_add(&f->engine->waiting_bytes, (long long)b->len);
	worker_push(&f->workers[worker], b, false);
}

void feed_flush_one(struct feed *f, unsigned worker)
{
	struct batch *b = f->batches[worker];

	f->batches[worker] = NULL;
	if (!b)
		return;
	if (!f->engine->options->live || f->failure.code != ERR_OK ||
	    (spool_bytes(&f->spool) == 0 && !engine_is_full(f->engine)) ||
	    spool_put(&f->spool, worker, b, &f->failure) != ERR_OK) {
		hand_over(f, worker, b);
		return;
	}
	if (spool_bytes(&f->spool) > f->outcome->spool_peak)
		f->outcome->spool_peak = spool_bytes(&f->spool);
	batch_free(&f->engine->handed, b);
}

void feed_refill(struct feed *f)
{
	struct batch *b;
	unsigned worker;

	while (f->failure.code == ERR_OK && spool_bytes(&f->spool) > 0 &&
	       !engine_is_full(f->engine)) {
		if (spool_take(&f->spool, &worker, &b, &f->failure) != ERR_OK)
			return;
		hand_over(f, worker, b);
	}
}

void feed_flush(struct feed *f)
{
	for (unsigned i = 0; i < f->worker_count; i++)
		feed_flush_one(f, i);
}

/* The worker with the fewest sessions. */
static unsigned least_busy(const struct feed *f)
{
	unsigned least = 0;

	for (unsigned i = 1; i < f->worker_count; i++)
		if (f->open[i] < f->open[least])
			least = i;
	return least;
}

/* A copy of a session is one of its own. */
static uint64_t session_key(uint64_t id, uint32_t copy)
{
	return copy == 0 ? id : hash_mix(id, copy);
}

/* How much later COPY is than the first one, in recorded time. */
static int64_t shift_of(const struct feed *f, uint32_t copy)
{
	const struct replay_options *o = f->engine->options;

	return (int64_t)((double)o->spread_ns * copy / o->copies * (o->speed > 0 ? o->speed : 1));
}

/* For the checkpoint: how far the session comes, and whether it goes on from one. */
static bool follow(struct feed *f, struct feed_session *fs, const struct session *s)
{
	const struct replay_options *o = f->engine->options;
	struct progress *progress = o->resume ? checkpoint_progress(o->resume, s->id) : NULL;

	if (!o->checkpoint)
		return true;
	if (progress) {
		fs->resumed = true;
		f->outcome->resumed++;
		f->outcome->under_way_before +=
			atomic_load(&progress->sent) > atomic_load(&progress->answered);
	} else {
		progress = progress_add(&f->progress, s->id);
	}
	fs->player->progress = progress;
	return progress != NULL;
}

/* What a session has that was open before, and what of it cannot be had on the target. */
static void count_joined(struct feed *f, struct feed_session *fs, const struct session *s)
{
	const uint32_t not_rebuilt = SESSION_OPEN_TEMPORARY_TABLE | SESSION_OPEN_USER_LOCK |
				     SESSION_OPEN_TABLE_LOCK | SESSION_OPEN_CURSOR;
	const bool was_open = s->joined || (s->start_ns > 0 && s->start_ns < f->since_ns);
	struct outcome *o = f->outcome;

	fs->was_open = was_open;
	fs->unsure = s->joined && s->commands <= 1 && !fs->resumed &&
		     (s->state_incomplete || !session_was_asked(s));
	fs->turns.in_transaction = was_open && s->open & SESSION_OPEN_TRANSACTION;
	o->joined += was_open;
	o->state_incomplete += was_open && (s->state_incomplete || !s->database_known);
	o->in_transaction += was_open && s->open & SESSION_OPEN_TRANSACTION;
	o->open_before += was_open && s->open & not_rebuilt;
}

static enum err session_add(struct feed *f, const struct session *s, uint32_t copy, int64_t at_ns)
{
	struct feed_session *fs = mem_zalloc(sizeof(*fs));
	enum err e;

	if (!fs)
		return ERR_NOMEM;
	fs->id = session_key(s->id, copy);
	fs->copy = copy;
	fs->shift_ns = shift_of(f, copy);
	fs->worker = least_busy(f);
	fs->player = f->engine->options->dry ? NULL : player_new();
	map_init(&fs->announced, SESSION_STATEMENTS_MAX, NULL);
	guard_session_init(&fs->guarded);
	e = fs->player || f->engine->options->dry ? map_put(&f->sessions, fs->id, fs) : ERR_NOMEM;
	if (e != ERR_OK) {
		if (fs->player)
			player_free(fs->player);
		mem_free(fs);
		return e;
	}
	if (e == ERR_OK && !follow(f, fs, s))
		return ERR_NOMEM;
	f->open[fs->worker]++;
	count_joined(f, fs, s);
	engine_kill_put(f->engine, engine_kill_key(s->connection_id, copy), 0);
	if (!fs->player) {
		(void)feed_state_len(f, fs, s); /* what is prepared, so that its executions pass */
		return ERR_OK;
	}
	return feed_put_open(f, fs, s, ITEM_OPEN, at_ns);
}

static void feed_session_free(struct feed_session *fs)
{
	map_release(&fs->announced);
	guard_session_release(&fs->guarded);
	mem_free(fs);
}

static enum err put_end(struct feed *f, const struct feed_session *fs, int64_t at_ns)
{
	f->open[fs->worker]--;
	if (!fs->player)
		return ERR_OK;
	return feed_item_new(f, fs, ITEM_END, 0, at_ns) ? ERR_OK : ERR_NOMEM;
}

static enum err session_end(struct feed *f, struct feed_session *fs, int64_t at_ns)
{
	enum err e = fs->shed ? ERR_OK : put_end(f, fs, at_ns);

	(void)map_take(&f->sessions, fs->id, NULL);
	feed_session_free(fs);
	return e;
}

/* When the session began, unless it is told of later, as what came before was left out. */
static int64_t begin_ns(const struct event *e)
{
	const struct session *s = e->session;

	return s->start_ns > 0 && s->start_ns < e->time_ns && s->commands == 0 && !s->joined
		       ? s->start_ns
		       : e->time_ns;
}

static enum err on_session(struct feed *f, const struct event *e, uint32_t copy)
{
	const struct session *s = e->session;

	f->outcome->sessions++;
	switch (s->login) {
	case SESSION_LOGIN_ERROR:
		f->outcome->not_logged_in++;
		return ERR_OK;
	case SESSION_LOGIN_TLS:
		f->outcome->encrypted++;
		return ERR_OK;
	case SESSION_LOGIN_NONE: /* opened when it says something */
		return ERR_OK;
	case SESSION_LOGIN_OK:
		break;
	}
	return session_add(f, s, copy, begin_ns(e));
}

/* The spool is full: a session that says more is let go, and is told apart from then on. */
static enum err shed_if_full(struct feed *f, struct feed_session *fs, int64_t at_ns)
{
	uint64_t waiting = spool_bytes(&f->spool);

	if (waiting >= f->spool.limit)
		f->shedding = waiting > 0;
	else if (waiting < f->spool.limit / 2)
		f->shedding = false;
	if (!f->shedding || fs->shed)
		return ERR_OK;
	fs->shed = true;
	f->outcome->shed++;
	return put_end(f, fs, at_ns);
}

static enum err on_command(struct feed *f, struct feed_session *fs, const struct event *e)
{
	struct profile_row *row;
	enum err err = profile_find(f->names, e->session, e->command, &row);

	f->outcome->commands++;
	f->outcome->after_gap += fs->lost_commands;
	if (err == ERR_OK)
		err = shed_if_full(f, fs, e->time_ns);
	if (err != ERR_OK)
		return err;
	if (fs->shed) {
		outcome_not_sent(f->outcome, row->key, NOT_SENT_SHED);
		return ERR_OK;
	}
	if (f->engine->options->keep_examples)
		examples_offer(&f->examples, e->session, e->command, row);
	return fs->player ? feed_put_command(f, fs, e, row)
			  : feed_count_command(f, fs, e, row->key);
}

static enum err on_response(struct feed *f, struct feed_session *fs, const struct event *e)
{
	struct item *item =
		feed_item_new(f, fs, ITEM_RESPONSE, sizeof(struct item_response), e->time_ns);
	struct item_response *r;

	if (!item)
		return ERR_NOMEM;
	r = item_body(item);
	r->n = e->response->n;
	facts_of(e->response, &r->facts);
	r->after = f->turns.count;
	fs->unsure = fs->unsure && !r->facts.status_known;
	r->turn = turns_response(&f->turns, &fs->turns, r->n, &r->facts);
	if (e->response->kind == RESPONSE_PREPARED)
		feed_announce(fs, e->response->statement_id);
	return ERR_OK;
}

static enum err on_data(struct feed *f, struct feed_session *fs, const struct event *e)
{
	const struct item_data head = {.len = (uint32_t)e->data.bytes.len};
	struct item *item =
		feed_item_new(f, fs, ITEM_DATA, sizeof(head) + e->data.bytes.len, e->time_ns);

	if (!item)
		return ERR_NOMEM;
	feed_put_bytes(feed_put_bytes(item_body(item), slice_of(&head, sizeof(head))),
		       e->data.bytes);
	return ERR_OK;
}

static void begin(struct feed *f, const struct event *e)
{
	f->begun = true;
	f->first_ns = e->type == EVENT_SESSION ? begin_ns(e) : e->time_ns;
	f->base_ns = f->first_ns;
	f->engine->pace.start_ns = clock_mono_ns();
}

/* A pause in which nobody said anything is as long as is allowed. */
static void cut_pause(struct feed *f, const struct event *e)
{
	int64_t allowed_ns = f->engine->options->idle_skip_ns;

	if (allowed_ns > 0 && e->time_ns - f->last_ns > allowed_ns)
		f->base_ns += e->time_ns - f->last_ns - allowed_ns;
}

static enum err copy_event(struct feed *f, const struct event *e, uint32_t copy)
{
	uint64_t key = session_key(e->session->id, copy);
	struct feed_session *fs = map_get(&f->sessions, key, NULL);
	enum err err;

	if (!fs && e->type == EVENT_SESSION)
		return on_session(f, e, copy);
	if (!fs && e->type == EVENT_COMMAND) {
		err = session_add(f, e->session, copy, e->command->first_ns);
		if (err != ERR_OK)
			return err;
		fs = map_get(&f->sessions, key, NULL);
	}
	if (!fs || (fs->shed && e->type != EVENT_COMMAND && e->type != EVENT_END))
		return ERR_OK;
	switch (e->type) {
	case EVENT_COMMAND:
		return on_command(f, fs, e);
	case EVENT_DATA:
		return fs->player ? on_data(f, fs, e) : ERR_OK;
	case EVENT_RESPONSE:
		return fs->player ? on_response(f, fs, e) : ERR_OK;
	case EVENT_END:
		return session_end(f, fs, e->time_ns);
	case EVENT_GAP:
		f->outcome->with_gaps += !fs->has_gap;
		fs->has_gap = true;
		fs->lost_commands |= e->gap.side == GAP_COMMANDS;
		break;
	case EVENT_SESSION:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return ERR_OK;
}

enum err feed_event(struct feed *f, const struct event *e)
{
	enum err err = f->failure.code;

	f->receipt = e->receipt;
	if (!f->begun)
		begin(f, e);
	else
		cut_pause(f, e);
	f->last_ns = e->time_ns > f->last_ns ? e->time_ns : f->last_ns;
	for (uint32_t copy = 0; err == ERR_OK && copy < f->engine->options->copies; copy++)
		err = copy_event(f, e, copy);
	return err;
}

/* Privileges, limits and what CURRENT_USER() says are those of one account. */
static void note_users(struct feed *f)
{
	char text[REMARK_TEXT_MAX];

	if (f->users.count < 2)
		return;
	(void)snprintf(text, sizeof(text),
		       "account, that of --user, stands for %zu recorded users: --users names more",
		       f->users.count);
	outcome_note(f->outcome, text);
}

enum err feed_end(struct feed *f)
{
	const struct feed_session *fs;
	enum err e = ERR_OK;

	f->receipt = NULL;
	note_users(f);
	for (size_t at = 0; e == ERR_OK && (fs = map_next(&f->sessions, &at));)
		if (!fs->shed)
			e = put_end(f, fs, f->last_ns);
	feed_flush(f);
	return e;
}

void feed_close(struct feed *f)
{
	for (unsigned i = 0; i < f->worker_count; i++)
		worker_push(&f->workers[i], NULL, true);
}

void feed_release(struct feed *f)
{
	struct feed_session *fs;

	for (size_t at = 0; (fs = map_next(&f->sessions, &at));)
		feed_session_free(fs);
	map_release(&f->sessions);
	map_release(&f->users);
	buf_release(&f->payload);
	spool_release(&f->spool);
	for (unsigned i = 0; i < f->worker_count; i++)
		batch_free(&f->engine->handed, f->batches[i]);
	progress_release(&f->progress);
	profile_free(f->names);
	examples_release(&f->examples);
}
