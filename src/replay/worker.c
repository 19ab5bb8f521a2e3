/* worker - one thread of a replay. */
#include "replay/worker.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replay/player.h"

enum {
	WORKER_EVENTS = 128,
	FREE_RESPONSES_MAX = 1024,
	/*
	 * Connections that all workers together may have on the way. A server's queue for those that it has not
	 * accepted yet holds so many (MySQL's back_log is 151 or more by default, MariaDB's 80 and more); one that
	 * finds it full is heard a second later.
	 */
	LOGGING_IN_MAX = 128,
};

static const int64_t WORKER_LOOK_NS = NS_PER_S / 2; /* it looks around at least so often */
static const int64_t WORKER_STOP_NS = NS_PER_S;     /* answers under way are waited for */

static void *worker_main(void *ctx);

enum err worker_init(struct worker *w, struct engine *g, struct errinfo *info)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	const struct target *t = g->options->target;

	*w = (struct worker){.engine = g, .epoll_fd = -1, .wake_fd = -1};
	atomic_init(&w->turn_wanted, UINT64_MAX);
	w->inbox_end = &w->inbox;
	w->gate_end = &w->gate;
	pthread_mutex_init(&w->lock, NULL);
	outcome_init(&w->outcome);
	rewriter_init(&w->rewriter);
	texts_init(&w->texts);
	if (t && t->compression.count > 0 &&
	    compressor_new(t->compression.zstd_level, &w->compressor) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "no memory for a worker");
	w->received = mem_alloc(CONNECTION_SHARED);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll_fd < 0 || w->wake_fd < 0 ||
	    epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &ev) != 0)
		return err_set(info, ERR_IO, errno, "epoll");
	return ERR_OK;
}

enum err worker_start(struct worker *w, struct errinfo *info)
{
	int e = pthread_create(&w->thread, NULL, worker_main, w);

	if (e != 0)
		return err_set(info, ERR_IO, e, "start a thread");
	w->started = true;
	return ERR_OK;
}

