/*
 * segment - the TCP part of a frame: the link's header, Ethernet and its tags, and TCP.
 */
#include "net/segment.h"

#include <string.h>

#include "net/peel.h"

enum linktype { /* tcpdump.org/linktypes.html; those without a name here are old systems' own */
		LINKTYPE_NULL = 0,
		LINKTYPE_ETHERNET = 1,
		LINKTYPE_RAW_BSD = 12,
		LINKTYPE_RAW_OPENBSD = 14,
		LINKTYPE_RAW = 101,
		LINKTYPE_LOOP = 108,
		LINKTYPE_LINUX_SLL = 113,
		LINKTYPE_IPV4 = 228,
		LINKTYPE_IPV6 = 229,
		LINKTYPE_LINUX_SLL2 = 276,
};

enum {
	FAMILY_IPV4 = 2, /* AF_INET is the same everywhere */
	TCP_PROTOCOL = 6,
	TCP_HEADER_WORDS_MIN = 5,
	TCP_HEADER_MIN = 20,
	TCP_CHECKSUM_AT = 16,
	IPV4_PLAIN = 0x45, /* the first byte: version, and a header without options */
	IPV4_HEADER_MIN = 20,
	IPV4_FRAGMENT = 0x3fff, /* the flag MF, and the offset */
	PLAIN_HEADERS = 14 + IPV4_HEADER_MIN + TCP_HEADER_MIN,
	/* Segmentation offload stays below this many bytes; what claims more is no segment. */
	PAYLOAD_MAX = 1 << 20,
};

/* The sum of RFC 1071 over BYTES, after SUM; not folded. */
static uint64_t sum_words(uint64_t sum, struct slice bytes)
{
	for (size_t i = 0; i + 1 < bytes.len; i += 2)
		sum += (uint64_t)bytes.ptr[i] << 8 | bytes.ptr[i + 1];
	if (bytes.len % 2)
		sum += (uint64_t)bytes.ptr[bytes.len - 1] << 8;
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * Was TCP, put together from fragments, one segment when it was sent? A sending machine's own frames may have no
 * checksum yet, or one of the addresses only.
 */
static bool checksum_fits(struct slice tcp, const struct segment *s)
{
	size_t addr = s->src.addr.is_v6 ? 16 : 4;
	uint64_t sum = TCP_PROTOCOL + tcp.len;
	uint16_t told;

	sum = sum_words(sum, slice_of(s->src.addr.bytes, addr));
	sum = sum_words(sum, slice_of(s->dst.addr.bytes, addr));
	told = (uint16_t)(tcp.ptr[TCP_CHECKSUM_AT] << 8 | tcp.ptr[TCP_CHECKSUM_AT + 1]);
	return told == 0 || told == fold(sum) || fold(sum_words(sum, tcp)) == UINT16_MAX;
}

enum segment_kind peel_tcp(struct peel *p, struct segment *s)
{
	uint64_t wire = peel_wire_left(p);
	size_t header, left = cur_left(&p->c);
	struct slice whole = slice_of(p->c.pos, left);

	if (left < TCP_HEADER_MIN)
		return peel_too_short(p);
	s->src.port = cur_u16be(&p->c);
	s->dst.port = cur_u16be(&p->c);
	s->seq = cur_u32be(&p->c);
	s->ack = cur_u32be(&p->c);
	header = (size_t)(cur_u8(&p->c) >> 4) * 4;
	s->flags = cur_u8(&p->c);
	if (header < TCP_HEADER_WORDS_MIN * 4 || header > wire || wire - header > PAYLOAD_MAX)
		return SEGMENT_BAD;
	if (header > left)
		return SEGMENT_TRUNCATED;
	if (p->rebuilt && p->cut == 0 && !checksum_fits(whole, s)) {
		fragments_spoiled(p->fragments);
		return SEGMENT_FRAGMENT;
	}
	cur_skip(&p->c, header - (left - cur_left(&p->c)));
	s->payload_wire_len = (uint32_t)(wire - header);
	s->payload = cur_rest(&p->c);
	return SEGMENT_TCP;
}

enum segment_kind peel_ethertype(struct peel *p, uint16_t type, struct segment *s)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		cur_skip(&p->c, 2);
		type = cur_u16be(&p->c);
	}
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (type == ETHERTYPE_IPV4)
		return peel_ipv4(p, s);
	if (type == ETHERTYPE_IPV6)
		return peel_ipv6(p, s);
	switch (type) {
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return peel_enter(p) ? peel_mpls(p, s) : SEGMENT_BAD;
	case ETHERTYPE_PPPOE_SESSION:
		return peel_enter(p) ? peel_pppoe(p, s) : SEGMENT_BAD;
	default:
		return SEGMENT_OTHER;
	}
}

enum segment_kind peel_ethernet(struct peel *p, struct segment *s)
{
	cur_skip(&p->c, 12); /* both addresses */
	return peel_ethertype(p, cur_u16be(&p->c), s);
}

