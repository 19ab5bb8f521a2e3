/* pcapng - the block format of capture files. */
#include "capture/pcapng.h"

#include <stdbool.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/record.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_NAMES = 4,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_SECRETS = 10,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum option_code {
	OPTION_END = 0,
	OPTION_IF_TSRESOL = 9,
	OPTION_IF_TSOFFSET = 14,
	OPTION_ISB_IFDROP = 5,
	OPTION_ISB_OSDROP = 7,
};

enum {
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	BLOCK_HEADER_LEN = 8,
	BLOCK_FRAME_LEN = 12,                      /* of a block without a body */
	BLOCK_LEN_MAX = FRAME_LEN_MAX + (1 << 20), /* a frame, its header and options */
	SECTION_HEADER_LEN = 12,                   /* up to and with the byte order */
	TSRESOL_BINARY = 0x80,                     /* the unit is 2^-n seconds, else 10^-n */
	TSRESOL_MICRO = 6,
	TSRESOL_NANO = 9,
	TSRESOL_DECIMAL_MAX = 19, /* 10^19 still fits 64 bits */
	TSRESOL_BINARY_MAX = 63,
};

#define SECONDS_MAX (INT64_C(1) << 33) /* so that nanoseconds fit 64 bits */

struct pcapng_interface {
	uint32_t link;
	uint32_t snap_len;
	uint64_t units_per_s;
	uint64_t ns_per_unit; /* 0 where it is no whole number */
	int64_t offset_s;
	uint64_t os_drops, if_drops; /* as the last statistics block told */
};

struct block {
	uint32_t type;
	struct slice body;
};

bool pcapng_detect(struct slice first)
{
	struct cursor c = cur_of(first);

	return cur_u32be(&c) == BLOCK_SECTION;
}

void pcapng_init(struct pcapng *p)
{
	*p = (struct pcapng){0};
}

void pcapng_release(struct pcapng *p)
{
	mem_free(p->interfaces);
	pcapng_init(p);
}

static uint64_t record_u64(struct cursor *c, bool big_endian)
{
	uint64_t first = record_u32(c, big_endian), second = record_u32(c, big_endian);

	return big_endian ? first << 32 | second : second << 32 | first;
}

/* Takes the next option off C; false at the end of the list. A list that is cut ends there. */
static bool next_option(struct cursor *c, bool big_endian, uint16_t *code, struct slice *value)
{
	uint16_t len;

	*code = record_u16(c, big_endian);
	len = record_u16(c, big_endian);
	*value = cur_bytes(c, len);
	if (!cur_ok(c) || *code == OPTION_END)
		return false;
	if (len % 4 != 0 && cur_left(c) >= 4u - len % 4)
		cur_skip(c, 4u - len % 4);
	return true;
}

static void set_resolution(struct pcapng_interface *i, uint8_t resolution)
{
	unsigned n = resolution & (unsigned)~TSRESOL_BINARY;

	i->units_per_s = 1;
	if (resolution & TSRESOL_BINARY) {
		i->units_per_s <<= n < TSRESOL_BINARY_MAX ? n : TSRESOL_BINARY_MAX;
	} else {
		for (unsigned d = 0; d < n && d < TSRESOL_DECIMAL_MAX; d++)
			i->units_per_s *= 10;
	}
	i->ns_per_unit = 0;
	if ((uint64_t)NS_PER_S % i->units_per_s == 0)
		i->ns_per_unit = (uint64_t)NS_PER_S / i->units_per_s;
}

static int64_t time_of(const struct pcapng_interface *i, uint64_t units)
{
	uint64_t seconds = units / i->units_per_s, rest = units % i->units_per_s;
	int64_t whole = seconds < (uint64_t)SECONDS_MAX ? (int64_t)seconds : SECONDS_MAX;
	int64_t ns;

	if (i->ns_per_unit)
		ns = (int64_t)(rest * i->ns_per_unit);
	else
		ns = (int64_t)((double)rest / (double)i->units_per_s * (double)NS_PER_S);
	whole += i->offset_s;
	if (whole > SECONDS_MAX || whole < 0)
		return 0;
	return whole * NS_PER_S + ns;
}

static enum err add_interface(struct pcapng *p, const struct pcapng_interface *i)
{
	if (p->interface_count == PCAPNG_INTERFACES_MAX)
		return ERR_PROTO;
	if (p->interface_count == p->interface_room) {
		size_t room = p->interface_room ? p->interface_room * 2 : 4;
		void *grown = mem_resize(p->interfaces, room * sizeof(*p->interfaces));

		if (!grown)
			return ERR_NOMEM;
		p->interfaces = grown;
		p->interface_room = room;
	}
	p->interfaces[p->interface_count++] = *i;
	return ERR_OK;
}

static enum err take_interface(struct pcapng *p, struct slice body)
{
	struct cursor c = cur_of(body);
	struct pcapng_interface i = {0};
	struct slice value;
	uint16_t code;

