/*
 * mq - a connection to the broker, AMQP 0-9-1. mq.c is the only file with <amqp.h>.
 *
 * For one thread, which may block in calls that ask something (as long as the place's timeout) and in sending, when
 * the broker does not take what is sent; mq_break() from another thread ends that. Any failure is for good: the link
 * is to be freed, and a new one opened. mq_next() has to be called at least every few seconds, since it keeps up the
 * heartbeat.
 */
#ifndef BROKER_MQ_H
#define BROKER_MQ_H

#include "base/slice.h"
#include "broker/place.h"

struct mq;

/* ROLE: what the broker's own lists call it. ERR_USAGE: it does not let us in; ERR_IO, with the reason; ERR_NOMEM. */
enum err mq_open(const struct place *p, const char *role, struct mq **out,
		 struct errinfo *info) MUST_CHECK;

/* Says goodbye, if it can, and frees. NULL is fine. */
void mq_close(struct mq *m);

/* Frees at once. NULL is fine. */
void mq_free(struct mq *m);

int mq_fd(const struct mq *m);

/* True if mq_next() has something to look at, whether or not there is more to be read from mq_fd(). */
bool mq_ready(const struct mq *m);

/*
 * Until something came from the broker, unless M is NULL; or WAKE_FD, an eventfd, which is emptied, was written to; or MS
 * milliseconds have passed.
 */
void mq_wait(const struct mq *m, int wake_fd, int64_t ms);

/* From any thread: whoever is in a call on the link of FD, or makes the next one, fails. Before it is freed. */
void mq_break(int fd);

enum mq_queue_type { MQ_QUORUM, MQ_CLASSIC };

/*
 * Channels are numbered from 1. Topology: ERR_USAGE if the thing exists with other properties, or the user may not
 * do that; INFO has the broker's words. The channel is closed then.
 */
enum err mq_channel(struct mq *m, uint16_t channel, struct errinfo *info) MUST_CHECK;
enum err mq_channel_close(struct mq *m, uint16_t channel, struct errinfo *info) MUST_CHECK;

/* A durable direct exchange. CREATE: it is made if it is not there; else it has to be there. */
enum err mq_exchange(struct mq *m, uint16_t channel, const char *name, bool create,
		     struct errinfo *info) MUST_CHECK;

/* A durable queue with a single active consumer and no delivery limit. */
enum err mq_queue(struct mq *m, uint16_t channel, const char *name, enum mq_queue_type type,
		  struct errinfo *info) MUST_CHECK;
enum err mq_bind(struct mq *m, uint16_t channel, const char *queue, const char *exchange,
		 const char *key, struct errinfo *info) MUST_CHECK;

struct mq_queue_state {
	uint32_t ready;     /* messages that wait, without those that are with a consumer */
	uint32_t consumers; /* active or not */
};

/* ERR_USAGE: there is no such queue; the channel is closed then. */
enum err mq_queue_look(struct mq *m, uint16_t channel, const char *name, struct mq_queue_state *out,
		       struct errinfo *info) MUST_CHECK;

/*
 * A queue that is this connection's alone, and gone with it. ERR_AGAIN: another connection has one of that name;
 * ERR_USAGE: the user may not make it. CHANNEL is opened anew if the broker closed it for that.
 */
enum err mq_queue_own(struct mq *m, uint16_t channel, const char *name,
		      struct errinfo *info) MUST_CHECK;
enum err mq_queue_disown(struct mq *m, uint16_t channel, const char *name,
			 struct errinfo *info) MUST_CHECK;

/* Whether there is such a queue, of whichever connection; OUT means something on success only. CHANNEL likewise. */
enum err mq_queue_exists(struct mq *m, uint16_t channel, const char *name, bool *out,
			 struct errinfo *info) MUST_CHECK;

/* From now on what is published on CHANNEL is confirmed. */
enum err mq_confirms(struct mq *m, uint16_t channel, struct errinfo *info) MUST_CHECK;

/* A block, as a message. */
struct mq_message {
	struct slice body;
	uint64_t origin; /* outbox_origin() of its publisher; 0: not known */
	uint32_t shard;
	bool resent; /* it may have been sent before, and taken by somebody */
	bool mrte;   /* as kakao MRTE's: a text, transient, without headers */
};

/* A message that no queue takes comes back as MQ_RETURNED. */
enum err mq_publish(struct mq *m, uint16_t channel, const char *exchange, const char *key,
		    const struct mq_message *msg, struct errinfo *info) MUST_CHECK;

/* At most PREFETCH messages are delivered before they are acknowledged. */
enum err mq_consume(struct mq *m, uint16_t channel, const char *queue, uint16_t prefetch,
		    struct errinfo *info) MUST_CHECK;
enum err mq_ack(struct mq *m, uint16_t channel, uint64_t tag, struct errinfo *info) MUST_CHECK;

/* Gives a message back, to be delivered again. */
enum err mq_give_back(struct mq *m, uint16_t channel, uint64_t tag,
		      struct errinfo *info) MUST_CHECK;

enum mq_event_kind {
	MQ_CONFIRMED,
	MQ_REFUSED, /* the broker could not take a message */
	MQ_RETURNED,
	MQ_DELIVERY,
	MQ_BLOCKED, /* the broker is short of memory or disk and takes nothing for now */
	MQ_UNBLOCKED,
	MQ_CANCELLED,      /* the broker ended a consumer: its queue is gone, or has moved */
	MQ_CHANNEL_CLOSED, /* by the broker; REASON has its words */
};

struct mq_event {
	enum mq_event_kind kind;
	uint16_t channel;
	uint64_t tag;           /* of what was published, or delivered, on its channel */
	bool multiple;          /* CONFIRMED, REFUSED: all up to TAG */
	bool again;             /* DELIVERY: it was delivered before */
	struct mq_message with; /* DELIVERY: borrowed until the next call on the link */
	const char *reason;     /* RETURNED, BLOCKED, CHANNEL_CLOSED: likewise */
};

/* What came, without waiting. ERR_AGAIN: nothing. ERR_IO, with INFO: the link is lost. */
enum err mq_next(struct mq *m, struct mq_event *out, struct errinfo *info) MUST_CHECK;

#endif
