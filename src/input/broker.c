/*
 * broker - the blocks that others publish, as a source of events.
 *
 * Each stream of blocks (of one publisher, in one queue) has a decoder of its own. Of those that have an event, the
 * earliest goes first: so what waits in several queues comes in the order of time. A block's events carry its
 * receipt; when all of them are done with, it is acknowledged.
 */
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "input/streams.h"

enum {
	EVENTS_PER_STEP = 512,
	WAIT_MS = 50,
};

static const int64_t BEGIN_NS =
	NS_PER_S / 4; /* what all queues have is waited for before the first event */
static const int64_t APART_NS =
	NS_PER_S / 10; /* streams are at most so far apart, if one has to wait */
static const int64_t END_NS = 5 * NS_PER_S; /* blocks that are begun are finished in so much time */

/* At the end: of how many commands that may be so. */
static void tell_again(const struct broker *b)
{
	if (b->how.executes && b->again.blocks > 0)
		log_warn(NULL,
			 "redelivered: %llu blocks, with %llu commands, that were with somebody "
			 "else before, or may have been; %llu commands of those that were begun "
			 "first, or sent twice, may have been executed twice",
			 (unsigned long long)b->again.blocks, (unsigned long long)b->again.commands,
			 (unsigned long long)b->again.first_commands);
}

/* Takes all that came. WAIT_MS: for the first. */
static enum err take(struct broker *b, int wait_ms, struct errinfo *info)
{
	struct delivery *d;
	enum err e;

	while ((e = consumer_next(b->consumer, wait_ms, &d, info)) == ERR_OK) {
		struct stream *s = map_get(&b->streams, d->header.recording, NULL);

		wait_ms = 0;
		if (b->leaving[d->queue].farewell) {
			consumer_give_back(b->consumer, d);
			continue;
		}
		if (!s)
			e = streams_add(b, d, &s);
		if (e != ERR_OK)
			return err_set(info, e, 0, "a publisher more: %s", err_text(e));
		d->next = NULL;
		*s->waiting_end = d;
		s->waiting_end = &d->next;
		if (!s->has_event)
			e = stream_advance(b, s, info);
		if (e != ERR_OK)
			return e;
	}
	return e == ERR_AGAIN ? ERR_OK : e;
}

/*
 * The stream with the earliest event, and how early the next one's is; NULL: none has one. A sink that keeps the time
 * waits in an event that is early: it gets none that is later than what a stream has that must not go on yet.
 */
static struct stream *earliest(const struct broker *b, int64_t *until_ns)
{
	struct stream *s, *first = NULL;
	int64_t apart_ns = INT64_MAX;

	*until_ns = INT64_MAX;
	for (size_t at = 0; (s = map_next(&b->streams, &at));) {
		if (!s->has_event && s->waiting && b->how.by_clock &&
		    s->waiting->header.first_ns + APART_NS < apart_ns)
			apart_ns = s->waiting->header.first_ns + APART_NS;
		if (!s->has_event)
			continue;
		if (first && s->event.time_ns >= first->event.time_ns) {
			if (s->event.time_ns < *until_ns)
				*until_ns = s->event.time_ns;
			continue;
		}
		if (first)
			*until_ns = first->event.time_ns;
		first = s;
	}
	if (first && first->event.time_ns > apart_ns)
		return NULL;
	*until_ns = *until_ns < apart_ns ? *until_ns : apart_ns;
	return first;
}

static void count(struct coverage *c, const struct event *e)
{
	c->sessions += e->type == EVENT_SESSION;
	c->joined += e->type == EVENT_SESSION && e->session->joined;
	c->commands += e->type == EVENT_COMMAND;
}

static enum err hand_out(struct broker *b, struct stream *s, const struct event_sink *sink,
			 struct errinfo *info)
{
	enum err e;

	count(&b->told, &s->event);
	if (s->event.type == EVENT_COMMAND && s->block && s->again) {
		b->again.commands++;
		b->again.first_commands += s->again_first;
	}
	b->given = true;
	e = sink->event(sink->ctx, &s->event, info);
	return e == ERR_OK ? stream_advance(b, s, info) : e;
}

/* Hands out events of S, as long as none of another stream is earlier than UNTIL_NS. */
static enum err give(struct broker *b, struct stream *s, int64_t until_ns,
		     const struct event_sink *sink, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < EVENTS_PER_STEP; i++) {
		e = hand_out(b, s, sink, info);
		if (!s->has_event || s->event.time_ns > until_ns)
			break;
	}
	if (e == ERR_OK && s->over)
		stream_drop(b, s);
	return e;
}

