/*
 * peel - a frame while its headers are taken off, from the outside. Internal to net/.
 *
 *   segment.c   the link's header, Ethernet and its tags; TCP
 *   ip.c        IPv4, IPv6, extension headers, fragments
 *   tunnel.c    GRE, ERSPAN, VXLAN, Geneve, MPLS, PPPoE
 *
 * What the capture cut off (frame.wire_len) is kept beside the cursor as a number, so that each layer knows how
 * long it was on the wire. A peel_*() function takes what it is named after and everything inside.
 */
#ifndef NET_PEEL_H
#define NET_PEEL_H

#include "base/cursor.h"
#include "net/fragment.h"
#include "net/segment.h"

enum {
	TUNNELS_MAX = 8, /* inside each other */
};

enum ethertype { /* IEEE 802 numbers, iana.org */
		 ETHERTYPE_IPV4 = 0x0800,
		 ETHERTYPE_ERSPAN_3 = 0x22eb,
		 ETHERTYPE_BRIDGING = 0x6558, /* a whole Ethernet frame; in tunnels only */
		 ETHERTYPE_VLAN = 0x8100,
		 ETHERTYPE_IPV6 = 0x86dd,
		 ETHERTYPE_MPLS = 0x8847,
		 ETHERTYPE_MPLS_MULTICAST = 0x8848,
		 ETHERTYPE_PPPOE_SESSION = 0x8864,
		 ETHERTYPE_QINQ = 0x88a8,
		 ETHERTYPE_ERSPAN = 0x88be,
		 ETHERTYPE_QINQ_OLD = 0x9100,
};

struct peel {
	struct cursor c;
	uint64_t cut;                /* bytes that were on the wire behind the cursor's end */
	struct fragments *fragments; /* NULL: they are not put together */
	int64_t time_ns;
	unsigned tunnels; /* entered so far */
	bool rebuilt;     /* what is read was put together from fragments */
};

static inline uint64_t peel_wire_left(const struct peel *p)
{
	return cur_left(&p->c) + p->cut;
}

/* A header that needs more than there is: was the rest cut off, or was it never there? */
static inline enum segment_kind peel_too_short(const struct peel *p)
{
	return p->cut > 0 ? SEGMENT_TRUNCATED : SEGMENT_BAD;
}

/* Says that exactly WIRE bytes follow: what is behind them is padding, what is missing was cut. */
static inline void peel_limit(struct peel *p, uint64_t wire)
{
	size_t left = cur_left(&p->c);

	if (wire < left)
		p->c.end = p->c.pos + wire;
	p->cut = wire < left ? 0 : wire - left;
}

/* What is inside a tunnel comes next. False: too many of them already. */
static inline bool peel_enter(struct peel *p)
{
	return p->tunnels++ < TUNNELS_MAX;
}

/* segment.c */
enum segment_kind peel_tcp(struct peel *p, struct segment *s);
enum segment_kind peel_ethernet(struct peel *p, struct segment *s);
/* TYPE was read; tags that may come first are taken off. */
enum segment_kind peel_ethertype(struct peel *p, uint16_t type, struct segment *s);

/* ip.c */
enum segment_kind peel_ipv4(struct peel *p, struct segment *s);
enum segment_kind peel_ipv6(struct peel *p, struct segment *s);
enum segment_kind peel_ip(struct peel *p, struct segment *s); /* either, by its first byte */

/* tunnel.c */
enum segment_kind peel_gre(struct peel *p, struct segment *s);
enum segment_kind peel_udp(struct peel *p, struct segment *s);
bool tunnel_is_udp_port(uint16_t port); /* a datagram to PORT is a tunnel's */
enum segment_kind peel_mpls(struct peel *p, struct segment *s);
enum segment_kind peel_pppoe(struct peel *p, struct segment *s);

#endif
