/* consumer - takes blocks from the broker's queues. */
#include "broker/consumer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "broker/held.h"
#include "broker/retry.h"
#include "broker/seen.h"
#include "broker/shards.h"

enum {
	STREAMS_MAX = 1 << 16,
	LOOK_MS = 1000,
};

static const int64_t RENEW_NS = 10 * 60 * NS_PER_S; /* brokers wait 15 or 30 minutes */

struct consumer {
	const struct place *place;
	struct shards shards;
	pthread_t thread;
	bool started;
	int wake_fd;
	atomic_bool stopping, connected;
	atomic_ullong taken, twice, again, foreign, errors;
	atomic_llong busy_ns; /* when there was something to do, monotonic */
	pthread_mutex_t lock;
	pthread_cond_t ready;                    /* monotonic clock */
	struct delivery *waiting, **waiting_end; /* under LOCK: not handed out */
	struct held *done, **done_end;           /* under LOCK: in order */
	bool stirred;           /* under LOCK: since it was asked for the next one */
	struct errinfo failure; /* under LOCK */
	/* The thread's. */
	struct mq *mq;
	struct retry retry;
	bool told_away;
	struct map streams; /* by id */
	struct held_list held;
	struct seen_bytes done_away; /* messages of MRTE that were done when the link was lost */
};

/* NULL: no memory, or too many. */
static struct seen *find_stream(struct consumer *c, const struct block_header *b)
{
	struct seen *s = map_get(&c->streams, b->recording, NULL);

	if (s)
		return s;
	s = mem_zalloc(sizeof(*s));
	if (s && map_put(&c->streams, b->recording, s) != ERR_OK) {
		mem_free(s);
		return NULL;
	}
	if (s)
		s->last = b->number;
	return s;
}

static void hand_out(struct consumer *c, struct delivery *d)
{
	d->next = NULL;
	pthread_mutex_lock(&c->lock);
	*c->waiting_end = d;
	c->waiting_end = &d->next;
	pthread_cond_signal(&c->ready);
	pthread_mutex_unlock(&c->lock);
}

static void fail(struct consumer *c, enum err e, const char *text)
{
	pthread_mutex_lock(&c->lock);
	if (c->failure.code == ERR_OK)
		(void)err_set(&c->failure, e, 0, "%s", text);
	pthread_cond_signal(&c->ready);
	pthread_mutex_unlock(&c->lock);
}

/* --- what comes --- */

static void take(struct consumer *c, struct held *h)
{
	held_add(&c->held, h);
	atomic_fetch_add(&c->taken, 1);
	if (h->delivery.again)
		atomic_fetch_add(&c->again, 1);
	hand_out(c, &h->delivery);
}

/* H was delivered again, as E. */
static void tag_anew(struct held *h, const struct mq_event *e)
{
	h->channel = e->channel;
	h->tag = e->tag;
	h->got_ns = clock_mono_ns();
}

/* A block that was handed out, or is done, comes again. */
static enum err on_twice(struct consumer *c, const struct mq_event *e,
			 const struct block_header *header, struct errinfo *info)
{
	struct held *h = held_find(&c->held, header);

	atomic_fetch_add(&c->twice, 1);
	if (!h || h->tag != 0) /* the other one is acknowledged in its time */
		return mq_ack(c->mq, e->channel, e->tag, info);
	tag_anew(h, e);
	return ERR_OK;
}

/* --- messages of MRTE, which have no identity --- */

static enum err on_mrte(struct consumer *c, const struct mq_event *e, struct errinfo *info)
{
	struct slice body = e->with.body;
	const struct block_header header = {.recording = hash_bytes(body),
					    .stored_len = (uint32_t)body.len};
	struct held *h = e->again ? held_find_untagged(&c->held, header.recording) : NULL;

	atomic_store(&c->busy_ns, clock_mono_ns());
	if (body.len == 0 || (e->again && !h && seen_bytes_take(&c->done_away, header.recording))) {
		atomic_fetch_add(body.len ? &c->twice : &c->foreign, 1);
		return mq_ack(c->mq, e->channel, e->tag, info);
	}
	if (h) {
		tag_anew(h, e);
		atomic_fetch_add(&c->twice, 1);
		return ERR_OK;
	}
	h = held_new(e, &header, (unsigned)shards_queue_of(&c->shards, e->channel), 0);
	if (h)
		take(c, h);
	else
		fail(c, ERR_NOMEM, "no memory for a message");
	return h ? ERR_OK : err_set(info, ERR_NOMEM, 0, "no memory for a message");
}

