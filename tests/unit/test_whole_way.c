/*
 * What networks and captures do to a conversation never makes it another one: however its segments are split,
 * disordered, doubled, put into tunnels and lost, the whole way from frames to events tells the same, or less and says
 * so.
 *
 * The conversations are the seeds of fuzz/fuzz_whole.c, of real clients and servers: plain, prepared, compressed,
 * pipelined, with files and several results. The one argument is their folder. Every segment has a time of its own,
 * which what is made of it keeps: so commands are known again. MYNA_ROUNDS=N tries N times as many changes.
 */
#include "check.h"

#include <dirent.h>

#include "../../fuzz/segment_list.h"
#include "story.h"

enum {
	SEED_MAX = 1 << 16,
	SEEDS_MAX = 64,
	PIECES_MAX = 4 * SEGMENTS_MAX,
	STEP_NS = 100000,
	START = 8, /* segments of a login */
	FAR = 12,  /* places that a piece may be from its own */
	ROUNDS = 4,
	COMPLAINTS_MAX = 20,
};

/* What is done to a conversation. */
enum change {
	SPLIT = 1 << 0,
	REPEAT = 1 << 1,
	REORDER = 1 << 2,       /* but for the beginning */
	REORDER_START = 1 << 3, /* also that */
	LOSE = 1 << 4,
	JOIN = 1 << 5, /* listening begins later */
	CUT = 1 << 6,  /* by the snap length */
	DISGUISE = 1 << 7,
	ONE_SIDE = 1 << 8,
	ANY_PORT = 1 << 9,
};

enum { HARMLESS = SPLIT | REPEAT | REORDER | DISGUISE };

/* A segment, or a part of one. */
struct piece {
	const struct listed *of;
	size_t number; /* of the segment */
	uint32_t at, len;
	uint32_t cut;
	uint64_t place;
	enum wire_shape shape;
};

struct trial {
	uint64_t random, round;
	unsigned change;
	const struct segment_list *talk;
	struct piece pieces[PIECES_MAX];
	size_t count;
	bool whole[SEGMENTS_MAX]; /* all bytes of the segment are there */
};

static uint8_t *seed_bytes[SEEDS_MAX];
static struct segment_list *talks[SEEDS_MAX];
static char *names[SEEDS_MAX];
static size_t talk_count;
static unsigned wrong; /* what was told, or not told, and should not have been */

/* ---- what is done ---- */

static uint64_t below(struct trial *t, uint64_t n)
{
	t->random = hash_mix(t->random, 0x6d796e61);
	return n ? t->random % n : 0;
}

static bool one_in(struct trial *t, uint64_t n)
{
	return below(t, n) == 0;
}

static void add(struct trial *t, struct piece p)
{
	assert(t->count < PIECES_MAX);
	p.place = t->count * FAR;
	t->pieces[t->count++] = p;
}

/* By itself in a segment, and where the place of a command is not known, nothing tells it from one. */
static bool is_like_quit(const struct listed *s, uint32_t from, uint32_t to)
{
	static const uint8_t quit[] = {1, 0, 0, 0, 1};

	return slice_eq(slice_head(slice_skip(s->bytes, from), to - from),
			slice_of(quit, sizeof(quit)));
}

/* The segments, each in up to three pieces, which may overlap. */
static void take_apart(struct trial *t)
{
	for (size_t i = 0; i < t->talk->count; i++) {
		const struct listed *s = &t->talk->items[i];
		uint32_t len = (uint32_t)s->bytes.len, from = 0;
		struct piece p = {.of = s, .number = i, .len = len};

		for (int k = 0; k < 2 && t->change & SPLIT && len - from > 1 && one_in(t, 2); k++) {
			uint32_t to = from + 1 + (uint32_t)below(t, len - from - 1);

			p.at = one_in(t, 4) ? (uint32_t)below(t, from + 1) : from;
			p.len = to - p.at;
			if (is_like_quit(s, p.at, to) || is_like_quit(s, to, len))
				continue;
			add(t, p);
			from = to;
		}
		p.at = from;
		p.len = len - from;
		add(t, p);
	}
}

