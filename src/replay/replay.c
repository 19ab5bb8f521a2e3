/* replay - repeats a recording against a target. */
#include "replay/replay.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replay/explain.h"
#include "replay/feed.h"
#include "replay/progress.h"
#include "replay/select.h"

enum {
	REPLAY_THREADS_EACH = 4,   /* for a processor */
	REPLAY_THREADS_USUAL = 16, /* at most */
	REPLAY_AHEAD_BYTES = 16 << 20,
	REPLAY_AHEAD_BYTES_MAX = 256 << 20, /* with many copies */
};

static const int64_t REPLAY_AHEAD_NS = 2 * NS_PER_S;
static const int64_t REPLAY_PATIENCE_NS = 60 * NS_PER_S;
static const int64_t REPLAY_RECONNECT_NS = 60 * NS_PER_S;
static const int64_t REPLAY_ORDER_WAIT_NS = 5 * NS_PER_S;
static const int64_t CHECKPOINT_NS = 5 * NS_PER_S;
static const int64_t PROGRESS_NS = NS_PER_S / 2;
static const int64_t WAIT_NS = NS_PER_S / 10; /* the pump looks around at least so often */
static const int64_t LIVE_FLUSH_NS = NS_PER_MS;
static const int64_t PROBE_NS = NS_PER_S; /* the target is asked for at most so often */

struct replay {
	struct replay_options options;
	struct engine engine;
	struct worker workers[REPLAY_THREADS_MAX];
	unsigned worker_count;
	struct feed feed;
	struct guard guard;
	struct select select;
	struct outcome outcome;
	bool finished;
	struct checkpoint_place place;
	int64_t checkpoint_ns;  /* when it was written last */
	struct errinfo failure; /* why the target was given up; ERR_OK: it was not */
	int64_t progress_ns;    /* when it was told last */
	int64_t probe_ns;       /* when the target was asked for last */
	int64_t away_ns;        /* since when it was not there; 0: it was */
	uint64_t moves;         /* of the workers, when they were looked at last */
	int64_t moved_ns;       /* when that had changed */
	int64_t passed_ns;      /* live: when batches were handed over last */
	double done;
	double done_before; /* share of the input that is before the window */
};

/*
 * Connects and lets go again. Blocks. ERR_AGAIN: the server is there, but does not let us in now.
 */
static enum err probe(struct engine *g, struct errinfo *info)
{
	const struct connection_options options = {
		.target = g->options->target, .tls = g->tls, .payload_max = MYP_FRAME_MAX};
	const uint8_t quit = MYP_COM_QUIT;
	struct myp_err server = {.code = 0};
	struct connection *c;
	enum err e = connection_open(&options, &c, info);

	if (e != ERR_OK)
		return e;
	while (connection_phase(c) == CONNECTION_CONNECTING) {
		unsigned wants = connection_wants(c);
		int64_t left_ns = connection_due_ns(c) - clock_mono_ns();
		struct pollfd p = {
			.fd = connection_fd(c),
			.events = (short)((wants & CONNECTION_WANT_READ ? POLLIN : 0) |
					  (wants & CONNECTION_WANT_WRITE ? POLLOUT : 0)),
		};

		(void)poll(&p, 1,
			   left_ns > 0 && left_ns < NS_PER_S ? (int)(left_ns / NS_PER_MS) + 1
			   : left_ns <= 0                    ? 0
							     : 1000);
		connection_io(c);
	}
	if (connection_phase(c) == CONNECTION_FAILED) {
		e = connection_error(c, info, &server);
		if (server.code != 0)
			e = ERR_AGAIN;
	} else {
		g->target_is_mariadb = connection_greeting(c)->is_mariadb;
		e = connection_send(c, slice_of(&quit, sizeof(quit))); /* else it is logged */
	}
	connection_free(c);
	return e;
}

