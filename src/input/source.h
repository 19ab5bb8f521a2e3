/*
 * source - one kind of input. Internal to input/.
 */
#ifndef INPUT_SOURCE_H
#define INPUT_SOURCE_H

#include "input/input.h"

struct source_ops {
	/* Gives the next events to SINK, as many as come of one step. ERR_EOF: the end. ERR_AGAIN: live, and
	 * nothing came for a short while. */
	enum err (*step)(void *source, const struct event_sink *sink, struct errinfo *info);
	/*
	 * Before the first step: has events given to the COUNT sinks, by sessions, each by a thread of its own; SINK
	 * of the others is not used then. NULL: it cannot.
	 */
	enum err (*spread)(void *source, const struct event_sink *sinks, size_t count,
			   struct errinfo *info);
	/* No more steps: gives what is still due. */
	enum err (*end)(void *source, const struct event_sink *sink, struct errinfo *info);
	void (*coverage)(void *source, struct coverage *out);
	/* From a broker: since when there is nothing to do, in nanoseconds; 0: there is something. NULL: not such. */
	int64_t (*idle_ns)(void *source);
	/* As input_carried(). NULL: not from a broker. */
	void (*carried)(void *source, struct consumer_state *out);
	/* The sink's tick, or its finish, has returned: what it was given before is done with, unless it holds the receipt.
	 * NULL: nobody asks. */
	void (*settled)(void *source);
	double (*progress)(void *source); /* 0 to 1; negative: unknown */
	/* As input_begin_ns() and input_seek(). Both NULL: neither is known. */
	int64_t (*begin_ns)(void *source);
	void (*seek)(void *source, int64_t since_ns);
	/* As input_servers(). NULL: there are none. */
	enum err (*servers)(const void *source, struct server_log *log, struct errinfo *info);
	void (*free)(void *source);
};

/*
 * FD is what stands at the options' path, open for reading and owned by the callee, also when it fails;
 * negative for a live input.
 */

/* Frames of a file or an interface, through TCP and the tracker. */
extern const struct source_ops frames_ops;
enum err frames_open(const struct input_options *options, int fd, void **out,
		     struct errinfo *info) MUST_CHECK;

/* A recording. */
extern const struct source_ops recorded_ops;
enum err recorded_open(const struct input_options *options, int fd, void **out,
		       struct errinfo *info) MUST_CHECK;

/* A broker's queue with messages of kakao MRTE. */
extern const struct source_ops mrte_ops;
enum err mrte_open(const struct input_options *options, int fd, void **out,
		   struct errinfo *info) MUST_CHECK;

/* A broker's queues. */
extern const struct source_ops broker_ops;
enum err broker_open(const struct input_options *options, int fd, void **out,
		     struct errinfo *info) MUST_CHECK;

#endif
