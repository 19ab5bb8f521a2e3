/* select - which sessions and commands are replayed. */
#include "replay/select.h"

#include "base/hash.h"

static const uint64_t SHARE_SEED = 0x5e1ec7; /* so that ids are not taken as they are */

bool select_in_share(uint64_t id, double share)
{
	const double whole = 18446744073709551616.0; /* 2^64 */

	return share >= 1 || (double)hash_mix(id, SHARE_SEED) < share * whole;
}

/* Behind the filter. */
static enum err on_passed(void *ctx, const struct event *e, struct errinfo *info)
{
	struct select *s = ctx;

	s->passed += e->type == EVENT_COMMAND;
	return s->next.event(s->next.ctx, e, info);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct select *s = ctx;

	s->heard += e->type == EVENT_COMMAND;
	if (!select_in_share(e->session->id, s->share))
		return ERR_OK;
	return s->filtered.event(s->filtered.ctx, e, info);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	const struct select *s = ctx;

	return s->next.tick(s->next.ctx, so_far, progress, info);
}

static enum err on_next_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	const struct select *s = ctx;

	return s->next.finish(s->next.ctx, coverage, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	const struct select *s = ctx;

	return s->filtered.finish(s->filtered.ctx, coverage, info);
}

enum err select_init(struct select *s, const struct filter_options *filter, double share,
		     const struct event_sink *next, struct errinfo *info)
{
	enum err e;

	*s = (struct select){.next = *next, .share = share};
	s->filtered = (struct event_sink){
		.event = on_passed, .tick = on_tick, .finish = on_next_finish, .ctx = s};
	if (!filter || !filter_is_asked(filter))
		return ERR_OK;
	e = filter_new(filter, &s->filtered, &s->filter, info);
	if (e == ERR_OK)
		s->filtered = filter_events(s->filter);
	return e;
}

void select_release(struct select *s)
{
	filter_free(s->filter);
	s->filter = NULL;
}

struct event_sink select_sink(struct select *s)
{
	return (struct event_sink){
		.event = on_event, .tick = on_tick, .finish = on_finish, .ctx = s};
}
