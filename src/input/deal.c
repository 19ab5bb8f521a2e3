/* deal - segments dealt to threads, each of which follows its own flows. */
#include "input/deal.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/mem.h"

enum {
	BATCHES = 8,
	BATCH_ITEMS = 4096,       /* a buffer of the usual size holds fewer segments */
	BUFFER_USUAL = 256 << 10, /* bytes */
	COPIES_AIM = 256 << 10,   /* bytes copied, after which a batch is full */
	COPIES_KEEP = 512 << 10,  /* bytes of memory that it keeps for the next */
	COPIES_MAX = 8 << 20,     /* the same, with what a single segment may add */
	BUCKETS = 4096,           /* of hashes */
	NOBODY = UINT8_MAX,       /* owns what is no segment */
};

_Static_assert((int)INPUT_THREADS_MAX < (int)NOBODY, "an owner is a byte");

/* What every thread looks at; the segment itself is its owner's only. */
struct mark {
	int64_t time_ns;
	uint64_t frame;
	uint8_t owner; /* NOBODY: time has passed without a frame */
};

struct batch {
	struct mark *marks;
	struct segment *segments; /* as many; with payloads in BYTES or COPIES */
	size_t count;
	uint8_t *bytes; /* as read from a file; NULL: nothing was yet */
	size_t room;    /* of bytes */
	struct arena copies;
	size_t copied; /* bytes */
};

struct worker {
	struct deal *deal;
	struct chain *chain;
	pthread_t thread;
	bool started;
	uint8_t index;
	uint64_t census; /* number of the one that the chain has */
	/* Under the deal's lock: */
	uint64_t done; /* batches */
	struct coverage heard;
};

struct deal {
	struct worker *workers;
	size_t count;
	struct capture *capture; /* that buffers are lent to; NULL: none */
	struct batch *filling;
	uint64_t other_ports;
	uint8_t owners[BUCKETS]; /* index + 1; 0: nobody's yet */
	size_t dealt;            /* buckets that have an owner */
	atomic_bool has_failed;

	pthread_mutex_t lock;
	pthread_cond_t more, room; /* for the workers, for who reads */
	/* Under the lock, as what is in batches that were handed out: */
	struct batch batches[BATCHES];
	uint64_t handed; /* batches handed out; the one being filled is the next */
	bool ended;      /* no more will be */
	struct census *census;
	enum err failed;
	struct errinfo info;
};

/* ---- the threads ---- */

static void note_failure(struct deal *d, const struct errinfo *info)
{
	pthread_mutex_lock(&d->lock);
	if (d->failed == ERR_OK) {
		d->failed = info->code;
		d->info = *info;
	}
	pthread_mutex_unlock(&d->lock);
	atomic_store(&d->has_failed, true);
}

/* The next batch; NULL: there will be no more. */
static const struct batch *await_batch(struct worker *w)
{
	struct deal *d = w->deal;
	const struct batch *b = NULL;
	struct census *fresh = NULL;

	pthread_mutex_lock(&d->lock);
	while (w->done == d->handed && !d->ended)
		pthread_cond_wait(&d->more, &d->lock);
	if (w->done < d->handed)
		b = &d->batches[w->done % BATCHES];
	if (d->census && d->census->number != w->census)
		fresh = census_share(d->census);
	pthread_mutex_unlock(&d->lock);
	if (fresh) {
		w->census = fresh->number;
		chain_set_census(w->chain, fresh);
	}
	return b;
}

static void give_back(struct worker *w)
{
	struct deal *d = w->deal;

	pthread_mutex_lock(&d->lock);
	w->done++;
	chain_coverage(w->chain, &w->heard);
	pthread_cond_signal(&d->room);
	pthread_mutex_unlock(&d->lock);
}

static enum err go_through(const struct worker *w, const struct batch *b, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < b->count; i++) {
		const struct mark *m = &b->marks[i];

		if (m->owner == w->index)
			e = chain_segment(w->chain, &b->segments[i], info);
		else if (m->owner == NOBODY)
			chain_tick(w->chain, m->time_ns);
		else
			chain_pass(w->chain, m->time_ns, m->frame);
	}
	return e == ERR_OK ? chain_error(w->chain, info) : e;
}

static void *worker_main(void *ctx)
{
	struct worker *w = ctx;
	const struct batch *b;
	struct errinfo info;
	enum err e = ERR_OK;

	while ((b = await_batch(w)) != NULL) {
		if (e == ERR_OK) {
			e = go_through(w, b, &info);
			if (e != ERR_OK)
				note_failure(w->deal, &info);
		}
		give_back(w);
	}
	chain_finish(w->chain);
	if (e == ERR_OK && chain_error(w->chain, &info) != ERR_OK)
		note_failure(w->deal, &info);
	return NULL;
}

