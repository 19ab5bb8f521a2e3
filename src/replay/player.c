/* player - plays one recorded session: its connection and its phases. */
#include "replay/player.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replay/agreed.h"
#include "replay/guard.h"

enum { PLAYER_PAYLOAD_MAX = 16 << 20 }; /* bytes of an answer's packet that are looked at */

/* A client that had left before its answer came stays so much longer than it did. */
static const int64_t PLAYER_GRACE_NS = NS_PER_S;

static const unsigned phase_next[PLAYER_PHASES] = {
	[PLAYER_WAITING] = 1u << PLAYER_CONNECTING | 1u << PLAYER_GONE,
	[PLAYER_CONNECTING] = 1u << PLAYER_READY | 1u << PLAYER_GONE,
	[PLAYER_READY] = 1u << PLAYER_BUSY | 1u << PLAYER_CONNECTING | 1u << PLAYER_GONE,
	[PLAYER_BUSY] = 1u << PLAYER_READY | 1u << PLAYER_FILE | 1u << PLAYER_GONE,
	[PLAYER_FILE] = 1u << PLAYER_BUSY | 1u << PLAYER_READY | 1u << PLAYER_GONE,
	[PLAYER_GONE] = 0,
};

/* What comes after a step. */
enum step { STEP_WAIT, STEP_ON, STEP_ENDED };

void player_set_phase(struct player *p, enum player_phase to)
{
	assert(phase_next[p->phase] & 1u << to);
	p->phase = to;
}

struct player *player_new(void)
{
	struct player *p = mem_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	timer_init(&p->timer);
	timer_init(&p->turn);
	statements_init(&p->statements);
	p->end = &p->first;
	p->fd = -1;
	return p;
}

/* Lets go of the connection, and of all that has no meaning without it. */
static void disconnect(struct player *p)
{
	struct worker *w = p->worker;

	engine_kill_remove(w->engine, p->kill_key, p->target_id);
	if (!p->connection)
		return;
	connection_free(p->connection); /* and so out of the epoll set */
	p->connection = NULL;
	p->fd = -1;
	if (p->target_id != 0)
		atomic_fetch_sub(&w->counters.connections, 1);
	statements_release(&p->statements);
	mem_free(p->open);
	p->open = NULL;
}

void player_free(struct player *p)
{
	struct worker *w = p->worker;

	if (w) {
		disconnect(p);
		player_settle_rest(p);
		timers_clear(&w->timers, &p->timer);
		timers_clear(&w->turns, &p->turn);
	}
	statements_release(&p->statements);
	fifo_release(&p->queue);
	mem_free(p->open);
	mem_free(p->trouble);
	mem_free(p);
}

/* It does not count any more among those that are logging in. */
static void logged_in(struct player *p)
{
	if (p->logging_in)
		p->worker->logging_in--;
	p->logging_in = false;
}

/* Nor among those that are open, so that the next may begin. */
static void leave(struct player *p)
{
	logged_in(p);
	if (p->counted)
		p->worker->open--;
	p->counted = false;
}

static void end(struct player *p)
{
	struct worker *w = p->worker;

	leave(p);
	if (p->prev)
		p->prev->next = p->next;
	else
		w->players = p->next;
	if (p->next)
		p->next->prev = p->prev;
	player_free(p);
}

/*
 * Tells epoll what the connection waits for. While connecting its socket may be replaced by
 * another.
 */
static bool watch(struct player *p)
{
	int fd = connection_fd(p->connection);
	unsigned wants = connection_wants(p->connection);
	struct epoll_event ev = {
		.events = (wants & CONNECTION_WANT_READ ? EPOLLIN : 0u) |
			  (wants & CONNECTION_WANT_WRITE ? EPOLLOUT : 0u),
		.data.ptr = p,
	};

	if (fd < 0 || (fd == p->fd && wants == p->wants))
		return true;
	if (epoll_ctl(p->worker->epoll_fd, fd == p->fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) !=
	    0)
		return false;
	p->fd = fd;
	p->wants = wants;
	return true;
}

/*
 * Counts that the connection was lost. Not done before something is missing by it: sessions that
 * were killed, or left to time out, in the recording end so in the replay, too.
 */
static void tell_loss(struct player *p)
{
	struct outcome *o = &p->worker->outcome;

	if (!p->trouble)
		return;
	if (p->gone == NOT_SENT_NOT_CONNECTED)
		o->not_connected++;
	else
		o->connections_lost++;
	outcome_trouble(o, p->trouble);
	mem_free(p->trouble);
	p->trouble = NULL;
}

