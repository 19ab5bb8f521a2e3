/* player - plays one recorded session: its connection and its phases. */
#include "replay/player.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replay/guard.h"

/* A client that had left before its answer came stays so much longer than it did. */
static const int64_t PLAYER_GRACE_NS = NS_PER_S;

#define TO(phase) (1u << PLAYER_##phase)

static const unsigned phase_next[PLAYER_PHASES] = {
	[PLAYER_WAITING] = TO(CONNECTING) | TO(GONE),
	[PLAYER_CONNECTING] = TO(READY) | TO(LOST) | TO(GONE),
	[PLAYER_READY] = TO(BUSY) | TO(CONNECTING) | TO(LOST) | TO(GONE),
	[PLAYER_BUSY] = TO(READY) | TO(FILE) | TO(LOST) | TO(GONE),
	[PLAYER_FILE] = TO(BUSY) | TO(READY) | TO(LOST) | TO(GONE),
	[PLAYER_LOST] = TO(CONNECTING) | TO(GONE),
	[PLAYER_GONE] = 0,
};

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
	retry_init(&p->retry);
	p->end = &p->first;
	p->fd = -1;
	return p;
}

void player_free(struct player *p)
{
	struct worker *w = p->worker;

	if (w) {
		player_disconnect(p);
		player_drop_bulk(p);
		player_settle_rest(p);
		fifo_release(&p->queue, &w->engine->queued);
		timers_clear(&w->timers, &p->timer);
		timers_clear(&w->turns, &p->turn);
	}
	statements_release(&p->statements);
	mem_free(p->open);
	mem_free(p->trouble);
	if (w)
		w->retry_bytes -= p->retry.log.len;
	retry_release(&p->retry);
	mem_free(p);
}

static bool is_stopping(const struct player *p)
{
	return atomic_load_explicit(&p->worker->engine->stopping, memory_order_relaxed);
}

