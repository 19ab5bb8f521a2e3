/* order - when the pieces of a flow are handed over. */
#include "tcp/order.h"

#include "base/mem.h"

static enum stream_side other(enum stream_side side)
{
	return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

/* ---- handing over ---- */

static void emit(struct flow_env *env, struct flow *f, const struct stream_chunk *chunk)
{
	const struct stream_handler *h = &env->handler;

	if (!f->opened) {
		f->opened = true;
		f->said.from_start = f->syn_heard && !f->base_guessed;
		f->conversation = h->open(h->ctx, &f->said);
	}
	if (chunk->gap > 0) {
		env->stats.gaps++;
		env->stats.gap_bytes += chunk->gap;
	}
	f->dir[chunk->from].next += chunk->gap + chunk->bytes.len;
	if (f->conversation)
		h->chunk(h->ctx, f->conversation, chunk);
}

static void emit_gap(struct flow_env *env, struct flow *f, enum stream_side side, uint64_t to)
{
	struct stream_chunk chunk = {
		.from = side,
		.time_ns = env->now_ns,
		.frame = env->frame,
		.offset = f->dir[side].next,
		.acked = STREAM_ACK_UNKNOWN,
		.gap = to - f->dir[side].next,
	};

	emit(env, f, &chunk);
}

static void emit_piece(struct flow_env *env, struct flow *f, enum stream_side side,
		       const struct piece *p)
{
	uint64_t told = f->dir[other(side)].next;
	struct stream_chunk chunk = {
		.from = side,
		.time_ns = p->time_ns,
		.frame = env->frame, /* what was held is complete only now */
		.offset = p->offset,
		.acked = p->ack > (int64_t)told ? (int64_t)told : p->ack,
	};

	if (p->bytes)
		chunk.bytes = slice_of(p->bytes, (size_t)p->len);
	else
		chunk.gap = p->len;
	emit(env, f, &chunk);
}

/* ---- struct order ---- */

static void link_newest(struct flow_env *env, struct order *o)
{
	o->older = env->newest;
	o->newer = NULL;
	if (env->newest)
		env->newest->newer = o;
	else
		env->oldest = o;
	env->newest = o;
	o->looked_ns = env->now_ns;
}

static void unlink_order(struct flow_env *env, struct order *o)
{
	if (o->older)
		o->older->newer = o->newer;
	else
		env->oldest = o->newer;
	if (o->newer)
		o->newer->older = o->older;
	else
		env->newest = o->older;
}

static enum err order_begin(struct flow_env *env, struct flow *f)
{
	struct order *o;

	if (f->order)
		return ERR_OK;
	o = mem_zalloc(sizeof(*o));
	if (!o)
		return ERR_NOMEM;
	o->flow = f;
	f->order = o;
	env->held += sizeof(*o);
	link_newest(env, o);
	return ERR_OK;
}

static void order_end(struct flow_env *env, struct flow *f)
{
	unlink_order(env, f->order);
	env->held -= sizeof(*f->order);
	mem_free(f->order);
	f->order = NULL;
}

static const struct piece *head(const struct flow *f, enum stream_side side)
{
	const struct held *h = f->order->side[side].held.first;

	return h ? &h->piece : NULL;
}

/* Offset up to which bytes of SIDE that were not heard will not be heard any more. */
static uint64_t claimed(const struct flow *f, enum stream_side side)
{
	const struct direction *d = &f->dir[side];
	const struct held *last = f->order->side[side].held.last;

	/* Where only this direction is heard, nobody will ever acknowledge. */
	if (last && !f->dir[other(side)].heard && piece_end(&last->piece) > d->acked)
		return piece_end(&last->piece);
	return d->acked;
}

/* ---- what may go ---- */

static bool stands_next(const struct flow *f, enum stream_side side)
{
	const struct piece *p = head(f, side);

	return p && p->offset == f->dir[side].next;
}

/* All that the sender of P, a piece of SIDE, had acknowledged was handed over: P's causes. */
static bool causes_told(const struct flow *f, enum stream_side side, const struct piece *p)
{
	const struct direction *o = &f->dir[other(side)];

	return p->ack <= (int64_t)o->next || direction_done(o);
}

static bool may_go(const struct flow *f, enum stream_side side)
{
	return stands_next(f, side) && causes_told(f, side, head(f, side));
}

static enum stream_side heard_first(const struct flow *f)
{
	const struct piece *client = head(f, STREAM_CLIENT), *server = head(f, STREAM_SERVER);