static enum err on_delivery(struct consumer *c, const struct mq_event *e, struct errinfo *info)
{
	const struct slice body = e->with.body;
	struct block_header header;
	struct seen *s;
	struct held *h;

	atomic_store(&c->busy_ns, clock_mono_ns());
	if (body.len < RECORDING_BLOCK_HEADER || block_header_decode(body, &header) != ERR_OK ||
	    body.len - RECORDING_BLOCK_HEADER != header.stored_len) {
		atomic_fetch_add(&c->foreign, 1);
		return mq_ack(c->mq, e->channel, e->tag, info);
	}
	s = find_stream(c, &header);
	if (s && seen_has(s, header.number))
		return on_twice(c, e, &header, info);
	h = s ? held_new(e, &header, (unsigned)shards_queue_of(&c->shards, e->channel),
			 RECORDING_BLOCK_HEADER)
	      : NULL;
	if (!h) {
		fail(c, ERR_NOMEM, "no memory for a block, or too many publishers");
		return err_set(info, ERR_NOMEM, 0, "no memory for a block");
	}
	seen_add(s, header.number);
	take(c, h);
	return ERR_OK;
}

static enum err on_event(struct consumer *c, const struct mq_event *e, struct errinfo *info)
{
	int queue = shards_queue_of(&c->shards, e->channel);

	if (queue < 0)
		return ERR_OK; /* it is of a channel that was closed */
	switch (e->kind) {
	case MQ_DELIVERY:
		return c->place->mrte ? on_mrte(c, e, info) : on_delivery(c, e, info);
	case MQ_CANCELLED:
		return err_set(info, ERR_IO, 0, "the broker ended the consumer of queue '%s'",
			       c->shards.queues[queue].name);
	case MQ_CHANNEL_CLOSED:
		return err_set(info, ERR_IO, 0, "the broker closed the channel: %s", e->reason);
	case MQ_CONFIRMED:
	case MQ_REFUSED:
	case MQ_RETURNED:
	case MQ_BLOCKED:
	case MQ_UNBLOCKED:
		break;
	}
	return ERR_OK;
}

/* --- what goes --- */

/* As if H had not come. */
static void forget(struct consumer *c, const struct held *h)
{
	if (!c->place->mrte)
		seen_forget(map_get(&c->streams, h->delivery.header.recording, NULL),
			    h->delivery.header.number);
	atomic_fetch_sub(&c->taken, 1);
	if (h->delivery.again)
		atomic_fetch_sub(&c->again, 1);
}

static enum err acknowledge(struct consumer *c, struct errinfo *info)
{
	struct held *h, *next;
	enum err e = ERR_OK;

	pthread_mutex_lock(&c->lock);
	h = c->done;
	c->done = NULL;
	c->done_end = &c->done;
	pthread_mutex_unlock(&c->lock);
	for (; h; h = next) {
		next = h->next_done;
		if (h->returned)
			forget(c, h);
		else if (c->mq && h->tag != 0 && e == ERR_OK)
			e = mq_ack(c->mq, h->channel, h->tag, info);
		else if (c->place->mrte && h->tag == 0)
			seen_bytes_add(&c->done_away, h->delivery.header.recording);
		held_free(&c->held, h);
		atomic_store(&c->busy_ns, clock_mono_ns());
	}
	return e;
}

/* Before the broker loses patience, it gets back what is held, and delivers it again at once. */
static enum err renew(struct consumer *c, struct errinfo *info)
{
	int64_t every_ns = c->place->renew_ns ? c->place->renew_ns : RENEW_NS;
	int64_t now_ns = clock_mono_ns();
	enum err e = ERR_OK;
	bool due = false;

	for (const struct held *h = c->held.first; h && !due; h = h->after)
		due = h->tag != 0 && now_ns - h->got_ns >= every_ns;
	for (struct held *h = c->held.first; due && h && e == ERR_OK; h = h->after) {
		if (h->tag != 0)
			e = mq_give_back(c->mq, h->channel, h->tag, info);
		h->tag = 0;
	}
	return e;
}

static enum err move(struct consumer *c, struct errinfo *info)
{
	struct mq_event event;
	enum err e;

