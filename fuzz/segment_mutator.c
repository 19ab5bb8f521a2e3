/*
 * segment_mutator - changes a segment_list as networks do (loses, repeats, delays, splits, joins and cuts segments),
 * and as strangers would (other lengths, numbers and packets), where the rest goes on as if nothing had been.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "segment_list.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max_out_size, unsigned seed);

enum { FAR = 8, PACKET_HEAD = 4, ROOM = 1 << 17, MUTATIONS_MAX = 6 };

struct mutator {
	struct segment_list list;
	uint64_t random;
	uint8_t *room; /* for payloads that are changed */
	size_t used;
};

static uint32_t below(struct mutator *m, size_t n)
{
	m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return n ? (uint32_t)(m->random >> 33) % (uint32_t)n : 0;
}

/* A copy of what is there, with MORE behind it; NULL: no room. */
static uint8_t *own(struct mutator *m, struct slice bytes, size_t more)
{
	uint8_t *at = m->room + m->used;

	if (bytes.len + more > ROOM - m->used)
		return NULL;
	if (bytes.len)
		memcpy(at, bytes.ptr, bytes.len);
	m->used += bytes.len + more;
	return at;
}

static struct listed *any(struct mutator *m, size_t *i)
{
	*i = below(m, m->list.count);
	return &m->list.items[*i];
}

static void take_out(struct mutator *m, size_t i, size_t n)
{
	struct segment_list *l = &m->list;

	n = n < l->count - i ? n : l->count - i;
	memmove(&l->items[i], &l->items[i + n], (l->count - i - n) * sizeof(l->items[0]));
	l->count -= n;
}

static void put_in(struct mutator *m, size_t i, struct listed s)
{
	struct segment_list *l = &m->list;

	if (l->count == SEGMENTS_MAX || i > l->count)
		return;
	memmove(&l->items[i + 1], &l->items[i], (l->count - i) * sizeof(l->items[0]));
	l->items[i] = s;
	l->count++;
}

/* What is behind OFFSET of the direction of S moves by N bytes, and so does what acknowledges it. */
static void shift(struct mutator *m, struct listed s, uint32_t offset, uint32_t n)
{
	for (size_t i = 0; i < m->list.count; i++) {
		struct listed *x = &m->list.items[i];

		if (listed_flow(x) != listed_flow(&s))
			continue;
		if ((x->what & WHAT_SERVER) == (s.what & WHAT_SERVER))
			x->offset += x->offset >= offset && x->bytes.ptr != s.bytes.ptr ? n : 0;
		else
			x->ack += x->ack >= offset ? n : 0;
	}
}

/* ---- what networks do ---- */

static void lose(struct mutator *m)
{
	size_t i;

	(void)any(m, &i);
	take_out(m, i, below(m, 4) ? 1 : 1 + below(m, FAR));
}

static void repeat(struct mutator *m)
{
	size_t i;
	struct listed s = *any(m, &i);

	put_in(m, i + 1 + below(m, FAR), s);
}

static void delay(struct mutator *m)
{
	size_t i;
	struct listed s = *any(m, &i);
	size_t to = i + 1 + below(m, FAR);

	if (to >= m->list.count)
		return;
	take_out(m, i, 1);
	put_in(m, to, s);
}

static void split(struct mutator *m)
{
	size_t i;
	struct listed *s = any(m, &i), rest = *s;
	uint32_t at = below(m, s->bytes.len);

	if (at == 0)
		return;
	rest.offset += at;
	rest.bytes = slice_skip(rest.bytes, at);
	s->bytes = slice_head(s->bytes, at);
	put_in(m, i + 1 + (below(m, 4) ? 0 : below(m, FAR)), rest);
}

/* A segment and the next of its direction as one, at the place of the first, beside it or in its stead. */
static void join(struct mutator *m)
{
	size_t i;
	struct listed *s = any(m, &i), both = *s;
	uint8_t *bytes;

	for (size_t k = i + 1; k < m->list.count; k++) {
		const struct listed *x = &m->list.items[k];

		if (x->what != s->what || x->offset != s->offset + s->bytes.len)
			continue;
		bytes = own(m, s->bytes, x->bytes.len);
		if (!bytes || s->bytes.len + x->bytes.len > UINT16_MAX)
			return;
		if (x->bytes.len)
			memcpy(bytes + s->bytes.len, x->bytes.ptr, x->bytes.len);
		both.bytes = slice_of(bytes, s->bytes.len + x->bytes.len);
		if (below(m, 2)) {
			put_in(m, k + 1, both);
			return;
		}
		take_out(m, k, 1);
		*s = both;
		return;
	}
}

static void cut(struct mutator *m)
{
	size_t i;
	struct listed *s = any(m, &i);

	s->cut = (uint16_t)below(m, s->bytes.len + 4);
}

