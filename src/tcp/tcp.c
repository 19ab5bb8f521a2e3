/*
 * tcp - segments to chunks: the table of flows, and when they end.
 *
 * Each state of a flow has a list, oldest first, with a limit of its own; to be moved to the end of
 * the list for every segment would cost more than the rest, so a flow is moved at most once in
 * touch_ns.
 */
#include "tcp/tcp.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "tcp/flow.h"
#include "tcp/order.h"

enum {
	IDLE_DEFAULT_H = 8,
	CLOSING_IDLE_S = 60, /* for the other side to end, too */
	IGNORED_IDLE_S = 60,
	LET_GO_S = 2,       /* for a conversation to become idle */
	CLOSED_KEPT_S = 10, /* late segments do not come later than that */
	RANK_SHIFT = 48,    /* the hash's highest bits: the table uses the lowest */
	PORT_BITS = 64,     /* per word of the port set */
	PORT_WORDS = 65536 / PORT_BITS,
	RECENT_FLOWS = 256, /* a power of two */
};

static const size_t state_max[FLOW_STATES] = {
	[FLOW_HALF_OPEN] = 1 << 15,  [FLOW_ONE_SIDED] = TCP_ONE_SIDED_MAX,
	[FLOW_OPEN] = TCP_FLOWS_MAX, [FLOW_CLOSING] = 1 << 13,
	[FLOW_CLOSED] = 1 << 14,     [FLOW_IGNORED] = 1 << 16,
	[FLOW_SHED] = TCP_FLOWS_MAX,
};

struct flow_list {
	struct flow *oldest, *newest;
	size_t count;
	int64_t idle_ns;
};

struct tcp {
	struct flow_env env;
	struct tcp_options options;
	struct map flows;
	struct flow_list lists[FLOW_STATES];
	size_t parts; /* into which the limits of all flows are shared out; this is one of them */
	int64_t touch_ns;
	int64_t expire_ns;                       /* when idle flows are looked for again */
	uint32_t share_beginning, share_running; /* of TCP_SHARE_ALL */
	int64_t share_ns;                        /* when that became so */
	uint64_t ports[PORT_WORDS];
	struct flow
		*recent[RECENT_FLOWS]; /* found last, by their ports: most segments are of these */
};

struct flow_key {
	const struct endpoint *a, *b; /* in either order */
};

/* ---- the table ---- */

static bool flow_has_key(const void *item, const void *key)
{
	const struct flow *f = item;
	const struct flow_key *k = key;

	return (endpoint_eq(&f->said.client, k->a) && endpoint_eq(&f->said.server, k->b)) ||
	       (endpoint_eq(&f->said.client, k->b) && endpoint_eq(&f->said.server, k->a));
}

/* Where a flow of these ports, in either order, is among the recent ones. */
static struct flow **recent_of(struct tcp *t, const struct flow_key *k)
{
	return &t->recent[(k->a->port ^ k->b->port) & (RECENT_FLOWS - 1)];
}

/* The same for both directions. */
static uint64_t key_hash(const struct flow_key *k)
{
	return endpoint_pair_hash(k->a, k->b);
}

static bool on_port(const struct tcp *t, uint16_t port)
{
	return t->ports[port / PORT_BITS] >> port % PORT_BITS & 1;
}

static size_t port_rank(const struct tcp *t, uint16_t port)
{
	size_t i = 0;

	while (i < t->options.port_count && t->options.ports[i] != port)
		i++;
	return i;
}

/* Which side of the connection sent S, the first segment heard of it? */
static enum stream_side sender_of_first(const struct tcp *t, const struct segment *s)
{
	size_t src = port_rank(t, s->src.port), dst = port_rank(t, s->dst.port);
	bool both = src < t->options.port_count && dst < t->options.port_count;

