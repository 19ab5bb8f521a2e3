/* feed - cuts events into items and hands them to the workers. */
#include "replay/feed.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "mysql/login.h"
#include "replay/databases.h"
#include "replay/plan.h"
#include "replay/player.h"

enum { FEED_PAYLOAD_MAX = 1 << 16 }; /* bytes */

struct feed_session {
	uint64_t id;
	struct player *player; /* the worker's, from its first item on */
	unsigned worker;
	uint32_t copy;
	int64_t shift_ns; /* of recorded time: how much later than the first copy it is */
	bool has_gap, lost_commands;
	struct turns_session turns;
	struct map announced; /* ids of statements that the worker knows; items are marks */
	struct guard_session guarded;
};

enum err feed_init(struct feed *f, struct engine *g, struct worker *workers, unsigned count,
		   struct outcome *outcome)
{
	*f = (struct feed){
		.engine = g, .workers = workers, .worker_count = count, .outcome = outcome};
	map_init(&f->sessions, FEED_SESSIONS_MAX, NULL);
	buf_init(&f->payload, FEED_PAYLOAD_MAX);
	f->turns.order = g->options->order;
	return profile_new(PROFILE_ROWS_MAX, &f->names);
}

static void flush_one(struct feed *f, unsigned worker)
{
	if (f->batches[worker])
		worker_push(&f->workers[worker], f->batches[worker], false);
	f->batches[worker] = NULL;
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
			      .at_ns = at_ns - f->base_ns + s->shift_ns};
	atomic_fetch_add_explicit(&f->engine->waiting_bytes, (long long)size, memory_order_relaxed);
	return item;
}

