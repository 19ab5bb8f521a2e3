/* pcap_file - the classic format of capture files. */
#include "capture/pcap_file.h"

#include "base/clock.h"
#include "capture/record.h"

#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)
#define MAGIC_MODIFIED UINT32_C(0xa1b2cd34) /* Kuznetzov's, with more in each record's header */

enum {
	FILE_HEADER_LEN = 24,
	RECORD_HEADER_LEN = 16,
	MODIFIED_HEADER_LEN = 24,
	VERSION_MAJOR = 2,
	LINK_MASK = 0x03ffffff, /* above it stands how long the frame check sequence is */
	FORGET_S = 86400, /* a record found in a search is not further than that from the last */
};

struct record {
	uint32_t seconds, fraction, captured, wire;
};

static bool known_magic(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool pcap_file_detect(struct slice first)
{
	struct cursor c = cur_of(first);
	uint32_t magic = cur_u32be(&c);

	return known_magic(magic) || known_magic(__builtin_bswap32(magic));
}

enum err pcap_file_open(struct pcap_file *p, struct source *s, struct errinfo *info)
{
	enum err e = source_need(s, FILE_HEADER_LEN, info);
	struct cursor c = cur_of(source_bytes(s));
	uint32_t magic, snap_len;
	uint16_t major, minor;

	if (e == ERR_EOF)
		return err_set(info, ERR_PROTO, 0, "%s ends inside the header of a pcap file",
			       s->name);
	if (e != ERR_OK)
		return e;
	magic = cur_u32be(&c);
	*p = (struct pcap_file){.big_endian = known_magic(magic)};
	if (!p->big_endian)
		magic = __builtin_bswap32(magic);
	major = record_u16(&c, p->big_endian);
	minor = record_u16(&c, p->big_endian);
	cur_skip(&c, 8); /* time zone and accuracy: never used */
	snap_len = record_u32(&c, p->big_endian);
	p->link = record_u32(&c, p->big_endian) & LINK_MASK;
	p->len_limit = frame_len_limit(snap_len);
	p->fraction_ns = magic == MAGIC_NANO ? 1 : (uint32_t)NS_PER_US;
	p->header_len = magic == MAGIC_MODIFIED ? MODIFIED_HEADER_LEN : RECORD_HEADER_LEN;
	if (major != VERSION_MAJOR)
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "%s: version %u.%u of the pcap format is not known", s->name,
			       (unsigned)major, (unsigned)minor);
	source_take(s, FILE_HEADER_LEN);
	return ERR_OK;
}

static struct record read_record(const struct pcap_file *p, struct slice at)
{
	struct cursor c = cur_of(at);
	struct record r;

	r.seconds = record_u32(&c, p->big_endian);
	r.fraction = record_u32(&c, p->big_endian);
	r.captured = record_u32(&c, p->big_endian);
	r.wire = record_u32(&c, p->big_endian);
	return r;
}

/* Stricter than what is asked of a record that stands where it should. */
static bool plausible(const struct pcap_file *p, const struct record *r)
{
	uint32_t away = r->seconds > p->last_seconds ? r->seconds - p->last_seconds
						     : p->last_seconds - r->seconds;

	return r->captured > 0 && r->captured <= r->wire && r->wire <= p->len_limit &&
	       r->fraction < NS_PER_S / p->fraction_ns && away <= FORGET_S;
}

/* Searching: ERR_OK if R, and what follows it, look like records; ERR_PROTO if not. */
static enum err confirm(const struct pcap_file *p, struct source *s, const struct record *r,
			struct errinfo *info)
{
	size_t len = p->header_len + r->captured;
	struct record after;
	enum err e;

	if (!plausible(p, r))
		return ERR_PROTO;
	e = source_need(s, len + p->header_len, info);
	if (e == ERR_EOF)
		return source_bytes(s).len == len ? ERR_OK : ERR_PROTO;
	if (e != ERR_OK)
		return e;
	after = read_record(p, slice_skip(source_bytes(s), len));
	return plausible(p, &after) ? ERR_OK : ERR_PROTO;
}

/* Finds the header of the next record, and has the whole of it in the buffer. */
static enum err find_record(struct pcap_file *p, struct source *s, struct capture_stats *stats,
			    struct record *r, struct errinfo *info)
{
	enum err e;

	for (;;) {
		e = source_need(s, p->header_len, info);
		if (e != ERR_OK)
			return e;
		*r = read_record(p, source_bytes(s));
		if (p->lost)
			e = confirm(p, s, r, info);
		else
			e = r->captured <= p->len_limit ? ERR_OK : ERR_PROTO;
		if (e != ERR_PROTO)
			break;
		p->lost = true;
		stats->bad_bytes++;
		source_take(s, 1);
	}
	if (e == ERR_OK)
		p->lost = false;
	return e == ERR_OK ? source_need(s, p->header_len + r->captured, info) : e;
}

enum err pcap_file_next(struct pcap_file *p, struct source *s, struct capture_stats *stats,
			struct frame *out, struct errinfo *info)
{
	struct record r;
	enum err e = find_record(p, s, stats, &r, info);
	struct slice bytes = source_bytes(s);

	if (e == ERR_EOF && (bytes.len > 0 || s->cut)) {
		stats->cut_off = !p->lost || s->cut;
		stats->bad_bytes += bytes.len;
		source_take(s, bytes.len);
	}
	if (e != ERR_OK)
		return e;
	p->last_seconds = r.seconds;
	*out = (struct frame){
		.time_ns = (int64_t)r.seconds * NS_PER_S + (int64_t)r.fraction * p->fraction_ns,
		.link = p->link,
		.wire_len = r.wire > r.captured ? r.wire : r.captured,
		.bytes = slice_of(bytes.ptr + p->header_len, r.captured),
	};
	source_take(s, p->header_len + r.captured);
	return ERR_OK;
}