	do {
		e = mq_next(c->mq, &event, info);
		if (e == ERR_OK)
			e = on_event(c, &event, info);
	} while (e == ERR_OK);
	if (e == ERR_AGAIN)
		e = acknowledge(c, info);
	if (e == ERR_OK)
		e = shards_step(&c->shards, c->mq, info);
	return e == ERR_OK ? renew(c, info) : e;
}

/* --- the connection --- */

static enum err connect_and_consume(struct consumer *c, struct errinfo *info)
{
	struct mq *mq = NULL;
	enum err e = mq_open(c->place, "myna consumer", &mq, info);

	if (e == ERR_OK)
		e = shards_begin(&c->shards, mq, info);
	if (e != ERR_OK) {
		shards_end(&c->shards);
		mq_free(mq);
		return e;
	}
	c->mq = mq;
	retry_reset(&c->retry);
	if (c->told_away)
		log_warn(NULL, "the broker is back");
	c->told_away = false;
	atomic_store(&c->busy_ns, clock_mono_ns());
	atomic_store(&c->connected, true);
	return ERR_OK;
}

/* What nobody has begun yet, of QUEUE or of all (-1), is for whoever gets it next. */
static void drop_waiting(struct consumer *c, int queue)
{
	struct delivery *d, *next;

	pthread_mutex_lock(&c->lock);
	d = c->waiting;
	c->waiting = NULL;
	c->waiting_end = &c->waiting;
	pthread_mutex_unlock(&c->lock);
	for (; d; d = next) {
		struct held *h = (struct held *)(void *)d; /* its first member */

		next = d->next;
		if (queue >= 0 && d->queue != (unsigned)queue) {
			hand_out(c, d);
			continue;
		}
		forget(c, h);
		held_free(&c->held, h);
	}
}

/* What was delivered on its channel is delivered again. */
static enum err on_closed(void *ctx, unsigned queue, struct errinfo *info)
{
	struct consumer *c = ctx;

	drop_waiting(c, (int)queue);
	for (struct held *h = c->held.first; h; h = h->after)
		if (h->delivery.queue == queue)
			h->tag = 0;
	return acknowledge(c, info); /* what was given back is forgotten before it comes again */
}

static void lose_link(struct consumer *c, const struct errinfo *why)
{
	drop_waiting(c, -1);
	shards_end(&c->shards);
	mq_free(c->mq);
	c->mq = NULL;
	atomic_store(&c->connected, false);
	atomic_fetch_add(&c->errors, 1);
	for (struct held *h = c->held.first; h; h = h->after)
		h->tag = 0; /* all of it is delivered again */
	retry_failed(&c->retry, clock_mono_ns());
	if (!c->told_away && !atomic_load(&c->stopping))
		log_warn(NULL, "%s; trying again", why->text);
	c->told_away = true;
}

static void wait_for_news(const struct consumer *c)
{
	int64_t retry_ms = retry_wait_ns(&c->retry, clock_mono_ns()) / NS_PER_MS + 1;

	mq_wait(c->mq, c->wake_fd, !c->mq && retry_ms < LOOK_MS ? retry_ms : LOOK_MS);
}

static void *consumer_main(void *ctx)
{
	struct consumer *c = ctx;
	struct errinfo info = {.code = ERR_OK};
	enum err e;

	while (!atomic_load(&c->stopping)) {
		if (c->mq)
			e = move(c, &info);
		else if (retry_wait_ns(&c->retry, clock_mono_ns()) == 0)
			e = connect_and_consume(c, &info);
		else
			e = acknowledge(c, &info); /* what is done needs no place */
		if (e != ERR_OK)
			lose_link(c, &info);
		else
			wait_for_news(c);
	}
	if (acknowledge(c, &info) == ERR_OK)
		mq_close(c->mq);
	else
		mq_free(c->mq);
	return NULL;
}

/* --- opening --- */

enum err consumer_open(const struct place *p, bool shared, struct consumer **out,
		       struct errinfo *info)
{
	struct consumer *c = mem_zalloc(sizeof(*c));
	pthread_condattr_t monotonic;
	enum err e;

