/* publisher - sends an outbox to the broker. */
#include "broker/publisher.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker/retry.h"

enum {
	CHANNEL = 1,
	WINDOW = 128, /* messages that were sent and not confirmed */
	WINDOW_BYTES = 32 << 20,
	BODY_MAX = 32 << 20, /* bytes of a message */
	LOOK_MS = 1000,
	NAME_MAX_BYTES = 512,
	KEY_MAX = 16,
};

/* A message that was sent. */
struct flight {
	struct outbox_place after;
	uint32_t len;
	bool confirmed;
};

struct publisher {
	struct publisher_options options;
	pthread_t thread;
	bool started;
	int wake_fd;
	atomic_bool stopping;
	atomic_bool connected, blocked;
	atomic_ullong confirmed, errors;
	pthread_mutex_t lock;
	int link_fd;            /* under LOCK: of the link that may be broken; -1: none */
	struct errinfo failure; /* under LOCK */
	/* The thread's. */
	struct mq *mq;
	struct retry retry;
	bool told_away; /* that the broker is away */
	struct outbox_place next;
	struct outbox_place
		sent; /* up to where messages may have been sent before, by this start or another */
	uint64_t first_tag;            /* of the first flight */
	struct flight flights[WINDOW]; /* a ring by tag */
	size_t flight_count;
	size_t flight_bytes;
	struct buf body;
};

static char *key_of(uint32_t shard, char to[KEY_MAX])
{
	(void)snprintf(to, KEY_MAX, "%u", shard);
	return to;
}

/* --- the connection --- */

static enum err declare_shard(const struct publisher_options *o, struct mq *mq, uint32_t shard,
			      struct errinfo *info)
{
	char name[NAME_MAX_BYTES], key[KEY_MAX];
	enum err e;

	(void)snprintf(name, sizeof(name), "%s.%u", o->exchange, shard);
	e = mq_queue(mq, CHANNEL, name, o->type, info);
	return e == ERR_OK ? mq_bind(mq, CHANNEL, name, o->exchange, key_of(shard, key), info) : e;
}

static enum err connect_and_declare(const struct publisher_options *o, struct mq **out,
				    struct errinfo *info)
{
	struct mq *mq = NULL;
	enum err e = mq_open(o->place, "myna publish", &mq, info);

	if (e == ERR_OK)
		e = mq_channel(mq, CHANNEL, info);
	if (e == ERR_OK)
		e = mq_exchange(mq, CHANNEL, o->exchange, o->declare, info);
	for (uint32_t shard = 0; e == ERR_OK && o->declare && shard < o->shards; shard++)
		e = declare_shard(o, mq, shard, info);
	if (e == ERR_OK)
		e = mq_confirms(mq, CHANNEL, info);
	if (e == ERR_OK)
		*out = mq;
	else
		mq_free(mq);
	return e;
}

static void set_link_fd(struct publisher *p, int fd)
{
	pthread_mutex_lock(&p->lock);
	p->link_fd = fd;
	pthread_mutex_unlock(&p->lock);
}

/* From the first message that is not confirmed. */
static void take_link(struct publisher *p, struct mq *mq)
{
	p->mq = mq;
	p->next = outbox_head(p->options.outbox);
	p->first_tag = 1;
	p->flight_count = 0;
	p->flight_bytes = 0;
	set_link_fd(p, mq_fd(mq));
	atomic_store(&p->blocked, false);
	atomic_store(&p->connected, true);
}

static void lose_link(struct publisher *p, const struct errinfo *why)
{
	struct mq *mq = p->mq;

	p->mq = NULL;
	set_link_fd(p, -1);
	atomic_store(&p->connected, false);
	mq_free(mq);
	atomic_fetch_add(&p->errors, 1);
	retry_failed(&p->retry, clock_mono_ns());
	if (!p->told_away && !atomic_load(&p->stopping))
		log_warn(NULL, "%s; what is to be sent waits in the spool", why->text);
	p->told_away = true;
}

static void reconnect(struct publisher *p)
{
	struct errinfo info = {.code = ERR_OK};
	struct mq *mq;

	if (connect_and_declare(&p->options, &mq, &info) != ERR_OK) {
		lose_link(p, &info);
		return;
	}
	take_link(p, mq);
}

/* --- sending and confirming --- */