static void repeat_some(struct trial *t)
{
	size_t count = t->count;

	for (size_t i = 2; i < count && t->count < PIECES_MAX; i++) {
		if (!one_in(t, 5))
			continue;
		add(t, t->pieces[i]);
		t->pieces[t->count - 1].place = t->pieces[i].place + below(t, (uint64_t)FAR * FAR);
	}
}

/* Heard out of order are SYNs, and what is behind them before the login: that is a session that is joined. */
static void reorder_some(struct trial *t)
{
	size_t start = t->change & REORDER_START ? 0 : START;

	for (size_t i = start; i < t->count; i++)
		if (one_in(t, 3))
			t->pieces[i].place += below(t, (uint64_t)FAR * FAR);
}

/* Another version of IP would be another connection. */
static void disguise_some(struct trial *t)
{
	static const enum wire_shape shapes[] = {WIRE_VLAN, WIRE_FRAGMENTS, WIRE_VXLAN};

	for (size_t i = 0; i < t->count; i++)
		if (one_in(t, 3))
			t->pieces[i].shape = shapes[below(t, sizeof(shapes) / sizeof(shapes[0]))];
}

static void keep(struct trial *t,
		 bool (*is_lost)(struct trial *t, const struct piece *p, uint64_t x), uint64_t x)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (is_lost(t, &t->pieces[i], x)) {
			t->whole[t->pieces[i].number] = false;
			continue;
		}
		t->pieces[kept++] = t->pieces[i];
	}
	t->count = kept;
}

static bool by_chance(struct trial *t, const struct piece *p, uint64_t x)
{
	(void)p;
	return one_in(t, x);
}

static bool by_side(struct trial *t, const struct piece *p, uint64_t x)
{
	(void)t;
	return (p->of->what & WHAT_SERVER) == x;
}

static bool by_number(struct trial *t, const struct piece *p, uint64_t x)
{
	(void)t;
	return p->number < x;
}

static void cut_some(struct trial *t)
{
	uint32_t most = 20 + (uint32_t)below(t, 300);

	for (size_t i = 0; i < t->count; i++) {
		if (t->pieces[i].len <= most)
			continue;
		t->pieces[i].cut = t->pieces[i].len - most;
		t->whole[t->pieces[i].number] = false;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void change(struct trial *t)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++)
		t->whole[i] = true;
	take_apart(t);
	if (t->change & REPEAT)
		repeat_some(t);
	if (t->change & (REORDER | REORDER_START))
		reorder_some(t);
	if (t->change & DISGUISE)
		disguise_some(t);
	if (t->change & CUT)
		cut_some(t);
	if (t->change & LOSE)
		keep(t, by_chance, 3 + below(t, 40));
	if (t->change & ONE_SIDE)
		keep(t, by_side, below(t, 2));
	if (t->change & JOIN)
		keep(t, by_number, below(t, t->talk->count));
	qsort(t->pieces, t->count, sizeof(t->pieces[0]), by_place);
}

static int64_t time_of(size_t number)
{
	return INT64_C(1700000000000000000) + (int64_t)number * STEP_NS;
}

static void put_piece(struct buf *wire, const struct piece *p)
{
	const struct listed *l = p->of;
	bool syn = l->what & WHAT_SYN, ends = p->at + p->len == l->bytes.len;
	unsigned from = l->what & WHAT_SERVER ? STREAM_SERVER : STREAM_CLIENT;
	struct wire_segment s = {
		.time_ns = time_of(p->number),
		.shape = p->shape,
		.from = from,
		.flags =
			(uint8_t)((syn ? TCP_SYN : 0) | (l->what & WHAT_FIN && ends ? TCP_FIN : 0) |
				  (l->what & WHAT_RST ? TCP_RST : 0) |
				  (l->what & WHAT_NO_ACK ? 0 : TCP_ACK)),
		.seq = (from ? UINT32_MAX - 900 : 7) + l->offset + p->at - syn,
		.ack = (from ? 7 : UINT32_MAX - 900) + l->ack,
		.cut = p->cut,
		.payload = slice_head(slice_skip(l->bytes, p->at), p->len),
	};

	wire_put(wire, &s);
}

/* ---- what must be true ---- */

static void complain(const struct trial *t, size_t talk, const struct told *told, const char *what)
{
	long long segment = (told->first_ns - time_of(0)) / STEP_NS;

	if (++wrong <= COMPLAINTS_MAX)
		print_error("%s, change %#x, round %llu: %s: command %#x in segment %lld\n",
			    names[talk], t->change, (unsigned long long)t->round, what, told->code,
			    segment);
}