/* From now on what comes is only counted. */
static void go(struct player *p, enum not_sent reason)
{
	struct worker *w = p->worker;

	if (p->response)
		atomic_fetch_sub(&w->counters.in_flight, 1);
	p->under_way = NULL;
	p->statement = NULL;
	worker_response_give(w, p->response);
	p->response = NULL;
	timers_clear(&w->turns, &p->turn);
	disconnect(p);
	leave(p);
	p->gone = reason;
	player_set_phase(p, PLAYER_GONE);
}

/* The end of the session, if that is what came in the recording in place of an answer; ITEM is at the front. */
static struct item *end_without_answer(const struct player *p, struct item *item)
{
	if (item && item->type == ITEM_RESPONSE &&
	    ((const struct item_response *)item_body(item))->facts.kind == RESPONSE_LOST)
		item = fifo_second(&p->queue, item);
	return item && item->type == ITEM_END ? item : NULL;
}

void player_lose(struct player *p, enum not_sent reason, const char *text)
{
	struct worker *w = p->worker;
	bool as_recorded = reason == NOT_SENT_CONNECTION_LOST && p->under_way &&
			   end_without_answer(p, fifo_front(&p->queue));
	bool matters = (p->under_way && !as_recorded) || reason == NOT_SENT_NOT_CONNECTED;

	if (text && !p->quit) {
		p->trouble = mem_copy_str(text, strnlen(text, REMARK_TEXT_MAX));
		atomic_store(&w->engine->target_doubtful, true);
	}
	w->outcome.abandoned += as_recorded;
	w->outcome.unanswered += p->under_way && !as_recorded;
	go(p, reason);
	if (matters)
		tell_loss(p);
}

static void connection_failed(struct player *p)
{
	struct myp_err server = {.code = 0};
	struct errinfo info = {.code = ERR_OK};

	(void)connection_error(p->connection, &info, &server);
	if (p->under_way && p->under_way->code == MYP_COM_CHANGE_USER && server.code != 0) {
		struct facts facts = {
			.kind = RESPONSE_ERROR, .error_code = server.code, .results = 1};

		memcpy(facts.sqlstate, server.sqlstate, sizeof(facts.sqlstate));
		facts_set_message(&facts, server.message);
		player_user_changed(p, &facts);
	}
	player_lose(p, p->target_id ? NOT_SENT_CONNECTION_LOST : NOT_SENT_NOT_CONNECTED, info.text);
}

/* The bytes behind an ITEM_OPEN. */
static struct slice open_part(const struct item *item, size_t at, size_t len)
{
	return slice_of((const uint8_t *)(item + 1) + sizeof(struct item_open) + at, len);
}

static const struct item_open *open_of(const struct player *p)
{
	return item_body(p->open);
}

static enum err connect_as(struct player *p, const struct item_open *o, struct errinfo *info)
{
	/* What is left out changes how an answer is packed, but not what it says. */
	const uint64_t left_out = MYP_CAP_MARIADB_CACHE_METADATA | MYP_CAP_COMPRESS |
				  MYP_CAP_ZSTD_COMPRESSION | MYP_CAP_SSL;
	const uint64_t usual = MYP_CAP_LONG_PASSWORD | MYP_CAP_LONG_FLAG | MYP_CAP_TRANSACTIONS |
			       MYP_CAP_LOCAL_FILES | MYP_CAP_MULTI_STATEMENTS |
			       MYP_CAP_MULTI_RESULTS | MYP_CAP_PS_MULTI_RESULTS;
	char *database =
		o->database_known
			? mem_copy_str(open_part(p->open, 0, o->database_len).ptr, o->database_len)
			: NULL;
	struct connection_options options = {
		.target = p->worker->engine->options->target,
		.tls = p->worker->engine->tls,
		.caps = (o->caps_known ? o->caps : o->caps | usual) & ~left_out,
		.collation = o->collation,
		.user = o->account ? o->account->user : NULL,
		.password = o->account ? o->account->password : NULL,
		.database = database,
		.attributes = open_part(p->open, o->database_len, o->attributes_len),
		.payload_max = PLAYER_PAYLOAD_MAX,
		.shared = p->worker->received,
	};
	enum err e = connection_open(&options, &p->connection, info);

	mem_free(database);
	return e;
}

/* Opens the connection that the item at the front speaks of. */
static void connect_now(struct player *p, const struct item *item)
{
	struct errinfo info = {.code = ERR_OK};
	const struct item_open *o;

	p->open = mem_alloc(item->size);
	if (!p->open) {
		player_lose(p, NOT_SENT_NOT_CONNECTED, err_text(ERR_NOMEM));
		return;
	}
	memcpy(p->open, item, item->size);
	o = item_body(p->open);
	p->copy = o->copy;
	p->kill_key = engine_kill_key(o->connection_id, o->copy);
	p->worker->open++;
	p->counted = true;
	p->worker->logging_in++;
	p->logging_in = true;
	if (connect_as(p, o, &info) != ERR_OK) {
		player_lose(p, NOT_SENT_NOT_CONNECTED, info.text);
		return;
	}
	player_set_phase(p, PLAYER_CONNECTING);
}