static void set_failure(struct publisher *p, const struct errinfo *info)
{
	pthread_mutex_lock(&p->lock);
	if (p->failure.code == ERR_OK)
		p->failure = *info;
	pthread_mutex_unlock(&p->lock);
}

/* Takes out of the outbox what is confirmed, from the front. */
static enum err settle(struct publisher *p, struct errinfo *info)
{
	struct outbox_place after = {.file = 0};
	uint64_t messages = 0, len = 0;

	while (p->flight_count > 0 && p->flights[p->first_tag % WINDOW].confirmed) {
		const struct flight *f = &p->flights[p->first_tag % WINDOW];

		after = f->after;
		len += f->len;
		messages++;
		p->flight_bytes -= f->len;
		p->flight_count--;
		p->first_tag++;
	}
	if (messages == 0)
		return ERR_OK;
	atomic_fetch_add(&p->confirmed, messages);
	retry_reset(&p->retry);
	if (p->told_away)
		log_warn(NULL, "the broker is back");
	p->told_away = false;
	return outbox_confirm(p->options.outbox, after, messages, len, info);
}

static void on_confirmed(struct publisher *p, const struct mq_event *e)
{
	uint64_t last = p->first_tag + p->flight_count;

	if (e->tag >= last)
		return;
	for (uint64_t tag = e->multiple ? p->first_tag : e->tag; tag <= e->tag; tag++)
		if (tag >= p->first_tag)
			p->flights[tag % WINDOW].confirmed = true;
}

/* ERR_IO: the link is of no use any more. */
static enum err on_event(struct publisher *p, const struct mq_event *e, struct errinfo *info)
{
	switch (e->kind) {
	case MQ_CONFIRMED:
		on_confirmed(p, e);
		return ERR_OK;
	case MQ_REFUSED:
		return err_set(info, ERR_IO, 0, "the broker refused a message");
	case MQ_RETURNED:
		if (p->options.mrte_key)
			return err_set(info, ERR_IO, 0,
				       "exchange '%s' has no queue for a message (%s): bind one by "
				       "the key '%s'",
				       p->options.exchange, e->reason, p->options.mrte_key);
		return err_set(info, ERR_IO, 0,
			       "exchange '%s' has no queue for a message (%s): bind queues by the "
			       "keys 0 to %u",
			       p->options.exchange, e->reason, p->options.shards - 1);
	case MQ_BLOCKED:
		if (!atomic_exchange(&p->blocked, true))
			log_warn(NULL, "the broker takes nothing for now: %s", e->reason);
		return ERR_OK;
	case MQ_UNBLOCKED:
		atomic_store(&p->blocked, false);
		return ERR_OK;
	case MQ_CHANNEL_CLOSED:
		return err_set(info, ERR_IO, 0, "the broker closed the channel: %s", e->reason);
	case MQ_DELIVERY:
	case MQ_CANCELLED:
		break;
	}
	return ERR_OK;
}

static bool is_past(struct outbox_place a, struct outbox_place b)
{
	return a.file > b.file || (a.file == b.file && a.offset > b.offset);
}

static enum err send_next(struct publisher *p, struct errinfo *info)
{
	struct outbox_message m;
	struct mq_message msg;
	char key[KEY_MAX];
	enum err e = outbox_read(p->options.outbox, p->next, &m, &p->body, info);

	if (e == ERR_IO || e == ERR_NOMEM)
		set_failure(p, info);
	if (e != ERR_OK)
		return e;
	msg = (struct mq_message){.body = buf_slice(&p->body),
				  .origin = outbox_origin(p->options.outbox),
				  .resent = !is_past(m.after, p->sent),
				  .mrte = p->options.mrte_key != NULL};
	e = mq_publish(p->mq, CHANNEL, p->options.exchange,
		       msg.mrte ? p->options.mrte_key : key_of(m.shard % p->options.shards, key),
		       &msg, info);
	if (e != ERR_OK)
		return e;
	p->flights[(p->first_tag + p->flight_count) % WINDOW] =
		(struct flight){.after = m.after, .len = m.len};
	p->flight_count++;
	p->flight_bytes += m.len;
	p->next = m.after;
	if (is_past(p->next, p->sent))
		p->sent = p->next;
	return ERR_OK;
}