	if ((both || t->options.any_port) && s->flags & TCP_SYN)
		return s->flags & TCP_ACK ? STREAM_SERVER : STREAM_CLIENT;
	if (t->options.any_port && src == dst)
		return s->src.port < s->dst.port ? STREAM_SERVER : STREAM_CLIENT;
	return src < dst ? STREAM_SERVER : STREAM_CLIENT;
}

/* Nothing more is said of F: its segments are known, and passed over. */
static bool is_over(const struct flow *f)
{
	return f->state == FLOW_CLOSED || f->state == FLOW_IGNORED || f->state == FLOW_SHED;
}

static uint64_t flow_id(const struct segment *s)
{
	struct { /* no padding: 8 + 2 * 16 + 2 * 2 + 4 */
		int64_t time_ns;
		uint8_t src[16], dst[16];
		uint16_t src_port, dst_port;
		uint32_t seq;
	} key = {
		.time_ns = s->time_ns,
		.src_port = s->src.port,
		.dst_port = s->dst.port,
		.seq = s->seq,
	};

	memcpy(key.src, s->src.addr.bytes, sizeof(key.src));
	memcpy(key.dst, s->dst.addr.bytes, sizeof(key.dst));
	return hash_bytes(slice_of(&key, sizeof(key)));
}

/* ---- lists and states ---- */

static void list_remove(struct flow_list *l, struct flow *f)
{
	if (f->older)
		f->older->newer = f->newer;
	else
		l->oldest = f->newer;
	if (f->newer)
		f->newer->older = f->older;
	else
		l->newest = f->older;
	l->count--;
}

static void list_append(struct flow_list *l, struct flow *f)
{
	f->older = l->newest;
	f->newer = NULL;
	if (l->newest)
		l->newest->newer = f;
	else
		l->oldest = f;
	l->newest = f;
	l->count++;
}

static void touch(struct tcp *t, struct flow *f)
{
	if (t->env.now_ns - f->touched_ns < t->touch_ns)
		return;
	list_remove(&t->lists[f->state], f);
	list_append(&t->lists[f->state], f);
	f->touched_ns = t->env.now_ns;
}

static void forget(struct tcp *t, struct flow *f)
{
	struct flow_key key = {.a = &f->said.client, .b = &f->said.server};

	assert(!f->order);
	if (*recent_of(t, &key) == f)
		*recent_of(t, &key) = NULL;
	(void)map_take(&t->flows, key_hash(&key), &key);
	list_remove(&t->lists[f->state], f);
	mem_free(f);
}

/* Whoever said goodbye has sent all that is before that. */
static void claim_to_the_end(struct flow *f)
{
	for (int side = 0; side < FLOW_SIDES; side++) {
		struct direction *d = &f->dir[side];

		if (d->fin_heard && d->acked < d->fin)
			d->acked = d->fin;
	}
}

/* Hands over what is left of F and tells the handler of its end; F is still in the table. */
static void tell_end(struct tcp *t, struct flow *f, enum stream_end end)
{
	const struct stream_handler *h = &t->env.handler;

	if (is_over(f))
		return;
	claim_to_the_end(f);
	order_flush(&t->env, f);
	/* Whoever said goodbye has closed, even if the other side's was not heard. */
	if (end != STREAM_END_RESET &&
	    (direction_done(&f->dir[STREAM_CLIENT]) || direction_done(&f->dir[STREAM_SERVER])))
		end = STREAM_END_FIN;
	if (f->conversation)
		h->close(h->ctx, f->conversation, end, t->env.now_ns, t->env.frame);
	f->conversation = NULL;
}

static void end_flow(struct tcp *t, struct flow *f, enum stream_end end)
{
	tell_end(t, f, end);
	forget(t, f);
}

static void set_state(struct tcp *t, struct flow *f, enum flow_state to)
{
	struct flow_list *l = &t->lists[to];

	if (f->state == to)
		return;
	if (l->count >= state_max[to] / t->parts) {
		t->env.stats.limit_closed += to != FLOW_CLOSED && to != FLOW_IGNORED;
		end_flow(t, l->oldest, STREAM_END_TIMEOUT);
	}
	list_remove(&t->lists[f->state], f);
	f->state = to;
	f->touched_ns = t->env.now_ns;
	list_append(l, f);
}

