/*
 * segment - the TCP part of a frame.
 *
 * A frame is peeled from the outside: link, IP, TCP. What the capture cut off (frame.wire_len) is
 * kept beside the cursor as a number, so that each layer knows how long it was on the wire.
 */
#include "net/segment.h"

#include <string.h>

#include "base/cursor.h"

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

enum ethertype { /* IEEE 802 numbers, iana.org */
		 ETHERTYPE_IPV4 = 0x0800,
		 ETHERTYPE_IPV6 = 0x86dd,
		 ETHERTYPE_VLAN = 0x8100,
		 ETHERTYPE_QINQ = 0x88a8,
		 ETHERTYPE_QINQ_OLD = 0x9100,
};

enum ip_protocol { /* iana.org protocol numbers */
		   IP_HOP_BY_HOP = 0,
		   IP_TCP = 6,
		   IP_ROUTING = 43,
		   IP_FRAGMENT = 44,
		   IP_AUTH = 51,
		   IP_DESTINATION = 60,
};

enum {
	FAMILY_IPV4 = 2, /* AF_INET is the same everywhere */
	IPV4_HEADER_WORDS_MIN = 5,
	TCP_HEADER_WORDS_MIN = 5,
	TCP_HEADER_MIN = 20,
	IPV4_MORE_OR_OFFSET = 0x3fff, /* RFC 791: the flag MF and the fragment offset */
	IPV6_OFFSET_OR_MORE = 0xfff9, /* RFC 8200: the fragment offset and the flag M */
	/* Segmentation offload stays below this many bytes; what claims more is no segment. */
	PAYLOAD_MAX = 1 << 20,
};

/* What is left of a frame to be peeled. */
struct peel {
	struct cursor c;
	uint64_t cut; /* bytes that were on the wire behind the cursor's end */
};

static uint64_t wire_left(const struct peel *p)
{
	return cur_left(&p->c) + p->cut;
}

/* A header that needs more than there is: was the rest cut off, or was it never there? */
static enum segment_kind too_short(const struct peel *p)
{
	return p->cut > 0 ? SEGMENT_TRUNCATED : SEGMENT_BAD;
}

/* Says that exactly WIRE bytes follow: what is behind them is padding, what is missing was cut. */
static void limit(struct peel *p, uint64_t wire)
{
	size_t left = cur_left(&p->c);

	if (wire < left)
		p->c.end = p->c.pos + wire;
	p->cut = wire < left ? 0 : wire - left;
}

static enum segment_kind decode_tcp(struct peel *p, struct segment *s)
{
	uint64_t wire = wire_left(p);
	size_t header, left = cur_left(&p->c);

	if (left < TCP_HEADER_MIN)
		return too_short(p);
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
	cur_skip(&p->c, header - (left - cur_left(&p->c)));
	s->payload_wire_len = (uint32_t)(wire - header);
	s->payload = cur_rest(&p->c);
	return SEGMENT_TCP;
}

static void copy_addr(struct addr *to, struct slice from)
{
	to->is_v6 = from.len == sizeof(to->bytes);
	if (from.len)
		memcpy(to->bytes, from.ptr, from.len);
}

static enum segment_kind decode_ipv4(struct peel *p, struct segment *s)
{
	uint64_t wire = wire_left(p), total;
	size_t header;
	uint16_t fragment;
	uint8_t version, protocol;
	struct slice src, dst;

	version = cur_u8(&p->c);
	header = (size_t)(version & 0x0f) * 4;
	cur_skip(&p->c, 1); /* type of service */
	total = cur_u16be(&p->c);
	cur_skip(&p->c, 2); /* identification */
	fragment = cur_u16be(&p->c);
	cur_skip(&p->c, 1); /* time to live */
	protocol = cur_u8(&p->c);
	cur_skip(&p->c, 2); /* checksum */
	src = cur_bytes(&p->c, 4);
	dst = cur_bytes(&p->c, 4);
	if (!cur_ok(&p->c))
		return too_short(p);
	if (total == 0)
		total = wire;
	if (version >> 4 != 4 || header < IPV4_HEADER_WORDS_MIN * 4 || total < header)
		return SEGMENT_BAD;
	if (protocol != IP_TCP)
		return SEGMENT_OTHER;
	if (fragment & IPV4_MORE_OR_OFFSET)
		return SEGMENT_FRAGMENT;
	limit(p, total - IPV4_HEADER_WORDS_MIN * 4);
	cur_skip(&p->c, header - IPV4_HEADER_WORDS_MIN * 4);
	if (!cur_ok(&p->c))
		return too_short(p);
	copy_addr(&s->src.addr, src);
	copy_addr(&s->dst.addr, dst);
	return decode_tcp(p, s);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IP_HOP_BY_HOP || protocol == IP_ROUTING || protocol == IP_FRAGMENT ||
	       protocol == IP_AUTH || protocol == IP_DESTINATION;
}