/* All that came and all that may go. */
static enum err move(struct publisher *p, struct errinfo *info)
{
	struct mq_event event;
	enum err e;

	do {
		e = mq_next(p->mq, &event, info);
		if (e == ERR_OK)
			e = on_event(p, &event, info);
	} while (e == ERR_OK);
	if (e != ERR_AGAIN)
		return e;
	e = settle(p, info);
	if (e != ERR_OK) {
		set_failure(p, info);
		return e;
	}
	while (e == ERR_OK && p->flight_count < WINDOW && p->flight_bytes < WINDOW_BYTES &&
	       !atomic_load(&p->blocked))
		e = send_next(p, info);
	return e == ERR_AGAIN ? ERR_OK : e;
}

static bool has_failed(struct publisher *p)
{
	bool failed;

	pthread_mutex_lock(&p->lock);
	failed = p->failure.code != ERR_OK;
	pthread_mutex_unlock(&p->lock);
	return failed;
}

static void wait_for_news(const struct publisher *p)
{
	int64_t retry_ms = retry_wait_ns(&p->retry, clock_mono_ns()) / NS_PER_MS + 1;

	mq_wait(p->mq, p->wake_fd, !p->mq && retry_ms < LOOK_MS ? retry_ms : LOOK_MS);
}

static void *publisher_main(void *ctx)
{
	struct publisher *p = ctx;
	struct errinfo info = {.code = ERR_OK};

	while (!atomic_load(&p->stopping) && !has_failed(p)) {
		if (!p->mq && retry_wait_ns(&p->retry, clock_mono_ns()) == 0)
			reconnect(p);
		if (p->mq && move(p, &info) != ERR_OK)
			lose_link(p, &info);
		else
			wait_for_news(p);
	}
	if (p->mq) {
		set_link_fd(p, -1);
		mq_close(p->mq);
		p->mq = NULL;
	}
	return NULL;
}

/* --- from outside --- */

enum err publisher_start(const struct publisher_options *options, struct publisher **out,
			 struct errinfo *info)
{
	struct publisher *p = mem_zalloc(sizeof(*p));
	struct mq *mq = NULL;
	enum err e;

	assert(options->shards > 0 && options->shards <= PUBLISHER_SHARDS_MAX);
	if (!p)
		return err_set(info, ERR_NOMEM, 0, "no memory for a publisher");
	p->options = *options;
	p->link_fd = -1;
	p->sent = outbox_end(p->options.outbox); /* what the start before left it may have sent */
	pthread_mutex_init(&p->lock, NULL);
	buf_init(&p->body, BODY_MAX);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = p->wake_fd < 0 ? err_set(info, ERR_IO, errno, "eventfd")
			   : connect_and_declare(&p->options, &mq, info);
	if (e == ERR_OK)
		take_link(p, mq);
	if (e == ERR_IO && p->wake_fd >= 0) {
		lose_link(p, info);
		e = ERR_OK;
	}
	if (e == ERR_OK && (errno = pthread_create(&p->thread, NULL, publisher_main, p)) != 0)
		e = err_set(info, ERR_IO, errno, "start a thread");
	p->started = e == ERR_OK;
	if (e != ERR_OK) {
		publisher_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void publisher_wake(struct publisher *p)
{
	const uint64_t one = 1;

	while (write(p->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void publisher_state(struct publisher *p, struct publisher_state *out)
{
	*out = (struct publisher_state){
		.connected = atomic_load(&p->connected),
		.blocked = atomic_load(&p->blocked),
		.confirmed = atomic_load(&p->confirmed),
		.errors = atomic_load(&p->errors),
	};
}

enum err publisher_failure(struct publisher *p, struct errinfo *info)
{
	enum err e;

	pthread_mutex_lock(&p->lock);
	e = p->failure.code;
	if (e != ERR_OK && info)
		*info = p->failure;
	pthread_mutex_unlock(&p->lock);
	return e;
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	if (p->started) {
		atomic_store(&p->stopping, true);
		publisher_wake(p);
		/* It may be stuck in sending what the broker does not take. */
		pthread_mutex_lock(&p->lock);
		if (p->link_fd >= 0 && outbox_messages(p->options.outbox) > 0)
			mq_break(p->link_fd);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	mq_free(p->mq);
	if (p->wake_fd >= 0)
		(void)close(p->wake_fd);
	buf_release(&p->body);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}