	i.link = record_u16(&c, p->big_endian);
	cur_skip(&c, 2);
	i.snap_len = record_u32(&c, p->big_endian);
	if (!cur_ok(&c))
		return ERR_PROTO;
	set_resolution(&i, TSRESOL_MICRO);
	while (next_option(&c, p->big_endian, &code, &value)) {
		struct cursor v = cur_of(value);

		if (code == OPTION_IF_TSRESOL && value.len == 1)
			set_resolution(&i, cur_u8(&v));
		else if (code == OPTION_IF_TSOFFSET && value.len == 8)
			i.offset_s = (int64_t)record_u64(&v, p->big_endian);
	}
	if (i.offset_s > SECONDS_MAX || i.offset_s < -SECONDS_MAX)
		i.offset_s = 0;
	return add_interface(p, &i);
}

/* The counts are since the start of the capture; a block may repeat them. */
static void count_drops(uint64_t now, uint64_t *before, uint64_t *total)
{
	if (now > *before)
		*total += now - *before;
	*before = now;
}

static enum err take_statistics(struct pcapng *p, struct slice body, struct capture_stats *stats)
{
	struct cursor c = cur_of(body);
	uint32_t id = record_u32(&c, p->big_endian);
	struct pcapng_interface *i;
	struct slice value;
	uint16_t code;

	cur_skip(&c, 8);
	if (!cur_ok(&c) || id >= p->interface_count)
		return ERR_PROTO;
	i = &p->interfaces[id];
	while (next_option(&c, p->big_endian, &code, &value)) {
		struct cursor v = cur_of(value);

		if (value.len != 8)
			continue;
		if (code == OPTION_ISB_IFDROP)
			count_drops(record_u64(&v, p->big_endian), &i->if_drops,
				    &stats->interface_drops);
		else if (code == OPTION_ISB_OSDROP)
			count_drops(record_u64(&v, p->big_endian), &i->os_drops,
				    &stats->kernel_drops);
	}
	return ERR_OK;
}

/* BLOCK_PACKET and BLOCK_PACKET_OLD, which differ in how they name the interface. */
static enum err take_packet(struct pcapng *p, const struct block *b, struct frame *out)
{
	struct cursor c = cur_of(b->body);
	struct slice bytes;
	uint64_t high, low;
	uint32_t id, captured, wire;

	if (b->type == BLOCK_PACKET) {
		id = record_u32(&c, p->big_endian);
	} else {
		id = record_u16(&c, p->big_endian);
		cur_skip(&c, 2); /* drops, counted by nobody else's rule */
	}
	high = record_u32(&c, p->big_endian);
	low = record_u32(&c, p->big_endian);
	captured = record_u32(&c, p->big_endian);
	wire = record_u32(&c, p->big_endian);
	bytes = cur_bytes(&c, captured);
	if (!cur_ok(&c) || id >= p->interface_count)
		return ERR_PROTO;
	p->last_ns = time_of(&p->interfaces[id], high << 32 | low);
	*out = (struct frame){
		.time_ns = p->last_ns,
		.link = p->interfaces[id].link,
		.wire_len = wire > captured ? wire : captured,
		.bytes = bytes,
	};
	return ERR_OK;
}

/* A packet of the first interface, without a time of its own. */
static enum err take_simple(struct pcapng *p, struct slice body, struct frame *out)
{
	struct cursor c = cur_of(body);
	uint32_t wire = record_u32(&c, p->big_endian);
	size_t captured = wire;

	if (!cur_ok(&c) || p->interface_count == 0)
		return ERR_PROTO;
	if (p->interfaces[0].snap_len > 0 && captured > p->interfaces[0].snap_len)
		captured = p->interfaces[0].snap_len;
	if (captured > cur_left(&c))
		return ERR_PROTO;
	*out = (struct frame){
		.time_ns = p->last_ns,
		.link = p->interfaces[0].link,
		.wire_len = wire,
		.bytes = cur_bytes(&c, captured),
	};
	return ERR_OK;
}

/* ERR_OK: *OUT is a frame; ERR_AGAIN: the block held none; ERR_PROTO: it contradicts itself. */
static enum err take_block(struct pcapng *p, const struct block *b, struct capture_stats *stats,
			   struct frame *out)
{
	enum err e = ERR_OK;

	switch (b->type) {
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD:
		return take_packet(p, b, out);
	case BLOCK_PACKET_SIMPLE:
		return take_simple(p, b->body, out);
	case BLOCK_SECTION:
		p->interface_count = 0; /* its byte order was learned with its length */
		break;
	case BLOCK_INTERFACE:
		e = take_interface(p, b->body);
		break;
	case BLOCK_STATISTICS:
		e = take_statistics(p, b->body, stats);
		break;
	default: /* not a closed list: the format says to pass over what is not known */
		break;
	}
	return e == ERR_OK ? ERR_AGAIN : e;
}

