/*
 * Random conversations, cut, doubled, reordered and lost: what comes out must be what was said, in an
 * order that the two sides could have said it in, and gaps exactly where nothing was heard.
 */
#include "check.h"

#include "../chunk_log.h"
#include "base/hash.h"
#include "tcp/tcp.h"

enum {
	SEGMENTS_MAX = 2000,
	SAID_MAX = 400, /* segments of one conversation, before any trouble */
	LEN_MAX = 600,  /* bytes of a segment */
	STREAM_MAX = SAID_MAX * LEN_MAX,
	SHIFT_MAX = 20, /* frames that a segment may come too late */
	START_NS = 1000000000,
	STEP_NS = 10000,
};

struct random {
	uint64_t state;
};

static uint64_t next_random(struct random *r, uint64_t below)
{
	r->state = hash_mix(r->state, 0x6d796e61);
	return r->state % below;
}

struct sent {
	enum stream_side from;
	uint8_t flags;
	uint64_t offset, len, ack; /* ack: offset in the other direction */
	uint64_t settled;          /* offset that the sender knows to have arrived */
	uint64_t place;            /* in the capture, to be sorted by */
	bool lost;
};

struct trial {
	struct random random;
	struct sent sent[SEGMENTS_MAX];
	size_t count;
	uint32_t isn[2];
	uint64_t said[2]; /* bytes */
	uint8_t bytes[2][STREAM_MAX];
	uint32_t ack_of[2][STREAM_MAX]; /* of the segment that first carried a byte */
	bool heard[2][STREAM_MAX];
	bool repeated, reordered;
	struct chunk_log log;
};

static void add(struct trial *t, const struct sent *s)
{
	assert(t->count < SEGMENTS_MAX);
	t->sent[t->count] = *s;
	t->sent[t->count].place = t->count * 16;
	t->count++;
}

/* Both sides speak at random, each sending what it will when it has received some of the other's. */
static void converse(struct trial *t)
{
	uint64_t received[2] = {0, 0}; /* by that side, of the other */
	size_t count = 10 + next_random(&t->random, SAID_MAX - 10);

	add(t, &(struct sent){.from = STREAM_CLIENT, .flags = TCP_SYN});
	add(t, &(struct sent){.from = STREAM_SERVER, .flags = TCP_SYN | TCP_ACK});
	for (size_t i = 0; i < count; i++) {
		enum stream_side side = next_random(&t->random, 2) ? STREAM_SERVER : STREAM_CLIENT;
		uint64_t missing = t->said[!side] - received[side];
		struct sent s = {.from = side, .flags = TCP_ACK, .offset = t->said[side]};

		if (next_random(&t->random, 4))
			received[side] += next_random(&t->random, 2)
						  ? missing
						  : next_random(&t->random, missing + 1);
		s.ack = received[side];
		s.settled = s.ack ? t->ack_of[!side][s.ack - 1] : 0;
		s.len = next_random(&t->random, 5) ? 1 + next_random(&t->random, LEN_MAX) : 0;
		for (uint64_t b = s.offset; b < s.offset + s.len; b++)
			t->ack_of[side][b] = (uint32_t)s.ack;
		t->said[side] += s.len;
		add(t, &s);
	}
	for (int side = 0; side < 2; side++)
		for (uint64_t i = 0; i < t->said[side]; i++)
			t->bytes[side][i] = (uint8_t)hash_mix((uint64_t)side, i);
}

/* Sends some segments again: the same bytes, or more of them before and behind. */
static void repeat_some(struct trial *t)
{
	uint64_t said[2] = {0, 0};
	size_t count = t->count;

	t->repeated = true;
	for (size_t i = 2; i < count; i++) {
		struct sent s = t->sent[i];
		uint64_t before;

		said[s.from] = s.offset + s.len;
		if (s.len == 0 || next_random(&t->random, 5))
			continue;
		before = s.offset - s.settled; /* nobody repeats what is known to have arrived */
		before = next_random(&t->random, (before < 700 ? before : 700) + 1);
		s.offset -= before;
		s.len = 1 + next_random(&t->random, said[s.from] - s.offset);
		s.len = s.len > LEN_MAX ? LEN_MAX : s.len;
		add(t, &s);
		t->sent[t->count - 1].place = s.place + 1 + next_random(&t->random, 16);
	}
}

static void reorder_some(struct trial *t)
{
	t->reordered = true;
	for (size_t i = 2; i < t->count; i++)
		if (next_random(&t->random, 4) == 0)
			t->sent[i].place += 16 * next_random(&t->random, SHIFT_MAX);
}

static void lose_some(struct trial *t)
{
	uint64_t one_in = 5 + next_random(&t->random, 50);

	for (size_t i = 2; i < t->count; i++)
		t->sent[i].lost = next_random(&t->random, one_in) == 0;
}

