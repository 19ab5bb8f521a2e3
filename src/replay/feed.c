/* feed - cuts events into items and hands them to the workers. */
#include "replay/feed.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "mysql/login.h"
#include "replay/plan.h"
#include "replay/player.h"

struct feed_session {
	uint64_t id;
	struct player *player; /* the worker's, from its first item on */
	unsigned worker;
	bool has_gap;
	bool shed; /* nothing of it is sent any more */
	struct turns_session turns;
	struct map announced; /* ids of statements that the worker knows; items are marks */
};

enum err feed_init(struct feed *f, struct engine *g, struct worker *workers, unsigned count,
		   struct outcome *outcome)
{
	*f = (struct feed){
		.engine = g, .workers = workers, .worker_count = count, .outcome = outcome};
	map_init(&f->sessions, FEED_SESSIONS_MAX, NULL);
	examples_init(&f->examples);
	f->turns.order = g->options->order;
	spool_init(&f->spool, g->options->spool_folder, g->options->spool_limit);
	return profile_new(PROFILE_ROWS_MAX, &f->names);
}

static void flush_one(struct feed *f, unsigned worker)
{
	struct batch *b = f->batches[worker];

	f->batches[worker] = NULL;
	if (!b)
		return;
	if (!f->engine->options->live || f->failure.code != ERR_OK ||
	    (spool_bytes(&f->spool) == 0 && !engine_is_full(f->engine)) ||
	    spool_put(&f->spool, worker, b, &f->failure) != ERR_OK) {
		worker_push(&f->workers[worker], b, false);
		return;
	}
	atomic_fetch_sub(&f->engine->waiting_bytes, (long long)b->len);
	if (spool_bytes(&f->spool) > f->outcome->spool_peak)
		f->outcome->spool_peak = spool_bytes(&f->spool);
	mem_free(b);
}

void feed_refill(struct feed *f)
{
	struct batch *b;
	unsigned worker;

	while (f->failure.code == ERR_OK && spool_bytes(&f->spool) > 0 &&
	       !engine_is_full(f->engine)) {
		if (spool_take(&f->spool, &worker, &b, &f->failure) != ERR_OK)
			return;
		atomic_fetch_add(&f->engine->waiting_bytes, (long long)b->len);
		worker_push(&f->workers[worker], b, false);
	}
}

void feed_flush(struct feed *f)
{
	for (unsigned i = 0; i < f->worker_count; i++)
		flush_one(f, i);
}

/* Room for an item with BODY bytes behind its head; NULL: no memory. */
static struct item *item_new(struct feed *f, const struct feed_session *s, enum item_type type,
			     size_t body, int64_t at_ns)
{
	size_t size = (sizeof(struct item) + body + ITEM_ALIGN - 1) / ITEM_ALIGN * ITEM_ALIGN;
	struct batch *b = f->batches[s->worker];
	struct item *item;

	if (size > UINT32_MAX)
		return NULL;
	if (b && b->cap - b->len < size) {
		flush_one(f, s->worker);
		b = NULL;
	}
	if (!b) {
		size_t cap = size > BATCH_AIM ? size : (size_t)BATCH_AIM;

		b = mem_alloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->len = 0;
		b->cap = cap;
		f->batches[s->worker] = b;
	}
	item = (struct item *)(void *)(b->bytes + b->len);
	b->len += size;
	*item = (struct item){.size = (uint32_t)size,
			      .type = type,
			      .player = s->player,
			      .at_ns = at_ns - f->base_ns};
	atomic_fetch_add_explicit(&f->engine->waiting_bytes, (long long)size, memory_order_relaxed);
	return item;
}

