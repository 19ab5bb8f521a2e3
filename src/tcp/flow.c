/* flow - one connection, and what a segment changes in it. */
#include "tcp/flow.h"

#include "tcp/order.h"

/*
 * A segment belongs to a connection if it is not further from what comes next than a window can be
 * open (forward; less than TCP's 1 GiB, since such windows are not in use), or than retransmissions
 * go back. A few segments in a row that do not are another connection whose start was not heard.
 */
enum {
	WINDOW_FORWARD = 256 << 20,
	WINDOW_BACK = 16 << 20,
	STRANGE_MAX = 4,
	LATE_SYN_BYTES = 64 << 10, /* a SYN heard late is not further back than that */
};

static enum stream_side other(enum stream_side side)
{
	return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

/* How far SEQ is ahead of what comes next in D; negative: behind. */
static int32_t ahead(const struct direction *d, uint32_t seq)
{
	return (int32_t)(seq - (d->base + (uint32_t)d->next));
}

static bool fits(int32_t distance)
{
	return distance >= -WINDOW_BACK && distance <= WINDOW_FORWARD;
}

bool flow_is_reused(const struct flow *f, enum stream_side side, const struct segment *s)
{
	const struct direction *d = &f->dir[side];
	uint32_t first = s->seq + 1; /* of the data that the SYN announces */

	if (f->state == FLOW_CLOSED && !(s->flags & TCP_SYN))
		return s->payload_wire_len > 0 && d->known && !fits(ahead(d, s->seq));
	if (!(s->flags & TCP_SYN) || !d->known || first == d->base)
		return false;
	/* A connection joined by data that overtook its own SYN, of either side. */
	return d->base_said || d->base - first > LATE_SYN_BYTES;
}

/* Learns where the directions start. */
static void learn(struct flow *f, enum stream_side side, const struct segment *s)
{
	struct direction *d = &f->dir[side], *o = &f->dir[other(side)];
	bool syn = s->flags & TCP_SYN;

	f->syn_heard |= syn;
	f->base_guessed |= syn && d->known && d->base != s->seq + 1;
	if (!d->known) {
		d->known = true;
		d->base = syn ? s->seq + 1 : s->seq;
	}
	d->base_said |= syn && d->base == s->seq + 1;
	if (!o->known && s->flags & TCP_ACK) {
		o->known = true;
		o->base = s->ack;
		/* Who already speaks may have been spoken to. */
		f->base_guessed |= !syn && s->payload_wire_len > 0;
	}
}

void flow_pass_over(struct flow *f, enum stream_side side, const struct segment *s)
{
	learn(f, side, s);
}

/* A reset counts if its receiver would believe it: not before what that one has acknowledged. */
static bool reset_counts(const struct flow *f, enum stream_side side, const struct segment *s)
{
	const struct direction *d = &f->dir[side], *o = &f->dir[other(side)];
	int32_t distance = ahead(d, s->seq);

	if (!d->known) /* refused: only the acknowledgement says what it is about */
		return s->flags & TCP_ACK && o->known && ahead(o, s->ack) == 0;
	return fits(distance) && (int64_t)d->next + distance + 1 >= (int64_t)d->acked;
}

/* Offset in D that the sequence number ACK means; -1 if none can be meant. */
static int64_t acked_offset(const struct direction *d, uint32_t ack)
{
	int32_t distance = ahead(d, ack);
	int64_t offset = (int64_t)d->next + distance;

	if (!fits(distance))
		return STREAM_ACK_UNKNOWN;
	if (d->fin_heard && offset > (int64_t)d->fin) /* FIN takes a number, but is no byte */
		offset = (int64_t)d->fin;
	return offset > 0 ? offset : 0;
}

/* Hands the payload of S on, whose first byte is at OFFSET, and whose sender had everything up to ACK. */
static enum err take_payload(struct flow_env *env, struct flow *f, enum stream_side side,
			     const struct segment *s, uint64_t offset, int64_t ack)
{
	const struct direction *d = &f->dir[side];
	const uint64_t cut = s->payload_wire_len - s->payload.len;
	struct piece p = {.ack = ack, .time_ns = s->time_ns, .frame = s->frame};
	enum err e = ERR_OK;

	if (d->fin_heard && offset + s->payload_wire_len > d->fin) /* data behind the end */
		return ERR_OK;
	if (s->payload.len > 0) {
		p.offset = offset;
		p.len = s->payload.len;
		p.bytes = s->payload.ptr;
		e = order_take(env, f, side, &p);
	}
	if (cut > 0 && e == ERR_OK) {
		p.offset = offset + s->payload.len;
		p.len = cut;
		p.bytes = NULL;
		e = order_take(env, f, side, &p);
	}
	return e;
}

/* The part of S before offset 0 is left off: it was sent before the flow was joined. */
static enum err take_from(struct flow_env *env, struct flow *f, enum stream_side side,
			  const struct segment *s, int64_t offset, int64_t ack)
{
	uint64_t before = (uint64_t)-offset;
	struct segment known;

	if (offset >= 0)
		return take_payload(env, f, side, s, (uint64_t)offset, ack);
	if (before >= s->payload_wire_len)
		return ERR_OK;
	known = *s;
	known.payload = slice_skip(s->payload, (size_t)before);
	known.payload_wire_len -= (uint32_t)before;
	return take_payload(env, f, side, &known, 0, ack);
}

static void take_fin(struct flow *f, enum stream_side side, int64_t offset)
{
	struct direction *d = &f->dir[side];
	const struct held *last = f->order ? f->order->side[side].held.last : NULL;

	if (d->fin_heard || offset < (int64_t)d->next)
		return;
	if (last && offset < (int64_t)piece_end(&last->piece))
		return;
	d->fin_heard = true;
	d->fin = (uint64_t)offset;
	if (d->acked > d->fin)
		d->acked = d->fin;
}

/* Takes note that the sender of a segment of SIDE has everything of the other side up to ACK. */
static enum err take_ack(struct flow_env *env, struct flow *f, enum stream_side side, int64_t ack)
{
	struct direction *o = &f->dir[other(side)];