void worker_wake(struct worker *w)
{
	const uint64_t one = 1;

	if (atomic_exchange(&w->woken, true))
		return;
	while (write(w->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void worker_push(struct worker *w, struct batch *b, bool ended)
{
	pthread_mutex_lock(&w->lock);
	if (b) {
		b->next = NULL;
		*w->inbox_end = b;
		w->inbox_end = &b->next;
	}
	if (ended)
		w->input_ended = true;
	pthread_mutex_unlock(&w->lock);
	worker_wake(w);
}

void worker_join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

void worker_release(struct worker *w)
{
	struct pending *d;
	struct batch *b;

	assert(!w->started);
	while (w->players) {
		struct player *p = w->players;

		w->players = p->next;
		player_free(p);
	}
	while ((b = w->inbox)) {
		w->inbox = b->next;
		batch_free(&w->engine->handed, b);
	}
	while ((d = w->free_pending)) {
		w->free_pending = d->next;
		mem_free(d);
	}
	while (w->free_response_count > 0) {
		response_release(w->free_responses[--w->free_response_count]);
		mem_free(w->free_responses[w->free_response_count]);
	}
	mem_free(w->free_responses);
	timers_release(&w->timers);
	timers_release(&w->turns);
	rewriter_release(&w->rewriter);
	texts_release(&w->texts);
	compressor_free(w->compressor);
	mem_free(w->received);
	outcome_release(&w->outcome);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	pthread_mutex_destroy(&w->lock);
}

struct pending *worker_pending_new(struct worker *w)
{
	struct pending *d = w->free_pending;

	if (d)
		w->free_pending = d->next;
	else
		d = mem_alloc(sizeof(*d));
	if (d) {
		d->next = NULL;
		d->answered = false;
		d->text = NULL;
		d->receipt = NULL;
	}
	return d;
}

void worker_settle(struct worker *w, struct receipt *r)
{
	if (!atomic_load_explicit(&w->engine->stopping, memory_order_relaxed))
		receipt_release(r);
}

void worker_settle_item(struct worker *w, const struct item *item)
{
	assert(item);
	worker_settle(w, item->receipt);
}

void worker_pending_free(struct worker *w, struct pending *p)
{
	mem_free(p->text);
	worker_settle(w, p->receipt);
	p->next = w->free_pending;
	w->free_pending = p;
}

struct response *worker_response_take(struct worker *w)
{
	struct response *r;

	if (w->free_response_count > 0)
		return w->free_responses[--w->free_response_count];
	r = mem_alloc(sizeof(*r));
	if (r)
		response_init(r);
	return r;
}

void worker_response_give(struct worker *w, struct response *r)
{
	if (!r)
		return;
	if (!w->free_responses)
		w->free_responses = mem_alloc(FREE_RESPONSES_MAX * sizeof(struct response *));
	if (w->free_responses && w->free_response_count < FREE_RESPONSES_MAX) {
		w->free_responses[w->free_response_count++] = r;
		return;
	}
	response_release(r);
	mem_free(r);
}

void worker_said(struct worker *w, int64_t now_ns)
{
	if (w->first_ns == 0)
		w->first_ns = now_ns;
	w->last_ns = now_ns;
}

void worker_moved(struct worker *w, int64_t now_ns)
{
	worker_said(w, now_ns);
	counter_add(&w->counters.moves, 1);
}

/* An item for its player, which becomes ours with its first one. */
static void deliver(struct worker *w, struct item *item)
{
	struct player *p = item->player;

	if (!p->worker) {
		p->worker = w;
		p->next = w->players;
		if (p->next)
			p->next->prev = p;
		w->players = p;
	}
	if (fifo_push(&p->queue, &w->engine->queued, item) != ERR_OK) {
		w->outcome.short_of_memory = true;
		w->taken_bytes += item->size;
		worker_settle(w, item->receipt);
		if (item->type == ITEM_RESPONSE)
			player_turn_done(p, item_body(item));
		if (p->phase != PLAYER_GONE) {
			outcome_trouble(&w->outcome, err_text(ERR_NOMEM));
			player_go(p, NOT_SENT_CONNECTION_LOST);
		}
		player_step(p);
	} else if (p->queue.count <= 2) { /* players look no further */
		player_step(p);
	}
}

static void take_inbox(struct worker *w, bool *ended)
{
	struct batch *b, *next;

	pthread_mutex_lock(&w->lock);
	b = w->inbox;
	w->inbox = NULL;
	w->inbox_end = &w->inbox;
	*ended = w->input_ended;
	pthread_mutex_unlock(&w->lock);
	for (; b; b = next) {
		next = b->next;
		for (size_t at = 0; at < b->len;) {
			struct item *item = (struct item *)(void *)(b->bytes + at);

			at += item->size;
			deliver(w, item);
		}
		batch_free(&w->engine->handed, b);
	}
}

static void run_timers(struct worker *w)
{
	struct timer *t;

	while ((t = timers_first(&w->timers)) && t->due_ns <= clock_mono_ns()) {
		timers_clear(&w->timers, t);
		player_timer((struct player *)(void *)((char *)t - offsetof(struct player, timer)));
	}
}

static void note_turn_wanted(struct worker *w)
{
	const struct timer *t = timers_first(&w->turns);

	atomic_store(&w->turn_wanted, t ? (uint64_t)t->due_ns : UINT64_MAX);
}

bool worker_awaits_turn(struct worker *w, struct player *p, uint64_t n)
{
	struct turns *turns = &w->engine->turns;

	if (atomic_load(&turns->reached) >= n ||
	    timers_set(&w->turns, &p->turn, (int64_t)n) != ERR_OK)
		return true;
	note_turn_wanted(w);
	/* Who moved it since has looked at what is wanted before, or after. */
	if (atomic_load(&turns->reached) < n)
		return false;
	timers_clear(&w->turns, &p->turn);
	note_turn_wanted(w);
	return true;
}

void worker_turn_done(struct worker *w, uint64_t n)
{
	struct engine *g = w->engine;
	bool moved = false;

	if (turns_done(&g->turns, n, &moved) != ERR_OK)
		w->outcome.short_of_memory = true; /* who waits for it gives up in time */
	for (unsigned i = 0; moved && i < g->worker_count; i++)
		if (atomic_load(&g->workers[i].turn_wanted) <= atomic_load(&g->turns.reached))
			worker_wake(&g->workers[i]);
}

/* Those whose turn it is. */
static void run_turns(struct worker *w)
{
	struct timer *t;

	while ((t = timers_first(&w->turns)) &&
	       (uint64_t)t->due_ns <= atomic_load(&w->engine->turns.reached)) {
		timers_clear(&w->turns, t);
		player_timer((struct player *)(void *)((char *)t - offsetof(struct player, turn)));
	}
	note_turn_wanted(w);
}

bool worker_has_door(const struct worker *w)
{
	return w->logging_in == 0 || w->logging_in < LOGGING_IN_MAX / w->engine->options->threads;
}

static bool may_open(const struct worker *w, uint32_t room)
{
	const struct engine *g = w->engine;

	return worker_has_door(w) && (g->pace.speed > 0 || w->open < room);
}

bool worker_lets_in(struct worker *w, struct player *p, uint32_t room)
{
	if (p->let_in || (!w->gate && may_open(w, room)))
		return true;
	if (!p->in_gate) {
		p->in_gate = true;
		p->room = room;
		p->gate_next = NULL;
		*w->gate_end = p;
		w->gate_end = &p->gate_next;
	}
	return false;
}

/* Lets begin those that waited for others to be let in, or to end. */
static void open_gate(struct worker *w)
{
	struct player *p;

	while ((p = w->gate) && may_open(w, p->room)) {
		w->gate = p->gate_next;
		if (!w->gate)
			w->gate_end = &w->gate;
		p->in_gate = false;
		p->let_in = true;
		player_step(p);
	}
}

/*
 * How many answers are overdue. One whose recorded counterpart has not been read yet is none of
 * them: at this point of the recording its client was waiting, too.
 */
static int64_t count_overdue(const struct worker *w, int64_t now_ns)
{
	int64_t patience_ns = w->engine->options->patience_ns, overdue = 0;

	for (const struct player *p = w->players; p; p = p->next)
		overdue += player_expected_ns(p) < now_ns - patience_ns;
	return overdue;
}

/* Each player, of which any may end by it. */
static void stop_players(struct worker *w, bool at_once)
{
	struct player *next;

	w->gate = NULL;
	w->gate_end = &w->gate;
	for (struct player *p = w->players; p; p = next) {
		next = p->next;
		p->in_gate = false;
		player_stop(p, at_once);
	}
}

static void tell_figures(struct worker *w)
{
	struct replay_figures f;

	figures_of(&w->outcome, &f);
	figures_put(&w->board, &f);
}

/* Each player that waits: can its target's machine be reached at all? Any may end by it. */
static void check_connections(struct worker *w, int64_t now_ns)
{
	const struct target *t = w->engine->options->target;
	struct player *next;

	for (struct player *p = w->players; p; p = next) {
		next = p->next;
		if (player_is_waiting(p) && now_ns - p->asked_ns > t->unreachable_ns)
			player_check(p);
	}
}

static void look_around(struct worker *w)
{
	struct engine *g = w->engine;
	int64_t now_ns = clock_mono_ns();

	check_connections(w, now_ns);
	atomic_store(&w->counters.overdue, count_overdue(w, now_ns));
	if (g->options->progress)
		tell_figures(w);
	if (!atomic_load(&g->stopping))
		return;
	if (!w->told_to_stop) {
		w->told_to_stop = true;
		w->stop_by_ns = now_ns + WORKER_STOP_NS;
	}
	stop_players(w, atomic_load(&g->giving_up) || now_ns >= w->stop_by_ns);
}

/* How long nothing has to be done, if nothing happens. */
static int64_t wait_ns(const struct worker *w, int64_t look_ns)
{
	const struct timer *t = timers_first(&w->timers);
	int64_t now_ns = clock_mono_ns();
	int64_t until_ns = t && t->due_ns < look_ns ? t->due_ns : look_ns;

	return until_ns > now_ns ? until_ns - now_ns : 0;
}

static int wait_events(struct worker *w, struct epoll_event *events, int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	int n = epoll_pwait2(w->epoll_fd, events, WORKER_EVENTS, &ts, NULL);

	if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds */
		n = epoll_wait(w->epoll_fd, events, WORKER_EVENTS, (int)(ns / NS_PER_MS));
	return n;
}

/*
 * All answers are heard before the first of them is followed by a command: what is sent wakes the target, and it is
 * cheaper for both to wake it once for many commands than for each.
 */
static void run_events(struct worker *w, const struct epoll_event *events, int n)
{
	uint64_t count;

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			player_hear(events[i].data.ptr);
		else if (read(w->wake_fd, &count, sizeof(count)) < 0)
			continue;
	}
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			player_step(events[i].data.ptr);
}

/* All is done; or nobody waits for what is not, and it will not even be told of its end. */
static bool is_done(struct worker *w, bool ended)
{
	if (!ended || !w->players)
		return ended;
	if (!atomic_load(&w->engine->giving_up))
		return false;
	stop_players(w, true);
	return true;
}

/*
 * Without a pace, an answer that arrives need not interrupt whatever runs: on a machine that the target shares
 * it is the target that is held up by that, and each interruption of another processor costs. Not more than a
 * wish.
 */
static void be_patient(const struct worker *w)
{
	const struct sched_param none = {.sched_priority = 0};

	if (w->engine->pace.speed <= 0)
		(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

static void *worker_main(void *ctx)
{
	struct epoll_event events[WORKER_EVENTS];
	struct worker *w = ctx;
	bool ended = false;
	int64_t look_ns = 0;

	be_patient(w);
	while (!is_done(w, ended)) {
		run_events(w, events, wait_events(w, events, wait_ns(w, look_ns)));
		if (atomic_exchange(&w->woken, false)) {
			take_inbox(w, &ended);
			if (atomic_load(&w->engine->stopping))
				look_ns = 0;
		}
		run_timers(w);
		run_turns(w);
		open_gate(w);
		if (clock_mono_ns() >= look_ns) {
			look_around(w);
			look_ns = clock_mono_ns() + WORKER_LOOK_NS;
		}
		if (w->taken_bytes > 0)
			engine_took(w->engine, w->taken_bytes);
		w->taken_bytes = 0;
	}
	engine_ended(w->engine);
	return NULL;
}