/* What may go on by now. */
static enum err go_on(struct broker *b, struct errinfo *info)
{
	struct stream *s;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));)
		if (!s->has_event && s->waiting)
			e = stream_advance(b, s, info);
	return e == ERR_OK ? streams_end_superseded(b, info) : e;
}

static enum err broker_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct broker *b = source;
	int64_t until_ns;
	struct stream *s;
	enum err e = take(b, 0, info);

	if (e == ERR_OK && clock_mono_ns() < b->begin_ns) {
		e = take(b, WAIT_MS, info);
		return e == ERR_OK ? ERR_AGAIN : e;
	}
	if (e == ERR_OK)
		e = streams_leave(b, info);
	if (e == ERR_OK)
		e = go_on(b, info);
	s = earliest(b, &until_ns);
	if (e == ERR_OK && !s && b->given) { /* it may be what is waited for */
		b->given = false;
		return ERR_AGAIN;
	}
	if (e == ERR_OK && !s) {
		e = take(b, WAIT_MS, info);
		if (e == ERR_OK)
			e = go_on(b, info);
		s = earliest(b, &until_ns);
	}
	if (e != ERR_OK)
		return e;
	return s ? give(b, s, until_ns, sink, info) : ERR_AGAIN;
}

/* --- the end --- */

/* What is begun is finished, so that nobody has to do it again. */
static enum err finish_begun(struct broker *b, const struct event_sink *sink, struct errinfo *info)
{
	int64_t by_ns = clock_mono_ns() + END_NS;
	struct stream *s;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		const struct begun *begun = s->block;

		while (e == ERR_OK && begun && s->has_event && s->block == begun &&
		       clock_mono_ns() < by_ns) {
			e = hand_out(b, s, sink, info);
		}
	}
	return e;
}

static enum err broker_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct broker *b = source;
	struct stream *s;
	enum err e = finish_begun(b, sink, info);

	tell_again(b);

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		struct event event;

		while (e == ERR_OK && decoder_end(s->decoder, &event) == ERR_OK)
			e = sink->event(sink->ctx, &event, info);
	}
	return e;
}

static void broker_coverage(void *source, struct coverage *out)
{
	const struct broker *b = source;
	const struct stream *s;
	struct coverage said;

	*out = b->ended;
	coverage_add(out, &b->found);
	for (size_t at = 0; (s = map_next(&b->streams, &at));) {
		decoder_coverage(s->decoder, &said);
		coverage_add(out, &said);
	}
	/* Publishers tell what they heard, in all queues; of that it is what came here that counts. */
	out->sessions = b->told.sessions;
	out->joined = b->told.joined;
	out->commands = b->told.commands;
}

static void broker_settled(void *source)
{
	struct broker *b = source;
	struct begun *block = b->handed_out, *before;

	b->handed_out = NULL;
	for (; block; block = before) {
		before = block->before;
		receipt_release(&block->receipt);
	}
	begun_reap(&b->begun);
}

static double broker_progress(void *source)
{
	(void)source;
	return -1;
}

static int64_t broker_idle_ns(void *source)
{
	const struct broker *b = source;
	struct consumer_state state;

	consumer_state(b->consumer, &state);
	return state.idle_ns;
}

static void broker_carried(void *source, struct consumer_state *out)
{
	const struct broker *b = source;

	consumer_state(b->consumer, out);
}

static void broker_free(void *source)
{
	struct broker *b = source;
	streams_release(b);
	consumer_free(b->consumer);
	place_release(&b->place);
	mem_free(b);
}

enum err broker_open(const struct input_options *options, int fd, void **out, struct errinfo *info)
{
	struct broker *b;
	enum err e;

	assert(fd < 0);
	if (options->packets)
		return err_set(info, ERR_USAGE, 0,
			       "a broker has commands and responses, but not their packets: trace "
			       "the capture for those");
	b = mem_zalloc(sizeof(*b));
	if (!b)
		return err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	b->how.executes = options->executes;
	b->how.by_clock = options->by_clock;
	map_init(&b->streams, STREAMS_MAX, NULL);
	e = place_parse(options->path, options->defaults_file, &b->place, info);
	if (e == ERR_OK)
		e = consumer_open(&b->place, options->executes, &b->consumer, info);
	if (e != ERR_OK) {
		broker_free(b);
		return e;
	}
	b->begin_ns = clock_mono_ns() + BEGIN_NS;
	*out = b;
	return ERR_OK;
}

const struct source_ops broker_ops = {
	.step = broker_step,
	.end = broker_end,
	.coverage = broker_coverage,
	.settled = broker_settled,
	.progress = broker_progress,
	.idle_ns = broker_idle_ns,
	.carried = broker_carried,
	.free = broker_free,
};
