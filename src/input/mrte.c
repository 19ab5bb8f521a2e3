/*
 * mrte - what kakao's MRTE-Collector publishes, as a source of events: messages through the tracker.
 *
 * There is one side of each conversation, and no time: what is said is taken to be said when it comes. A message is
 * acknowledged when all that was made of it is done with; of a statement in several messages, that of the last one.
 */
#include "broker/consumer.h"
#include "input/source.h"
#include "mrte/hear.h"
#include "track/tracker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	MESSAGES_PER_STEP = 64,
	WAIT_MS = 50,
	PORT_USUAL = 3306,
};

/* A message whose events are handed out. */
struct open_message {
	struct receipt receipt; /* first */
	struct consumer *consumer;
	struct delivery *delivery;
	struct open_message *next;
};

struct source {
	struct place place;
	struct consumer *consumer;
	struct tracker *tracker;
	struct mrte_hearing *hearing;
	const struct event_sink *sink;   /* during a step, and at the end */
	struct receipt *receipt;         /* of the message at hand; NULL: there is none */
	struct open_message *handed_out; /* what the sink made of them may not be written yet */
	bool told_again;
};

static void message_settled(struct receipt *r)
{
	struct open_message *m = (struct open_message *)(void *)r;

	consumer_done(m->consumer, m->delivery);
	mem_free(m);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	const struct source *s = ctx;
	struct event with = *e;

	with.receipt = s->receipt;
	return s->sink->event(s->sink->ctx, &with, info);
}

static void note_again(struct source *s, const struct delivery *d)
{
	if (!d->again || s->told_again)
		return;
	s->told_again = true;
	log_warn(NULL, "a message was with somebody else before, who did not acknowledge it: some "
		       "of its commands may be executed twice");
}

static enum err take_message(struct source *s, struct delivery *d, struct errinfo *info)
{
	struct open_message *m = mem_zalloc(sizeof(*m));
	enum err e;

	if (!m)
		return err_set(info, ERR_NOMEM, 0, "no memory for a message");
	note_again(s, d);
	atomic_init(&m->receipt.holds, 1);
	m->receipt.settled = message_settled;
	m->consumer = s->consumer;
	m->delivery = d;
	m->next = s->handed_out;
	s->handed_out = m;
	s->receipt = &m->receipt;
	e = mrte_hear(s->hearing, d->stored, clock_wall_ns());
	s->receipt = NULL;
	if (e != ERR_OK)
		return err_set(info, e, 0, "following a client: %s", err_text(e));
	return tracker_error(s->tracker, info);
}

static enum err mrte_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct source *s = source;
	enum err e = ERR_OK;
	int taken = 0;

	s->sink = sink;
	tracker_spare(s->tracker, sink->spares);
	while (e == ERR_OK && taken < MESSAGES_PER_STEP) {
		struct delivery *d;

		e = consumer_next(s->consumer, taken ? 0 : WAIT_MS, &d, info);
		if (e == ERR_OK)
			e = take_message(s, d, info);
		taken += e == ERR_OK;
	}
	s->sink = NULL;
	return e == ERR_AGAIN && taken ? ERR_OK : e;
}

static enum err mrte_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct source *s = source;
	const struct mrte_heard *heard = mrte_hearing_stats(s->hearing);

	s->sink = sink;
	mrte_hearing_finish(s->hearing);
	s->sink = NULL;
	if (heard->duplicates)
		log_warn(NULL, "%llu of %llu units had been published twice, and were left out",
			 (unsigned long long)heard->duplicates, (unsigned long long)heard->units);
	return tracker_error(s->tracker, info);
}

static void mrte_coverage(void *source, struct coverage *out)
{
	const struct source *s = source;
	const struct mrte_heard *heard = mrte_hearing_stats(s->hearing);

	*out = *tracker_coverage(s->tracker);
	out->frames = heard->units;
	out->sessions = heard->flows;
	out->bad_frames += heard->bad_checksums + heard->misplaced;
	out->cut_off += heard->bad_messages;
	out->truncated_frames += heard->cut;
	out->limits += heard->limit_closed;
}

static void mrte_settled(void *source)
{
	struct source *s = source;
	struct open_message *m = s->handed_out, *next;

	s->handed_out = NULL;
	for (; m; m = next) {
		next = m->next;
		receipt_release(&m->receipt);
	}
}

static double mrte_progress(void *source)
{
	(void)source;
	return -1;
}

static int64_t mrte_idle_ns(void *source)
{
	const struct source *s = source;
	struct consumer_state state;

	consumer_state(s->consumer, &state);
	return state.idle_ns;
}

static void mrte_carried(void *source, struct consumer_state *out)
{
	const struct source *s = source;

	consumer_state(s->consumer, out);
}

static void mrte_free(void *source)
{
	struct source *s = source;
	struct open_message *m = s->handed_out, *next;

	for (; m; m = next) {
		next = m->next;
		mem_free(m);
	}
	mrte_hearing_free(s->hearing);
	tracker_free(s->tracker);
	consumer_free(s->consumer);
	place_release(&s->place);
	mem_free(s);
}

static enum err make_followers(struct source *s, const struct input_options *options)
{
	const struct tracker_options how = {.max_statement = options->max_statement,
					    .no_answers = true};
	const struct event_sink to = {.event = on_event, .ctx = s};
	uint16_t port = options->port_count ? options->ports[0] : PORT_USUAL;
	struct stream_handler handler;
	enum err e = tracker_new(&how, &to, &s->tracker);

	if (e != ERR_OK)
		return e;
	handler = tracker_handler(s->tracker);
	return mrte_hearing_new(port, &handler, &s->hearing);
}

enum err mrte_open(const struct input_options *options, int fd, void **out, struct errinfo *info)
{
	struct source *s = mem_zalloc(sizeof(*s));
	enum err e;

	(void)fd;
	if (!s)
		return err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	e = place_parse(options->path, options->defaults_file, &s->place, info);
	if (e == ERR_OK && s->place.queue_count == 0)
		e = err_set(info, ERR_USAGE, 0,
			    "name the queue that is bound to MRTE's exchange, with ?queue=NAME");
	if (e == ERR_OK && make_followers(s, options) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	if (e == ERR_OK)
		e = consumer_open(&s->place, false, &s->consumer, info);
	if (e != ERR_OK) {
		mrte_free(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

const struct source_ops mrte_ops = {
	.step = mrte_step,
	.end = mrte_end,
	.coverage = mrte_coverage,
	.settled = mrte_settled,
	.progress = mrte_progress,
	.idle_ns = mrte_idle_ns,
	.carried = mrte_carried,
	.free = mrte_free,
};