static void set_defaults(struct replay_options *o)
{
	const long told = sysconf(_SC_NPROCESSORS_ONLN), processors = told < 1 ? 1 : told;

	if (o->threads == 0)
		o->threads = processors * REPLAY_THREADS_EACH < REPLAY_THREADS_USUAL
				     ? (unsigned)processors * REPLAY_THREADS_EACH
				     : REPLAY_THREADS_USUAL;
	if (o->threads > REPLAY_THREADS_MAX)
		o->threads = REPLAY_THREADS_MAX;
	if (o->share == 0)
		o->share = 1;
	if (o->copies == 0)
		o->copies = 1;
	if (o->ahead_bytes == 0)
		o->ahead_bytes = o->copies < REPLAY_AHEAD_BYTES_MAX / REPLAY_AHEAD_BYTES
					 ? (size_t)o->copies * REPLAY_AHEAD_BYTES
					 : (size_t)REPLAY_AHEAD_BYTES_MAX;
	if (o->ahead_ns == 0)
		o->ahead_ns = REPLAY_AHEAD_NS;
	if (o->order_wait_ns == 0)
		o->order_wait_ns = REPLAY_ORDER_WAIT_NS;
	if (o->reconnect_ns == 0)
		o->reconnect_ns = REPLAY_RECONNECT_NS;
	if (o->patience_ns == 0)
		o->patience_ns = REPLAY_PATIENCE_NS;
}

static void stop_workers(struct replay *r)
{
	for (unsigned i = 0; i < r->worker_count; i++)
		worker_wake(&r->workers[i]);
}

void replay_stop(struct replay *r)
{
	atomic_store(&r->engine.stopping, true);
	stop_workers(r);
}

/* The workers let go of everything and end. */
static void give_up(struct replay *r)
{
	atomic_store(&r->engine.giving_up, true);
	replay_stop(r);
}

static enum err start_workers(struct replay *r, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < r->options.threads; i++) {
		r->worker_count++;
		e = worker_init(&r->workers[i], &r->engine, info);
		if (e == ERR_OK)
			e = worker_start(&r->workers[i], info);
	}
	return e;
}

static void tell_progress(struct replay *r, int64_t now_ns)
{
	struct replay_figures figures;
	struct replay_progress p = {
		.done = r->done,
		.spooled = spool_bytes(&r->feed.spool),
		.ahead = atomic_load(&r->engine.waiting_bytes),
		.figures = &figures,
	};

	if (!r->options.progress || now_ns - r->progress_ns < PROGRESS_NS)
		return;
	r->progress_ns = now_ns;
	figures_of(&r->outcome, &figures);
	p.elapsed_ns = r->feed.begun ? now_ns - r->engine.pace.start_ns : 0;
	for (unsigned i = 0; i < r->worker_count; i++) {
		struct worker_counters *c = &r->workers[i].counters;
		int64_t late_ns = atomic_load(&c->late_ns),
			reached_ns = atomic_load(&c->reached_ns);

		p.sent += (uint64_t)atomic_load(&c->sent);
		p.answered += (uint64_t)atomic_load(&c->answered);
		p.errors += (uint64_t)atomic_load(&c->errors);
		p.sessions += (uint64_t)atomic_load(&c->connections);
		p.late_ns = late_ns > p.late_ns ? late_ns : p.late_ns;
		p.recorded_ns = reached_ns > p.recorded_ns ? reached_ns : p.recorded_ns;
		p.in_flight += atomic_load(&c->in_flight);
		figures_add(&figures, &r->workers[i].board);
	}
	r->options.progress(r->options.progress_ctx, &p);
}

/* After a connection has failed: is the target there at all? */
static void look_for_target(struct replay *r, int64_t now_ns)
{
	struct errinfo info = {.code = ERR_OK};
	enum err e;

	if (!atomic_load(&r->engine.target_doubtful) || now_ns - r->probe_ns < PROBE_NS)
		return;
	atomic_store(&r->engine.target_doubtful, false);
	e = probe(&r->engine, &info);
	r->probe_ns = clock_mono_ns();
	if (e == ERR_OK || e == ERR_AGAIN || engine_own_lack(&info)) {
		r->away_ns = 0;
		return;
	}
	if (r->away_ns == 0)
		r->away_ns = now_ns;
	if (!r->options.stop_if_lost && r->probe_ns - r->away_ns < r->options.reconnect_ns) {
		atomic_store(&r->engine.target_doubtful, true);
		return;
	}
	(void)err_set(&r->failure, ERR_IO, 0, "the target went away: %s", info.text);
	give_up(r);
}