static uint8_t *put(uint8_t *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

static size_t state_len(const struct session *s)
{
	size_t len = 0;

	for (size_t i = 0; i < s->state_count; i++)
		len += sizeof(uint32_t) + s->state[i].text.len;
	return len;
}

static enum err put_open(struct feed *f, const struct feed_session *fs, const struct session *s,
			 int64_t at_ns)
{
	const struct item_open head = {
		.caps = s->caps,
		.session = s->id,
		.connection_id = s->connection_id,
		.room = f->open[fs->worker],
		.database_len = (uint32_t)s->database.len,
		.attributes_len = (uint32_t)s->attributes.len,
		.state_len = (uint32_t)state_len(s),
		.collation = s->collation,
		.caps_known = s->caps_known,
		.database_known = s->database_known,
	};
	struct item *item = item_new(
		f, fs, ITEM_OPEN,
		sizeof(head) + head.database_len + head.attributes_len + head.state_len, at_ns);
	uint8_t *to;

	if (!item)
		return ERR_NOMEM;
	to = put(item_body(item), slice_of(&head, sizeof(head)));
	to = put(to, fact_slice(&s->database));
	to = put(to, fact_slice(&s->attributes));
	for (size_t i = 0; i < s->state_count; i++) {
		uint32_t len = (uint32_t)s->state[i].text.len;

		for (size_t b = 0; b < sizeof(len); b++)
			*to++ = (uint8_t)(len >> (8 * b));
		to = put(to, s->state[i].text);
	}
	return ERR_OK;
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

static enum err session_add(struct feed *f, const struct session *s, int64_t at_ns)
{
	struct feed_session *fs = mem_zalloc(sizeof(*fs));
	enum err e;

	if (!fs)
		return ERR_NOMEM;
	fs->id = s->id;
	fs->worker = least_busy(f);
	fs->player = player_new();
	map_init(&fs->announced, SESSION_STATEMENTS_MAX, NULL);
	e = fs->player ? map_put(&f->sessions, s->id, fs) : ERR_NOMEM;
	if (e != ERR_OK) {
		if (fs->player)
			player_free(fs->player);
		mem_free(fs);
		return e;
	}
	f->open[fs->worker]++;
	f->outcome->joined += s->joined;
	f->outcome->state_incomplete += s->joined && (s->state_incomplete || !s->database_known);
	return put_open(f, fs, s, at_ns);
}

static void feed_session_free(struct feed_session *fs)
{
	map_release(&fs->announced);
	mem_free(fs);
}

static enum err put_end(struct feed *f, const struct feed_session *fs, int64_t at_ns)
{
	f->open[fs->worker]--;
	return item_new(f, fs, ITEM_END, 0, at_ns) ? ERR_OK : ERR_NOMEM;
}

static enum err session_end(struct feed *f, struct feed_session *fs, int64_t at_ns)
{
	enum err e = fs->shed ? ERR_OK : put_end(f, fs, at_ns);

	(void)map_take(&f->sessions, fs->id, NULL);
	feed_session_free(fs);
	return e;
}

static enum err on_session(struct feed *f, const struct event *e)
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
	return session_add(f, s, s->start_ns > 0 ? s->start_ns : e->time_ns);
}

/* --- statements whose text the worker knows --- */

static uint64_t id_hash(uint32_t id)
{
	return hash_mix(id, 0);
}

/* Out of memory, the worker gets the text once more. */
static void announce(struct feed_session *fs, uint32_t id)
{
	if (!map_get(&fs->announced, id_hash(id), NULL) &&
	    map_put(&fs->announced, id_hash(id), fs) != ERR_OK)
		return;
}

/* The text to prepare before C, if that has to be done and can be. */
static struct slice text_before(struct feed_session *fs, const struct command *c)
{
	const struct slice none = {.ptr = NULL, .len = 0};

	if (c->code != MYP_COM_STMT_EXECUTE && c->code != MYP_COM_STMT_SEND_LONG_DATA &&
	    c->code != MYP_COM_STMT_BULK_EXECUTE)
		return none;
	if (!c->has_statement || !c->text_known ||
	    map_get(&fs->announced, id_hash(c->statement_id), NULL))
		return none;
	announce(fs, c->statement_id);
	return c->text;
}

static void forget(struct feed_session *fs, const struct command *c)
{
	if (c->code == MYP_COM_STMT_CLOSE && c->has_statement)
		(void)map_take(&fs->announced, id_hash(c->statement_id), NULL);
	if (c->code == MYP_COM_CHANGE_USER || c->code == MYP_COM_RESET_CONNECTION)
		map_release(&fs->announced);
}

/* --- commands --- */

/* What a COM_CHANGE_USER asks for; without its bytes, what was in force stays so. */
static void new_user(const struct session *s, const struct command *c, struct slice *database,
		     uint16_t *collation)
{
	struct myp_login login;

	*database = c->database;
	*collation = s->collation;
	if (c->payload.len == 0 || myp_change_user_decode(c->payload, s->caps, &login) != ERR_OK)
		return;
	*database = login.database;
	*collation = login.collation;
}

static enum err put_command(struct feed *f, struct feed_session *fs, const struct event *e,
			    const struct profile_row *row)
{
	const struct command *c = e->command;
	struct slice text = text_before(fs, c), payload = c->payload;
	struct item_command head = {
		.n = c->n,
		.turn = turns_command(&f->turns, &fs->turns, e->session, c),
		.key = row->key,
		.caps = e->session->caps,
		.first_ns = c->first_ns,
		.last_ns = c->last_ns,
		.types_count = c->code == MYP_COM_STMT_EXECUTE && c->params_known
				       ? (uint32_t)c->params->count
				       : 0,
		.statement_id = c->statement_id,
		.collation = e->session->collation,
		.code = c->code,
		.has_statement = c->has_statement,
		.sql = session_sql_options(e->session),
		.depends = nature_of(&f->natures, e->session, c, row),
		.among_others = f->sessions.count > 1,
	};
	struct plan plan;
	struct item *item;
	uint8_t *to;

	plan_command(e->session, c, &plan);
	head.reason = plan.reason;
	head.kill_id = plan.kill_id;
	head.kill_query = plan.kill_query;
	head.begins = plan.begins;
	if (c->code == MYP_COM_CHANGE_USER)
		new_user(e->session, c, &text, &head.collation);
	if (plan.reason != SENT || c->code == MYP_COM_CHANGE_USER)
		payload = (struct slice){.ptr = NULL, .len = 0};
	head.text_len = (uint32_t)text.len;
	head.payload_len = (uint32_t)payload.len;
	item = item_new(f, fs, ITEM_COMMAND,
			sizeof(head) + head.types_count * sizeof(uint16_t) + text.len + payload.len,
			c->first_ns);
	if (!item)
		return ERR_NOMEM;
	to = put(item_body(item), slice_of(&head, sizeof(head)));
	for (uint32_t i = 0; i < head.types_count; i++) {
		const uint16_t type = myp_param_wire_type(&c->params->items[i]);

		to = put(to, slice_of(&type, sizeof(type)));
	}
	to = put(to, text);
	put(to, payload);
	forget(fs, c);
	return ERR_OK;
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
	return put_command(f, fs, e, row);
}

static enum err on_response(struct feed *f, struct feed_session *fs, const struct event *e)
{
	struct item *item =
		item_new(f, fs, ITEM_RESPONSE, sizeof(struct item_response), e->time_ns);
	struct item_response *r;

	if (!item)
		return ERR_NOMEM;
	r = item_body(item);
	r->n = e->response->n;
	facts_of(e->response, &r->facts);
	r->after = f->turns.count;
	r->turn = turns_response(&f->turns, &fs->turns, r->n, &r->facts);
	if (e->response->kind == RESPONSE_PREPARED)
		announce(fs, e->response->statement_id);
	return ERR_OK;
}

static enum err on_data(struct feed *f, struct feed_session *fs, const struct event *e)
{
	const struct item_data head = {.len = (uint32_t)e->data.bytes.len};
	struct item *item =
		item_new(f, fs, ITEM_DATA, sizeof(head) + e->data.bytes.len, e->time_ns);

	if (!item)
		return ERR_NOMEM;
	put(put(item_body(item), slice_of(&head, sizeof(head))), e->data.bytes);
	return ERR_OK;
}

static void begin(struct feed *f, const struct event *e)
{
	const struct session *s = e->session;

	f->begun = true;
	f->first_ns = e->time_ns;
	if (e->type == EVENT_SESSION && !s->joined && s->start_ns > 0 && s->start_ns < f->first_ns)
		f->first_ns = s->start_ns;
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

enum err feed_event(struct feed *f, const struct event *e)
{
	struct feed_session *fs = map_get(&f->sessions, e->session->id, NULL);
	enum err err;

	if (f->failure.code != ERR_OK)
		return f->failure.code;
	if (!f->begun)
		begin(f, e);
	else
		cut_pause(f, e);
	f->last_ns = e->time_ns > f->last_ns ? e->time_ns : f->last_ns;
	if (!fs && e->type == EVENT_SESSION)
		return on_session(f, e);
	if (!fs && e->type == EVENT_COMMAND) {
		err = session_add(f, e->session, e->command->first_ns);
		if (err != ERR_OK)
			return err;
		fs = map_get(&f->sessions, e->session->id, NULL);
	}
	if (!fs || (fs->shed && e->type != EVENT_COMMAND && e->type != EVENT_END))
		return ERR_OK;
	switch (e->type) {
	case EVENT_COMMAND:
		return on_command(f, fs, e);
	case EVENT_DATA:
		return on_data(f, fs, e);
	case EVENT_RESPONSE:
		return on_response(f, fs, e);
	case EVENT_END:
		return session_end(f, fs, e->time_ns);
	case EVENT_GAP:
		f->outcome->with_gaps += !fs->has_gap;
		fs->has_gap = true;
		break;
	case EVENT_SESSION:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return ERR_OK;
}

enum err feed_end(struct feed *f)
{
	const struct feed_session *fs;
	enum err e = ERR_OK;

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
	spool_release(&f->spool);
	for (unsigned i = 0; i < REPLAY_THREADS_MAX; i++)
		mem_free(f->batches[i]);
	profile_free(f->names);
	examples_release(&f->examples);
}
