/* streams - rows of blocks from a broker, taken apart. */
#include "input/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/*
 * Blocks that can be held while those of a statement wait for its end. Of a longer statement they are acknowledged
 * before, since the broker gives out no more.
 */
enum { SPARE = 6 };

/* --- blocks --- */

/* What ended inside a record is not waited for any longer. */
static void release_chain(struct stream *s)
{
	struct begun *b = s->chain, *before;

	s->chain = NULL;
	s->chain_len = 0;
	for (; b; b = before) {
		before = b->before;
		receipt_release(&b->receipt);
	}
}

/* All events of the block were handed out. */
static void finish_block(struct broker *source, struct stream *s)
{
	struct begun *b = s->block;

	s->block = NULL;
	consumer_unpacked(b->delivery);
	if (b->delivery->header.flags & RECORDING_BLOCK_CONTINUED) {
		if (s->chain_len + SPARE >= consumer_prefetch(source->consumer))
			release_chain(s);
		b->before = s->chain;
		s->chain = b;
		s->chain_len++;
		return;
	}
	b->chain = s->chain;
	s->chain = NULL;
	s->chain_len = 0;
	if (source->how.executes) { /* who executes holds it for each command */
		receipt_release(&b->receipt);
		return;
	}
	b->before = source->handed_out;
	source->handed_out = b;
}
static enum err renew_decoder(struct broker *b, struct stream *s)
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
static bool has_gap(struct broker *b, struct stream *s, const struct block_header *h)
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

/*
 * D is the next one of S: was it with somebody else before? What its publisher sent again may have been, unless what
 * came before it was sent once, and came here.
 */
static void look_who_had(struct broker *b, struct stream *s, const struct delivery *d)
{
	s->resent = d->resent && (!s->begun || s->resent);
	s->again = d->again || s->resent;
	if (!s->again)
		return;
	s->again_first = !s->begun || s->resent;
	b->again.blocks++;
	if (b->again.blocks > 1)
		return;
	log_warn(
		NULL,
		s->resent
			? "a block was sent twice, and somebody else may have had the first: its "
			  "commands may be executed twice"
			: "a block was with somebody else before, who did not acknowledge it: some "
			  "of its commands may be executed twice");
}

static void look_at_last(struct stream *s, struct begun *block)
{
	if (s->last)
		s->last->kept = false;
	s->last = block;
	if (block)
		block->kept = true;
}

/* Takes D, the stream's next one, apart. */
static enum err begin_block(struct broker *b, struct stream *s, struct delivery *d,
			    struct errinfo *info)
{
	struct begun *block = begun_new(&b->begun, b->consumer, d);
	struct slice raw;
	enum err e;

	if (!block)
		return err_set(info, ERR_NOMEM, 0, "no memory for a block");
	look_who_had(b, s, d);
	s->block = block;
	/* What goes on in the next one is not waited for. */
	look_at_last(s, d->header.flags & RECORDING_BLOCK_CONTINUED ? NULL : block);
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
static void on_block_end(struct broker *b, struct stream *s, enum err why)
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
static enum err on_ended(struct broker *b, struct stream *s)
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

/*
 * A sink that executes gets a block when the one before in its stream was executed and acknowledged, so that after its
 * death no more than one is executed again; and none of a queue that leaves, but for the rest of a statement.
 */
static bool may_begin(const struct broker *b, const struct stream *s)
{
	if (!b->how.executes || s->chain)
		return true;
	if (b->leaving[s->queue].since_ns)
		return false;
	return !s->last || begun_is_over(s->last, clock_mono_ns());
}

/* What comes after the blocks that are there. *GOES_ON: there is something. */
static enum err next_block(struct broker *b, struct stream *s, bool *goes_on, struct errinfo *info)
{
	struct delivery *d = s->waiting;

	*goes_on = !d || may_begin(b, s);
	if (!*goes_on)
		return ERR_OK;
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
enum err stream_advance(struct broker *b, struct stream *s, struct errinfo *info)
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
			s->event.receipt = s->block      ? &s->block->receipt
					   : s->farewell ? &s->farewell->receipt
							 : NULL;
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

static void stream_free(struct stream *s)
{
	look_at_last(s, NULL);
	decoder_free(s->decoder);
	block_unpacker_free(s->unpacker);
	mem_free(s);
}

/* Its publisher was started again: the older ones of it, in the same queue, say no more. */
static void supersede(const struct broker *b, const struct stream *by)
{
	struct stream *s;

	for (size_t at = 0; by->origin && (s = map_next(&b->streams, &at));)
		if (s != by && s->origin == by->origin && s->queue == by->queue)
			s->superseded = true;
}

enum err streams_add(struct broker *b, const struct delivery *d, struct stream **out)
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

void stream_drop(struct broker *b, struct stream *s)
{
	struct coverage said;

	decoder_coverage(s->decoder, &said);
	coverage_add(&b->ended, &said);
	(void)map_take(&b->streams, s->id, NULL);
	stream_free(s);
}

/* Superseded streams that have nothing more are to end. */
enum err streams_end_superseded(struct broker *b, struct errinfo *info)
{
	struct stream *s;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && (s = map_next(&b->streams, &at));) {
		if (s->has_event || !s->superseded)
			continue;
		e = stream_advance(b, s, info);
		if (e == ERR_OK && s->over) {
			stream_drop(b, s);
			at = 0;
		}
	}
	return e;
}

void streams_release(struct broker *b)
{
	struct stream *s;

	for (size_t at = 0; (s = map_next(&b->streams, &at));)
		stream_free(s);
	map_release(&b->streams);
	begun_release(&b->begun);
}
