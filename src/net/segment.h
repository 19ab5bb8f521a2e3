/*
 * segment - the TCP part of a frame.
 */
#ifndef NET_SEGMENT_H
#define NET_SEGMENT_H

#include "base/err.h"
#include "net/addr.h"
#include "net/frame.h"

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

struct segment {
	uint64_t frame; /* ordinal of the frame, from 1 */
	int64_t time_ns;
	struct endpoint src, dst;
	uint32_t seq, ack; /* ack is meaningful only with TCP_ACK */
	uint8_t flags;
	struct slice payload;      /* what was captured of it; see segment_decode() for how long */
	uint32_t payload_wire_len; /* what was sent; more than payload.len if the capture cut it */
};

enum segment_kind {
	SEGMENT_TCP,       /* a segment was found */
	SEGMENT_OTHER,     /* well formed, but not TCP: ARP, UDP, ... */
	SEGMENT_FRAGMENT,  /* part of an IP datagram that is not whole yet */
	SEGMENT_TRUNCATED, /* the capture cut the frame before the TCP header's end */
	SEGMENT_BAD,       /* headers that contradict themselves */
	SEGMENT_LINK,      /* a link type that is not decoded */
	SEGMENT_KINDS,
};

struct fragments;

/*
 * Reduces *F to its TCP segment. Only SEGMENT_TCP writes *OUT. Ethernet (also VLAN, QinQ), Linux
 * cooked v1 and v2, BSD and OpenBSD loopback, raw IP; IPv4 with options, IPv6 with extension
 * headers; inside GRE, ERSPAN, VXLAN, Geneve, IP in IP, MPLS and PPPoE, also of each other, up to 8 of
 * them (more is SEGMENT_BAD): the addresses are the innermost ones. Lengths of 0 in the IP and UDP
 * headers (segmentation offload) mean "to the end of the frame"; padding behind the IP datagram is
 * left off. Checksums are not checked, since offloading leaves them unset on the sending machine; but
 * for what was put together from fragments.
 *
 * FRAGMENTS puts IP fragments together: the segment comes with the last of them, and with its time and
 * number. NULL: fragments are told as such. The payload is borrowed from the frame and FRAGMENTS, until
 * the next call.
 */
enum segment_kind segment_decode(struct fragments *fragments, const struct frame *f,
				 struct segment *out) MUST_CHECK;

#endif