static uint8_t *put(uint8_t *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

/* May this statement, which rebuilds a part of the state of S, be sent? */
static bool state_passes(struct feed *f, struct feed_session *fs, const struct session *s, size_t i)
{
	return !f->guard || guard_state(f->guard, &fs->guarded, s, s->state[i].text);
}

static size_t state_len(struct feed *f, struct feed_session *fs, const struct session *s)
{
	size_t len = 0;

	for (size_t i = 0; i < s->state_count; i++)
		if (state_passes(f, fs, s, i))
			len += sizeof(uint32_t) + s->state[i].text.len;
	return len;
}

/* What the default database NAME is called on the target. */
static struct slice map_database(const struct feed *f, struct slice name)
{
	const struct opt_texts *map = f->engine->options->databases;

	return map ? databases_map(map, name) : name;
}

/* The account for the recorded USER, which is NULL if it is not known; NULL: the target's own. */
static const struct account *account_of(struct feed *f, const struct slice *user)
{
	const struct accounts *accounts = f->engine->options->accounts;
	const struct account *found = accounts && user ? accounts_find(accounts, *user) : NULL;
	char text[REMARK_TEXT_MAX];

	if (!accounts || found)
		return found;
	if (user)
		(void)snprintf(text, sizeof(text), "logged in as the target's own user: %.*s",
			       (int)slice_head(*user, sizeof(text)).len, (const char *)user->ptr);
	else
		(void)snprintf(text, sizeof(text),
			       "logged in as the target's own user: a session "
			       "whose user is not known");
	outcome_note(f->outcome, text);
	return NULL;
}

static enum err put_open(struct feed *f, struct feed_session *fs, const struct session *s,
			 int64_t at_ns)
{
	const struct slice database = map_database(f, fact_slice(&s->database)),
			   user = fact_slice(&s->user);
	const struct item_open head = {
		.account = account_of(f, s->user.source != FACT_UNKNOWN ? &user : NULL),
		.caps = s->caps,
		.session = s->id,
		.connection_id = s->connection_id,
		.copy = fs->copy,
		.room = f->open[fs->worker],
		.database_len = (uint32_t)database.len,
		.attributes_len = (uint32_t)s->attributes.len,
		.state_len = (uint32_t)state_len(f, fs, s),
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
	to = put(to, database);
	to = put(to, fact_slice(&s->attributes));
	for (size_t i = 0; i < s->state_count; i++) {
		uint32_t len = (uint32_t)s->state[i].text.len;

		if (!state_passes(f, fs, s, i))
			continue;
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
	f->open[fs->worker]++;
	f->outcome->joined += s->joined;
	f->outcome->state_incomplete += s->joined && (s->state_incomplete || !s->database_known);
	engine_kill_put(f->engine, engine_kill_key(s->connection_id, copy), 0);
	if (!fs->player) {
		(void)state_len(f, fs, s); /* what is prepared, so that its executions pass */
		return ERR_OK;
	}
	return put_open(f, fs, s, at_ns);
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
	return item_new(f, fs, ITEM_END, 0, at_ns) ? ERR_OK : ERR_NOMEM;
}

static enum err session_end(struct feed *f, struct feed_session *fs, int64_t at_ns)
{
	enum err e = put_end(f, fs, at_ns);

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
static void new_user(struct feed *f, const struct session *s, const struct command *c,
		     struct slice *database, struct item_command *head)
{
	struct slice user = fact_slice(&s->user);
	struct myp_login login = {.database = c->database, .collation = s->collation, .user = user};

	if (c->payload.len == 0 || myp_change_user_decode(c->payload, s->caps, &login) != ERR_OK)
		login = (struct myp_login){
			.database = c->database, .collation = s->collation, .user = user};
	*database = map_database(f, login.database);
	head->collation = login.collation;
	head->account = account_of(f, &login.user);
}

/* Databases by their names on the target. ERR_NOMEM, ERR_LIMIT. */
static enum err rename_database(struct feed *f, const struct session *s, const struct command *c,
				struct slice *payload)
{
	const struct opt_texts *map = f->engine->options->databases;
	const struct sql_options options = session_sql_options(s);

	if (!map || !c->text_known || payload->ptr != c->payload.ptr)
		return ERR_OK;
	buf_reset(&f->payload);
	if (c->code == MYP_COM_INIT_DB) {
		buf_put_u8(&f->payload, MYP_COM_INIT_DB);
		buf_put_slice(&f->payload, databases_map(map, c->text));
		*payload = buf_slice(&f->payload);
	} else if (c->code == MYP_COM_QUERY && databases_use(map, c->text, options, &f->payload)) {
		*payload = buf_slice(&f->payload);
	} else if ((c->code == MYP_COM_QUERY || c->code == MYP_COM_STMT_PREPARE) &&
		   databases_named(map, c->text, options)) {
		outcome_note(f->outcome,
			     "sent as recorded, though it names a database of --map-db itself");
	}
	return buf_err(&f->payload);
}

/* Whether the command is sent, and its bytes as the target has to get them. ERR_NOMEM. */
static enum err decide(struct feed *f, struct feed_session *fs, const struct event *e,
		       struct plan *plan, struct slice *payload)
{
	const struct command *c = e->command;

	*payload = c->payload;
	plan_command(e->session, c, plan);
	if (f->guard && plan->reason == SENT)
		plan->reason = guard_command(f->guard, &fs->guarded, e->session, c, payload);
	if (plan->reason != SENT)
		return ERR_OK;
	return rename_database(f, e->session, c, payload) == ERR_OK ? ERR_OK : ERR_NOMEM;
}

/* A dry run only counts. */
static enum err count_command(struct feed *f, struct feed_session *fs, const struct event *e,
			      uint64_t key)
{
	struct outcome_row *row = outcome_row(f->outcome, key);
	struct slice payload;
	struct plan plan;
	enum err err = decide(f, fs, e, &plan, &payload);

	if (err != ERR_OK || !row)
		return ERR_NOMEM;
	if (plan.reason != SENT) {
		outcome_not_sent(f->outcome, key, plan.reason);
		return ERR_OK;
	}
	f->outcome->sent++;
	row->would_send++;
	return ERR_OK;
}

static enum err put_command(struct feed *f, struct feed_session *fs, const struct event *e,
			    uint64_t key)
{
	const struct command *c = e->command;
	struct slice text = text_before(fs, c), payload;
	struct item_command head = {
		.n = c->n,
		.turn = turns_command(&f->turns, &fs->turns, e->session, c),
		.key = key,
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
		.after_gap = fs->lost_commands,
		.sql = session_sql_options(e->session),
	};
	struct plan plan;
	struct item *item;
	uint8_t *to;

	if (decide(f, fs, e, &plan, &payload) != ERR_OK)
		return ERR_NOMEM;
	if (payload.ptr != c->payload.ptr)
		head.caps = 0;
	head.reason = plan.reason;
	head.kill_id = plan.kill_id;
	head.kill_query = plan.kill_query;
	head.begins = plan.begins;
	if (c->code == MYP_COM_CHANGE_USER)
		new_user(f, e->session, c, &text, &head);
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

static enum err on_command(struct feed *f, struct feed_session *fs, const struct event *e)
{
	struct profile_row *row;
	enum err err = profile_find(f->names, e->session, e->command, &row);

	f->outcome->commands++;
	f->outcome->after_gap += fs->lost_commands;
	if (err != ERR_OK)
		return err;
	return fs->player ? put_command(f, fs, e, row->key) : count_command(f, fs, e, row->key);
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
	if (!fs)
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
	enum err err = ERR_OK;

	if (!f->begun)
		begin(f, e);
	else
		cut_pause(f, e);
	f->last_ns = e->time_ns > f->last_ns ? e->time_ns : f->last_ns;
	for (uint32_t copy = 0; err == ERR_OK && copy < f->engine->options->copies; copy++)
		err = copy_event(f, e, copy);
	return err;
}

enum err feed_end(struct feed *f)
{
	const struct feed_session *fs;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (fs = map_next(&f->sessions, &at));)
		e = put_end(f, fs, f->last_ns);
	feed_flush(f);
	for (unsigned i = 0; i < f->worker_count; i++)
		worker_push(&f->workers[i], NULL, true);
	return e;
}

void feed_release(struct feed *f)
{
	struct feed_session *fs;

	for (size_t at = 0; (fs = map_next(&f->sessions, &at));)
		feed_session_free(fs);
	map_release(&f->sessions);
	buf_release(&f->payload);
	for (unsigned i = 0; i < REPLAY_THREADS_MAX; i++)
		mem_free(f->batches[i]);
	profile_free(f->names);
}