static int by_place(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static struct segment as_segment(const struct trial *t, size_t i)
{
	const struct sent *p = &t->sent[i];
	struct endpoint ends[2] = {{.addr = {.bytes = {10, 0, 0, 1}}, .port = 40000},
				   {.addr = {.bytes = {10, 0, 0, 2}}, .port = 3306}};
	bool syn = p->flags & TCP_SYN;

	return (struct segment){
		.frame = i + 1,
		.time_ns = START_NS + (int64_t)i * STEP_NS,
		.src = ends[p->from],
		.dst = ends[!p->from],
		.seq = t->isn[p->from] + !syn + (uint32_t)p->offset,
		.ack = t->isn[!p->from] + 1 + (uint32_t)p->ack,
		.flags = p->flags,
		.payload = slice_of(t->bytes[p->from] + p->offset, p->len),
		.payload_wire_len = (uint32_t)p->len,
	};
}

/*
 * Every chunk carries the acknowledgement of the very segment that it came in. Only where both sides
 * repeat what the capture has yet to see for the first time can that be more than was handed over;
 * then less is told.
 */
static void check_ack(void *ctx, const struct stream_chunk *c)
{
	const struct trial *t = ctx;
	const struct sent *s;

	if (c->gap)
		return;
	s = &t->sent[(c->time_ns - START_NS) / STEP_NS];
	CHECK(s->from == c->from && (uint64_t)c->acked <= s->ack);
	CHECK((uint64_t)c->acked == s->ack || (t->repeated && t->reordered));
	CHECK(c->offset >= s->offset && c->offset + c->bytes.len <= s->offset + s->len);
}

static void run(struct trial *t)
{
	struct tcp_options options = {.ports = {3306}, .port_count = 1};
	struct stream_handler handler = chunk_log_handler(&t->log);
	struct tcp *tcp = NULL;

	qsort(t->sent, t->count, sizeof(t->sent[0]), by_place);
	t->log.keep_bytes = true;
	t->log.on_chunk = check_ack;
	t->log.ctx = t;
	CHECK(tcp_new(&options, &handler, &tcp) == ERR_OK);
	for (size_t i = 0; i < t->count; i++) {
		struct segment s = as_segment(t, i);

		if (t->sent[i].lost)
			continue;
		for (uint64_t b = 0; b < t->sent[i].len; b++)
			t->heard[t->sent[i].from][t->sent[i].offset + b] = true;
		CHECK(tcp_segment(tcp, &s) == ERR_OK);
	}
	tcp_finish(tcp);
	tcp_free(tcp);
}

/* All that was heard came out, and what was not is a gap, or was the last. */
static void check_outcome(struct trial *t)
{
	const struct chunk_flow *f = &t->log.flows[0];

	if (t->log.opened == 0)
		return;
	CHECK(t->log.closed == 1 && f->said.from_start);
	for (int side = 0; side < 2; side++) {
		uint64_t missing = 0;

		CHECK(f->at[side] <= t->said[side]);
		for (uint64_t i = 0; i < t->said[side]; i++) {
			if (i >= f->at[side])
				CHECK(!t->heard[side][i]);
			else if (t->heard[side][i])
				CHECK(f->bytes[side].ptr[i] == t->bytes[side][i]);
			else
				missing++;
		}
		CHECK(f->gap_bytes[side] == missing);
	}
}

static void trials(int count, void (*const trouble[])(struct trial *))
{
	for (int seed = 1; seed <= count; seed++) {
		struct trial *t = calloc(1, sizeof(*t));

		assert_non_null(t);
		t->random.state = (uint64_t)seed;
		t->isn[0] = next_random(&t->random, 2) ? UINT32_MAX - 5000 : 7;
		t->isn[1] = (uint32_t)next_random(&t->random, UINT32_MAX);
		converse(t);
		for (size_t i = 0; trouble[i]; i++)
			trouble[i](t);
		run(t);
		check_outcome(t);
		chunk_log_release(&t->log);
		free(t);
	}
}

static void undisturbed(void **state)
{
	void (*const none[])(struct trial *) = {NULL};

	(void)state;
	trials(50, none);
}

static void repeated(void **state)
{
	void (*const trouble[])(struct trial *) = {repeat_some, NULL};

	(void)state;
	trials(200, trouble);
}

static void reordered(void **state)
{
	void (*const trouble[])(struct trial *) = {reorder_some, NULL};

	(void)state;
	trials(200, trouble);
}

static void repeated_and_reordered(void **state)
{
	void (*const trouble[])(struct trial *) = {repeat_some, reorder_some, NULL};

	(void)state;
	trials(200, trouble);
}

static void lost(void **state)
{
	void (*const trouble[])(struct trial *) = {lose_some, NULL};

	(void)state;
	trials(200, trouble);
}

static void reordered_and_lost(void **state)
{
	void (*const trouble[])(struct trial *) = {reorder_some, lose_some, NULL};

	(void)state;
	trials(200, trouble);
}

static void repeated_reordered_and_lost(void **state)
{
	void (*const trouble[])(struct trial *) = {repeat_some, reorder_some, lose_some, NULL};

	(void)state;
	trials(200, trouble);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undisturbed),
		cmocka_unit_test(repeated),
		cmocka_unit_test(reordered),
		cmocka_unit_test(repeated_and_reordered),
		cmocka_unit_test(lost),
		cmocka_unit_test(reordered_and_lost),
		cmocka_unit_test(repeated_reordered_and_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
