/* leaving - queues that become another consumer's. */
#include "base/clock.h"
#include "input/streams.h"

static const int64_t LEAVE_NS = 5 * NS_PER_S; /* so long what is begun is waited for */

/* What was begun of QUEUE is done. */
static bool is_quiet(const struct broker *b, unsigned queue)
{
	const struct stream *s;

	for (size_t at = 0; (s = map_next(&b->streams, &at));)
		if (s->queue == queue && (s->has_event || s->block || s->chain ||
					  (s->last && !begun_is_settled(s->last))))
			return false;
	return true;
}

/* Gives back what was not begun of QUEUE, and ends its sessions: they go on elsewhere. */
static enum err begin_farewell(struct broker *b, unsigned queue, struct errinfo *info)
{
	struct begun *farewell = begun_new(&b->begun, b->consumer, NULL);
	struct stream *s;

	if (!farewell)
		return err_set(info, ERR_NOMEM, 0, "no memory for a queue that leaves");
	farewell->kept = true;
	b->leaving[queue].farewell = farewell;
	for (size_t at = 0; (s = map_next(&b->streams, &at));) {
		struct delivery *d = s->queue == queue ? s->waiting : NULL, *next;

		if (s->queue != queue)
			continue;
		for (; d; d = next) {
			next = d->next;
			consumer_give_back(b->consumer, d);
		}
		s->waiting = NULL;
		s->waiting_end = &s->waiting;
		s->farewell = farewell;
		s->superseded = true;
	}
	return ERR_OK;
}

static bool has_streams(const struct broker *b, unsigned queue)
{
	const struct stream *s;

	for (size_t at = 0; (s = map_next(&b->streams, &at));)
		if (s->queue == queue)
			return true;
	return false;
}

/* When the sessions have ended on the target, somebody else may go on with them. */
static void end_farewell(struct broker *b, unsigned queue)
{
	struct leaving *l = &b->leaving[queue];

	if (!l->released && !has_streams(b, queue)) {
		l->released = true;
		receipt_release(&l->farewell->receipt);
	}
	if (!begun_is_settled(l->farewell))
		return;
	l->farewell->kept = false;
	*l = (struct leaving){.farewell = NULL};
	consumer_leave(b->consumer, queue);
}

enum err streams_leave(struct broker *b, struct errinfo *info)
{
	int64_t now_ns = clock_mono_ns();
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < consumer_queues(b->consumer); i++) {
		struct leaving *l = &b->leaving[i];

		if (l->farewell) {
			end_farewell(b, i);
		} else if (consumer_queue(b->consumer, i) == CONSUMER_KEEPS) {
			l->since_ns = 0;
		} else if (is_quiet(b, i)) {
			l->since_ns = now_ns;
			e = begin_farewell(b, i, info);
		} else if (l->since_ns == 0) {
			l->since_ns = now_ns;
		} else if (now_ns - l->since_ns > LEAVE_NS) {
			consumer_stay(b->consumer, i);
			l->since_ns = 0;
		}
	}
	return e;
}