static void connected(struct player *p)
{
	struct worker *w = p->worker;
	int64_t now = clock_mono_ns();

	player_freed(p, now, HELD_BY_TARGET);
	timers_clear(&w->timers, &p->timer);
	worker_moved(w, now);
	logged_in(p);
	player_set_phase(p, PLAYER_READY);
	p->guard_due = w->engine->options->read_only;
	if (p->under_way) {
		const struct facts ok = {.kind = RESPONSE_OK, .results = 1};

		player_user_changed(p, &ok);
		return;
	}
	p->caps = connection_caps(p->connection);
	p->target_id = connection_greeting(p->connection)->connection_id;
	if (p->open)
		agreed_note(&w->outcome, p->connection, open_of(p)->caps, open_of(p)->collation);
	engine_kill_put(w->engine, p->kill_key, p->target_id);
	atomic_fetch_add(&w->counters.connections, 1);
	w->outcome.connected++;
}

/*
 * Statements that rebuild the state come one by one, each with its length in front. True: one was
 * sent.
 */
static bool rebuild_state(struct player *p)
{
	const struct item_open *o;
	struct slice rest;

	if (!p->open)
		return false;
	o = item_body(p->open);
	rest = slice_skip(
		open_part(p->open, (size_t)o->database_len + o->attributes_len, o->state_len),
		p->state_at);
	if (rest.len > 0) {
		struct cursor c = cur_of(rest);
		struct slice text = cur_bytes(&c, cur_u32(&c));

		p->state_at += sizeof(uint32_t) + text.len;
		return player_send_own(p, OWN_STATE, MYP_COM_QUERY, text);
	}
	mem_free(p->open);
	p->open = NULL;
	return false;
}

static void pop(struct player *p)
{
	worker_settle_item(p->worker, fifo_front(&p->queue));
	p->worker->taken_bytes += fifo_pop(&p->queue);
}

static void move_on(struct player *p)
{
	connection_io(p->connection);
	if (p->phase == PLAYER_CONNECTING && connection_phase(p->connection) == CONNECTION_READY)
		connected(p);
	player_receive(p);
	if (p->connection && connection_phase(p->connection) == CONNECTION_FAILED)
		connection_failed(p);
}

static bool is_stopping(const struct player *p)
{
	return atomic_load_explicit(&p->worker->engine->stopping, memory_order_relaxed);
}

static enum step stop_now(struct player *p)
{
	player_lose(p, NOT_SENT_STOPPED, NULL);
	return STEP_ON;
}

static enum step step_waiting(struct player *p, struct item *item)
{
	const struct item_open *o;

	if (!item)
		return STEP_WAIT;
	if (is_stopping(p))
		return stop_now(p);
	if (item->type == ITEM_OPEN) {
		o = item_body(item);
		if (!player_may_open(p, item))
			return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
		p->session = o->session;
		connect_now(p, item);
		pop(p);
		if (p->connection)
			move_on(p); /* it may have failed at once */
		return p->phase == PLAYER_CONNECTING ? STEP_WAIT : STEP_ON;
	}
	/* A session without an opening: the recording had no login of it, nothing to send. */
	player_lose(p, NOT_SENT_NOT_CONNECTED, NULL);
	return STEP_ON;
}

/* Says goodbye, if the recorded client did not, and waits until all is written. */
static enum step step_end(struct player *p, const struct item *item)
{
	static const uint8_t quit[] = {MYP_COM_QUIT};

	if (!player_may_end(p, item))
		return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
	if (!p->quit && connection_send(p->connection, slice_of(quit, sizeof(quit))) == ERR_OK)
		p->quit = true;
	if (connection_unsent(p->connection) > 0)
		return STEP_WAIT;
	pop(p);
	end(p);
	return STEP_ENDED;
}

static enum step step_ready(struct player *p, struct item *item)
{
	static const char rollback[] = "ROLLBACK";

	if (is_stopping(p))
		return stop_now(p);
	if (p->guard_due) {
		p->guard_due = false;
		player_send_own(p, OWN_GUARD, MYP_COM_QUERY, SLICE_LIT(GUARD_STATEMENT));
		return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
	}
	if (rebuild_state(p) || p->phase != PLAYER_READY)
		return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
	if (p->rollback_due) {
		p->rollback_due = false;
		player_send_own(p, OWN_ROLLBACK, MYP_COM_QUERY, slice_cstr(rollback));
		return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
	}
	if (!item)
		return STEP_WAIT;
	switch (item->type) {
	case ITEM_COMMAND:
		if (!player_may_send(p, item) || player_set_clock(p, item_body(item)) ||
		    !player_send(p, item))
			return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
		pop(p);
		p->may_send = false;
		return STEP_ON;
	case ITEM_RESPONSE:
		player_recorded(p, item_body(item));
		break;
	case ITEM_END:
		return step_end(p, item);
	case ITEM_OPEN:
	case ITEM_DATA: /* the target did not ask for it */
		break;
	}
	pop(p);
	return STEP_ON;
}

