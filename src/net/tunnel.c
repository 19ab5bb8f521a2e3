/*
 * tunnel - what carries frames or datagrams inside of others.
 *
 *   GRE      RFC 2784, 2890     checksum, key and sequence number passed over; IP, MPLS or a whole frame inside
 *   ERSPAN   I to III, draft-foschiano-erspan: frames of a switch's mirror port, over GRE
 *   VXLAN    RFC 7348           UDP port 4789, or 8472 (Linux's first)
 *   Geneve   RFC 8926           UDP port 6081
 *   MPLS     RFC 3032, 4385     what is inside is not named: IP shows by its version, a frame by its type
 *   PPPoE    RFC 2516
 */
#include "net/peel.h"

enum {
	PORT_VXLAN = 4789,
	PORT_VXLAN_LINUX = 8472,
	PORT_GENEVE = 6081,
	UDP_HEADER = 8,
};

enum gre_flag {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000, /* RFC 1701; nobody sends it */
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007, /* 1: PPTP */
};

enum {
	ERSPAN_2_REST = 8, /* bytes */
	ERSPAN_3_REST = 8, /* before its last half-word */
	ERSPAN_3_PLATFORM = 0x0001,
	ERSPAN_3_TYPE = 0x7c00, /* of the frame */
	ERSPAN_3_TYPE_IP = 0x0800,
	VXLAN_ID_PRESENT = 0x08,
	ETHERNET_HEADER = 14,
	CONTROL_WORD = 4,
	MPLS_BOTTOM = 0x100, /* of a label's 32 bits: the last label */
	PPPOE_VERSION_TYPE = 0x11,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_SHORT = 0x01, /* RFC 1661, 6.5: an odd first byte is all of the protocol's number */
};

/* Without a sequence number the header of version II is missing: that is version I. */
static enum segment_kind peel_erspan(struct peel *p, bool numbered, struct segment *s)
{
	if (numbered)
		cur_skip(&p->c, ERSPAN_2_REST);
	return peel_ethernet(p, s);
}

static enum segment_kind peel_erspan_3(struct peel *p, struct segment *s)
{
	uint16_t what;

	cur_skip(&p->c, ERSPAN_3_REST + 2);
	what = cur_u16be(&p->c);
	if (what & ERSPAN_3_PLATFORM)
		cur_skip(&p->c, 8);
	if ((what & ERSPAN_3_TYPE) == ERSPAN_3_TYPE_IP)
		return peel_ip(p, s);
	return what & ERSPAN_3_TYPE ? SEGMENT_OTHER : peel_ethernet(p, s);
}

enum segment_kind peel_gre(struct peel *p, struct segment *s)
{
	uint16_t flags = cur_u16be(&p->c), type = cur_u16be(&p->c);

	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return SEGMENT_OTHER;
	if (flags & GRE_CHECKSUM)
		cur_skip(&p->c, 4);
	if (flags & GRE_KEY)
		cur_skip(&p->c, 4);
	if (flags & GRE_SEQUENCE)
		cur_skip(&p->c, 4);
	switch (type) {
	case ETHERTYPE_BRIDGING:
		return peel_ethernet(p, s);
	case ETHERTYPE_ERSPAN:
		return peel_erspan(p, flags & GRE_SEQUENCE, s);
	case ETHERTYPE_ERSPAN_3:
		return peel_erspan_3(p, s);
	default:
		return peel_ethertype(p, type, s);
	}
}

static enum segment_kind peel_vxlan(struct peel *p, struct segment *s)
{
	uint8_t flags = cur_u8(&p->c);

	cur_skip(&p->c, 7); /* reserved, the network's number, reserved */
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	return flags & VXLAN_ID_PRESENT ? peel_ethernet(p, s) : SEGMENT_OTHER;
}

static enum segment_kind peel_geneve(struct peel *p, struct segment *s)
{
	uint8_t first = cur_u8(&p->c);
	uint16_t type;

	cur_skip(&p->c, 1); /* flags */
	type = cur_u16be(&p->c);
	cur_skip(&p->c, 4); /* the network's number, reserved */
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (first >> 6 != 0) /* version */
		return SEGMENT_OTHER;
	cur_skip(&p->c, (size_t)(first & 0x3f) * 4); /* options */
	if (type == ETHERTYPE_BRIDGING)
		return peel_ethernet(p, s);
	return peel_ethertype(p, type, s);
}

bool tunnel_is_udp_port(uint16_t port)
{
	return port == PORT_VXLAN || port == PORT_VXLAN_LINUX || port == PORT_GENEVE;
}

enum segment_kind peel_udp(struct peel *p, struct segment *s)
{
	uint16_t port, len;

	cur_skip(&p->c, 2); /* the source's port: chosen to spread the flows */
	port = cur_u16be(&p->c);
	if (cur_ok(&p->c) && !tunnel_is_udp_port(port))
		return SEGMENT_OTHER;
	len = cur_u16be(&p->c);
	cur_skip(&p->c, 2); /* checksum */
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if ((len > 0 && len < UDP_HEADER) || !peel_enter(p))
		return SEGMENT_BAD;
	if (len > 0) /* 0: segmentation offload */
		peel_limit(p, len - UDP_HEADER);
	return port == PORT_GENEVE ? peel_geneve(p, s) : peel_vxlan(p, s);
}

/* A frame, with a control word in front or without: that is where a type is that we know. */
static enum segment_kind peel_pseudowire(struct peel *p, struct segment *s)
{
	struct cursor ahead = p->c;

	if (cur_left(&p->c) < CONTROL_WORD + ETHERNET_HEADER)
		return peel_too_short(p);
	cur_skip(&ahead, CONTROL_WORD + ETHERNET_HEADER - 2);
	switch (cur_u16be(&ahead)) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
	case ETHERTYPE_PPPOE_SESSION:
		if (cur_peek(&p->c) >> 4 == 0)
			cur_skip(&p->c, CONTROL_WORD);
		break;
	}
	return peel_ethernet(p, s);
}

enum segment_kind peel_mpls(struct peel *p, struct segment *s)
{
	uint32_t label;

	do
		label = cur_u32be(&p->c);
	while (cur_ok(&p->c) && !(label & MPLS_BOTTOM));
	if (!cur_ok(&p->c) || cur_left(&p->c) == 0)
		return peel_too_short(p);
	switch (cur_peek(&p->c) >> 4) {
	case 4:
		return peel_ipv4(p, s);
	case 6:
		return peel_ipv6(p, s);
	default:
		return peel_pseudowire(p, s);
	}
}

enum segment_kind peel_pppoe(struct peel *p, struct segment *s)
{
	uint8_t version = cur_u8(&p->c), code = cur_u8(&p->c);
	uint16_t len, protocol;

	cur_skip(&p->c, 2); /* the session's number */
	len = cur_u16be(&p->c);
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	if (version != PPPOE_VERSION_TYPE || code != 0)
		return SEGMENT_OTHER;
	peel_limit(p, len);
	protocol = cur_peek(&p->c) & PPP_SHORT ? cur_u8(&p->c) : cur_u16be(&p->c);
	if (!cur_ok(&p->c))
		return peel_too_short(p);
	switch (protocol) {
	case PPP_IPV4:
		return peel_ipv4(p, s);
	case PPP_IPV6:
		return peel_ipv6(p, s);
	case PPP_MPLS:
		return peel_mpls(p, s);
	default:
		return SEGMENT_OTHER;
	}
}
