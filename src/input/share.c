/* share - which share of the sessions is heard. */
#include "input/share.h"

#include <assert.h>

/* Listening cannot know what a share would cost; it goes there in steps that cannot overshoot by much. */
static const double room = 0.75;      /* of the limit: below it the share may grow */
static const double growth = 1.25;    /* so that with ROOM it stays below the limit */
static const double aim = 0.9;        /* of the limit, where it is cut to */
static const double cut_most = 0.125; /* at once, since what a window cost may have been a burst */
static const double cut_drops = 0.7;

enum {
	SHARE_LEAST = SHARE_ALL / 1024,
	WAIT_LEAST = 4,  /* windows: two seconds */
	WAIT_MOST = 240, /* two minutes */
};

void share_init(struct share *s, double limit)
{
	assert(limit > 0);
	*s = (struct share){
		.limit = limit,
		.beginning = SHARE_ALL,
		.running = SHARE_ALL,
		.wait = WAIT_LEAST,
		.too_much = SHARE_ALL + 1,
	};
}

static uint32_t scaled(uint32_t share, double by)
{
	double to = (double)share * by;

	if (to < SHARE_LEAST)
		return SHARE_LEAST;
	return to < SHARE_ALL ? (uint32_t)to : SHARE_ALL;
}

static void cut(struct share *s, double by)
{
	s->calm = 0;
	if (s->running > s->beginning) {
		s->running = s->beginning;
		return;
	}
	if (s->beginning >= s->too_much && s->wait < WAIT_MOST)
		s->wait *= 2; /* once more */
	s->too_much = s->beginning;
	s->beginning = scaled(s->beginning, by);
}

static void grow(struct share *s)
{
	uint32_t to = scaled(s->beginning, growth);

	if (s->beginning == SHARE_ALL || ++s->calm < (to < s->too_much ? WAIT_LEAST : s->wait))
		return;
	if (s->beginning >= s->too_much && s->wait > WAIT_LEAST)
		s->wait /= 2; /* it is not too much any more */
	s->calm = 0;
	s->beginning = to;
	if (s->running < s->beginning)
		s->running = s->beginning;
}

void share_window(struct share *s, int64_t used_ns, int64_t elapsed_ns, uint64_t drops)
{
	double used = elapsed_ns > 0 ? (double)used_ns / (double)elapsed_ns : 0;
	double by = used > s->limit ? s->limit * aim / used : 1;

	if (drops > 0 && by > cut_drops)
		by = cut_drops;
	if (by < cut_most)
		by = cut_most;
	if (by < 1)
		cut(s, by);
	else if (used < s->limit * room)
		grow(s);
	else
		s->calm = 0;
}