/* Listening begins later, for one connection. */
static void begin_later(struct mutator *m)
{
	size_t i, k = 0;
	unsigned flow = listed_flow(any(m, &i));

	while (k < i) {
		if (listed_flow(&m->list.items[k]) != flow) {
			k++;
			continue;
		}
		take_out(m, k, 1);
		i--;
	}
}

static void end_earlier(struct mutator *m)
{
	size_t i;

	(void)any(m, &i);
	m->list.count = i + 1;
}

/* ---- what strangers do ---- */

static void change_head(struct mutator *m)
{
	size_t i;
	struct listed *s = any(m, &i);

	switch (below(m, 6)) {
	case 0:
		s->what ^= (uint8_t)(1u << below(m, 7));
		break;
	case 1:
		s->shape = (uint8_t)below(m, 8);
		break;
	case 2:
		s->wait = (uint8_t)below(m, 256);
		break;
	case 3:
		s->offset += below(m, 64) - 32;
		break;
	case 4:
		s->ack += below(m, 256) - 128;
		break;
	default:
		m->list.mode ^= 1;
		break;
	}
}

/* Other bytes, the same number of them or not. */
static void change_bytes(struct mutator *m)
{
	size_t i, len;
	struct listed *s = any(m, &i), old = *s;
	uint8_t *bytes = own(m, s->bytes, 16);

	if (!bytes || s->bytes.len == 0)
		return;
	len = LLVMFuzzerMutate(bytes, s->bytes.len, s->bytes.len + (below(m, 2) ? 16 : 0));
	if (len > UINT16_MAX)
		return;
	s->bytes = slice_of(bytes, len);
	if (below(m, 4)) {
		old.bytes = s->bytes;
		shift(m, old, old.offset + 1, (uint32_t)len - (uint32_t)old.bytes.len);
	}
}

/* Where a packet begins in S, if S begins with one. */
static size_t a_packet(struct mutator *m, const struct listed *s)
{
	size_t at = 0;

	for (uint32_t n = below(m, 6); n > 0; n--) {
		size_t next = at + PACKET_HEAD;

		if (next >= s->bytes.len)
			break;
		next += (size_t)s->bytes.ptr[at] | (size_t)s->bytes.ptr[at + 1] << 8 |
			(size_t)s->bytes.ptr[at + 2] << 16;
		if (next >= s->bytes.len)
			break;
		at = next;
	}
	return at;
}

static void change_packet(struct mutator *m)
{
	static const uint32_t lengths[] = {0,   1,      4,      5,        9,       250,
					   251, 0xfffe, 0xffff, 0xfffffe, 0xffffff};
	size_t i;
	struct listed *s = any(m, &i);
	size_t at = a_packet(m, s);
	uint8_t *bytes = own(m, s->bytes, 0);
	uint32_t len;

	if (!bytes || at + PACKET_HEAD > s->bytes.len)
		return;
	len = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16;
	switch (below(m, 4)) {
	case 0:
		len = lengths[below(m, sizeof(lengths) / sizeof(lengths[0]))];
		break;
	case 1:
		len += below(m, 9) - 4;
		break;
	case 2:
		bytes[at + 3] = (uint8_t)(bytes[at + 3] + below(m, 5) - 2);
		break;
	default:
		if (at + PACKET_HEAD < s->bytes.len)
			bytes[at + PACKET_HEAD] = (uint8_t)below(m, below(m, 2) ? 0x20 : 0x100);
		break;
	}
	for (int k = 0; k < 3; k++)
		bytes[at + (size_t)k] = (uint8_t)(len >> 8 * k);
	s->bytes.ptr = bytes;
}

#define PACKET(text)                                                                               \
	{                                                                                          \
		.ptr = (const uint8_t *)(text), .len = sizeof(text) - 1                            \
	}

static const struct slice packets[] = {
	PACKET("\7\0\0\1\0\0\0\2\0\0\0"),           /* OK */
	PACKET("\5\0\0\1\xfe\0\0\2\0"),             /* EOF */
	PACKET("\7\0\0\3\xfe\0\0\x0a\0\0\0"),       /* OK for EOF, more results */
	PACKET("\xe\0\0\1\xff\x28\x04#42000wrong"), /* ERR */
	PACKET("\1\0\0\1\1"),                       /* a column */
	PACKET("\1\0\0\0\1"),                       /* QUIT */
	PACKET("\1\0\0\0\x0e"),                     /* PING */
	PACKET("\1\0\0\0\x1f"),                     /* RESET_CONNECTION */
	PACKET("\5\0\0\0\3do 1"),                   /* QUERY */
	PACKET("\x0a\0\0\0\x17\1\0\0\0\0\1\0\0\0"), /* STMT_EXECUTE */
	PACKET("\x09\0\0\0\x1c\1\0\0\0\1\0\0\0"),   /* STMT_FETCH */
	PACKET("\5\0\0\0\x19\1\0\0\0"),             /* STMT_CLOSE */
	PACKET("\x09\0\0\0\x18\1\0\0\0\0\0la"),     /* STMT_SEND_LONG_DATA */
	PACKET("\2\0\0\1\xfb"                       /* LOCAL INFILE */
	       "f"),
	PACKET("\0\0\0\2"),                     /* the end of a file */
	PACKET("\5\0\0\0\x19\xff\xff\xff\xff"), /* MariaDB: the last one prepared */
};