/* ---- batches ---- */

static uint64_t done_by_all(const struct deal *d)
{
	uint64_t done = d->handed;

	for (size_t i = 0; i < d->count; i++)
		if (d->workers[i].done < done)
			done = d->workers[i].done;
	return done;
}

/* Waits until at most BUSY batches are with the threads. */
static void await_room(struct deal *d, uint64_t busy)
{
	pthread_mutex_lock(&d->lock);
	while (d->handed - done_by_all(d) > busy)
		pthread_cond_wait(&d->room, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void hand_out(struct deal *d)
{
	pthread_mutex_lock(&d->lock);
	d->handed++;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
}

static enum err begin_batch(struct deal *d, struct errinfo *info)
{
	struct batch *b;

	await_room(d, BATCHES - 1);
	b = &d->batches[d->handed % BATCHES];
	if (!b->marks) {
		arena_init(&b->copies, COPIES_MAX);
		b->marks = mem_alloc(BATCH_ITEMS * sizeof(*b->marks));
		b->segments = mem_alloc(BATCH_ITEMS * sizeof(*b->segments));
	}
	if (!b->marks || !b->segments)
		return err_set(info, ERR_NOMEM, 0, "dealing to threads: out of memory");
	arena_reset(&b->copies, COPIES_KEEP);
	b->copied = 0;
	b->count = 0;
	d->filling = b;
	return ERR_OK;
}

static void drop_bytes(struct batch *b)
{
	mem_free(b->bytes);
	b->bytes = NULL;
	b->room = 0;
}

/* Larger buffers than the usual stay no longer than they must; who reads still has KEPT. */
static void drop_large(struct deal *d, const struct batch *kept)
{
	await_room(d, 0);
	for (size_t i = 0; i < BATCHES; i++)
		if (&d->batches[i] != kept && d->batches[i].room > BUFFER_USUAL)
			drop_bytes(&d->batches[i]);
}

/* For the capture: the buffer at hand is full, and so is the batch. */
static uint8_t *next_buffer(void *ctx, size_t *room)
{
	struct deal *d = ctx;
	const struct batch *before = d->filling;
	struct batch *b;
	size_t wanted = *room > BUFFER_USUAL ? *room : BUFFER_USUAL;

	if (before->bytes) {
		hand_out(d);
		if (begin_batch(d, NULL) != ERR_OK)
			return NULL;
	}
	b = d->filling;
	if (wanted > BUFFER_USUAL)
		drop_large(d, before);
	if (b->room != wanted)
		drop_bytes(b);
	if (!b->bytes)
		b->bytes = mem_alloc(wanted);
	if (!b->bytes)
		return NULL;
	b->room = wanted;
	*room = wanted;
	return b->bytes;
}

enum err deal_lend(struct deal *d, struct capture *c, struct errinfo *info)
{
	const struct capture_buffers buffers = {.next = next_buffer, .ctx = d};
	bool lent = false;
	enum err e = capture_lend(c, &buffers, &lent, info);

	d->capture = e == ERR_OK && lent ? c : NULL;
	return e;
}

/* Hands out what there is. */
static enum err flush(struct deal *d, struct errinfo *info)
{
	if (d->filling->count == 0)
		return ERR_OK;
	if (d->capture)
		return capture_renew(d->capture, info);
	hand_out(d);
	return begin_batch(d, info);
}

/* ---- segments ---- */

/* Flows come in turn, so that a few of them are spread well, too. */
static uint8_t owner_of(struct deal *d, const struct segment *s)
{
	uint8_t *owner = &d->owners[endpoint_pair_hash(&s->src, &s->dst) % BUCKETS];

	if (*owner == 0)
		*owner = (uint8_t)(d->dealt++ % d->count + 1);
	return (uint8_t)(*owner - 1);
}

static bool is_in(const struct batch *b, struct slice bytes)
{
	return b->bytes && bytes.ptr >= b->bytes && bytes.ptr < b->bytes + b->room;
}

enum err deal_segment(struct deal *d, const struct segment *s, struct errinfo *info)
{
	struct batch *b = d->filling;
	struct segment *to = &b->segments[b->count];
	bool failed = false;

	if (!chain_follows(d->workers[0].chain, s)) {
		d->other_ports++;
		return ERR_OK;
	}
	*to = *s;
	if (s->payload.len > 0 && !is_in(b, s->payload)) {
		to->payload = arena_copy(&b->copies, s->payload, &failed);
		b->copied += s->payload.len;
	}
	if (failed)
		return err_set(info, ERR_NOMEM, 0, "dealing to threads: out of memory");
	b->marks[b->count++] =
		(struct mark){.time_ns = s->time_ns, .frame = s->frame, .owner = owner_of(d, s)};
	return b->count < BATCH_ITEMS && b->copied < COPIES_AIM ? ERR_OK : flush(d, info);
}

void deal_set_census(struct deal *d, struct census *census)
{
	struct census *old;

	pthread_mutex_lock(&d->lock);
	old = d->census;
	d->census = census;
	pthread_mutex_unlock(&d->lock);
	census_drop(old);
}

enum err deal_tick(struct deal *d, int64_t now_ns, struct errinfo *info)
{
	struct batch *b = d->filling;

	if (now_ns >= 0)
		b->marks[b->count++] = (struct mark){.time_ns = now_ns, .owner = NOBODY};
	return flush(d, info);
}

/* ---- life ---- */

/* Signals are for the thread that reads: they interrupt its waiting. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = e == 0;
	return e;
}

static enum err start_all(struct deal *d, const struct input_options *options,
			  const struct event_sink *sinks, struct errinfo *info)
{
	for (size_t i = 0; i < d->count; i++) {
		struct worker *w = &d->workers[i];

		w->deal = d;
		w->index = (uint8_t)i;
		if (chain_new(options, (unsigned)d->count, &w->chain) != ERR_OK)
			return err_set(info, ERR_NOMEM, 0, "starting to listen: out of memory");
		chain_set_sink(w->chain, &sinks[i]);
	}
	for (size_t i = 0; i < d->count; i++) {
		int e = start_thread(&d->workers[i]);

		if (e != 0)
			return err_set(info, ERR_IO, e, "start a thread");
	}
	return begin_batch(d, info);
}

enum err deal_new(const struct input_options *options, const struct event_sink *sinks, size_t count,
		  struct deal **out, struct errinfo *info)
{
	struct deal *d = mem_zalloc(sizeof(*d));
	enum err e;

	assert(count >= 1 && count <= INPUT_THREADS_MAX);
	if (!d)
		return err_set(info, ERR_NOMEM, 0, "starting to listen: out of memory");
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	pthread_cond_init(&d->room, NULL);
	d->workers = mem_zalloc(count * sizeof(*d->workers));
	d->count = d->workers ? count : 0;
	e = d->workers ? start_all(d, options, sinks, info)
		       : err_set(info, ERR_NOMEM, 0, "starting to listen: out of memory");
	if (e != ERR_OK) {
		deal_free(d);
		return e;
	}
	*out = d;
	return ERR_OK;
}

static void end_threads(struct deal *d)
{
	pthread_mutex_lock(&d->lock);
	d->ended = true;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
	for (size_t i = 0; i < d->count; i++) {
		struct worker *w = &d->workers[i];

		if (w->started)
			(void)pthread_join(w->thread, NULL);
		w->started = false;
		if (w->chain)
			chain_coverage(w->chain, &w->heard);
	}
}

enum err deal_error(struct deal *d, struct errinfo *info)
{
	enum err e;

	if (!atomic_load(&d->has_failed))
		return ERR_OK;
	pthread_mutex_lock(&d->lock);
	e = d->failed;
	if (info)
		*info = d->info;
	pthread_mutex_unlock(&d->lock);
	return e;
}

enum err deal_finish(struct deal *d, struct errinfo *info)
{
	if (d->filling->count > 0)
		hand_out(d);
	end_threads(d);
	return deal_error(d, info);
}

void deal_coverage(struct deal *d, struct coverage *out)
{
	*out = (struct coverage){.other_ports = d->other_ports};
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->count; i++)
		coverage_add(out, &d->workers[i].heard);
	pthread_mutex_unlock(&d->lock);
}

void deal_free(struct deal *d)
{
	if (!d)
		return;
	end_threads(d);
	for (size_t i = 0; i < d->count; i++)
		chain_free(d->workers[i].chain);
	mem_free(d->workers);
	census_drop(d->census);
	for (size_t i = 0; i < BATCHES; i++) {
		struct batch *b = &d->batches[i];

		mem_free(b->marks);
		mem_free(b->segments);
		arena_release(&b->copies);
		drop_bytes(b);
	}
	pthread_cond_destroy(&d->room);
	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
}
