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
#include "broker/consumer.h"
#include "input/source.h"
#include "recording/decoder.h"

enum {
	EVENTS_PER_STEP = 512,
	WAIT_MS = 50,
	/* Blocks that end inside a record and wait for those that it goes on in; more are acknowledged at once. */
	CHAIN_MAX = 12,
};

static const int64_t BEGIN_NS =
	NS_PER_S / 4; /* what all queues have is waited for before the first event */
static const int64_t END_NS = 5 * NS_PER_S; /* blocks that are begun are finished in so much time */

/* A block whose events are handed out. */
struct open_block {
	struct receipt receipt; /* first */
	struct consumer *consumer;
	struct delivery *delivery;
	struct open_block *chain; /* those before, which are done with when this one is */
	struct open_block *next;  /* in a chain, or among those that are handed out */
};

struct stream {
	uint64_t id, origin;
	unsigned queue;
	struct decoder *decoder;
	struct block_unpacker *unpacker;
	struct delivery *waiting, **waiting_end;
	struct open_block *block; /* being decoded; NULL: none */
	struct open_block *chain; /* that ended inside a record */
	size_t chain_len;
	uint64_t next_number;
	bool begun;      /* NEXT_NUMBER is known */
	bool superseded; /* its publisher has begun another one */
	bool ending;     /* its sessions are being ended */
	bool restarts;   /* a gap: after that it begins anew */
	bool over;
	struct event event; /* the next one, if there is one */
	bool has_event;
};

struct source {
	struct place place;
	struct consumer *consumer;
	struct map streams; /* by id */
	struct open_block
		*handed_out; /* whole; what the sink made of them may not be written yet */
	struct coverage found, told;
	struct coverage ended; /* what streams that are over had said */
	uint64_t missing;      /* blocks */
	bool told_again, told_missing;
	int64_t begin_ns; /* monotonic: no event before */
};

enum { STREAMS_MAX = 1 << 16 };

/* --- blocks --- */

static void block_settled(struct receipt *r)
{
	struct open_block *b = (struct open_block *)(void *)r;
	struct open_block *chain = b->chain, *next;

	consumer_done(b->consumer, b->delivery);
	mem_free(b);
	for (; chain; chain = next) {
		next = chain->next;
		receipt_release(&chain->receipt);
	}
}

static void release_chain(struct stream *s)
{
	struct open_block *b = s->chain, *next;

	s->chain = NULL;
	s->chain_len = 0;
	for (; b; b = next) {
		next = b->next;
		receipt_release(&b->receipt);
	}
}

/* All events of the block were handed out. */
static void finish_block(struct source *source, struct stream *s)
{
	struct open_block *b = s->block;

	s->block = NULL;
	if (b->delivery->header.flags & RECORDING_BLOCK_CONTINUED) {
		if (s->chain_len == CHAIN_MAX)
			release_chain(s);
		b->next = s->chain;
		s->chain = b;
		s->chain_len++;
		return;
	}
	b->chain = s->chain;
	s->chain = NULL;
	s->chain_len = 0;
	b->next = source->handed_out;
	source->handed_out = b;
}

static enum err renew_decoder(struct source *b, struct stream *s)
{
	struct coverage said;

	if (s->decoder) {
		decoder_coverage(s->decoder, &said);
		coverage_add(&b->ended, &said);
		decoder_free(s->decoder);
	}
	s->decoder = NULL;
	return decoder_new(&s->decoder);
}

/* True: what comes next is not what followed what was seen, and the sessions are to end first. */
static bool has_gap(struct source *b, struct stream *s, const struct block_header *h)
{
	if (!s->begun || h->number <= s->next_number)
		return false;
	b->missing += h->number - s->next_number;
	b->found.gaps++;
	if (!b->told_missing)
		log_warn(NULL,
			 "blocks are missing in what came: they are lost, or somebody else took "
			 "them; their sessions begin anew");
	b->told_missing = true;
	s->next_number = h->number;
	return true;
}

static void note_again(struct source *b, const struct delivery *d)
{
	if (!d->again || b->told_again)
		return;
	b->told_again = true;
	log_warn(NULL, "a block was with somebody else before, who did not acknowledge it: some of "
		       "its commands may be executed twice");
}

/* Takes D, the stream's next one, apart. */
static enum err begin_block(struct source *b, struct stream *s, struct delivery *d,
			    struct errinfo *info)
{
	struct open_block *block = mem_zalloc(sizeof(*block));
	struct slice raw;
	enum err e;

	if (!block)
		return err_set(info, ERR_NOMEM, 0, "no memory for a block");
	note_again(b, d);
	atomic_init(&block->receipt.holds, 1);
	block->receipt.settled = block_settled;
	block->consumer = b->consumer;
	block->delivery = d;
	s->block = block;
	if (!s->begun || d->header.number >= s->next_number)
		s->next_number = d->header.number + 1;
	s->begun = true;
	e = block_unpack(s->unpacker, &d->header, d->stored, &raw);
	if (e == ERR_OK) {
		decoder_begin(s->decoder, raw);
		return ERR_OK;
	}
	if (e != ERR_PROTO)
		return err_set(info, e, 0, "unpacking a block: %s", err_text(e));
	b->found.bad_input_bytes += d->header.stored_len;
	decoder_damage(s->decoder);
	finish_block(b, s);
	return ERR_OK;
}