/* Four bytes of address family, in the byte order of whatever machine captured it. */
static enum segment_kind decode_loopback(struct peel *p, struct segment *s)
{
	uint32_t family = cur_u32be(&p->c);

	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case FAMILY_IPV4:
		return peel_ipv4(p, s);
	case 10: /* AF_INET6 of Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return peel_ipv6(p, s);
	default:
		return SEGMENT_OTHER;
	}
}

/*
 * TYPE was read of a cooked header. Linux since 6.10 names there what is behind a VLAN's tag that it left in the
 * frame, as of outgoing frames where the card takes no tags off.
 */
static enum segment_kind decode_cooked(struct peel *p, uint16_t type, struct segment *s)
{
	unsigned version = type == ETHERTYPE_IPV4 ? 4 : type == ETHERTYPE_IPV6 ? 6 : 0;
	struct cursor tag = p->c;
	uint16_t control = cur_u16be(&tag), inner = cur_u16be(&tag);

	if (version && control >> 12 != version && inner == type && cur_peek(&tag) >> 4 == version)
		p->c.pos = tag.pos;
	return peel_ethertype(p, type, s);
}

static enum segment_kind decode_link(struct peel *p, uint32_t link, struct segment *s)
{
	uint16_t type;

	switch (link) {
	case LINKTYPE_ETHERNET:
		return peel_ethernet(p, s);
	case LINKTYPE_LINUX_SLL:
		cur_skip(&p->c, 14);
		return decode_cooked(p, cur_u16be(&p->c), s);
	case LINKTYPE_LINUX_SLL2:
		type = cur_u16be(&p->c);
		cur_skip(&p->c, 18);
		return decode_cooked(p, type, s);
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		return decode_loopback(p, s);
	case LINKTYPE_RAW:
	case LINKTYPE_RAW_BSD:
	case LINKTYPE_RAW_OPENBSD:
		return peel_ip(p, s);
	case LINKTYPE_IPV4:
		return peel_ipv4(p, s);
	case LINKTYPE_IPV6:
		return peel_ipv6(p, s);
	default:
		return SEGMENT_LINK;
	}
}

/*
 * Of most frames all headers are of one length, and are read at once: Ethernet without tags, IPv4 without options
 * that is no fragment, TCP. False: it is some other frame, or there is something to say of it; *OUT is untouched.
 */
static bool decode_plain(const struct frame *f, struct segment *out)
{
	struct cursor whole = cur_of(f->bytes), c;
	struct slice head = cur_bytes(&whole, PLAIN_HEADERS), src, dst;
	size_t total, header;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;

	if (f->link != LINKTYPE_ETHERNET || !cur_ok(&whole))
		return false;
	c = cur_of(slice_of(head.ptr, PLAIN_HEADERS));
	cur_skip(&c, 12); /* both addresses */
	if (cur_u16be(&c) != ETHERTYPE_IPV4 || cur_u8(&c) != IPV4_PLAIN)
		return false;
	cur_skip(&c, 1); /* type of service */
	total = cur_u16be(&c);
	cur_skip(&c, 2); /* identification */
	if (cur_u16be(&c) & IPV4_FRAGMENT)
		return false;
	cur_skip(&c, 1); /* time to live */
	if (cur_u8(&c) != TCP_PROTOCOL)
		return false;
	cur_skip(&c, 2); /* checksum */
	src = cur_bytes(&c, 4);
	dst = cur_bytes(&c, 4);
	src_port = cur_u16be(&c);
	dst_port = cur_u16be(&c);
	seq = cur_u32be(&c);
	ack = cur_u32be(&c);
	header = (size_t)(cur_u8(&c) >> 4) * 4;
	flags = cur_u8(&c);
	if (header < TCP_HEADER_MIN || total < IPV4_HEADER_MIN + header)
		return false;
	total -= IPV4_HEADER_MIN + header; /* the payload is left */
	cur_skip(&whole, header - TCP_HEADER_MIN);
	if (cur_left(&whole) < total) /* cut off */
		return false;
	/* Field by field: a copy of the whole would wait for each of them to be written. */
	out->frame = f->number;
	out->time_ns = f->time_ns;
	addr_set_v4(&out->src.addr, src.ptr);
	addr_set_v4(&out->dst.addr, dst.ptr);
	out->src.port = src_port;
	out->dst.port = dst_port;
	out->seq = seq;
	out->ack = ack;
	out->flags = flags;
	out->payload = cur_bytes(&whole, total);
	out->payload_wire_len = (uint32_t)total;
	return true;
}

static enum segment_kind decode_any(struct fragments *fragments, const struct frame *f,
				    struct segment *out)
{
	struct peel p = {
		.c = cur_of(f->bytes),
		.cut = f->wire_len > f->bytes.len ? f->wire_len - f->bytes.len : 0,
		.fragments = fragments,
		.time_ns = f->time_ns,
	};
	struct segment s = {.frame = f->number, .time_ns = f->time_ns};
	enum segment_kind kind = decode_link(&p, f->link, &s);

	if (kind == SEGMENT_TCP)
		*out = s;
	return kind;
}

enum segment_kind segment_decode(struct fragments *fragments, const struct frame *f,
				 struct segment *out)
{
	if (fragments)
		fragments_begin(fragments);
	return decode_plain(f, out) ? SEGMENT_TCP : decode_any(fragments, f, out);
}
