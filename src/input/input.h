/*
 * input - opens whatever INPUT names as a source of events, and pumps them into a sink.
 *
 * A capture file or a recording (told apart by their first bytes), standard input as "-", a broker's URL, or a
 * live interface. A new kind of input is one more row in input.c's table.
 */
#ifndef INPUT_INPUT_H
#define INPUT_INPUT_H

#include <signal.h>

#include "base/opt.h"
#include "broker/consumer.h"
#include "event/event.h"
#include "event/informant.h"
#include "tcp/tcp.h"

enum { INPUT_THREADS_MAX = 64 };

struct input_options {
	const char *path; /* file, "-" or amqp[s]://...; NULL: live */
	const struct opt_texts
		*interfaces; /* live: names, also several in one as "eth0,eth1"; NULL: not */
	const char *filter;  /* live: tcpdump's language; NULL: the ports */
	uint16_t ports[TCP_PORTS_MAX];
	size_t port_count;
	bool any_port;     /* find servers on any port by what they say; PORTS are tried first */
	uint32_t snap_len; /* live; 0: whole frames */
	uint64_t buffer_bytes; /* live; 0: the default */
	unsigned
		threads; /* that follow sessions; 0: as many as help; more than the maximum: the maximum */
	uint64_t max_statement; /* bytes; 0: the servers' own limit */
	double max_cpu; /* live: sheds sessions to spend no more, of one processor; 0: no limit */
	int64_t duration_ns;       /* live, from a broker: ends after so long; 0: never */
	int64_t idle_exit_ns;      /* from a broker: ends when nothing came for so long; 0: never */
	const char *defaults_file; /* a broker's account is in; NULL: in the usual ones */
	bool executes; /* from a broker: the sink does something that is not to be done again */
	bool by_clock; /* and at its time, for which it may wait */
	bool packets;  /* also events of packets; ERR_USAGE if the input has none */
	const struct informant *
		informant; /* live: who asks the server; copied, and the input's once it is open; NULL: nobody */
};

struct input;

/* ERR_IO, ERR_PROTO, ERR_UNSUPPORTED, ERR_USAGE, ERR_NOMEM; INFO says what and where. */
enum err input_open(const struct input_options *options, struct input **out,
		    struct errinfo *info) MUST_CHECK;

bool input_is_live(const struct input *in);

/* Who asks the server that is listened to; NULL: nobody. */
const struct informant *input_informant(const struct input *in);

/*
 * Adds to LOG what servers said, as far as it is known: of a recording all that is in its file. ERR_IO, ERR_NOMEM.
 */
enum err input_servers(const struct input *in, struct server_log *log,
		       struct errinfo *info) MUST_CHECK;

/* True if it goes on until somebody ends it: live, or from a broker. */
bool input_is_lasting(const struct input *in);

/* How the broker is that it comes from. False: it comes from none. */
bool input_carried(const struct input *in, struct consumer_state *out);

/* What was heard so far, and what was not. */
void input_coverage(struct input *in, struct coverage *out);

/* When the first event was; 0 if that is not known before it comes. */
int64_t input_begin_ns(const struct input *in);

/* Nothing before SINCE_NS is wanted: it need not be read, but may come. To be called before input_run(). */
void input_seek(struct input *in, int64_t since_ns);

/*
 * Gives every event to SINK, its tick about ten times a second, and its finish at the end: when the
 * input ended, when *STOP became true, when the duration is over, or when the sink has enough (ERR_EOF). A failure of the input itself is
 * returned after the sink was finished with what was heard.
 */
enum err input_run(struct input *in, const struct event_sink *sink,
		   const volatile sig_atomic_t *stop, struct errinfo *info) MUST_CHECK;

/*
 * How many sinks input_run_spread() makes use of. With the default, of a file: as many as there are processors, up to 4;
 * live, of a recording and of a small file: 1.
 */
size_t input_threads(const struct input *in);

/*
 * The same as input_run() with COUNT sinks, at most input_threads(): each is given all events of some of the sessions, from
 * a thread of its own if there are several. At the end they are merged into the first, which is finished. Ticks go
 * to the first, too, but from the caller's thread.
 */
enum err input_run_spread(struct input *in, const struct event_sink *sinks, size_t count,
			  const volatile sig_atomic_t *stop, struct errinfo *info) MUST_CHECK;

void input_free(struct input *in); /* NULL is fine */

#endif