/* The next piece of the file; an end where the recording has no (more) pieces. */
static enum step step_file(struct player *p, struct item *item)
{
	struct slice bytes = {.ptr = NULL};
	enum err e;

	if (!item)
		return STEP_WAIT;
	if (item->type == ITEM_DATA) {
		const struct item_data *d = item_body(item);

		bytes = slice_of(d + 1, d->len);
	}
	e = connection_send_more(p->connection, bytes);
	if (e == ERR_LIMIT)
		return STEP_WAIT;
	if (e != ERR_OK) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(e));
		return STEP_ON;
	}
	if (item->type == ITEM_DATA)
		pop(p);
	if (bytes.len == 0)
		player_set_phase(p, PLAYER_BUSY);
	return bytes.len > 0 ? STEP_ON : STEP_WAIT;
}

/* The answer is waited for as long as the recorded client did, and a little longer. */
static enum step step_busy(struct player *p, struct item *item)
{
	const struct item *end = p->under_way ? end_without_answer(p, item) : NULL;
	int64_t leave_ns;

	if (!end)
		return STEP_WAIT;
	leave_ns = p->asked_ns + end->at_ns - p->under_way->at_ns + PLAYER_GRACE_NS;
	if (clock_mono_ns() >= leave_ns) {
		p->worker->outcome.abandoned++;
		go(p, NOT_SENT_CONNECTION_LOST);
		return STEP_ON;
	}
	if (timers_set(&p->worker->timers, &p->timer, leave_ns) != ERR_OK)
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
	return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
}

/* Only counts. */
static enum step step_gone(struct player *p, struct item *item)
{
	if (!item)
		return STEP_WAIT;
	if (item->type == ITEM_COMMAND) {
		const struct item_command *c = item_body(item);

		tell_loss(p);
		outcome_not_sent(&p->worker->outcome, c->key,
				 c->reason == SENT ? p->gone : c->reason);
	}
	if (item->type == ITEM_RESPONSE)
		player_recorded(p, item_body(item));
	if (item->type != ITEM_END) {
		pop(p);
		return STEP_ON;
	}
	pop(p);
	end(p);
	return STEP_ENDED;
}

/* What wakes us next. False: it cannot be had, and the connection is given up. */
static bool keep_watch(struct player *p)
{
	int64_t due_ns;

	if (!p->connection)
		return true;
	due_ns = p->phase == PLAYER_CONNECTING ? connection_due_ns(p->connection) : INT64_MAX;
	if (watch(p) &&
	    (due_ns == INT64_MAX || timers_set(&p->worker->timers, &p->timer, due_ns) == ERR_OK))
		return true;
	player_lose(p, NOT_SENT_CONNECTION_LOST, "too many files or no memory");
	return false;
}

static enum step step_once(struct player *p)
{
	struct item *item = fifo_front(&p->queue);

	switch (p->phase) {
	case PLAYER_WAITING:
		return step_waiting(p, item);
	case PLAYER_READY:
		return step_ready(p, item);
	case PLAYER_FILE:
		return step_file(p, item);
	case PLAYER_GONE:
		return step_gone(p, item);
	case PLAYER_BUSY:
		return step_busy(p, item);
	case PLAYER_CONNECTING:
	case PLAYER_PHASES:
		break;
	}
	return STEP_WAIT;
}

void player_step(struct player *p)
{
	enum step step;

	do {
		step = step_once(p);
	} while (step == STEP_ON || (step == STEP_WAIT && !keep_watch(p)));
}

void player_hear(struct player *p)
{
	if (p->connection)
		move_on(p);
}

void player_timer(struct player *p)
{
	if (p->phase == PLAYER_CONNECTING)
		player_hear(p);
	player_step(p);
}

bool player_is_waiting(const struct player *p)
{
	return p->phase == PLAYER_BUSY || p->phase == PLAYER_FILE || p->under_way;
}

int64_t player_expected_ns(const struct player *p)
{
	struct item *item = fifo_front(&p->queue);

	if (!player_is_waiting(p) || p->phase == PLAYER_CONNECTING) /* which has its own limit */
		return INT64_MAX;
	if (!p->under_way)
		return p->asked_ns;
	if (!item)
		return INT64_MAX;
	return p->asked_ns + item->at_ns - p->under_way->at_ns;
}

void player_stop(struct player *p, bool at_once)
{
	if (p->phase != PLAYER_GONE && (at_once || !player_is_waiting(p)))
		player_lose(p, NOT_SENT_STOPPED, NULL);
	player_step(p);
}