static void end(struct player *p)
{
	struct worker *w = p->worker;

	player_leave(p);
	if (p->progress && !is_stopping(p))
		atomic_store(&p->progress->ended, true); /* it is the pump's from now on */
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

struct item *player_end_without_answer(const struct player *p, struct item *item)
{
	if (item && item->type == ITEM_RESPONSE &&
	    ((const struct item_response *)item_body(item))->facts.kind == RESPONSE_LOST)
		item = fifo_second(&p->queue, item);
	return item && item->type == ITEM_END ? item : NULL;
}

static void pop(struct player *p)
{
	worker_settle_item(p->worker, fifo_front(&p->queue));
	p->worker->taken_bytes += fifo_pop(&p->queue, &p->worker->engine->queued);
}

static void move_on(struct player *p)
{
	connection_io(p->connection);
	if (p->phase == PLAYER_CONNECTING && connection_phase(p->connection) == CONNECTION_READY)
		player_connected(p);
	player_receive(p);
	if (p->connection && connection_phase(p->connection) == CONNECTION_FAILED)
		player_failed(p);
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
		player_open(p, item);
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
		return p->connection ? STEP_WAIT : STEP_ON;
	if (!p->quit && connection_send(p->connection, slice_of(quit, sizeof(quit))) == ERR_OK)
		p->quit = true;
	if (connection_unsent(p->connection) > 0)
		return STEP_WAIT;
	pop(p);
	end(p);
	return STEP_ENDED;
}

static void send_transaction_due(struct player *p)
{
	const char *text = p->transaction_due;

	p->transaction_due = NULL;
	player_send_own(p, OWN_TRANSACTION, MYP_COM_QUERY, slice_cstr(text));
}

static enum step step_ready(struct player *p, struct item *item)
{
	static const char ask_status[] = "DO 0 /* myna: is the transaction still open? */";
	static const char rollback[] = "ROLLBACK";

	if (is_stopping(p))
		return stop_now(p);
	if (p->guard_due) {
		p->guard_due = false;
		player_send_own(p, OWN_GUARD, MYP_COM_QUERY, SLICE_LIT(GUARD_STATEMENT));
		return p->connection ? STEP_WAIT : STEP_ON;
	}
	if (player_rebuild(p) || p->phase != PLAYER_READY)
		return p->connection ? STEP_WAIT : STEP_ON;
	if (p->transaction_due) {
		send_transaction_due(p);
		return p->connection ? STEP_WAIT : STEP_ON;
	}
	if (p->rollback_due) {
		p->rollback_due = false;
		player_send_own(p, OWN_ROLLBACK, MYP_COM_QUERY, slice_cstr(rollback));
		return p->connection ? STEP_WAIT : STEP_ON;
	}
	if (p->status_due) {
		p->status_due = false;
		player_send_own(p, OWN_STATUS, MYP_COM_QUERY, slice_cstr(ask_status));
		return p->connection ? STEP_WAIT : STEP_ON;
	}
	if (!item)
		return STEP_WAIT;
	switch (item->type) {
	case ITEM_COMMAND:
		if (!player_may_send(p, item) || player_begins_unsure(p, item_body(item)) ||
		    player_set_clock(p, item_body(item)) || !player_send(p, item))
			return p->connection ? STEP_WAIT : STEP_ON;
		pop(p);
		p->may_send = false;
		return STEP_ON;
	case ITEM_RESPONSE:
		if (player_repeats(p, item_body(item)))
			return p->connection ? STEP_WAIT : STEP_ON;
		player_recorded(p, item_body(item));
		break;
	case ITEM_END:
		return step_end(p, item);
	case ITEM_STATE:
		player_keep_state(p, item);
		break;
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
	const struct item *end = p->under_way ? player_end_without_answer(p, item) : NULL;
	int64_t leave_ns;

	if (!end)
		return STEP_WAIT;
	leave_ns = p->asked_ns + end->at_ns - p->under_way->at_ns + PLAYER_GRACE_NS;
	if (clock_mono_ns() >= leave_ns) {
		p->worker->outcome.abandoned++;
		player_go(p, NOT_SENT_CONNECTION_LOST);
		return STEP_ON;
	}
	if (timers_set(&p->worker->timers, &p->timer, leave_ns) != ERR_OK)
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
	return p->connection ? STEP_WAIT : STEP_ON;
}

/* Only counts. */
static enum step step_gone(struct player *p, struct item *item)
{
	if (!item)
		return STEP_WAIT;
	if (item->type == ITEM_COMMAND) {
		const struct item_command *c = item_body(item);

		player_tell_loss(p);
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

/* The connection is made anew for the next command that needs one. */
static enum step step_lost(struct player *p, struct item *item)
{
	if (is_stopping(p))
		return stop_now(p);
	if (!item)
		return STEP_WAIT;
	switch (item->type) {
	case ITEM_COMMAND:
		if (!player_does_without(p, item_body(item))) {
			if (!player_may_connect_again(p, item) || !player_connect_again(p))
				return p->phase == PLAYER_GONE ? STEP_ON : STEP_WAIT;
			move_on(p); /* it may have failed at once */
			return p->phase == PLAYER_CONNECTING ? STEP_WAIT : STEP_ON;
		}
		break;
	case ITEM_RESPONSE:
		player_recorded(p, item_body(item));
		break;
	case ITEM_STATE:
		player_keep_state(p, item);
		break;
	case ITEM_END:
		p->worker->outcome.not_connected += !p->was_connected;
		pop(p);
		end(p);
		return STEP_ENDED;
	case ITEM_OPEN:
	case ITEM_DATA:
		break;
	}
	pop(p);
	return STEP_ON;
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
	case PLAYER_LOST:
		return step_lost(p, item);
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

void player_check(struct player *p)
{
	if (!p->connection)
		return;
	connection_check(p->connection);
	if (connection_phase(p->connection) != CONNECTION_FAILED)
		return;
	player_hear(p);
	player_step(p);
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

void player_stop(struct player *p, bool at_once)
{
	if (p->phase != PLAYER_GONE && (at_once || !player_is_waiting(p)))
		player_lose(p, NOT_SENT_STOPPED, NULL);
	player_step(p);
}