/* Types that a search for the next block believes in. */
static bool known_type(uint32_t type)
{
	return type == BLOCK_SECTION || type == BLOCK_SECRETS ||
	       (type >= BLOCK_INTERFACE && type <= BLOCK_PACKET);
}

/* A block that is passed over need not fit the buffer. */
static bool may_be_huge(uint32_t type)
{
	return !known_type(type) || type == BLOCK_NAMES || type == BLOCK_SECRETS;
}

/* Reads type and length at the buffer's start. ERR_PROTO if they cannot be a block's. */
static enum err read_header(struct pcapng *p, struct source *s, uint32_t *type, uint32_t *len,
			    struct errinfo *info)
{
	enum err e = source_need(s, BLOCK_HEADER_LEN, info);
	struct cursor c = cur_of(source_bytes(s));
	bool big_endian = p->big_endian;

	if (e != ERR_OK)
		return e;
	*type = record_u32(&c, big_endian);
	if (*type == BLOCK_SECTION) { /* reads the same in both orders */
		uint32_t magic;

		e = source_need(s, SECTION_HEADER_LEN, info);
		if (e != ERR_OK)
			return e;
		c = cur_of(slice_skip(source_bytes(s), BLOCK_HEADER_LEN));
		magic = cur_u32be(&c);
		big_endian = magic == BYTE_ORDER_MAGIC;
		if (!big_endian && __builtin_bswap32(magic) != BYTE_ORDER_MAGIC)
			return ERR_PROTO;
		c = cur_of(slice_skip(source_bytes(s), 4));
	}
	*len = record_u32(&c, big_endian);
	if (*len < BLOCK_FRAME_LEN || *len % 4 != 0)
		return ERR_PROTO;
	if (*len > BLOCK_LEN_MAX && (p->lost || !may_be_huge(*type)))
		return ERR_PROTO;
	if (*type == BLOCK_SECTION)
		p->big_endian = big_endian;
	return ERR_OK;
}

/* Has the next block whole in the buffer. ERR_PROTO: what stands there is none. */
static enum err read_block(struct pcapng *p, struct source *s, struct block *b, uint32_t *len,
			   struct errinfo *info)
{
	struct cursor end;
	enum err e = read_header(p, s, &b->type, len, info);

	if (e != ERR_OK)
		return e;
	if (p->lost && !known_type(b->type))
		return ERR_PROTO;
	if (*len > BLOCK_LEN_MAX) {
		p->to_skip = *len;
		return ERR_AGAIN;
	}
	e = source_need(s, *len, info);
	if (e == ERR_EOF && p->lost)
		return ERR_PROTO;
	if (e != ERR_OK)
		return e;
	end = cur_of(slice_of(source_bytes(s).ptr + *len - 4, 4));
	if (record_u32(&end, p->big_endian) != *len)
		return ERR_PROTO;
	b->body = slice_of(source_bytes(s).ptr + BLOCK_HEADER_LEN, *len - BLOCK_FRAME_LEN);
	return ERR_OK;
}

/* Passes over what is left of a block that is too large to be buffered. */
static enum err skip(struct pcapng *p, struct source *s, struct errinfo *info)
{
	while (p->to_skip > 0) {
		enum err e = source_need(s, 1, info);
		size_t n = source_bytes(s).len;

		if (e != ERR_OK)
			return e;
		if (n > p->to_skip)
			n = (size_t)p->to_skip;
		source_take(s, n);
		p->to_skip -= n;
	}
	return ERR_OK;
}

static enum err find_frame(struct pcapng *p, struct source *s, struct capture_stats *stats,
			   struct frame *out, struct errinfo *info)
{
	struct block b;
	uint32_t len = 0;
	enum err e;

	for (;;) {
		e = skip(p, s, info);
		if (e == ERR_OK)
			e = read_block(p, s, &b, &len, info);
		if (e == ERR_AGAIN && p->to_skip > 0)
			continue;
		if (e == ERR_PROTO) {
			p->lost = true;
			stats->bad_bytes++;
			source_take(s, 1);
			continue;
		}
		if (e != ERR_OK)
			return e;
		p->lost = false;
		e = take_block(p, &b, stats, out);
		source_take(s, len);
		if (e == ERR_PROTO)
			stats->bad_bytes += len;
		else if (e == ERR_NOMEM)
			return err_set(info, e, 0, "read %s: out of memory", s->name);
		else if (e == ERR_OK)
			return e;
	}
}

enum err pcapng_next(struct pcapng *p, struct source *s, struct capture_stats *stats,
		     struct frame *out, struct errinfo *info)
{
	enum err e = find_frame(p, s, stats, out, info);
	size_t left = source_bytes(s).len;

	if (e == ERR_EOF && (left > 0 || s->cut || p->to_skip > 0)) {
		stats->cut_off = !p->lost || s->cut;
		stats->bad_bytes += left;
		source_take(s, left);
		p->to_skip = 0;
	}
	return e;
}