static bool same_command(const struct told *a, const struct told *b)
{
	return a->first_ns == b->first_ns && a->last_ns == b->last_ns && a->code == b->code;
}

/* The exchange of WHOLE that X is, behind *AFTER of them. */
static const struct told *find(const struct story *whole, const struct told *x, size_t *after)
{
	for (size_t i = *after; i < whole->count; i++) {
		const struct told *w = &whole->told[i];

		if (!same_command(w, x) || (x->text_known && w->text_known && x->text != w->text))
			continue;
		*after = i + 1;
		return w;
	}
	return NULL;
}

/* Each exchange was said, in this order; and either it was answered so, or its answer is lost. */
static void check_true(const struct trial *t, size_t talk, const struct story *whole,
		       const struct story *left)
{
	size_t after = 0;

	for (size_t i = 0; i < left->count; i++) {
		const struct told *x = &left->told[i], *w = find(whole, x, &after);

		if (!w)
			complain(t, talk, x, "it was never said");
		else if (x->kind == RESPONSE_LOST)
			continue;
		else if (x->answer != w->answer)
			complain(t, talk, x, "it was answered otherwise");
		else if (x->sum_known && w->sum_known && x->sum != w->sum)
			complain(t, talk, x, "its rows are others");
	}
}

static bool is_told(const struct story *left, const struct told *w)
{
	for (size_t i = 0; i < left->count; i++)
		if (same_command(&left->told[i], w))
			return true;
	return false;
}

/* Commands that are a segment each, which is there, are told. */
static void check_found(const struct trial *t, size_t talk, const struct story *whole,
			const struct story *left)
{
	for (size_t i = 0; i < whole->count; i++) {
		const struct told *w = &whole->told[i];
		size_t number = (size_t)(w->first_ns - time_of(0)) / STEP_NS;
		bool alone = w->first_ns == w->last_ns &&
			     (i == 0 || whole->told[i - 1].last_ns != w->first_ns) &&
			     (i + 1 == whole->count || whole->told[i + 1].first_ns != w->first_ns);

		/* Where its beginning is lost, a connection begins with what comes first. */
		if (t->change & REORDER && number < START + FAR)
			continue;
		if (alone && t->whole[number] && !is_told(left, w))
			complain(t, talk, w, "it is not told");
	}
}

static void check_same(const struct trial *t, size_t talk, const struct story *whole,
		       const struct story *left)
{
	for (size_t i = 0; i < whole->count && i < left->count; i++)
		if (memcmp(&whole->told[i], &left->told[i], sizeof(whole->told[i])) != 0)
			complain(t, talk, &left->told[i], "it is told otherwise");
	if (whole->count > left->count)
		complain(t, talk, &whole->told[left->count], "it is not told");
	if (left->coverage.gaps > 0 || left->coverage.joined > 0 || left->count > whole->count)
		complain(t, talk, &whole->told[0], "holes where there are none, about");
}

static bool is_marked(const struct story *s)
{
	const struct coverage *c = &s->coverage;

	return s->goes_on || c->gaps > 0 || c->joined > 0 || c->undecoded_bytes > 0 ||
	       c->sessions == 0 || c->unanswered > 0 || c->lost_responses > 0;
}

static void check(const struct trial *t, size_t talk, const struct story *whole,
		  const struct story *left)
{
	if (!(t->change & ~(unsigned)HARMLESS)) {
		check_same(t, talk, whole, left);
		return;
	}
	check_true(t, talk, whole, left);
	if (left->count != whole->count && !is_marked(left) && !(t->change & ANY_PORT))
		complain(t, talk, &whole->told[left->count],
			 "nobody says that something is missing, as");
	if (!(t->change & (SPLIT | REORDER_START | CUT | JOIN | ONE_SIDE | ANY_PORT)))
		check_found(t, talk, whole, left);
}

static struct story *hear_changed(struct trial *t)
{
	struct story *s;
	struct buf wire;

	change(t);
	wire_begin(&wire);
	for (size_t i = 0; i < t->count; i++)
		put_piece(&wire, &t->pieces[i]);
	s = hear(buf_slice(&wire), t->change & ANY_PORT);
	buf_release(&wire);
	return s;
}

