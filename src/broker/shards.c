/* shards - the queues that a consumer takes from. */
#include "broker/shards.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	NAME_MAX_BYTES = 512,
	SEAT_CHANNEL = 1,
	FIRST_CHANNEL = 2,
	TURNS = 3, /* with which channel numbers come again */
};

static const int64_t LOOK_NS = NS_PER_S;
static const int64_t STAY_NS = 30 * NS_PER_S; /* before a queue is asked to leave again */

/* --- which there are --- */

static enum err add_queue(struct shards *s, const char *name, struct errinfo *info)
{
	struct shard_queue *q = &s->queues[s->count];

	if (s->count == PLACE_QUEUES_MAX)
		return err_set(info, ERR_USAGE, 0, "more than %d queues", PLACE_QUEUES_MAX);
	q->name = mem_copy_str(name, strlen(name));
	if (!q->name)
		return err_set(info, ERR_NOMEM, 0, "no memory for a consumer");
	q->mine = true;
	s->count++;
	return ERR_OK;
}

static const char *exchange_of(const struct shards *s)
{
	return s->place->exchange ? s->place->exchange : "myna";
}

/* All of the exchange, by looking for one after the other. */
static enum err find_queues(struct shards *s, struct errinfo *info)
{
	char name[NAME_MAX_BYTES];
	struct mq *mq = NULL;
	struct errinfo missing;
	enum err e = mq_open(s->place, "myna consumer", &mq, info);

	if (e == ERR_OK)
		e = mq_channel(mq, 1, info);
	while (e == ERR_OK) {
		struct mq_queue_state state;

		(void)snprintf(name, sizeof(name), "%s.%u", exchange_of(s), s->count);
		e = mq_queue_look(mq, 1, name, &state, &missing);
		if (e == ERR_USAGE && s->count > 0)
			break;
		if (e != ERR_OK)
			e = err_set(info, e, 0,
				    "%s: 'myna publish' makes the queues, or name yours with "
				    "?queue=NAME in the URL",
				    missing.text);
		else
			e = add_queue(s, name, info);
	}
	mq_free(mq);
	return s->count > 0 && e == ERR_USAGE ? ERR_OK : e;
}

enum err shards_find(struct shards *s, const struct place *p, bool shared, struct errinfo *info)
{
	enum err e = ERR_OK;

	s->place = p;
	s->shared = shared && p->queue_count == 0;
	if (p->queue_count == 0)
		return find_queues(s, info);
	for (unsigned i = 0; e == ERR_OK && i < p->queue_count; i++)
		e = add_queue(s, p->queues[i], info);
	return e;
}

void shards_release(struct shards *s)
{
	for (unsigned i = 0; i < s->count; i++)
		mem_free(s->queues[i].name);
	s->count = 0;
}

/* --- channels --- */

unsigned shards_prefetch(const struct place *p)
{
	return p->prefetch ? p->prefetch : SHARDS_PREFETCH;
}

/* Another number each time, so that what was on its way to the one before is not taken for its own. */
static enum err open_queue(struct shards *s, unsigned queue, struct mq *m, struct errinfo *info)
{
	struct shard_queue *q = &s->queues[queue];
	uint16_t channel = (uint16_t)(FIRST_CHANNEL + q->turn * s->count + queue);
	enum err e = mq_channel(m, channel, info);

	if (e == ERR_OK)
		e = mq_consume(m, channel, q->name, (uint16_t)shards_prefetch(s->place), info);
	if (e != ERR_OK)
		return e;
	q->turn = (uint16_t)((q->turn + 1) % TURNS);
	q->channel = channel;
	return ERR_OK;
}

static enum err close_queue(struct shards *s, unsigned queue, struct mq *m, struct errinfo *info)
{
	struct shard_queue *q = &s->queues[queue];
	enum err e = mq_channel_close(m, q->channel, info);

	q->channel = 0;
	return e == ERR_OK ? s->closed(s->ctx, queue, info) : e;
}

