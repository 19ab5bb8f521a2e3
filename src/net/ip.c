/* ip - IPv4 and IPv6: headers, extension headers, fragments, and what is inside. */
#include "net/peel.h"

#include <string.h>

enum ip_protocol { /* iana.org protocol numbers */
		   IP_HOP_BY_HOP = 0,
		   IP_IPV4 = 4,
		   IP_TCP = 6,
		   IP_UDP = 17,
		   IP_IPV6 = 41,
		   IP_ROUTING = 43,
		   IP_FRAGMENT = 44,
		   IP_GRE = 47,
		   IP_AUTH = 51,
		   IP_DESTINATION = 60,
		   IP_MPLS = 137,
};

enum {
	IPV4_HEADER_WORDS_MIN = 5,
	IPV4_OFFSET = 0x1fff, /* RFC 791: the fragment offset, in units of 8 bytes */
	IPV4_MORE = 0x2000,   /* the flag MF */
	IPV6_OFFSET = 0xfff8, /* RFC 8200: the fragment offset, in bytes */
	IPV6_MORE = 0x0001,   /* the flag M */
};

static bool is_extension(uint8_t protocol)
{
	return protocol == IP_HOP_BY_HOP || protocol == IP_ROUTING || protocol == IP_FRAGMENT ||
	       protocol == IP_AUTH || protocol == IP_DESTINATION;
}

/* May a segment be found in it? */
static bool is_of_interest(uint8_t protocol)
{
	return protocol == IP_TCP || protocol == IP_UDP || protocol == IP_GRE ||
	       protocol == IP_IPV4 || protocol == IP_IPV6 || protocol == IP_MPLS;
}

static void copy_addr(struct addr *to, struct slice from)
{
	*to = (struct addr){.is_v6 = from.len == sizeof(to->bytes)};
	if (from.len)
		memcpy(to->bytes, from.ptr, from.len);
}

static enum segment_kind peel_inside(struct peel *p, uint8_t protocol, struct segment *s)
{
	if (protocol == IP_TCP)
		return peel_tcp(p, s);
	if (!is_of_interest(protocol))
		return SEGMENT_OTHER;
	if (protocol == IP_UDP) /* which of them are tunnels is found out there */
		return peel_udp(p, s);
	if (!peel_enter(p))
		return SEGMENT_BAD;
	switch (protocol) {
	case IP_IPV4:
		return peel_ipv4(p, s);
	case IP_IPV6:
		return peel_ipv6(p, s);
	case IP_GRE:
		return peel_gre(p, s);
	default:
		return peel_mpls(p, s);
	}
}

/* The first fragment of a UDP datagram tells whether it is a tunnel's. */
static bool is_foreign(const struct peel *p, const struct fragment *f)
{
	struct peel ahead = *p;
	uint16_t port;

	if (f->offset > 0 || is_extension(f->protocol))
		return false;
	if (f->protocol != IP_UDP)
		return !is_of_interest(f->protocol);
	cur_skip(&ahead.c, 2);
	port = cur_u16be(&ahead.c);
	return cur_ok(&ahead.c) && !tunnel_is_udp_port(port);
}

/* What is left of P is the fragment F. SEGMENT_TCP: P is the whole datagram now, F its protocol. */
static enum segment_kind put_together(struct peel *p, struct fragment *f, const struct segment *s)
{
	struct fragment_whole whole;

	if (!p->fragments)
		return SEGMENT_FRAGMENT;
	f->src = s->src.addr;
	f->dst = s->dst.addr;
	f->time_ns = p->time_ns;
	f->wire_len = (uint32_t)peel_wire_left(p);
	f->foreign = is_foreign(p, f);
	f->bytes = cur_rest(&p->c);
	if (!fragments_take(p->fragments, f, &whole))
		return f->foreign ? SEGMENT_OTHER : SEGMENT_FRAGMENT;
	p->c = cur_of(whole.bytes);
	p->cut = whole.wire_len - whole.bytes.len;
	p->rebuilt = true;
	f->protocol = whole.protocol;
	return SEGMENT_TCP;
}

static enum segment_kind peel_ipv4_fragment(struct peel *p, struct fragment *f, struct segment *s)
{
	enum segment_kind kind;

	if (!is_of_interest(f->protocol))
		return SEGMENT_OTHER;
	if (peel_wire_left(p) > FRAGMENTS_DATAGRAM_LEN_MAX)
		return SEGMENT_BAD;
	kind = put_together(p, f, s);
	return kind == SEGMENT_TCP ? peel_inside(p, f->protocol, s) : kind;
}