/* Does the target answer at all? */
static void look_for_moves(struct replay *r, int64_t now_ns)
{
	uint64_t moves = 0;
	int64_t overdue = 0, in_flight = 0;

	for (unsigned i = 0; i < r->worker_count; i++) {
		struct worker_counters *c = &r->workers[i].counters;

		moves += (uint64_t)atomic_load(&c->moves);
		overdue += atomic_load(&c->overdue);
		in_flight += atomic_load(&c->in_flight);
	}
	if (moves != r->moves || in_flight == 0) {
		r->moves = moves;
		r->moved_ns = now_ns;
	}
	if (overdue == 0 || now_ns - r->moved_ns < r->options.patience_ns)
		return;
	(void)err_set(
		&r->failure, ERR_IO, 0,
		"the target hangs: nothing came from it for %lld seconds, while %lld commands "
		"wait for their answers",
		(long long)((now_ns - r->moved_ns) / NS_PER_S), (long long)in_flight);
	give_up(r);
}

/*
 * A replay that cannot be continued as was asked for is not gone on with. What was dealt with before stays so, however
 * far this replay has come again.
 */
static void write_checkpoint(struct replay *r)
{
	const struct checkpoint *from = r->options.resume;
	struct checkpoint_place place = r->place;

	if (from && place.events < checkpoint_of(from)->events)
		place = *checkpoint_of(from);
	place.last = r->place.last;
	r->checkpoint_ns = clock_mono_ns();
	if (checkpoint_write(r->options.checkpoint, &place, &r->feed.progress, &r->failure) !=
	    ERR_OK)
		give_up(r);
}

/* What the pump does again and again, also while it waits. */
static void look_around(struct replay *r)
{
	int64_t now_ns = clock_mono_ns();

	tell_progress(r, now_ns);
	if (atomic_load(&r->engine.stopping))
		return;
	if (!r->options
		     .live) /* it blocks; and the next session finds a target that has come back */
		look_for_target(r, now_ns);
	look_for_moves(r, now_ns);
	if (r->options.checkpoint && now_ns - r->checkpoint_ns >= CHECKPOINT_NS)
		write_checkpoint(r);
}

/* When what happened at AT_NS has to be read, to be known AHEAD_NS before it is due; INT64_MIN without a pace. */
static int64_t read_by_ns(const struct replay *r, int64_t at_ns, int64_t ahead_ns)
{
	if (!pace_is_kept(&r->engine.pace))
		return INT64_MIN;
	return pace_due_ns(&r->engine.pace, at_ns - r->feed.base_ns) - ahead_ns;
}

/*
 * Blocks while enough is waiting. Once it is, reading goes on when half of it is used up: to wake the
 * workers for every event would cost more than the events do.
 */
static void hold_back(struct replay *r, int64_t at_ns)
{
	int64_t now_ns = pace_is_kept(&r->engine.pace) ? clock_mono_ns() : 0, until_ns = INT64_MIN;
	bool full = engine_is_full(&r->engine);

	if (read_by_ns(r, at_ns, r->options.ahead_ns) > now_ns)
		until_ns = read_by_ns(r, at_ns, r->options.ahead_ns / 2);
	if (!full && until_ns <= now_ns)
		return;
	feed_flush(&r->feed);
	while (!atomic_load(&r->engine.stopping) && (full || until_ns > now_ns)) {
		now_ns = clock_mono_ns();
		engine_wait(&r->engine,
			    full || until_ns > now_ns + WAIT_NS ? now_ns + WAIT_NS : until_ns,
			    full);
		look_around(r);
		full = engine_is_full(&r->engine);
	}
}

/* Live: nobody waits, and nothing waits long. */
static void pass_on(struct replay *r)
{
	int64_t now_ns = clock_mono_ns();

	if (now_ns - r->passed_ns < LIVE_FLUSH_NS)
		return;
	r->passed_ns = now_ns;
	feed_refill(&r->feed);
	feed_flush(&r->feed);
	look_around(r);
}

/*
 * Goes over E, if the replay that is continued has dealt with it. ERR_AGAIN: it has; ERR_USAGE: it was another
 * recording.
 */
static enum err pass_over(struct replay *r, const struct event *e, struct errinfo *info)
{
	const struct checkpoint *from = r->options.resume;
	const struct checkpoint_place *then = checkpoint_of(from);

	if (r->place.events > then->events)
		return ERR_OK;
	if ((r->place.events == 1 &&
	     (r->place.session != then->session || r->place.begin_ns != then->begin_ns)) ||
	    (r->place.events == then->events && r->place.sum != then->sum)) {
		r->place = *then;
		return err_set(info, ERR_USAGE, 0, "the checkpoint is of another recording");
	}
	if (e->type == EVENT_COMMAND && !checkpoint_lacks(from, e))
		r->outcome.done_before++;
	return checkpoint_lacks(from, e) ? ERR_OK : ERR_AGAIN;
}

