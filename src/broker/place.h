/*
 * place - which broker to connect to, as whom, and what else a URL says:
 *
 *   amqp[s]://[user[:password]@]host[:port][/vhost][?name=value&...]
 *
 * Parts are percent-decoded; the names after '?' are those of RabbitMQ's own URLs (cacertfile, certfile, keyfile,
 * verify, heartbeat, connection_timeout) and of those that a consumer takes (exchange, queue, prefetch, renew, format).
 * Without "/vhost" it is the virtual host "/". What the URL leaves out of user and password is taken from the
 * environment (MYNA_BROKER_USER, MYNA_BROKER_PASSWORD), then from the group [myna-broker] of option files, then it is
 * "guest".
 */
#ifndef BROKER_PLACE_H
#define BROKER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	PLACE_QUEUES_MAX = 256,
	PLACE_TEXT_MAX = 4096, /* bytes of a part */
	PLACE_PREFETCH_MAX = 2048,
};

/* Texts are owned; NULL: not said. */
struct place {
	bool tls;
	char *host, *vhost;
	uint16_t port;
	char *user;
	char *password; /* wiped when released */
	char *ca_file, *cert_file, *key_file;
	bool verify; /* the broker's certificate, and its name */
	uint16_t heartbeat_s;
	int64_t timeout_ns; /* of connecting, and of an answer to a question */
	char *exchange;
	char *queues[PLACE_QUEUES_MAX]; /* as named by "queue" */
	unsigned queue_count;
	uint16_t prefetch; /* messages of a queue that are held at once; 0: not said */
	int64_t renew_ns;  /* at which a message is given back and taken again; 0: not said */
	bool mrte;         /* messages are kakao MRTE's, not blocks */
};

/* True if TEXT begins as such a URL does. */
bool place_is_url(const char *text);

/* True if URL says format=mrte. */
bool place_says_mrte(const char *url);

/*
 * DEFAULTS_FILE: read in place of the usual option files; may be NULL. ERR_USAGE never repeats the URL, since a
 * password may stand in it; ERR_IO, ERR_NOMEM.
 */
enum err place_parse(const char *url, const char *defaults_file, struct place *out,
		     struct errinfo *info) MUST_CHECK;
void place_release(struct place *p);

enum { PLACE_NAME_MAX = 256 };

/* "host:port" and the virtual host, for people; returns TO. */
const char *place_name(const struct place *p, char to[PLACE_NAME_MAX]);

#endif
