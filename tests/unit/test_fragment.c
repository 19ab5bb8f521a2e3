/*
 * IP fragments: whatever their order, their sizes and the tunnels around them, what comes out is what was sent, or
 * nothing.
 */
#include "check.h"

#include "base/buf.h"
#include "base/hash.h"
#include "net/fragment.h"
#include "net/segment.h"

enum { DATAGRAM_MAX = 3000, PIECES_MAX = 400, TRIALS = 2000, FRAMES_MAX = 4096 };

struct random {
	uint64_t state;
};

static uint32_t next_random(struct random *r, uint32_t below)
{
	r->state = hash_mix(r->state, 0x6d796e61);
	return (uint32_t)(r->state % below);
}

static void fill(uint8_t *bytes, size_t len, struct random *r)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)next_random(r, 256);
}

static struct fragment piece(const uint8_t *bytes, uint32_t from, uint32_t to, bool more)
{
	return (struct fragment){
		.src = {.bytes = {10, 0, 0, 1}},
		.dst = {.bytes = {10, 0, 0, 2}},
		.id = 7,
		.protocol = 6,
		.more = more,
		.offset = from,
		.wire_len = to - from,
		.bytes = slice_of(bytes + from, to - from),
	};
}

/* Cuts LEN bytes into fragments of random sizes. */
static size_t cut(struct random *r, const uint8_t *bytes, uint32_t len, struct fragment *out)
{
	size_t n = 0;

	for (uint32_t at = 0; at < len;) {
		uint32_t next = at + 8 + 8 * next_random(r, 64);

		next = next < len ? next : len;
		out[n++] = piece(bytes, at, next, next < len);
		at = next;
	}
	return n;
}

static void shuffle(struct random *r, struct fragment *pieces, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = next_random(r, (uint32_t)i);
		struct fragment swap = pieces[i - 1];

		pieces[i - 1] = pieces[j];
		pieces[j] = swap;
	}
}

/* One cut; the same twice; two cuts of the same bytes, which overlap. What comes behind the end may begin anew. */
static void any_cuts_in_any_order_make_the_datagram(void **state)
{
	struct random r = {1};
	struct fragments *f = fragments_new();
	uint8_t bytes[DATAGRAM_MAX];
	struct fragment pieces[PIECES_MAX * 2];
	struct fragment_whole whole;
	uint64_t spoiled;

	(void)state;
	for (int trial = 0; trial < TRIALS; trial++) {
		uint32_t len = 9 + next_random(&r, DATAGRAM_MAX - 9), given = 0;
		size_t n;

		fill(bytes, len, &r);
		n = cut(&r, bytes, len, pieces);
		if (trial % 3 == 1)
			memcpy(pieces + n, pieces, n * sizeof(*pieces));
		n += trial % 3 == 1 ? n : trial % 3 == 2 ? cut(&r, bytes, len, pieces + n) : 0;
		shuffle(&r, pieces, n);
		for (size_t i = 0; i < n; i++) {
			fragments_begin(f);
			pieces[i].time_ns = (int64_t)trial * 1000000000;
			if (!fragments_take(f, &pieces[i], &whole))
				continue;
			given++;
			CHECK(whole.protocol == 6 && whole.wire_len == len);
			CHECK(slice_eq(whole.bytes, slice_of(bytes, len)));
		}
		CHECK(trial % 3 == 2 ? given >= 1 : given == 1);
		spoiled = fragments_given_up(f);
		fragments_finish(f);
		CHECK(trial % 3 == 2 || fragments_given_up(f) == spoiled);
	}
	fragments_free(f);
}