/* The first event has passed: by now the window is known. */
static void begin_window(struct replay *r)
{
	if (r->select.filter)
		filter_window(r->select.filter, &r->feed.since_ns, &r->feed.until_ns);
	r->done_before = r->done > 0 ? r->done : 0;
}

/* How much of the window was read, if PROGRESS is what was read of all. */
static double share_done(const struct replay *r, double progress)
{
	const struct feed *f = &r->feed;
	const struct progress_window window = {
		.before = r->done_before,
		.first_ns = f->first_ns,
		.last_ns = f->last_ns,
		.until_ns = f->until_ns,
	};

	return f->begun ? progress_done(&window, progress) : progress;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct replay *r = ctx;
	enum err err;

	if (r->failure.code != ERR_OK)
		return err_set(info, ERR_IO, 0, "%s", r->failure.text);
	if (atomic_load_explicit(&r->engine.stopping, memory_order_relaxed))
		return ERR_OK;
	checkpoint_count(&r->place, e);
	err = r->options.resume ? pass_over(r, e, info) : ERR_OK;
	if (err != ERR_OK)
		return err == ERR_AGAIN ? ERR_OK : err;
	if (!r->feed.begun)
		begin_window(r);
	err = feed_event(&r->feed, e);
	if (err != ERR_OK)
		return err_set(info, err, 0, "%s",
			       r->feed.failure.code != ERR_OK ? r->feed.failure.text
			       : err == ERR_LIMIT             ? "too many sessions at once"
							      : err_text(err));
	if (r->options.live)
		pass_on(r);
	else if (!r->options.dry)
		hold_back(r, e->time_ns);
	return ERR_OK;
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct replay *r = ctx;

	(void)so_far;
	(void)info;
	r->done = share_done(r, progress);
	feed_refill(&r->feed);
	feed_flush(&r->feed);
	look_around(r);
	return ERR_OK;
}

/* What is in the spool follows; when it is to end at once, too, since the workers count it. */
static void drain_spool(struct replay *r)
{
	feed_refill(&r->feed);
	while (r->feed.failure.code == ERR_OK && spool_bytes(&r->feed.spool) > 0) {
		engine_wait(&r->engine, clock_mono_ns() + WAIT_NS, true);
		look_around(r);
		feed_refill(&r->feed);
	}
	if (r->feed.failure.code == ERR_OK)
		return;
	r->failure = r->feed.failure;
	give_up(r);
}

static void wait_for_workers(struct replay *r)
{
	while (engine_wait(&r->engine, clock_mono_ns() + WAIT_NS, false) < r->worker_count)
		look_around(r);
}

static void add_worker(struct replay *r, struct worker *w, int64_t *first_ns, int64_t *last_ns)
{
	if (outcome_merge(&r->outcome, &w->outcome) != ERR_OK)
		r->outcome.short_of_memory = true;
	if (w->first_ns != 0 && (*first_ns == 0 || w->first_ns < *first_ns))
		*first_ns = w->first_ns;
	*last_ns = w->last_ns > *last_ns ? w->last_ns : *last_ns;
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct replay *r = ctx;
	struct outcome *o = &r->outcome;
	int64_t first_ns = 0, last_ns = 0;

	(void)info;
	if (r->finished)
		return ERR_OK;
	if (feed_end(&r->feed) != ERR_OK) {
		o->short_of_memory = true;
		give_up(r);
	}
	drain_spool(r);
	feed_close(&r->feed);
	wait_for_workers(r);
	for (unsigned i = 0; i < r->worker_count; i++) {
		worker_join(&r->workers[i]);
		add_worker(r, &r->workers[i], &first_ns, &last_ns);
	}
	if (r->options.checkpoint && r->place.events > 0) {
		r->place.last = true;
		write_checkpoint(r);
	}
	r->finished = true;
	o->names = r->feed.names;
	o->filtered = r->select.heard - r->select.passed;
	o->copies = r->options.copies;
	if (timeline_widen(&o->recorded_line, o->replayed_line.width_ns) != ERR_OK ||
	    timeline_widen(&o->replayed_line, o->recorded_line.width_ns) != ERR_OK)
		o->short_of_memory = true;
	o->coverage = *coverage;
	o->recorded_ns = r->feed.begun ? r->feed.last_ns - r->feed.first_ns : 0;
	o->idle_ns = r->feed.base_ns - r->feed.first_ns;
	o->replayed_ns = last_ns - first_ns;
	if (r->failure.code != ERR_OK)
		o->ended = r->failure.text;
	else if (atomic_load(&r->engine.stopping))
		o->ended = "interrupted";
	return ERR_OK;
}