enum segment_kind peel_ipv4(struct peel *p, struct segment *s)
{
	uint64_t wire = peel_wire_left(p), total;
	size_t header;
	uint16_t place;
	uint8_t version;
	struct fragment f = {.offset = 0};
	struct slice src, dst;

	version = cur_u8(&p->c);
	header = (size_t)(version & 0x0f) * 4;
	cur_skip(&p->c, 1); /* type of service */
	total = cur_u16be(&p->c);
	f.id = cur_u16be(&p->c);
	place = cur_u16be(&p->c);
	cur_skip(&p->c, 1); /* time to live */
	f.protocol = cur_u8(&p->c);
	cur_skip(&p->c, 2); /* checksum */
	src = cur_bytes(&p->c, 4);
	dst = cur_bytes(&p->c, 4);
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (total == 0)
		total = wire;
	if (version >> 4 != 4 || header < IPV4_HEADER_WORDS_MIN * 4 || total < header)
		return SEGMENT_BAD;
	if (!is_of_interest(f.protocol))
		return SEGMENT_OTHER;
	peel_limit(p, total - IPV4_HEADER_WORDS_MIN * 4);
	cur_skip(&p->c, header - IPV4_HEADER_WORDS_MIN * 4);
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	copy_addr(&s->src.addr, src);
	copy_addr(&s->dst.addr, dst);
	if (!(place & (IPV4_MORE | IPV4_OFFSET)))
		return peel_inside(p, f.protocol, s);
	f.offset = (uint32_t)(place & IPV4_OFFSET) * 8;
	f.more = place & IPV4_MORE;
	return peel_ipv4_fragment(p, &f, s);
}

/*
 * The fragment header (RFC 8200, section 4.5) was read up to its next header, F's protocol. One that names neither
 * part nor whole (RFC 6946) changes nothing. What follows is in F's protocol if this is SEGMENT_TCP.
 */
static enum segment_kind peel_ipv6_fragment(struct peel *p, struct fragment *f,
					    const struct segment *s)
{
	uint16_t place;

	cur_skip(&p->c, 1); /* reserved */
	place = cur_u16be(&p->c);
	f->id = cur_u32be(&p->c);
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	f->offset = place & IPV6_OFFSET;
	f->more = place & IPV6_MORE;
	if (f->offset == 0 && !f->more)
		return SEGMENT_TCP;
	if (peel_wire_left(p) > FRAGMENTS_DATAGRAM_LEN_MAX || !peel_enter(p))
		return SEGMENT_BAD;
	if (!is_of_interest(f->protocol) && !is_extension(f->protocol))
		return SEGMENT_OTHER;
	return put_together(p, f, s);
}

/* Passes over the extension headers of RFC 8200, section 4, the first of which is NEXT. */
static enum segment_kind peel_extensions(struct peel *p, uint8_t next, struct segment *s)
{
	while (is_extension(next)) {
		struct fragment f = {.protocol = 0};
		enum segment_kind kind = SEGMENT_TCP;
		uint8_t type = next, len = 0;

		f.protocol = cur_u8(&p->c);
		if (type != IP_FRAGMENT)
			len = cur_u8(&p->c);
		if (type == IP_FRAGMENT)
			kind = peel_ipv6_fragment(p, &f, s);
		else if (type == IP_AUTH)
			cur_skip(&p->c, (size_t)len * 4 + 6);
		else
			cur_skip(&p->c, (size_t)len * 8 + 6);
		if (kind != SEGMENT_TCP)
			return kind;
		if (!cur_ok(&p->c))
			return peel_too_short(p);
		next = f.protocol;
	}
	return peel_inside(p, next, s);
}

enum segment_kind peel_ipv6(struct peel *p, struct segment *s)
{
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
		return peel_too_short(p);
	if (version >> 4 != 6)
		return SEGMENT_BAD;
	if (payload != 0) /* 0 in a jumbogram (RFC 2675), too */
		peel_limit(p, payload);
	copy_addr(&s->src.addr, src);
	copy_addr(&s->dst.addr, dst);
	return peel_extensions(p, next, s);
}

enum segment_kind peel_ip(struct peel *p, struct segment *s)
{
	switch (cur_peek(&p->c) >> 4) {
	case 4:
		return peel_ipv4(p, s);
	case 6:
		return peel_ipv6(p, s);
	default:
		return cur_left(&p->c) == 0 ? peel_too_short(p) : SEGMENT_BAD;
	}
}