static void try(unsigned change_, size_t talk, const struct story *whole, uint64_t round)
{
	struct trial *t = calloc(1, sizeof(*t));
	struct story *left;

	assert_non_null(t);
	t->random = hash_mix(hash_mix(change_, hash_bytes(slice_cstr(names[talk]))), round);
	t->round = round;
	t->change = change_;
	t->talk = talks[talk];
	left = hear_changed(t);
	check(t, talk, whole, left);
	story_free(left);
	free(t);
}

static void try_all(const unsigned *changes, size_t count)
{
	const char *more = getenv("MYNA_ROUNDS");
	uint64_t rounds = ROUNDS * (more ? strtoull(more, NULL, 10) : 1);

	wrong = 0;
	for (size_t talk = 0; talk < talk_count; talk++) {
		struct trial *t = calloc(1, sizeof(*t));
		struct story *whole;

		assert_non_null(t);
		t->talk = talks[talk];
		whole = hear_changed(t);
		for (size_t i = 0; i < count; i++)
			for (uint64_t round = 1; round <= rounds; round++)
				try(changes[i], talk, whole, round);
		story_free(whole);
		free(t);
	}
	assert_int_equal(wrong, 0);
}

#define TRY(...)                                                                                   \
	do {                                                                                       \
		static const unsigned changes[] = {__VA_ARGS__};                                   \
		(void)state;                                                                       \
		try_all(changes, sizeof(changes) / sizeof(changes[0]));                            \
	} while (0)

static void what_does_no_harm_changes_nothing(void **state)
{
	TRY(SPLIT, REPEAT, REORDER, DISGUISE, SPLIT | REPEAT, HARMLESS);
}

static void a_session_whose_beginning_is_disordered_is_joined_at_worst(void **state)
{
	TRY(REORDER_START, REORDER_START | SPLIT, REORDER_START | REPEAT | SPLIT);
}

static void what_is_lost_is_lost_and_nothing_else(void **state)
{
	TRY(LOSE, LOSE | REPEAT, LOSE | REORDER, LOSE | SPLIT, LOSE | REPEAT | DISGUISE,
	    LOSE | HARMLESS, CUT, CUT | HARMLESS, LOSE | CUT | HARMLESS);
}

static void sessions_are_joined_anywhere(void **state)
{
	TRY(JOIN, JOIN | HARMLESS, JOIN | LOSE | HARMLESS, ONE_SIDE, ONE_SIDE | LOSE | HARMLESS);
}

static void servers_on_any_port_say_nothing_else(void **state)
{
	TRY(ANY_PORT, ANY_PORT | JOIN, ANY_PORT | LOSE, ANY_PORT | JOIN | LOSE | HARMLESS);
}

/* ---- the conversations ---- */

static void load(const char *folder, const char *name)
{
	char path[1024];
	uint8_t *bytes = malloc(SEED_MAX);
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert(file && bytes && talk_count < SEEDS_MAX);
	n = fread(bytes, 1, SEED_MAX, file);
	(void)fclose(file);
	seed_bytes[talk_count] = bytes;
	names[talk_count] = strdup(name);
	talks[talk_count] = malloc(sizeof(struct segment_list));
	assert(names[talk_count] && talks[talk_count]);
	segment_list_read(slice_of(bytes, n), talks[talk_count]);
	talk_count++;
}

static void load_all(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;

	assert(d);
	while ((entry = readdir(d)))
		if (strchr(entry->d_name, '-') && talk_count < SEEDS_MAX)
			load(folder, entry->d_name);
	closedir(d);
	assert(talk_count > 0);
}

static void forget_all(void)
{
	for (size_t i = 0; i < talk_count; i++) {
		free(seed_bytes[i]);
		free(talks[i]);
		free(names[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_no_harm_changes_nothing),
		cmocka_unit_test(a_session_whose_beginning_is_disordered_is_joined_at_worst),
		cmocka_unit_test(what_is_lost_is_lost_and_nothing_else),
		cmocka_unit_test(sessions_are_joined_anywhere),
		cmocka_unit_test(servers_on_any_port_say_nothing_else),
	};
	int failed;

	assert(argc == 2);
	load_all(argv[1]);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	forget_all();
	return failed;
}