/* Is what is to be continued the same as what is asked for? */
static enum err set_place(struct replay *r, struct errinfo *info)
{
	const struct replay_options *o = &r->options;
	const struct checkpoint_place *then = o->resume ? checkpoint_of(o->resume) : NULL;

	if (!o->checkpoint)
		return ERR_OK;
	r->place.options = o->checkpoint_options;
	(void)target_format(o->target, r->place.target, sizeof(r->place.target));
	r->checkpoint_ns = clock_mono_ns();
	if (!then)
		return ERR_OK;
	if (strcmp(then->target, r->place.target) != 0)
		return err_set(info, ERR_USAGE, 0, "the checkpoint is of a replay against %s",
			       then->target);
	if (then->options != r->place.options)
		return err_set(info, ERR_USAGE, 0,
			       "the checkpoint is of a replay with other options of what is sent");
	outcome_note(&r->outcome,
		     "an interrupted replay was continued: its first part is not in here");
	if (!then->last)
		outcome_note(&r->outcome, "it had not ended in order: what was sent after its last "
					  "checkpoint was sent again");
	return ERR_OK;
}

enum err replay_new(const struct replay_options *options, struct replay **out, struct errinfo *info)
{
	struct replay *r = mem_zalloc(sizeof(*r));
	const struct event_sink own = {
		.event = on_event, .tick = on_tick, .finish = on_finish, .ctx = r};
	enum err e;

	if (!r)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	r->options = *options;
	set_defaults(&r->options);
	r->guard.outcome = &r->outcome;
	if (options->allowed)
		r->guard.allowed = (struct sql_allowed){.names = options->allowed->items,
							.count = options->allowed->count};
	outcome_init(&r->outcome);
	r->outcome.speed = options->speed;
	r->outcome.order = options->order;
	r->outcome.dry = options->dry;
	r->done = -1;
	e = engine_init(&r->engine, &r->options, info);
	if (e != ERR_OK) {
		mem_free(r);
		return e;
	}
	r->engine.workers = r->workers;
	r->engine.worker_count = r->options.threads;
	e = select_init(&r->select, r->options.filter, r->options.share, &own, info);
	if (e == ERR_OK)
		e = set_place(r, info);
	if (e == ERR_OK && !options->dry)
		e = probe(&r->engine, info);
	if (e == ERR_AGAIN)
		e = ERR_IO;
	if (e == ERR_OK &&
	    feed_init(&r->feed, &r->engine, r->workers, r->options.threads, &r->outcome) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	if (e == ERR_OK && options->resume &&
	    checkpoint_carry(options->resume, &r->feed.progress) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	if (e == ERR_OK && options->read_only)
		r->feed.guard = &r->guard;
	if (e == ERR_OK && !options->dry)
		e = start_workers(r, info);
	if (e != ERR_OK) {
		replay_free(r);
		return e;
	}
	r->moved_ns = clock_mono_ns();
	*out = r;
	return ERR_OK;
}

struct event_sink replay_sink(struct replay *r)
{
	return select_sink(&r->select);
}

int64_t replay_since_ns(const struct replay *r)
{
	int64_t since_ns = INT64_MIN, until_ns;

	if (r->select.filter)
		filter_window(r->select.filter, &since_ns, &until_ns);
	return since_ns;
}

struct outcome *replay_outcome(struct replay *r)
{
	return &r->outcome;
}

enum err replay_explain(struct replay *r, struct errinfo *info)
{
	return explain_slower(r->options.target, &r->feed.examples, &r->outcome, info);
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	give_up(r);
	feed_flush(&r->feed);
	for (unsigned i = 0; i < r->worker_count; i++) {
		if (r->workers[i].started)
			worker_push(&r->workers[i], NULL, true);
		worker_join(&r->workers[i]);
		worker_release(&r->workers[i]);
	}
	select_release(&r->select);
	feed_release(&r->feed);
	engine_release(&r->engine);
	outcome_release(&r->outcome);
	mem_free(r);
}