/* --- a stream's next event --- */

/* After the last event of a block. */
static void on_block_end(struct source *b, struct stream *s, enum err why)
{
	if (why == ERR_PROTO) {
		b->found.bad_input_bytes += s->block->delivery->header.stored_len;
		decoder_damage(s->decoder);
	}
	if (s->block->delivery->header.flags & RECORDING_BLOCK_LAST)
		s->ending = true;
	else
		finish_block(b, s);
}

/* All sessions have ended. */
static enum err on_ended(struct source *b, struct stream *s)
{
	s->ending = false;
	if (s->block)
		finish_block(b, s);
	release_chain(s);
	if (!s->restarts) {
		s->over = true;
		return ERR_OK;
	}
	s->restarts = false;
	return renew_decoder(b, s);
}

/* What comes after the blocks that are there. *GOES_ON: there is something. */
static enum err next_block(struct source *b, struct stream *s, bool *goes_on, struct errinfo *info)
{
	struct delivery *d = s->waiting;

	*goes_on = true;
	if (d && has_gap(b, s, &d->header)) {
		s->ending = s->restarts = true;
		return ERR_OK;
	}
	if (!d) {
		*goes_on = s->superseded;
		s->ending = s->superseded;
		return ERR_OK;
	}
	s->waiting = d->next;
	if (!s->waiting)
		s->waiting_end = &s->waiting;
	return begin_block(b, s, d, info);
}

/* Fills S->EVENT, if there is one. */
static enum err advance(struct source *b, struct stream *s, struct errinfo *info)
{
	bool goes_on = true;
	enum err e = ERR_OK;

	s->has_event = false;
	while (e == ERR_OK && goes_on && !s->over) {
		enum err x;

		if (!s->ending && !s->block) {
			e = next_block(b, s, &goes_on, info);
			continue;
		}
		x = s->ending ? decoder_end(s->decoder, &s->event)
			      : decoder_next(s->decoder, &s->event);
		if (x == ERR_OK) {
			s->event.receipt = s->block ? &s->block->receipt : NULL;
			s->has_event = true;
			return ERR_OK;
		}
		if (x != ERR_EOF && x != ERR_PROTO)
			return err_set(info, x, 0, "taking a block apart: %s", err_text(x));
		if (s->ending)
			e = on_ended(b, s);
		else
			on_block_end(b, s, x);
	}
	return e;
}

/* --- streams --- */

static void free_blocks(struct open_block *b)
{
	while (b) {
		struct open_block *next = b->next;

		mem_free(b);
		b = next;
	}
}

static void stream_free(struct stream *s)
{
	mem_free(s->block);
	free_blocks(s->chain);
	decoder_free(s->decoder);
	block_unpacker_free(s->unpacker);
	mem_free(s);
}

/* Its publisher was started again: the older ones of it, in the same queue, say no more. */
static void supersede(const struct source *b, const struct stream *by)
{
	struct stream *s;

	for (size_t at = 0; by->origin && (s = map_next(&b->streams, &at));)
		if (s != by && s->origin == by->origin && s->queue == by->queue)
			s->superseded = true;
}

static enum err add_stream(struct source *b, const struct delivery *d, struct stream **out)
{
	struct stream *s = mem_zalloc(sizeof(*s));
	enum err e = s ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK)
		e = renew_decoder(b, s);
	if (e == ERR_OK)
		e = block_unpacker_new(&s->unpacker);
	if (e == ERR_OK)
		e = map_put(&b->streams, d->header.recording, s);
	if (e != ERR_OK) {
		if (s)
			stream_free(s);
		return e;
	}
	s->id = d->header.recording;
	s->origin = d->origin;
	s->queue = d->queue;
	s->waiting_end = &s->waiting;
	supersede(b, s);
	*out = s;
	return ERR_OK;
}

/* Takes all that came. WAIT_MS: for the first. */
static enum err take(struct source *b, int wait_ms, struct errinfo *info)
{
	struct delivery *d;
	enum err e;

	while ((e = consumer_next(b->consumer, wait_ms, &d, info)) == ERR_OK) {
		struct stream *s = map_get(&b->streams, d->header.recording, NULL);

		wait_ms = 0;
		if (!s)
			e = add_stream(b, d, &s);
		if (e != ERR_OK)
			return err_set(info, e, 0, "a publisher more: %s", err_text(e));
		d->next = NULL;
		*s->waiting_end = d;
		s->waiting_end = &d->next;
		if (!s->has_event)
			e = advance(b, s, info);
		if (e != ERR_OK)
			return e;
	}
	return e == ERR_AGAIN ? ERR_OK : e;
}