/*
 * Passes over the extension headers of RFC 8200, section 4, the first of which is NEXT. SEGMENT_TCP
 * if TCP follows. A fragment header that names neither part nor whole (RFC 6946) changes nothing.
 */
static enum segment_kind skip_extensions(struct peel *p, uint8_t next)
{
	bool fragment = false;

	while (is_extension(next) && !fragment) {
		uint8_t type = next, len;

		next = cur_u8(&p->c);
		len = cur_u8(&p->c);
		if (type == IP_FRAGMENT) {
			fragment = (cur_u16be(&p->c) & IPV6_OFFSET_OR_MORE) != 0;
			cur_skip(&p->c, 4);
		} else if (type == IP_AUTH) {
			cur_skip(&p->c, (size_t)len * 4 + 6);
		} else {
			cur_skip(&p->c, (size_t)len * 8 + 6);
		}
		if (!cur_ok(&p->c))
			return too_short(p);
	}
	if (fragment && (next == IP_TCP || is_extension(next)))
		return SEGMENT_FRAGMENT;
	return next == IP_TCP ? SEGMENT_TCP : SEGMENT_OTHER;
}

static enum segment_kind decode_ipv6(struct peel *p, struct segment *s)
{
	enum segment_kind kind;
	uint16_t payload;
	uint8_t version, next;
	struct slice src, dst;

	version = cur_u8(&p->c);
	cur_skip(&p->c, 3); /* traffic class and flow label */
	payload = cur_u16be(&p->c);
	next = cur_u8(&p->c);
	cur_skip(&p->c, 1); /* hop limit */
	src = cur_bytes(&p->c, 16);
	dst = cur_bytes(&p->c, 16);
	if (!cur_ok(&p->c))
		return too_short(p);
	if (version >> 4 != 6)
		return SEGMENT_BAD;
	if (payload != 0) /* 0 in a jumbogram (RFC 2675), too */
		limit(p, payload);
	kind = skip_extensions(p, next);
	if (kind != SEGMENT_TCP)
		return kind;
	copy_addr(&s->src.addr, src);
	copy_addr(&s->dst.addr, dst);
	return decode_tcp(p, s);
}

static enum segment_kind decode_ip(struct peel *p, struct segment *s)
{
	switch (cur_peek(&p->c) >> 4) {
	case 4:
		return decode_ipv4(p, s);
	case 6:
		return decode_ipv6(p, s);
	default:
		return cur_left(&p->c) == 0 ? too_short(p) : SEGMENT_BAD;
	}
}

/* TYPE was read; tags that may come first are taken off. */
static enum segment_kind decode_ethertype(struct peel *p, uint16_t type, struct segment *s)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		cur_skip(&p->c, 2);
		type = cur_u16be(&p->c);
	}
	if (!cur_ok(&p->c))
		return too_short(p);
	if (type == ETHERTYPE_IPV4)
		return decode_ipv4(p, s);
	if (type == ETHERTYPE_IPV6)
		return decode_ipv6(p, s);
	return SEGMENT_OTHER;
}

/* Four bytes of address family, in the byte order of whatever machine captured it. */
static enum segment_kind decode_loopback(struct peel *p, struct segment *s)
{
	uint32_t family = cur_u32be(&p->c);

	if (!cur_ok(&p->c))
		return too_short(p);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case FAMILY_IPV4:
		return decode_ipv4(p, s);
	case 10: /* AF_INET6 of Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return decode_ipv6(p, s);
	default:
		return SEGMENT_OTHER;
	}
}

static enum segment_kind decode_link(struct peel *p, uint32_t link, struct segment *s)
{
	uint16_t type;

	switch (link) {
	case LINKTYPE_ETHERNET:
		cur_skip(&p->c, 12);
		return decode_ethertype(p, cur_u16be(&p->c), s);
	case LINKTYPE_LINUX_SLL:
		cur_skip(&p->c, 14);
		return decode_ethertype(p, cur_u16be(&p->c), s);
	case LINKTYPE_LINUX_SLL2:
		type = cur_u16be(&p->c);
		cur_skip(&p->c, 18);
		return decode_ethertype(p, type, s);
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		return decode_loopback(p, s);
	case LINKTYPE_RAW:
	case LINKTYPE_RAW_BSD:
	case LINKTYPE_RAW_OPENBSD:
		return decode_ip(p, s);
	case LINKTYPE_IPV4:
		return decode_ipv4(p, s);
	case LINKTYPE_IPV6:
		return decode_ipv6(p, s);
	default:
		return SEGMENT_LINK;
	}
}

enum segment_kind segment_decode(const struct frame *f, struct segment *out)
{
	struct peel p = {
		.c = cur_of(f->bytes),
		.cut = f->wire_len > f->bytes.len ? f->wire_len - f->bytes.len : 0,
	};
	struct segment s = {.frame = f->number, .time_ns = f->time_ns};
	enum segment_kind kind = decode_link(&p, f->link, &s);

	if (kind == SEGMENT_TCP)
		*out = s;
	return kind;
}