/* Moves F to the state that its segments have brought it to. */
static void settle(struct tcp *t, struct flow *f)
{
	bool client = direction_done(&f->dir[STREAM_CLIENT]);
	bool server = direction_done(&f->dir[STREAM_SERVER]);

	if (client && server) {
		tell_end(t, f, STREAM_END_FIN);
		set_state(t, f, FLOW_CLOSED);
	} else if (client || server) {
		set_state(t, f, FLOW_CLOSING);
	} else if (f->opened) {
		bool both = f->dir[STREAM_CLIENT].heard && f->dir[STREAM_SERVER].heard;

		set_state(t, f, both ? FLOW_OPEN : FLOW_ONE_SIDED);
	}
}

/* The handler has heard enough of F. */
static void ignore(struct tcp *t, struct flow *f)
{
	const struct stream_handler *h = &t->env.handler;

	order_drop(&t->env, f);
	h->close(h->ctx, f->conversation, STREAM_END_CAPTURE, t->env.now_ns, t->env.frame);
	f->conversation = NULL;
	set_state(t, f, FLOW_IGNORED);
}

static bool is_boring(const struct tcp *t, const struct flow *f)
{
	const struct stream_handler *h = &t->env.handler;

	return h->bored && f->conversation && h->bored(h->ctx, f->conversation);
}

/* ---- shedding ---- */

void tcp_set_share(struct tcp *t, uint32_t beginning, uint32_t running)
{
	assert(beginning <= running && running <= TCP_SHARE_ALL);
	if (beginning == t->share_beginning && running == t->share_running)
		return;
	t->share_beginning = beginning;
	t->share_running = running;
	t->share_ns = t->env.now_ns;
}

/* May F be closed without leaving anything half told? Nobody waits for that for long. */
static bool is_idle(const struct tcp *t, const struct flow *f)
{
	const struct stream_handler *h = &t->env.handler;

	return !h->idle || h->idle(h->ctx, f->conversation) ||
	       t->env.now_ns - t->share_ns > LET_GO_S * NS_PER_S;
}

/* Sheds F, if it belongs to what is to be shed and this is a good moment for it. */
static void shed(struct tcp *t, struct flow *f)
{
	const struct stream_handler *h = &t->env.handler;

	if (f->state == FLOW_HALF_OPEN && !f->opened) {
		if (f->rank < t->share_beginning)
			return;
	} else if (f->state != FLOW_OPEN || f->rank < t->share_running || !f->conversation ||
		   !is_idle(t, f)) {
		return;
	}
	order_drop(&t->env, f);
	if (f->conversation) {
		t->env.stats.let_go++;
		h->close(h->ctx, f->conversation, STREAM_END_SHED, t->env.now_ns, t->env.frame);
		f->conversation = NULL;
	}
	set_state(t, f, FLOW_SHED);
}

static void pass_over(struct tcp *t, struct flow *f, enum stream_side side, const struct segment *s)
{
	flow_pass_over(f, side, s);
	t->env.stats.shed_frames++;
	t->env.stats.shed_bytes += s->payload_wire_len;
	if (!f->opened && s->payload_wire_len > 0) {
		f->opened = true;
		t->env.stats.shed++;
	}
	if (s->flags & (TCP_FIN | TCP_RST))
		set_state(t, f, FLOW_CLOSED);
}

/* A connection that was shed is to be heard again, from what is said next in it. */
static bool is_wanted_again(const struct tcp *t, const struct flow *f, const struct segment *s)
{
	return f->state == FLOW_SHED && f->rank < t->share_beginning && s->payload_wire_len > 0;
}

/* ---- time ---- */