static void drop_stream(struct source *b, struct stream *s)
{
	struct coverage said;

	decoder_coverage(s->decoder, &said);
	coverage_add(&b->ended, &said);
	(void)map_take(&b->streams, s->id, NULL);
	stream_free(s);
}

/* The stream with the earliest event, and how early the next one's is; NULL: none has one. */
static struct stream *earliest(const struct source *b, int64_t *until_ns)
{
	struct stream *s, *first = NULL;

	*until_ns = INT64_MAX;
	for (size_t at = 0; (s = map_next(&b->streams, &at));) {
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
	return first;
}

static void count(struct coverage *c, const struct event *e)
{
	c->sessions += e->type == EVENT_SESSION;
	c->joined += e->type == EVENT_SESSION && e->session->joined;
	c->commands += e->type == EVENT_COMMAND;
}

/* Hands out events of S, as long as none of another stream is earlier than UNTIL_NS. */
static enum err give(struct source *b, struct stream *s, int64_t until_ns,
		     const struct event_sink *sink, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < EVENTS_PER_STEP; i++) {
		count(&b->told, &s->event);
		e = sink->event(sink->ctx, &s->event, info);
		if (e == ERR_OK)
			e = advance(b, s, info);
		if (!s->has_event || s->event.time_ns > until_ns)
			break;
	}
	if (e == ERR_OK && s->over)
		drop_stream(b, s);
	return e;
}

/* Superseded streams that have nothing more are to end. */
static enum err end_superseded(struct source *b, struct errinfo *info)
{
	struct stream *s;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		if (s->has_event || !s->superseded)
			continue;
		e = advance(b, s, info);
		if (e == ERR_OK && s->over) {
			drop_stream(b, s);
			at = 0;
		}
	}
	return e;
}

static enum err broker_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct source *b = source;
	int64_t until_ns;
	struct stream *s;
	enum err e = take(b, 0, info);

	if (e == ERR_OK && clock_mono_ns() < b->begin_ns) {
		e = take(b, WAIT_MS, info);
		return e == ERR_OK ? ERR_AGAIN : e;
	}
	if (e == ERR_OK)
		e = end_superseded(b, info);
	s = earliest(b, &until_ns);
	if (e == ERR_OK && !s) {
		e = take(b, WAIT_MS, info);
		s = earliest(b, &until_ns);
	}
	if (e != ERR_OK)
		return e;
	return s ? give(b, s, until_ns, sink, info) : ERR_AGAIN;
}

/* --- the end --- */

/* What is begun is finished, so that nobody has to do it again. */
static enum err finish_begun(struct source *b, const struct event_sink *sink, struct errinfo *info)
{
	int64_t by_ns = clock_mono_ns() + END_NS;
	struct stream *s;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		const struct open_block *begun = s->block;

		while (e == ERR_OK && begun && s->has_event && s->block == begun &&
		       clock_mono_ns() < by_ns) {
			count(&b->told, &s->event);
			e = sink->event(sink->ctx, &s->event, info);
			if (e == ERR_OK)
				e = advance(b, s, info);
		}
	}
	return e;
}

static enum err broker_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct source *b = source;
	struct stream *s;
	enum err e = finish_begun(b, sink, info);

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		struct event event;

		while (e == ERR_OK && decoder_end(s->decoder, &event) == ERR_OK)
			e = sink->event(sink->ctx, &event, info);
	}
	return e;
}

static void broker_coverage(void *source, struct coverage *out)
{
	const struct source *b = source;
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
	struct source *b = source;
	struct open_block *block = b->handed_out, *next;

	b->handed_out = NULL;
	for (; block; block = next) {
		next = block->next;
		receipt_release(&block->receipt);
	}
}

static double broker_progress(void *source)
{
	(void)source;
	return -1;
}

static int64_t broker_idle_ns(void *source)
{
	const struct source *b = source;
	struct consumer_state state;

	consumer_state(b->consumer, &state);
	return state.idle_ns;
}

static void broker_carried(void *source, struct consumer_state *out)
{
	const struct source *b = source;

	consumer_state(b->consumer, out);
}

static void broker_free(void *source)
{
	struct source *b = source;
	struct stream *s;

	for (size_t at = 0; (s = map_next(&b->streams, &at));)
		stream_free(s);
	map_release(&b->streams);
	free_blocks(b->handed_out);
	consumer_free(b->consumer);
	place_release(&b->place);
	mem_free(b);
}

enum err broker_open(const struct input_options *options, int fd, void **out, struct errinfo *info)
{
	struct source *b;
	enum err e;

	assert(fd < 0);
	if (options->packets)
		return err_set(info, ERR_USAGE, 0,
			       "a broker has commands and responses, but not their packets: trace "
			       "the capture for those");
	b = mem_zalloc(sizeof(*b));
	if (!b)
		return err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	map_init(&b->streams, STREAMS_MAX, NULL);
	e = place_parse(options->path, options->defaults_file, &b->place, info);
	if (e == ERR_OK)
		e = consumer_open(&b->place, &b->consumer, info);
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
