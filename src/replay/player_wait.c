/*
 * player_wait - when what is at the front of the queue may go: not before it is due, not before its turn, and not
 * faster than asked for.
 */
#include "base/clock.h"
#include "replay/player.h"

/* A connection is made anew so long before it is needed: not sooner, or it might be left to time out once more. */
static const int64_t CONNECT_AHEAD_NS = NS_PER_S / 4;

static bool wait_until(struct player *p, int64_t ns)
{
	if (timers_set(&p->worker->timers, &p->timer, ns) != ERR_OK)
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
	return false;
}

static bool is_due(struct player *p, const struct item *item)
{
	const struct pace *pace = &p->worker->engine->pace;
	int64_t due_ns;

	if (item->type != ITEM_OPEN && !pace_is_kept(pace))
		return true;
	due_ns = pace_due_ns(pace, item->at_ns);
	return due_ns <= clock_mono_ns() || wait_until(p, due_ns);
}

/* Its place among all that go at RATE. */
static bool has_slot(struct player *p, struct rate *rate, enum held_by held_by)
{
	int64_t now_ns;

	if (rate->interval_ns == 0)
		return true;
	now_ns = clock_mono_ns();
	if (p->slot_ns == 0)
		p->slot_ns = rate_take(rate, now_ns);
	if (p->slot_ns > now_ns)
		return wait_until(p, p->slot_ns);
	player_freed(p, p->slot_ns, held_by);
	p->slot_ns = 0;
	return true;
}

static void end_turn(struct player *p, int64_t now_ns)
{
	if (p->turn_since_ns != 0)
		player_freed(p, now_ns, HELD_BY_ORDER);
	p->turn_since_ns = 0;
	timers_clear(&p->worker->turns, &p->turn);
}

/*
 * Has its turn come? While others come it is waited for; when none came for so long, the target may be holding up
 * who comes before, for a lock that this session holds.
 */
static bool is_its_turn(struct player *p, uint64_t after)
{
	struct engine *g = p->worker->engine;
	uint64_t reached = atomic_load(&g->turns.reached);
	int64_t now_ns;

	if (after == 0 || (p->turn_since_ns == 0 && reached >= after))
		return true;
	now_ns = clock_mono_ns();
	if (reached < after && p->turn_since_ns != 0 && reached == p->turn_reached &&
	    now_ns - p->turn_since_ns >= g->options->order_wait_ns) {
		p->worker->outcome.order_given_up++;
		end_turn(p, now_ns);
		return true;
	}
	if (p->turn_since_ns == 0 || reached != p->turn_reached)
		p->turn_since_ns = now_ns;
	p->turn_reached = reached;
	if (!worker_awaits_turn(p->worker, p, after))
		return wait_until(p, p->turn_since_ns + g->options->order_wait_ns);
	end_turn(p, now_ns);
	return true;
}

void player_freed(struct player *p, int64_t now_ns, enum held_by by)
{
	if (now_ns <= p->free_ns)
		return;
	p->free_ns = now_ns;
	p->held_by = by;
}

void player_turn_done(struct player *p, const struct item_response *r)
{
	if (r->turn != 0)
		worker_turn_done(p->worker, r->turn);
}

bool player_may_open(struct player *p, const struct item *item)
{
	const struct item_open *o = (const struct item_open *)(const void *)(item + 1);

	return !p->in_gate && is_due(p, item) &&
	       has_slot(p, &p->worker->engine->connect_rate, HELD_BY_RATE) &&
	       worker_lets_in(p->worker, p, o->room);
}

/* The turn that C waits for. False: that is not known yet. */
static bool find_turn(const struct player *p, struct item *item, uint64_t *after)
{
	const struct item_command *c = item_body(item);
	struct item *next = c->turn.as_answered ? fifo_second(&p->queue, item) : NULL;
	const struct item_response *r =
		next && next->type == ITEM_RESPONSE ? item_body(next) : NULL;

	*after = r && r->n == c->n ? r->after : c->turn.after;
	return !c->turn.as_answered || next || pace_is_kept(&p->worker->engine->pace);
}

bool player_may_send(struct player *p, struct item *item)
{
	uint64_t after;

	if (!p->may_send)
		p->may_send = is_due(p, item) && find_turn(p, item, &after) &&
			      is_its_turn(p, after) &&
			      has_slot(p, &p->worker->engine->send_rate, HELD_BY_RATE);
	return p->may_send;
}

bool player_may_connect_again(struct player *p, const struct item *item)
{
	const struct pace *pace = &p->worker->engine->pace;
	int64_t begin_ns;

	if (!pace_is_kept(pace))
		return true;
	begin_ns = pace_due_ns(pace, item->at_ns) - CONNECT_AHEAD_NS;
	return begin_ns <= clock_mono_ns() || wait_until(p, begin_ns);
}

bool player_may_end(struct player *p, const struct item *item)
{
	return is_due(p, item);
}