static void expire(struct tcp *t)
{
	int64_t now = t->env.now_ns;

	if (now < t->expire_ns)
		return;
	t->expire_ns = now + t->touch_ns;
	for (int state = 0; state < FLOW_STATES; state++) {
		struct flow_list *l = &t->lists[state];

		while (l->oldest && now - l->oldest->touched_ns >= l->idle_ns)
			end_flow(t, l->oldest, STREAM_END_TIMEOUT);
	}
}

/* Lets the reorder window of flows pass that have nothing to say. */
static void look_at_waiting(struct tcp *t)
{
	struct flow_env *env = &t->env;

	while (env->oldest && env->now_ns - env->oldest->looked_ns >= TCP_REORDER_NS) {
		struct flow *f = env->oldest->flow;

		order_look_again(env, f);
		settle(t, f);
	}
}

static void advance(struct tcp *t, int64_t now_ns)
{
	if (now_ns > t->env.now_ns)
		t->env.now_ns = now_ns;
	look_at_waiting(t);
	expire(t);
}

void tcp_tick(struct tcp *t, int64_t now_ns)
{
	advance(t, now_ns);
}

/* ---- segments ---- */

/* A flow is joined by data; a single byte that is not pushed is a keep-alive's garbage. */
static bool starts_flow(const struct segment *s)
{
	uint32_t more_than = s->flags & TCP_PSH ? 0 : 1;

	return !(s->flags & TCP_RST) && (s->flags & TCP_SYN || s->payload_wire_len > more_than);
}

static enum err add_flow(struct tcp *t, const struct segment *s, struct flow **out)
{
	struct flow_key key = {.a = &s->src, .b = &s->dst};
	bool from_client = sender_of_first(t, s) == STREAM_CLIENT;
	struct flow_list *half_open = &t->lists[FLOW_HALF_OPEN];
	struct flow *f;
	enum err e;

	if (half_open->count >= state_max[FLOW_HALF_OPEN] / t->parts) {
		t->env.stats.limit_closed++;
		end_flow(t, half_open->oldest, STREAM_END_TIMEOUT);
	}
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->said = (struct stream_flow){
		.id = flow_id(s),
		.client = from_client ? s->src : s->dst,
		.server = from_client ? s->dst : s->src,
		.first_ns = s->time_ns,
	};
	e = map_put(&t->flows, key_hash(&key), f);
	if (e != ERR_OK) {
		mem_free(f);
		return e;
	}
	f->rank = (uint16_t)(key_hash(&key) >> RANK_SHIFT);
	f->touched_ns = t->env.now_ns;
	list_append(half_open, f);
	t->env.stats.flows++;
	*out = f;
	return ERR_OK;
}

static enum stream_side side_of(const struct flow *f, const struct segment *s)
{
	return endpoint_eq(&f->said.client, &s->src) ? STREAM_CLIENT : STREAM_SERVER;
}

/* The flow of S, made if there is none yet; NULL if S is of no interest. */
static enum err find_flow(struct tcp *t, const struct segment *s, struct flow **out)
{
	struct flow_key key = {.a = &s->src, .b = &s->dst};
	struct flow **recent = recent_of(t, &key), *f = *recent;

	if (!f || !flow_has_key(f, &key))
		*recent = f = map_get(&t->flows, key_hash(&key), &key);
	if (f && (is_wanted_again(t, f, s) || flow_is_reused(f, side_of(f, s), s))) {
		end_flow(t, f, STREAM_END_REUSED);
		f = NULL;
	}
	*out = f;
	return f || !starts_flow(s) ? ERR_OK : add_flow(t, s, out);
}

bool tcp_follows(const struct tcp *t, const struct segment *s)
{
	return t->options.any_port || on_port(t, s->src.port) || on_port(t, s->dst.port);
}

void tcp_pass(struct tcp *t, int64_t time_ns, uint64_t frame)
{
	t->env.frame = frame;
	advance(t, time_ns);
}

enum err tcp_segment(struct tcp *t, const struct segment *s)
{
	enum flow_verdict verdict = FLOW_GOES_ON;
	struct flow *f;
	enum err e;