/* Bytes of two datagrams of the same identification. */
static void contradictions_spoil_the_datagram(void **state)
{
	static const struct {
		uint32_t from, to;
		bool more;
	} wrong[] = {
		{8, 24, true},         /* other bytes */
		{16, 36, false},       /* another end */
		{0, 12, true},         /* not in units of 8, and not the last */
		{48, 56, true},        /* behind the end */
		{65528, 65536, false}, /* longer than a datagram can be */
	};
	struct random r = {2};
	uint8_t bytes[2][65536];
	struct fragment_whole whole;

	(void)state;
	fill(bytes[0], sizeof(bytes[0]), &r);
	fill(bytes[1], sizeof(bytes[1]), &r);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct fragments *f = fragments_new();
		struct fragment a = piece(bytes[0], 0, 24, true),
				b = piece(bytes[0], 32, 40, false);
		struct fragment bad = piece(bytes[1], wrong[i].from, wrong[i].to, wrong[i].more);
		struct fragment last = piece(bytes[0], 24, 32, true);

		CHECK(!fragments_take(f, &a, &whole) && !fragments_take(f, &b, &whole));
		CHECK(!fragments_take(f, &bad, &whole));
		CHECK(fragments_given_up(f) == 3);
		CHECK(!fragments_take(f, &last, &whole));
		CHECK(fragments_given_up(f) == 4);
		fragments_free(f);
	}
}

static void what_is_missing_is_given_up_in_time(void **state)
{
	struct fragments *f = fragments_new();
	uint8_t bytes[64] = {0};
	struct fragment first = piece(bytes, 0, 32, true), last = piece(bytes, 32, 64, false);
	struct fragment_whole whole;

	(void)state;
	CHECK(!fragments_take(f, &first, &whole));
	last.time_ns = FRAGMENTS_AGE_NS + 1;
	CHECK(!fragments_take(f, &last, &whole)); /* of another datagram, for all that is known */
	CHECK(fragments_given_up(f) == 1);
	first.time_ns = last.time_ns;
	CHECK(fragments_take(f, &first, &whole));
	CHECK(!fragments_take(f, &first, &whole)); /* repeated */
	first.time_ns += FRAGMENTS_REPEAT_NS + 1;  /* the identification is used again */
	last.time_ns = first.time_ns;
	CHECK(!fragments_take(f, &first, &whole) && fragments_take(f, &last, &whole));
	bytes[40] = 1; /* at once, but with other bytes */
	CHECK(!fragments_take(f, &last, &whole) && fragments_take(f, &first, &whole));
	first.time_ns = 0; /* another capture, appended */
	CHECK(!fragments_take(f, &first, &whole));
	fragments_finish(f);
	CHECK(fragments_given_up(f) == 2);
	fragments_free(f);
}

static void the_capture_cuts_the_datagram(void **state)
{
	struct fragments *f = fragments_new();
	struct random r = {3};
	uint8_t bytes[64];
	struct fragment first = piece(bytes, 0, 32, true), last = piece(bytes, 32, 64, false);
	struct fragment_whole whole;

	(void)state;
	fill(bytes, sizeof(bytes), &r);
	first.bytes.len = 21;
	CHECK(!fragments_take(f, &last, &whole) && fragments_take(f, &first, &whole));
	CHECK(whole.wire_len == 64 && slice_eq(whole.bytes, slice_of(bytes, 21)));
	fragments_free(f);
}

static void memory_is_bounded(void **state)
{
	struct fragments *f = fragments_new();
	uint8_t *bytes = calloc(1, 65536);
	struct fragment_whole whole;
	struct fragment far = piece(bytes, 65000, 65008, true);
	uint64_t n = 3 * FRAGMENTS_DATAGRAMS_MAX;

	(void)state;
	for (far.id = 0; far.id < n; far.id++)
		CHECK(!fragments_take(f, &far, &whole));
	/* 64 KiB are held for each of them, and a little more */
	CHECK(fragments_given_up(f) >= n - FRAGMENTS_BYTES_MAX / 65536);
	fragments_finish(f);
	CHECK(fragments_given_up(f) == n);
	fragments_free(f);
	free(bytes);
}

static void datagrams_of_others_are_not_held(void **state)
{
	struct fragments *f = fragments_new();
	uint8_t bytes[64] = {0};
	struct fragment first = piece(bytes, 0, 32, true), last = piece(bytes, 32, 64, false);
	struct fragment_whole whole;

	(void)state;
	first.foreign = true;
	CHECK(!fragments_take(f, &last, &whole));
	CHECK(!fragments_take(f, &first, &whole));
	CHECK(!fragments_take(f, &last, &whole));
	fragments_finish(f);
	CHECK(fragments_given_up(f) == 0);
	fragments_free(f);
}

