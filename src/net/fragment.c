/*
 * fragment - IP datagrams put together from their fragments.
 *
 * Offsets are multiples of 8 bytes, so a bit for each such unit says what was heard. Datagrams are listed in the
 * order in which they began; one that was given out, spoiled or foreign stays in the list without its bytes, to know
 * its late fragments by.
 */
#include "net/fragment.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	UNIT = 8, /* bytes */
	UNITS_MAX = (FRAGMENTS_DATAGRAM_LEN_MAX + UNIT) / UNIT,
	WORD_BITS = 64,
	BYTES_FIRST = 2048, /* room in a new datagram: two fragments of an Ethernet */
	MARKS_MAX = 16,     /* fragments of a datagram that are known again afterwards */
	KEPT_MAX = 16,      /* datagrams within each other in one frame */
};

enum datagram_state {
	DATAGRAM_OPEN,
	DATAGRAM_GIVEN_OUT,
	DATAGRAM_SPOILED,
	DATAGRAM_FOREIGN,
};

struct datagram {
	struct fragment key; /* only what identifies it; protocol is that of the first fragment */
	enum datagram_state state;
	int64_t first_ns, whole_ns;
	struct datagram *older, *newer;
	uint64_t marks[MARKS_MAX]; /* of the first fragments taken, to know repetitions by */
	uint32_t pieces;           /* fragments taken */
	uint32_t units;            /* heard of it */
	uint32_t end;              /* bytes: the furthest that was heard of */
	bool end_known;            /* END is its length */
	uint32_t have_until;       /* bytes: what is behind was cut off by the capture */
	uint32_t cap;              /* bytes of BYTES */
	uint8_t *bytes;
	uint64_t *heard; /* a bit for each unit; NULL unless open */
};

struct fragments {
	struct map table;
	struct datagram *oldest, *newest;
	size_t bytes; /* of all datagrams, bitmaps included */
	uint64_t given_up;
	uint32_t last_pieces;    /* of the datagram given out last */
	uint8_t *kept[KEPT_MAX]; /* given out in this frame */
	size_t kept_count;
};

enum { BITMAP_WORDS = (UNITS_MAX + WORD_BITS - 1) / WORD_BITS };

/* ---- the table ---- */

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool datagram_has_key(const void *item, const void *key)
{
	const struct fragment *a = &((const struct datagram *)item)->key, *b = key;

	return a->id == b->id && same_addr(&a->src, &b->src) && same_addr(&a->dst, &b->dst) &&
	       (a->src.is_v6 || a->protocol == b->protocol);
}

static uint64_t key_hash(const struct fragment *k)
{
	uint64_t protocol = k->src.is_v6 ? 0 : k->protocol;

	return hash_mix(hash_bytes(slice_of(k->src.bytes, sizeof(k->src.bytes))) ^ k->id,
			hash_bytes(slice_of(k->dst.bytes, sizeof(k->dst.bytes))) ^ protocol << 32);
}

static void drop_bytes(struct fragments *f, struct datagram *d)
{
	f->bytes -= d->cap + (d->heard ? BITMAP_WORDS * sizeof(*d->heard) : 0);
	mem_free(d->heard);
	mem_free(d->bytes);
	d->heard = NULL;
	d->bytes = NULL;
	d->cap = 0;
}

static void forget(struct fragments *f, struct datagram *d)
{
	if (d->state == DATAGRAM_OPEN)
		f->given_up += d->pieces;
	(void)map_take(&f->table, key_hash(&d->key), &d->key);
	if (d->older)
		d->older->newer = d->newer;
	else
		f->oldest = d->newer;
	if (d->newer)
		d->newer->older = d->older;
	else
		f->newest = d->older;
	drop_bytes(f, d);
	mem_free(d);
}

static struct datagram *add(struct fragments *f, const struct fragment *in)
{
	struct datagram *d = mem_zalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->key = (struct fragment){
		.src = in->src, .dst = in->dst, .id = in->id, .protocol = in->protocol};
	d->first_ns = in->time_ns;
	d->have_until = UINT32_MAX;
	d->heard = mem_zalloc(BITMAP_WORDS * sizeof(*d->heard));
	if (!d->heard || map_put(&f->table, key_hash(in), d) != ERR_OK) {
		mem_free(d->heard);
		mem_free(d);
		return NULL;
	}
	f->bytes += BITMAP_WORDS * sizeof(*d->heard);
	d->older = f->newest;
	if (f->newest)
		f->newest->newer = d;
	else
		f->oldest = d;
	f->newest = d;
	return d;
}

/* Also where the clock went back: two captures, one behind the other. */
static bool is_over(const struct datagram *d, int64_t now_ns)
{
	int64_t age_ns = now_ns - d->first_ns;

	if (d->state == DATAGRAM_GIVEN_OUT && now_ns - d->whole_ns > FRAGMENTS_REPEAT_NS)
		return true;
	return age_ns > FRAGMENTS_AGE_NS || age_ns < -(int64_t)FRAGMENTS_AGE_NS;
}

static uint64_t mark_of(const struct fragment *in)
{
	return hash_mix(hash_bytes(in->bytes), (uint64_t)in->offset << 32 | in->wire_len);
}

/* D was given out: is IN none of its fragments, but of a new datagram of that identification? */
static bool is_of_another(const struct datagram *d, const struct fragment *in)
{
	if (d->state != DATAGRAM_GIVEN_OUT || d->pieces > MARKS_MAX)
		return false;
	for (uint32_t i = 0; i < d->pieces; i++)
		if (d->marks[i] == mark_of(in))
			return false;
	return true;
}

static struct datagram *find(struct fragments *f, const struct fragment *in)
{
	struct datagram *d;

