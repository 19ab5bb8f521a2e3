/*
 * publisher - sends what is put into an outbox to the broker, from a thread of its own, in order, with confirms.
 *
 * The topology: one durable direct exchange; for each shard N a durable queue "EXCHANGE.N", bound by the key "N".
 * While the broker is away or takes nothing, messages wait in the outbox; the connection is tried again after half
 * a second, then ever later up to ten seconds, with jitter. What had not been confirmed is sent again.
 */
#ifndef BROKER_PUBLISHER_H
#define BROKER_PUBLISHER_H

#include "broker/mq.h"
#include "broker/outbox.h"

enum { PUBLISHER_SHARDS_MAX = 256 };

struct publisher_options {
	const struct place *place; /* outlives it */
	const char *exchange;      /* likewise */
	uint32_t shards;
	enum mq_queue_type type;
	bool declare; /* make exchange, queues and bindings; else the exchange has to be there */
	const char
		*mrte_key; /* messages are kakao MRTE's, with this key; NULL: blocks, by shards */
	struct outbox *outbox;
};

struct publisher_state {
	bool connected;
	bool blocked;       /* the broker takes nothing, by its own word */
	uint64_t confirmed; /* messages */
	uint64_t errors; /* connections that failed, and messages that were refused or came back */
};

struct publisher;

/*
 * Connects once, to tell mistakes at once: ERR_USAGE (the topology is another, or the login is refused). That the
 * broker is not there is no mistake, and logged. ERR_IO, ERR_NOMEM.
 */
enum err publisher_start(const struct publisher_options *options, struct publisher **out,
			 struct errinfo *info) MUST_CHECK;

/* There is something new in the outbox. */
void publisher_wake(struct publisher *p);
void publisher_state(struct publisher *p, struct publisher_state *out);

/* The first failure of the outbox, after which nothing is sent any more; ERR_OK: none. */
enum err publisher_failure(struct publisher *p, struct errinfo *info) MUST_CHECK;

/* Ends it, and frees. What is still in the outbox stays there. NULL is fine. */
void publisher_free(struct publisher *p);

#endif