int shards_queue_of(const struct shards *s, uint16_t channel)
{
	unsigned queue = channel < FIRST_CHANNEL ? s->count : (channel - FIRST_CHANNEL) % s->count;

	return queue < s->count && s->queues[queue].channel == channel ? (int)queue : -1;
}

/* --- whose they are --- */

static void divide(struct shards *s)
{
	uint16_t owners[PLACE_QUEUES_MAX] = {0};
	const struct seats *seats = &s->seats;
	unsigned count = 0;

	if (seats->refused)
		log_warn(NULL,
			 "the account may not make queues '%s.replayer.*': the queues are not "
			 "divided with other replayers, the first one has all",
			 exchange_of(s));
	if (seats->taken > 0)
		seats_divide(s->count, seats->taken, owners);
	for (unsigned i = 0; i < s->count; i++) {
		s->queues[i].mine =
			seats->refused ||
			(seats->mine != SEAT_NONE && seats->taken > 0 && owners[i] == seats->mine);
		count += s->queues[i].mine;
	}
	if (s->taken != seats->taken && (seats->taken > 1 || s->taken > 1))
		log_warn(NULL, "%u replayers share the queues: %u of %u are for this one",
			 seats->taken, count, s->count);
	s->seat = seats->mine;
	s->taken = seats->taken;
	s->shared = !seats->refused;
}

static enum err look_at_seats(struct shards *s, struct mq *m, struct errinfo *info)
{
	int64_t now_ns = clock_mono_ns();
	enum err e;

	if (!s->shared || (s->looked_ns != 0 && now_ns - s->looked_ns < LOOK_NS))
		return ERR_OK;
	s->looked_ns = now_ns;
	e = seats_look(&s->seats, m, SEAT_CHANNEL, info);
	if (e == ERR_OK &&
	    (s->seats.refused || s->seats.mine != s->seat || s->seats.taken != s->taken))
		divide(s);
	return e;
}

static enum err step_queue(struct shards *s, unsigned queue, struct mq *m, struct errinfo *info)
{
	struct shard_queue *q = &s->queues[queue];
	int64_t now_ns = clock_mono_ns();
	bool left = atomic_exchange(&q->left, false), stays = atomic_exchange(&q->stays, false);
	enum err e = ERR_OK;

	if (stays)
		q->stays_until_ns = now_ns + STAY_NS;
	if (left && q->channel)
		e = close_queue(s, queue, m, info);
	if (left || stays)
		atomic_store(&q->leaving, false);
	if (e == ERR_OK && q->mine && !q->channel)
		return open_queue(s, queue, m, info);
	if (q->mine)
		atomic_store(&q->leaving, false);
	else if (q->channel && now_ns >= q->stays_until_ns)
		atomic_store(&q->leaving, true);
	return e;
}

enum err shards_step(struct shards *s, struct mq *m, struct errinfo *info)
{
	enum err e = look_at_seats(s, m, info);

	for (unsigned i = 0; e == ERR_OK && i < s->count; i++)
		e = step_queue(s, i, m, info);
	return e;
}

enum err shards_begin(struct shards *s, struct mq *m, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < s->count; i++)
		s->queues[i].turn = 0;
	if (s->shared) {
		seats_reset(&s->seats, exchange_of(s), s->count);
		s->seat = SEAT_NONE;
		s->looked_ns = 0;
		e = mq_channel(m, SEAT_CHANNEL, info);
	}
	if (e == ERR_OK)
		e = look_at_seats(s, m, info);
	for (unsigned i = 0; e == ERR_OK && i < s->count; i++) {
		struct shard_queue *q = &s->queues[i];

		/* What is held of one that was its own, and is another's now, is to end. */
		atomic_store(&q->leaving, !q->mine);
		if (q->mine)
			e = open_queue(s, i, m, info);
	}
	return e;
}

void shards_end(struct shards *s)
{
	for (unsigned i = 0; i < s->count; i++)
		s->queues[i].channel = 0;
}
