/* seats - how replayers divide the queues. */
#include "broker/seats.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512 };

void seats_reset(struct seats *s, const char *exchange, unsigned count)
{
	assert(count <= PLACE_QUEUES_MAX);
	*s = (struct seats){.exchange = exchange, .count = count, .mine = SEAT_NONE};
}

static const char *name_of(const struct seats *s, unsigned seat, char to[NAME_MAX_BYTES])
{
	(void)snprintf(to, NAME_MAX_BYTES, "%s.replayer.%u", s->exchange, seat);
	return to;
}

static enum err is_taken(const struct seats *s, struct mq *m, uint16_t channel, unsigned seat,
			 bool *out, struct errinfo *info)
{
	char name[NAME_MAX_BYTES];

	*out = seat == s->mine;
	return *out ? ERR_OK : mq_queue_exists(m, channel, name_of(s, seat, name), out, info);
}

/* The first one that is free, if there is. */
static enum err take_seat(struct seats *s, struct mq *m, uint16_t channel, struct errinfo *info)
{
	char name[NAME_MAX_BYTES];
	enum err e = ERR_AGAIN;

	for (unsigned seat = 0; e == ERR_AGAIN && seat < s->count; seat++) {
		e = mq_queue_own(m, channel, name_of(s, seat, name), info);
		if (e == ERR_OK)
			s->mine = seat;
	}
	s->refused = e == ERR_USAGE;
	return e == ERR_AGAIN || e == ERR_USAGE ? ERR_OK : e;
}

/* A seat TO, before mine, is free. It is for whoever has the last one. */
static enum err move_down(struct seats *s, struct mq *m, uint16_t channel, unsigned to,
			  struct errinfo *info)
{
	char name[NAME_MAX_BYTES];
	bool is_last = true;
	unsigned from = s->mine;
	enum err e = ERR_OK;

	if (from + 1 < s->count) {
		e = is_taken(s, m, channel, from + 1, &is_last, info);
		is_last = !is_last;
	}
	if (e != ERR_OK || !is_last)
		return e;
	e = mq_queue_own(m, channel, name_of(s, to, name), info);
	if (e != ERR_OK)
		return e == ERR_AGAIN ? ERR_OK : e;
	s->mine = to;
	return mq_queue_disown(m, channel, name_of(s, from, name), info);
}

enum err seats_look(struct seats *s, struct mq *m, uint16_t channel, struct errinfo *info)
{
	unsigned first_free = 0;
	bool taken = true;
	enum err e = s->mine == SEAT_NONE ? take_seat(s, m, channel, info) : ERR_OK;

	if (s->refused || s->mine == SEAT_NONE)
		return e;
	while (e == ERR_OK && first_free < s->count) {
		e = is_taken(s, m, channel, first_free, &taken, info);
		if (e != ERR_OK || !taken)
			break;
		first_free++;
	}
	if (e != ERR_OK)
		return e;
	if (first_free < s->mine)
		return move_down(s, m, channel, first_free, info);
	if (s->taken == 0 || s->seen == first_free)
		s->taken = first_free;
	s->seen = first_free;
	return ERR_OK;
}

/* Who has most; of those the first. */
static unsigned richest(const unsigned *have, unsigned taken)
{
	unsigned most = 0;

	for (unsigned i = 1; i < taken; i++)
		if (have[i] > have[most])
			most = i;
	return most;
}

void seats_divide(unsigned count, unsigned taken, uint16_t *owners)
{
	unsigned have[PLACE_QUEUES_MAX] = {count};

	assert(count <= PLACE_QUEUES_MAX && taken <= PLACE_QUEUES_MAX);
	memset(owners, 0, count * sizeof(*owners));
	for (unsigned seat = 1; seat < taken; seat++)
		while (have[seat] < count / (seat + 1)) {
			unsigned from = richest(have, seat), queue = count - 1;

			while (owners[queue] != from)
				queue--;
			owners[queue] = (uint16_t)seat;
			have[from]--;
			have[seat]++;
		}
}