/* Another packet between two, and all behind it later in the stream. */
static void insert_packet(struct mutator *m)
{
	struct slice p = packets[below(m, sizeof(packets) / sizeof(packets[0]))];
	size_t i;
	struct listed *s = any(m, &i), old = *s;
	size_t at = a_packet(m, s);
	uint8_t *bytes = own(m, s->bytes, p.len);

	if (!bytes || s->bytes.len + p.len > UINT16_MAX)
		return;
	memmove(bytes + at + p.len, bytes + at, s->bytes.len - at);
	memcpy(bytes + at, p.ptr, p.len);
	s->bytes = slice_of(bytes, s->bytes.len + p.len);
	old.bytes = s->bytes;
	shift(m, old, old.offset + (uint32_t)at + 1, (uint32_t)p.len);
}

static void remove_packet(struct mutator *m)
{
	size_t i, end;
	struct listed *s = any(m, &i), old = *s;
	size_t at = a_packet(m, s);
	uint8_t *bytes = own(m, s->bytes, 0);

	if (!bytes || at + PACKET_HEAD > s->bytes.len)
		return;
	end = at + PACKET_HEAD + ((size_t)bytes[at] | (size_t)bytes[at + 1] << 8);
	end = end < s->bytes.len ? end : s->bytes.len;
	memmove(bytes + at, bytes + end, s->bytes.len - end);
	s->bytes = slice_of(bytes, s->bytes.len - (end - at));
	old.bytes = s->bytes;
	shift(m, old, old.offset + (uint32_t)at + 1, (uint32_t)at - (uint32_t)end);
}

static void (*const mutations[])(struct mutator *m) = {
	lose,         repeat,        delay,         split,         join,
	cut,          begin_later,   end_earlier,   change_head,   change_bytes,
	change_bytes, change_packet, change_packet, insert_packet, remove_packet,
};

/* ---- what libFuzzer calls ---- */

static size_t put_down(const struct segment_list *l, uint8_t *out, size_t max_size)
{
	struct buf b;
	size_t len;

	buf_init(&b, max_size);
	buf_put_u8(&b, l->mode);
	for (size_t i = 0; i < l->count; i++) {
		const struct listed *s = &l->items[i];

		if (b.len + SEGMENT_HEAD + s->bytes.len > max_size)
			break;
		buf_put_u8(&b, s->what);
		buf_put_u8(&b, s->shape);
		buf_put_u8(&b, s->wait);
		buf_put_uint_le(&b, s->offset, 4);
		buf_put_uint_le(&b, s->ack, 4);
		buf_put_uint_le(&b, s->cut, 2);
		buf_put_uint_le(&b, s->bytes.len, 2);
		buf_put_slice(&b, s->bytes);
	}
	assert(buf_err(&b) == ERR_OK);
	len = b.len;
	memcpy(out, b.ptr, len);
	buf_release(&b);
	return len;
}

static struct mutator *mutator_new(struct slice data, unsigned seed)
{
	struct mutator *m = malloc(sizeof(*m));

	assert(m);
	m->room = malloc(ROOM);
	assert(m->room);
	m->used = 0;
	m->random = seed;
	segment_list_read(data, &m->list);
	return m;
}

static size_t mutator_end(struct mutator *m, uint8_t *out, size_t max_size)
{
	size_t len = put_down(&m->list, out, max_size);

	free(m->room);
	free(m);
	return len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct mutator *m = mutator_new(slice_of(data, size), seed);

	if (m->list.count == 0 || below(m, 32) == 0) {
		free(m->room);
		free(m);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	for (uint32_t n = 1 + below(m, MUTATIONS_MAX); n > 0 && m->list.count > 0; n--)
		mutations[below(m, sizeof(mutations) / sizeof(mutations[0]))](m);
	return mutator_end(m, data, max_size);
}

/* The segments of one between those of the other: as another connection, or as more of the same. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max_out_size, unsigned seed)
{
	struct mutator *m = mutator_new(slice_of(a, a_size), seed);
	struct segment_list *other = malloc(sizeof(*other));
	size_t at = below(m, m->list.count + 1), step = 1 + below(m, 3);
	uint8_t flow = (uint8_t)(below(m, WHAT_FLOWS) << WHAT_FLOW_SHIFT);

	assert(other);
	segment_list_read(slice_of(b, b_size), other);
	for (size_t i = 0; i < other->count && at <= m->list.count; i++, at += step) {
		other->items[i].what ^= flow;
		put_in(m, at, other->items[i]);
	}
	free(other);
	return mutator_end(m, out, max_out_size);
}