	if (!c)
		return err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	c->place = p;
	c->shards.closed = on_closed;
	c->shards.ctx = c;
	c->waiting_end = &c->waiting;
	c->done_end = &c->done;
	map_init(&c->streams, STREAMS_MAX, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->ready, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = c->wake_fd < 0 ? err_set(info, ERR_IO, errno, "eventfd")
			   : shards_find(&c->shards, p, shared, info);
	if (e == ERR_OK)
		e = connect_and_consume(c, info);
	if (e == ERR_OK && (errno = pthread_create(&c->thread, NULL, consumer_main, c)) != 0)
		e = err_set(info, ERR_IO, errno, "start a thread");
	c->started = e == ERR_OK;
	if (e != ERR_OK) {
		consumer_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

static void wake(struct consumer *c)
{
	const uint64_t one = 1;

	while (write(c->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void consumer_free(struct consumer *c)
{
	struct seen *s;

	if (!c)
		return;
	if (c->started) {
		atomic_store(&c->stopping, true);
		wake(c);
		pthread_join(c->thread, NULL);
	} else {
		mq_free(c->mq);
	}
	while (c->held.first)
		held_free(&c->held, c->held.first);
	for (size_t at = 0; (s = map_next(&c->streams, &at));)
		mem_free(s);
	map_release(&c->streams);
	seen_bytes_release(&c->done_away);
	shards_release(&c->shards);
	if (c->wake_fd >= 0)
		(void)close(c->wake_fd);
	pthread_cond_destroy(&c->ready);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

unsigned consumer_queues(const struct consumer *c)
{
	return c->shards.count;
}

enum err consumer_next(struct consumer *c, int wait_ms, struct delivery **out, struct errinfo *info)
{
	struct timespec until;
	int64_t until_ns = clock_mono_ns() + wait_ms * NS_PER_MS;
	struct delivery *d;
	enum err e;

	until = (struct timespec){.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
	pthread_mutex_lock(&c->lock);
	while (!c->waiting && !c->stirred && c->failure.code == ERR_OK && wait_ms > 0)
		if (pthread_cond_timedwait(&c->ready, &c->lock, &until) == ETIMEDOUT)
			break;
	c->stirred = false;
	d = c->waiting;
	e = d ? ERR_OK : c->failure.code != ERR_OK ? c->failure.code : ERR_AGAIN;
	if (d) {
		c->waiting = d->next;
		if (!c->waiting)
			c->waiting_end = &c->waiting;
		d->next = NULL;
		*out = d;
	} else if (e != ERR_AGAIN && info) {
		*info = c->failure;
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

static void settle(struct consumer *c, struct held *h)
{
	pthread_mutex_lock(&c->lock);
	h->next_done = NULL;
	*c->done_end = h;
	c->done_end = &h->next_done;
	pthread_mutex_unlock(&c->lock);
	wake(c);
}

void consumer_done(struct consumer *c, struct delivery *d)
{
	settle(c, (struct held *)(void *)d); /* its first member */
}

void consumer_stir(struct consumer *c)
{
	pthread_mutex_lock(&c->lock);
	c->stirred = true;
	pthread_cond_signal(&c->ready);
	pthread_mutex_unlock(&c->lock);
}

void consumer_unpacked(struct delivery *d)
{
	struct held *h = (struct held *)(void *)d; /* its first member */

	mem_free(h->bytes);
	h->bytes = NULL;
	d->stored = (struct slice){.ptr = NULL, .len = 0};
}

void consumer_give_back(struct consumer *c, struct delivery *d)
{
	struct held *h = (struct held *)(void *)d; /* its first member */

	h->returned = true;
	settle(c, h);
}

enum consumer_queue consumer_queue(const struct consumer *c, unsigned queue)
{
	return atomic_load(&c->shards.queues[queue].leaving) ? CONSUMER_LEAVES : CONSUMER_KEEPS;
}

void consumer_leave(struct consumer *c, unsigned queue)
{
	atomic_store(&c->shards.queues[queue].left, true);
	wake(c);
}

void consumer_stay(struct consumer *c, unsigned queue)
{
	atomic_store(&c->shards.queues[queue].stays, true);
	wake(c);
}

size_t consumer_prefetch(const struct consumer *c)
{
	return shards_prefetch(c->place);
}

void consumer_state(struct consumer *c, struct consumer_state *out)
{
	*out = (struct consumer_state){
		.connected = atomic_load(&c->connected),
		.taken = atomic_load(&c->taken),
		.twice = atomic_load(&c->twice),
		.again = atomic_load(&c->again),
		.foreign = atomic_load(&c->foreign),
		.errors = atomic_load(&c->errors),
		.held = atomic_load(&c->held.count),
	};
	if (out->connected && out->held == 0)
		out->idle_ns = clock_mono_ns() - atomic_load(&c->busy_ns);
}