	assert(s->payload.len <= s->payload_wire_len);
	if (!tcp_follows(t, s)) {
		t->env.stats.other_ports++;
		return ERR_OK;
	}
	t->env.stats.segments++;
	tcp_pass(t, s->time_ns, s->frame);
	e = find_flow(t, s, &f);
	if (e != ERR_OK || !f || f->state == FLOW_CLOSED)
		return e;
	touch(t, f);
	if (f->state == FLOW_IGNORED)
		return ERR_OK;
	shed(t, f);
	if (f->state == FLOW_SHED) {
		pass_over(t, f, side_of(f, s), s);
		return ERR_OK;
	}
	e = flow_segment(&t->env, f, side_of(f, s), s, &verdict);
	switch (verdict) {
	case FLOW_GOES_ON:
		if (is_boring(t, f))
			ignore(t, f);
		else
			settle(t, f);
		break;
	case FLOW_RESET:
		tell_end(t, f, STREAM_END_RESET);
		set_state(t, f, FLOW_CLOSED);
		break;
	case FLOW_FOREIGN: /* the next segment starts the new one */
		end_flow(t, f, STREAM_END_REUSED);
		break;
	}
	return e;
}

/* ---- life ---- */

enum err tcp_new(const struct tcp_options *options, const struct stream_handler *handler,
		 struct tcp **out)
{
	struct tcp *t = mem_zalloc(sizeof(*t));
	size_t flows_max = 0;
	int64_t idle_ns = options->idle_ns;

	if (!t)
		return ERR_NOMEM;
	assert(options->port_count <= TCP_PORTS_MAX);
	if (idle_ns <= 0)
		idle_ns = IDLE_DEFAULT_H * 3600 * NS_PER_S;
	t->options = *options;
	t->parts = options->parts ? options->parts : 1;
	t->env.held_max = TCP_HOLD_ALL_MAX / t->parts;
	t->env.handler = *handler;
	t->touch_ns = idle_ns / 8 < NS_PER_S ? idle_ns / 8 : NS_PER_S;
	t->lists[FLOW_HALF_OPEN].idle_ns = idle_ns;
	t->lists[FLOW_ONE_SIDED].idle_ns = idle_ns;
	t->lists[FLOW_OPEN].idle_ns = idle_ns;
	t->lists[FLOW_CLOSING].idle_ns = CLOSING_IDLE_S * NS_PER_S;
	t->lists[FLOW_CLOSED].idle_ns = CLOSED_KEPT_S * NS_PER_S;
	t->lists[FLOW_IGNORED].idle_ns = IGNORED_IDLE_S * NS_PER_S;
	t->lists[FLOW_SHED].idle_ns = idle_ns;
	t->share_beginning = t->share_running = TCP_SHARE_ALL;
	for (int state = 0; state < FLOW_STATES; state++)
		flows_max += state_max[state];
	map_init(&t->flows, flows_max, flow_has_key);
	for (size_t i = 0; i < options->port_count; i++)
		t->ports[options->ports[i] / PORT_BITS] |= UINT64_C(1)
							   << options->ports[i] % PORT_BITS;
	*out = t;
	return ERR_OK;
}

void tcp_finish(struct tcp *t)
{
	for (int state = 0; state < FLOW_STATES; state++)
		while (t->lists[state].oldest)
			end_flow(t, t->lists[state].oldest, STREAM_END_CAPTURE);
}

const struct tcp_stats *tcp_get_stats(const struct tcp *t)
{
	return &t->env.stats;
}

void tcp_free(struct tcp *t)
{
	if (!t)
		return;
	for (int state = 0; state < FLOW_STATES; state++) {
		while (t->lists[state].oldest) {
			struct flow *f = t->lists[state].oldest;

			order_drop(&t->env, f);
			forget(t, f);
		}
	}
	map_release(&t->flows);
	mem_free(t);
}
