/*
 * input - opens whatever INPUT names as a source of events, and pumps them into a sink.
 *
 * A capture file or a recording (told apart by their first bytes), standard input as "-", or a live
 * interface. A new kind of input is one more row in input.c's table.
 */
#ifndef INPUT_INPUT_H
#define INPUT_INPUT_H

#include <signal.h>

#include "base/opt.h"
#include "event/event.h"
#include "tcp/tcp.h"

struct input_options {
	const char *path; /* file or "-"; NULL: live */
	const struct opt_texts
		*interfaces; /* live: names, also several in one as "eth0,eth1"; NULL: not */
	const char *filter;  /* live: tcpdump's language; NULL: the ports */
	uint16_t ports[TCP_PORTS_MAX];
	size_t port_count;
	bool any_port;     /* find servers on any port by what they say; PORTS are tried first */
	uint32_t snap_len; /* live; 0: whole frames */
	uint64_t buffer_bytes;  /* live; 0: the default */
	uint64_t max_statement; /* bytes; 0: the servers' own limit */
	int64_t duration_ns;    /* live: ends after so long; 0: never */
	bool packets;           /* also events of packets; ERR_USAGE if the input has none */
};

struct input;

/* ERR_IO, ERR_PROTO, ERR_UNSUPPORTED, ERR_USAGE, ERR_NOMEM; INFO says what and where. */
enum err input_open(const struct input_options *options, struct input **out,
		    struct errinfo *info) MUST_CHECK;

bool input_is_live(const struct input *in);

/* What was heard so far, and what was not. */
void input_coverage(struct input *in, struct coverage *out);

/*
 * Gives every event to SINK, its tick about ten times a second, and its finish at the end: when the
 * input ended, when *STOP became true, or when the duration is over. A failure of the input itself is
 * returned after the sink was finished with what was heard.
 */
enum err input_run(struct input *in, const struct event_sink *sink,
		   const volatile sig_atomic_t *stop, struct errinfo *info) MUST_CHECK;

void input_free(struct input *in); /* NULL is fine */

#endif