	if (!client || !server)
		return client ? STREAM_CLIENT : STREAM_SERVER;
	return client->frame <= server->frame ? STREAM_CLIENT : STREAM_SERVER;
}

static void emit_head(struct flow_env *env, struct flow *f, enum stream_side side)
{
	struct hold_list *l = &f->order->side[side].held;
	size_t before = l->cost;
	struct held *h = hold_take(l);

	env->held -= before - l->cost;
	emit_piece(env, f, side, &h->piece);
	hold_free(h);
}

/* Hands over the next held piece, if one may go. */
static bool emit_one(struct flow_env *env, struct flow *f)
{
	bool client = may_go(f, STREAM_CLIENT), server = may_go(f, STREAM_SERVER);
	bool stuck = !client && !server && stands_next(f, STREAM_CLIENT) &&
		     stands_next(f, STREAM_SERVER);

	if ((client && server) || stuck)
		emit_head(env, f, heard_first(f));
	else if (client || server)
		emit_head(env, f, client ? STREAM_CLIENT : STREAM_SERVER);
	return client || server || stuck;
}

/* Gives up what is missing of SIDE before its first held piece, but not beyond TO. */
static bool give_up(struct flow_env *env, struct flow *f, enum stream_side side, uint64_t to)
{
	const struct direction *d = &f->dir[side];
	const struct piece *p = head(f, side);

	if (p && p->offset < to)
		to = p->offset;
	if (d->fin_heard && d->fin < to)
		to = d->fin;
	if (to <= d->next)
		return false;
	emit_gap(env, f, side, to);
	return true;
}

static void emit_ready(struct flow_env *env, struct flow *f)
{
	const struct order_side *side = f->order->side;

	while (emit_one(env, f) || give_up(env, f, STREAM_CLIENT, side[STREAM_CLIENT].aged) ||
	       give_up(env, f, STREAM_SERVER, side[STREAM_SERVER].aged))
		;
}

/* ---- time ---- */

/*
 * What was acknowledged when the mark was set is given up when the window has passed since, then the
 * next mark is set: so each missing byte is waited for between one window and two.
 */
static void grow_old(const struct flow_env *env, struct flow *f, enum stream_side side)
{
	struct order_side *o = &f->order->side[side];
	uint64_t claim = claimed(f, side), next = f->dir[side].next;
	bool acks = f->dir[other(side)].heard;

	if (o->marked && o->mark <= next)
		o->marked = false;
	if (o->marked && ((acks && f->frames - o->mark_frames >= TCP_REORDER_FRAMES) ||
			  env->now_ns - o->mark_ns >= TCP_REORDER_NS)) {
		o->aged = o->mark;
		o->marked = false;
	}
	if (!o->marked && claim > next && claim > o->aged) {
		o->mark = claim;
		o->mark_ns = env->now_ns;
		o->mark_frames = f->frames;
		o->marked = true;
	}
}

void order_look(struct flow_env *env, struct flow *f)
{
	struct order *o = f->order;

	if (!o)
		return;
	grow_old(env, f, STREAM_CLIENT);
	grow_old(env, f, STREAM_SERVER);
	emit_ready(env, f);
	if (!head(f, STREAM_CLIENT) && !head(f, STREAM_SERVER) &&
	    f->dir[STREAM_CLIENT].acked <= f->dir[STREAM_CLIENT].next &&
	    f->dir[STREAM_SERVER].acked <= f->dir[STREAM_SERVER].next)
		order_end(env, f);
}

void order_look_again(struct flow_env *env, struct flow *f)
{
	unlink_order(env, f->order);
	link_newest(env, f->order);
	order_look(env, f);
}

/* ---- the end, and limits ---- */

/* Makes what the first held piece of SIDE waits for a gap. */
static void unblock(struct flow_env *env, struct flow *f, enum stream_side side)
{
	const struct piece *p = head(f, side);

	if (p && !give_up(env, f, side, p->offset))
		(void)give_up(env, f, other(side), (uint64_t)p->ack);
}

void order_flush(struct flow_env *env, struct flow *f)
{
	if (f->order) {
		emit_ready(env, f);
		while (head(f, STREAM_CLIENT) || head(f, STREAM_SERVER)) {
			unblock(env, f, heard_first(f));
			emit_ready(env, f);
		}
		order_end(env, f);
	}
	for (int side = 0; side < FLOW_SIDES; side++)
		if (f->dir[side].acked > f->dir[side].next)
			emit_gap(env, f, (enum stream_side)side, f->dir[side].acked);
}

void order_drop(struct flow_env *env, struct flow *f)
{
	if (!f->order)
		return;
	for (int side = 0; side < FLOW_SIDES; side++) {
		env->held -= f->order->side[side].held.cost;
		hold_clear(&f->order->side[side].held);
	}
	order_end(env, f);
}

/* Lets go of something if COST bytes more, of SIDE of F, would be too much; false if they would not. */
static bool relieve(struct flow_env *env, struct flow *f, enum stream_side side, size_t cost)
{
	const struct hold_list *l = f->order ? &f->order->side[side].held : NULL;

	if (l && (l->cost + cost > TCP_HOLD_MAX || l->count >= HOLD_PIECES_MAX))
		order_flush(env, f);
	else if (env->oldest && env->held + cost > env->held_max)
		order_flush(env, env->oldest->flow);
	else
		return false;
	env->stats.limit_closed++;
	return true;
}

/* ---- pieces in ---- */

static bool goes_directly(const struct flow *f, enum stream_side side, const struct piece *p)
{
	const struct piece *held = f->order ? head(f, side) : NULL;

	return p->offset == f->dir[side].next && (!held || held->offset >= piece_end(p)) &&
	       causes_told(f, side, p);
}

static enum err keep(struct flow_env *env, struct flow *f, enum stream_side side,
		     const struct piece *p)
{
	uint64_t doubled = 0;
	struct hold_list *l;
	size_t before;
	enum err e = order_begin(env, f);

	if (e != ERR_OK)
		return e;
	l = &f->order->side[side].held;
	before = l->cost;
	e = hold_put(l, p, &doubled);
	env->held += l->cost - before;
	env->stats.retransmitted_bytes += doubled;
	if (doubled < p->len)
		env->stats.out_of_order++;
	return e;
}

/* Leaves off what was handed over already; false if that is all of *P. */
static bool drop_old(struct flow_env *env, const struct direction *d, struct piece *p)
{
	uint64_t old = d->next > p->offset ? d->next - p->offset : 0;

	if (old >= p->len) {
		env->stats.retransmitted_bytes += p->len;
		return false;
	}
	env->stats.retransmitted_bytes += old;
	piece_drop_front(p, old);
	return true;
}

enum err order_take(struct flow_env *env, struct flow *f, enum stream_side side, struct piece *p)
{
	do {
		if (!drop_old(env, &f->dir[side], p))
			return ERR_OK;
		if (goes_directly(f, side, p)) {
			emit_piece(env, f, side, p);
			return ERR_OK;
		}
	} while (relieve(env, f, side, piece_cost(p)));
	return keep(env, f, side, p);
}

enum err order_acked(struct flow_env *env, struct flow *f, enum stream_side side)
{
	struct direction *d = &f->dir[side];
	enum err e;

	/* A direction that was never heard will not be: there is nothing to wait for. */
	if (!d->heard && !f->order) {
		emit_gap(env, f, side, d->acked);
		return ERR_OK;
	}
	e = order_begin(env, f);
	if (e == ERR_OK && !d->heard)
		f->order->side[side].aged = d->acked;
	return e;
}
