/*
 * tunnels - frames made by hand: headers in hexadecimal digits, one of each kind of tunnel. What they carry is 49
 * bytes of IPv4 (20 of header, 24 of TCP, 5 of payload), or 69 of IPv6.
 */
#ifndef TESTS_TUNNELS_H
#define TESTS_TUNNELS_H

#include <stdlib.h>

#include "base/buf.h"

static inline void put_be(struct buf *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		buf_put_u8(b, n < sizeof(v) ? (uint8_t)(v >> (8 * n)) : 0);
}

static inline void put_hex(struct buf *b, const char *hex)
{
	for (; *hex; hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};

		buf_put_u8(b, (uint8_t)strtoul(digits, NULL, 16));
	}
}

#define ETHERNET(type) "0102030405060708090a0b0c" type
#define OUTER4(total, protocol) "4500" total "0001000040" protocol "0000c0a80001c0a80002"
#define OUTER6(length, next)                                                                       \
	"60000000" length next "40"                                                                \
	"fd000000000000000000000000000001fd000000000000000000000000000002"

struct tunnel {
	uint32_t link;
	const char *header;
	bool v6; /* what is inside */
};

static const struct tunnel tunnels[] = {
	/* IP in IP */
	{101, OUTER4("0045", "04"), false},
	{101, OUTER4("0059", "29"), true},
	{101, OUTER6("0031", "04"), false},
	{101, OUTER6("0045", "29"), true},
	/* GRE; with checksum, key and sequence number; a frame inside */
	{1, ETHERNET("0800") OUTER4("0049", "2f") "00000800", false},
	{101, OUTER4("0055", "2f") "b0000800aaaa0000bbbbbbbbcccccccc", false},
	{101, OUTER6("0059", "2f") "b00086ddaaaa0000bbbbbbbbcccccccc", true},
	{101, OUTER4("0057", "2f") "00006558" ETHERNET("0800"), false},
	{276, "0800000000000001000103060000000000000000" OUTER4("0049", "2f") "00000800", false},
	/* ERSPAN I, II, III: without, with the platform's part, a datagram inside */
	{101, OUTER4("0057", "2f") "000088be" ETHERNET("0800"), false},
	{101, OUTER4("0063", "2f") "100088be000000011001000100000000" ETHERNET("0800"), false},
	{101, OUTER4("0067", "2f") "100022eb00000001200100010000000000000000" ETHERNET("0800"),
	 false},
	{101,
	 OUTER4("0083", "2f") "100022eb000000012001000100000000000000"
			      "010000000000000000" ETHERNET("86dd"),
	 true},
	{101, OUTER4("0059", "2f") "100022eb00000001200100010000000000000800", false},
	/* VXLAN; on Linux's port, a VLAN inside; over IPv6 */
	{1,
	 ETHERNET("0800") OUTER4("0063", "11") "c00012b5004f00000800000000002a00" ETHERNET("0800"),
	 false},
	{101, OUTER4("0067", "11") "c0002118005300000800000000002a00" ETHERNET("8100000a0800"),
	 false},
	{101, OUTER6("004f", "11") "c00012b5004f00000800000000002a00" ETHERNET("0800"), false},
	/* Geneve: with options; IP at once */
	{101,
	 OUTER4("006b", "11") "c00017c1005700000200655800002a00"
			      "0102030405060708" ETHERNET("0800"),
	 false},
	{101, OUTER4("0055", "11") "c00017c1004100000000080000002a00", false},
	/* MPLS: stacked; multicast; a pseudowire; in IP */
	{1, ETHERNET("8847") "0001003f0001013f", false},
	{1, ETHERNET("8848") "0001013f", true},
	{1, ETHERNET("8847") "0001013f00000000" ETHERNET("0800"), false},
	{1, ETHERNET("8847") "0001013f" ETHERNET("0800"), false},
	{1,
	 ETHERNET("8847") "0001013f"
			  "a2a3a4a5a6a7a8a9aaabacad86dd",
	 true},
	{101, OUTER4("0049", "89") "0001013f", false},
	/* PPPoE: its protocol in two bytes and in one; MPLS inside */
	{1, ETHERNET("8864") "1100000100330021", false},
	{1, ETHERNET("8864") "1100000100470057", true},
	{1, ETHERNET("8864") "11000001003221", false},
	{1, ETHERNET("8864") "11000001003702810001013f", false},
	/* of each other: VLAN, MPLS, a pseudowire, QinQ, PPPoE, IP, GRE */
	{1,
	 ETHERNET("8100000a8847") "0001003f0001013f00000000" ETHERNET(
		 "88a8000b8100000c8864") "11000001004b0021" OUTER4("0049", "2f") "00000800",
	 false},
};

enum { TUNNELS = sizeof(tunnels) / sizeof(tunnels[0]) };

#endif