	if (ack <= (int64_t)o->acked)
		return ERR_OK;
	o->acked = (uint64_t)ack;
	return o->acked > o->next ? order_acked(env, f, other(side)) : ERR_OK;
}

/* A reset stands behind all that its sender had sent, and may say what it had received. */
static void take_reset(struct flow *f, enum stream_side side, const struct segment *s)
{
	struct direction *d = &f->dir[side], *o = &f->dir[other(side)];
	int64_t sent = d->known ? acked_offset(d, s->seq) : STREAM_ACK_UNKNOWN;
	int64_t got = o->known && s->flags & TCP_ACK ? acked_offset(o, s->ack) : STREAM_ACK_UNKNOWN;

	if (sent > (int64_t)d->acked)
		d->acked = (uint64_t)sent;
	if (got > (int64_t)o->acked)
		o->acked = (uint64_t)got;
}

enum err flow_segment(struct flow_env *env, struct flow *f, enum stream_side side,
		      const struct segment *s, enum flow_verdict *verdict)
{
	struct direction *d = &f->dir[side];
	int64_t offset, ack = STREAM_ACK_UNKNOWN;
	int32_t distance;
	enum err e;

	*verdict = FLOW_GOES_ON;
	f->frames++;
	if (s->flags & TCP_RST) {
		if (!reset_counts(f, side, s))
			return ERR_OK;
		take_reset(f, side, s);
		*verdict = FLOW_RESET;
		return ERR_OK;
	}
	learn(f, side, s);
	distance = ahead(d, s->flags & TCP_SYN ? s->seq + 1 : s->seq);
	if (s->flags & TCP_ACK)
		ack = acked_offset(&f->dir[other(side)], s->ack);
	if (!fits(distance) || (s->flags & TCP_ACK && ack == STREAM_ACK_UNKNOWN)) {
		if (++f->strange == STRANGE_MAX)
			*verdict = FLOW_FOREIGN;
		return ERR_OK;
	}
	f->strange = 0;
	d->heard = true;
	offset = (int64_t)d->next + distance;
	e = take_ack(env, f, side, ack);
	if (e == ERR_OK)
		e = take_from(env, f, side, s, offset, ack);
	if (s->flags & TCP_FIN)
		take_fin(f, side, offset + s->payload_wire_len);
	order_look(env, f);
	return e;
}