/* ---- frames ---- */

static void put_be(struct buf *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		buf_put_u8(b, n < sizeof(v) ? (uint8_t)(v >> (8 * n)) : 0);
}

struct frames {
	size_t count;
	uint8_t *bytes[FRAMES_MAX];
	size_t len[FRAMES_MAX];
};

static void add_frame(struct frames *to, struct buf *b)
{
	CHECK(to->count < FRAMES_MAX && buf_err(b) == ERR_OK);
	to->bytes[to->count] = exact_copy(buf_slice(b), b->len);
	to->len[to->count++] = b->len;
	buf_release(b);
}

static void put_ip(struct buf *b, bool v6, size_t payload, uint8_t protocol)
{
	put_be(b, v6 ? 0x60000000 : (uint64_t)0x45000000 + 20 + payload, 4);
	if (v6) {
		put_be(b, payload << 16 | (uint64_t)protocol << 8 | 64, 4);
		put_be(b, 0xfd00000000000000u, 8);
		put_be(b, 1, 8);
		put_be(b, 0xfd00000000000000u, 8);
		put_be(b, 2, 8);
		return;
	}
	put_be(b, 0, 4); /* identification and place: known later */
	put_be(b, 0x40000000 | (uint64_t)protocol << 16, 4);
	put_be(b, 0x0a0000010a000002, 8);
}

/* PAYLOAD in datagrams, as fragments if CUTS. */
static void wrap(struct random *r, struct frames *to, struct slice payload, uint8_t protocol,
		 bool cuts)
{
	bool v6 = next_random(r, 2);
	uint32_t id = next_random(r, UINT32_MAX);
	size_t step = cuts ? 8 + 8 * next_random(r, 30) : payload.len;

	for (size_t at = 0; at < payload.len; at += step) {
		struct slice part = slice_head(slice_skip(payload, at), step);
		bool more = at + part.len < payload.len;
		struct buf b;

		buf_init(&b, 1 << 16);
		put_ip(&b, v6, part.len + (v6 && cuts ? 8 : 0), v6 && cuts ? 44 : protocol);
		if (v6 && cuts) {
			put_be(&b, (uint64_t)protocol << 24 | at | more, 4);
			put_be(&b, id, 4);
		} else if (!v6) {
			b.ptr[4] = (uint8_t)(id >> 8);
			b.ptr[5] = (uint8_t)id;
			b.ptr[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0));
			b.ptr[7] = (uint8_t)(at / 8);
		}
		buf_put_slice(&b, part);
		add_frame(to, &b);
	}
}

/* Each frame of FROM inside another: VXLAN, GRE or IP in IP. */
static void wrap_all(struct random *r, const struct frames *from, struct frames *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct slice inner = slice_of(from->bytes[i], from->len[i]);
		bool v6 = inner.ptr[0] >> 4 == 6;
		uint32_t kind = next_random(r, 3);
		uint8_t protocol = v6 ? 41 : 4;
		struct buf b;

		buf_init(&b, 1 << 16);
		if (kind == 0) {
			protocol = 17;
			put_be(&b, 0xc00012b500000000u + ((8 + 8 + 14 + inner.len) << 16), 8);
			put_be(&b, 0x0800000000002a00, 8);
			put_be(&b, 0, 12);
			put_be(&b, v6 ? 0x86dd : 0x0800, 2);
		} else if (kind == 1) {
			protocol = 47;
			put_be(&b, v6 ? 0x86dd : 0x0800, 4);
		}
		buf_put_slice(&b, inner);
		wrap(r, to, buf_slice(&b), protocol, next_random(r, 2));
		buf_release(&b);
	}
}

static void release(struct frames *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->bytes[i]);
	f->count = 0;
}

static void put_tcp(struct random *r, struct buf *b, size_t payload)
{
	put_be(b, 0x9c400cea, 4);
	put_be(b, next_random(r, UINT32_MAX), 4);
	put_be(b, 0, 4);
	put_be(b, 0x50180000, 4);
	put_be(b, 0, 4); /* no checksum: offloaded */
	while (payload-- > 0)
		buf_put_u8(b, (uint8_t)next_random(r, 256));
}