	while (f->oldest && is_over(f->oldest, in->time_ns))
		forget(f, f->oldest);
	d = map_get(&f->table, key_hash(in), in);
	if (d && (is_over(d, in->time_ns) || is_of_another(d, in))) {
		forget(f, d);
		d = NULL;
	}
	if (d)
		return d;
	while (f->oldest &&
	       (f->table.count >= FRAGMENTS_DATAGRAMS_MAX || f->bytes >= FRAGMENTS_BYTES_MAX))
		forget(f, f->oldest);
	return add(f, in);
}

/* ---- bytes ---- */

static bool make_room(struct fragments *f, struct datagram *d, uint32_t len)
{
	uint32_t cap = d->cap ? d->cap : BYTES_FIRST;
	uint8_t *bytes;

	if (len <= d->cap)
		return true;
	while (cap < len)
		cap *= 2;
	bytes = mem_resize(d->bytes, cap);
	if (!bytes)
		return false;
	f->bytes += cap - d->cap;
	d->bytes = bytes;
	d->cap = cap;
	return true;
}

/* Takes the unit at AT bytes, of which BYTES were captured. False: something else was heard there before. */
static bool put_unit(struct datagram *d, uint32_t at, struct slice bytes)
{
	uint64_t *word = &d->heard[at / UNIT / WORD_BITS];
	uint64_t bit = UINT64_C(1) << (at / UNIT % WORD_BITS);

	if (*word & bit)
		return at + bytes.len > d->have_until || bytes.len == 0 ||
		       memcmp(d->bytes + at, bytes.ptr, bytes.len) == 0;
	*word |= bit;
	d->units++;
	if (bytes.len)
		memcpy(d->bytes + at, bytes.ptr, bytes.len);
	return true;
}

/* Is what IN says of the datagram's length possible, and in accord with what was said before? */
static bool ends_fit(const struct datagram *d, const struct fragment *in)
{
	uint32_t end = in->offset + in->wire_len;

	if (in->wire_len > FRAGMENTS_DATAGRAM_LEN_MAX || end > FRAGMENTS_DATAGRAM_LEN_MAX)
		return false;
	if (in->more)
		return in->wire_len % UNIT == 0 && in->wire_len > 0 &&
		       (!d->end_known || end <= d->end);
	return d->end_known ? end == d->end : end >= d->end;
}

static bool put(struct fragments *f, struct datagram *d, const struct fragment *in)
{
	uint32_t captured = (uint32_t)in->bytes.len, end = in->offset + in->wire_len;

	if (in->offset % UNIT != 0 || !ends_fit(d, in) || !make_room(f, d, in->offset + captured))
		return false;
	for (uint32_t at = 0; at < in->wire_len; at += UNIT)
		if (!put_unit(
			    d, in->offset + at,
			    slice_head(slice_skip(in->bytes, at < captured ? at : captured), UNIT)))
			return false;
	if (captured < in->wire_len && in->offset + captured < d->have_until)
		d->have_until = in->offset + captured;
	if (in->offset == 0)
		d->key.protocol = in->protocol;
	if (end > d->end)
		d->end = end;
	d->end_known |= !in->more;
	return true;
}

static bool is_whole(const struct datagram *d)
{
	return d->end_known && d->units == (d->end + UNIT - 1) / UNIT;
}

/* The bytes leave the datagram, and live until the next frame. */
static void give_out(struct fragments *f, struct datagram *d, int64_t now_ns,
		     struct fragment_whole *out)
{
	uint32_t have = d->have_until < d->end ? d->have_until : d->end;

	assert(f->kept_count < KEPT_MAX);
	*out = (struct fragment_whole){
		.bytes = slice_of(d->bytes, have),
		.wire_len = d->end,
		.protocol = d->key.protocol,
	};
	f->kept[f->kept_count++] = d->bytes;
	f->last_pieces = d->pieces;
	f->bytes -= d->cap;
	d->bytes = NULL;
	d->cap = 0;
	drop_bytes(f, d);
	d->state = DATAGRAM_GIVEN_OUT;
	d->whole_ns = now_ns;
}

bool fragments_take(struct fragments *f, const struct fragment *in, struct fragment_whole *out)
{
	struct datagram *d = find(f, in);

	if (!d) {
		f->given_up++;
		return false;
	}
	if (d->state == DATAGRAM_SPOILED)
		f->given_up++;
	if (d->state != DATAGRAM_OPEN)
		return false;
	if (in->foreign) {
		d->state = DATAGRAM_FOREIGN;
		drop_bytes(f, d);
		return false;
	}
	d->pieces++;
	if (!put(f, d, in)) {
		f->given_up += d->pieces;
		d->state = DATAGRAM_SPOILED;
		drop_bytes(f, d);
		return false;
	}
	if (d->pieces <= MARKS_MAX)
		d->marks[d->pieces - 1] = mark_of(in);
	if (!is_whole(d) || f->kept_count == KEPT_MAX)
		return false;
	give_out(f, d, in->time_ns, out);
	return true;
}

void fragments_spoiled(struct fragments *f)
{
	f->given_up += f->last_pieces;
}

void fragments_begin(struct fragments *f)
{
	while (f->kept_count > 0)
		mem_free(f->kept[--f->kept_count]);
}

void fragments_finish(struct fragments *f)
{
	while (f->oldest)
		forget(f, f->oldest);
}

uint64_t fragments_given_up(const struct fragments *f)
{
	return f->given_up;
}

struct fragments *fragments_new(void)
{
	struct fragments *f = mem_zalloc(sizeof(*f));

	if (f)
		map_init(&f->table, FRAGMENTS_DATAGRAMS_MAX, datagram_has_key);
	return f;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	fragments_begin(f);
	fragments_finish(f);
	map_release(&f->table);
	mem_free(f);
}