/* Gives the frames in any order; how many segments came out, the last into *OUT and TCP. */
static int decode_all(struct random *r, struct fragments *f, struct frames *all,
		      struct buf *payload, struct segment *out)
{
	int found = 0;

	for (size_t i = all->count; i > 0; i--) {
		size_t j = next_random(r, (uint32_t)i);
		struct frame frame = {.number = all->count - i + 1,
				      .link = 101,
				      .wire_len = (uint32_t)all->len[j],
				      .bytes = slice_of(all->bytes[j], all->len[j])};
		uint8_t *swap = all->bytes[j];

		if (segment_decode(f, &frame, out) == SEGMENT_TCP) {
			buf_put_slice(payload, out->payload);
			found++;
		}
		all->bytes[j] = all->bytes[i - 1];
		all->len[j] = all->len[i - 1];
		all->bytes[i - 1] = swap;
		all->len[i - 1] = frame.bytes.len;
	}
	return found;
}

static void segments_come_out_of_any_nesting(void **state)
{
	struct random r = {4};
	struct frames *layers = calloc(4, sizeof(*layers));
	struct fragments *f = fragments_new();

	(void)state;
	for (int trial = 0; trial < TRIALS; trial++) {
		uint32_t depth = next_random(&r, 4), len = next_random(&r, 1200);
		struct segment s = {0};
		struct buf tcp, payload;

		buf_init(&tcp, 1 << 16);
		buf_init(&payload, 1 << 16);
		put_tcp(&r, &tcp, len);
		wrap(&r, &layers[0], buf_slice(&tcp), 6, next_random(&r, 2));
		for (uint32_t i = 0; i < depth; i++)
			wrap_all(&r, &layers[i], &layers[i + 1]);
		CHECK(decode_all(&r, f, &layers[depth], &payload, &s) == 1);
		CHECK(s.src.port == 40000 && s.dst.port == 3306 && s.payload_wire_len == len);
		CHECK(s.frame <= layers[depth].count);
		CHECK(slice_eq(buf_slice(&payload), slice_skip(buf_slice(&tcp), 20)));
		for (uint32_t i = 0; i <= depth; i++)
			release(&layers[i]);
		buf_release(&tcp);
		buf_release(&payload);
		fragments_finish(f); /* identifications are drawn by lot */
	}
	CHECK(fragments_given_up(f) == 0);
	fragments_free(f);
	free(layers);
}

/* Halves of two segments that met under one identification are told from a whole by the checksum. */
static void a_mixture_is_no_segment(void **state)
{
	struct random r = {5};
	struct fragments *f = fragments_new();
	struct frames frames = {.count = 0};
	struct segment s;
	struct buf b;

	(void)state;
	for (int right = 0; right < 2; right++) {
		buf_init(&b, 1 << 16);
		put_ip(&b, false, 24, 6);
		b.ptr[6] = 0x20;
		put_be(&b, 0x9c400cea, 4);
		put_be(&b, 0x01020304, 4);
		put_be(&b, 0, 4);
		put_be(&b, 0x50180000, 4);
		put_be(&b, right ? 0x8b210000 : 0x8b220000, 4);
		put_be(&b, 0x73656c65, 4);
		add_frame(&frames, &b);
		buf_init(&b, 1 << 16);
		put_ip(&b, false, 4, 6);
		b.ptr[7] = 3;
		put_be(&b, 0x63742031, 4);
		add_frame(&frames, &b);
		buf_init(&b, 1 << 16);
		CHECK(decode_all(&r, f, &frames, &b, &s) == right);
		CHECK(!right || slice_eq(buf_slice(&b), SLICE_LIT("select 1")));
		CHECK(fragments_given_up(f) == 2);
		buf_release(&b);
		release(&frames);
		fragments_finish(f);
	}
	fragments_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cuts_in_any_order_make_the_datagram),
		cmocka_unit_test(contradictions_spoil_the_datagram),
		cmocka_unit_test(what_is_missing_is_given_up_in_time),
		cmocka_unit_test(the_capture_cuts_the_datagram),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(datagrams_of_others_are_not_held),
		cmocka_unit_test(segments_come_out_of_any_nesting),
		cmocka_unit_test(a_mixture_is_no_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
