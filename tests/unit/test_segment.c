#include "check.h"

#include "base/buf.h"
#include "net/segment.h"
#include "tunnels.h"

enum { FRAME_MAX = 4096 };

static void put_tcp(struct buf *b, const char *payload)
{
	put_be(b, 40000, 2);
	put_be(b, 3306, 2);
	put_be(b, 0x01020304, 4);
	put_be(b, 0xfffefdfc, 4);
	put_be(b, 0x6018, 2); /* 24 bytes of header; PSH and ACK */
	put_be(b, 0, 6);
	put_be(b, 0x01010101, 4);
	buf_put_cstr(b, payload);
}

static size_t tcp_len(const char *payload)
{
	return 24 + strlen(payload);
}

static void put_ipv4_header(struct buf *b, uint16_t total, uint16_t fragment, uint8_t protocol)
{
	put_be(b, 0x4500, 2);
	put_be(b, total, 2);
	put_be(b, 0x1234, 2);
	put_be(b, fragment, 2);
	put_be(b, 64, 1);
	put_be(b, protocol, 1);
	put_be(b, 0, 2);
	put_be(b, 0x0a000001, 4);
	put_be(b, 0x0a000002, 4);
}

static void put_ipv4(struct buf *b, const char *payload)
{
	put_ipv4_header(b, (uint16_t)(20 + tcp_len(payload)), 0x4000, 6);
	put_tcp(b, payload);
}

static void put_ipv6_header(struct buf *b, uint16_t len, uint8_t next)
{
	put_be(b, 0x60000000, 4);
	put_be(b, len, 2);
	put_be(b, next, 1);
	put_be(b, 64, 1);
	put_be(b, 0xfe80000000000000u, 8);
	put_be(b, 1, 8);
	put_be(b, 0xfe80000000000000u, 8);
	put_be(b, 2, 8);
}

static void put_ipv6(struct buf *b, const char *payload)
{
	put_ipv6_header(b, (uint16_t)tcp_len(payload), 6);
	put_tcp(b, payload);
}

static enum segment_kind decode(const struct buf *b, uint32_t link, size_t wire, struct segment *s)
{
	uint8_t *exact = exact_copy(buf_slice(b), b->len);
	struct frame f = {.number = 9,
			  .time_ns = 77,
			  .link = link,
			  .wire_len = (uint32_t)wire,
			  .bytes = slice_of(exact, b->len)};
	enum segment_kind kind = segment_decode(NULL, &f, s);

	/* The payload is borrowed: what is compared afterwards must not be the freed copy. */
	if (kind == SEGMENT_TCP && s->payload.len)
		s->payload.ptr = b->ptr + (s->payload.ptr - exact);
	free(exact);
	return kind;
}

/* B holds a frame whose payload is "hello"; it is decoded, and then cut at every byte. */
static void check_hello(struct buf *b, uint32_t link, bool v6)
{
	struct segment s = {0}, untouched = {.seq = 42};
	size_t len = b->len;
	char text[ENDPOINT_TEXT_MAX];

	CHECK(decode(b, link, len, &s) == SEGMENT_TCP);
	CHECK(s.frame == 9 && s.time_ns == 77);
	CHECK(s.seq == 0x01020304 && s.ack == 0xfffefdfc && s.flags == (TCP_PSH | TCP_ACK));
	CHECK(slice_eq(s.payload, SLICE_LIT("hello")) && s.payload_wire_len == 5);
	assert_string_equal(endpoint_format(&s.src, text),
			    v6 ? "[fe80::1]:40000" : "10.0.0.1:40000");
	assert_string_equal(endpoint_format(&s.dst, text), v6 ? "[fe80::2]:3306" : "10.0.0.2:3306");
	for (b->len = 0; b->len < len - 5; b->len++) {
		CHECK(decode(b, link, len, &untouched) == SEGMENT_TRUNCATED);
		CHECK(untouched.seq == 42);
	}
	for (; b->len < len; b->len++) {
		CHECK(decode(b, link, len, &s) == SEGMENT_TCP);
		CHECK(s.payload.len == 5 - (len - b->len) && s.payload_wire_len == 5);
	}
}

static void every_link_type_leads_to_tcp(void **state)
{
	static const struct {
		uint32_t link;
		const char *header; /* hex */
		bool v6;
	} links[] = {
		{1, "0102030405060708090a0b0c0800", false},
		{1, "0102030405060708090a0b0c86dd", true},
		{1, "0102030405060708090a0b0c8100000a0800", false},
		{1, "0102030405060708090a0b0c88a8000a8100000b86dd", true},
		{1, "0102030405060708090a0b0c9100000a8100000b0800", false},
		{113, "00000304000600000000000000000800", false},
		{113, "000003040006000000000000000086dd", true},
		{276, "0800000000000001000103060000000000000000", false},
		{276, "0800000000000001000103060000000000000000000a0800", false},
		{276, "86dd000000000001000103060000000000000000", true},
		{0, "02000000", false},
		{0, "00000002", false},
		{0, "1e000000", true},
		{0, "0000000a", true},
		{108, "00000002", false},
		{108, "00000018", true},
		{101, "", false},
		{101, "", true},
		{12, "", false},
		{14, "", true},
		{228, "", false},
		{229, "", true},
	};
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		buf_reset(&b);
		put_hex(&b, links[i].header);
		if (links[i].v6)
			put_ipv6(&b, "hello");
		else
			put_ipv4(&b, "hello");
		check_hello(&b, links[i].link, links[i].v6);
	}
	buf_release(&b);
}

static void every_tunnel_leads_to_tcp(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		buf_reset(&b);
		put_hex(&b, tunnels[i].header);
		if (tunnels[i].v6)
			put_ipv6(&b, "hello");
		else
			put_ipv4(&b, "hello");
		check_hello(&b, tunnels[i].link, tunnels[i].v6);
	}
	buf_release(&b);
}

static void tunnels_end_somewhere(void **state)
{
	struct segment s = {0};
	struct buf b;

	(void)state;
	for (unsigned depth = 1; depth < 20; depth++) {
		buf_init(&b, FRAME_MAX);
		for (unsigned i = depth; i > 0; i--)
			put_ipv4_header(&b, (uint16_t)(i * 20 + 20 + tcp_len("hello")), 0, 4);
		put_ipv4(&b, "hello");
		CHECK(decode(&b, 101, b.len, &s) == (depth <= 8 ? SEGMENT_TCP : SEGMENT_BAD));
		buf_release(&b);
	}
}

static void padding_is_no_payload(void **state)
{
	struct segment s = {0};
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	put_ipv4(&b, "");
	buf_put_zeros(&b, 6);
	CHECK(decode(&b, 101, b.len, &s) == SEGMENT_TCP);
	CHECK(s.payload.len == 0 && s.payload_wire_len == 0);
	buf_reset(&b);
	put_ipv6(&b, "x");
	buf_put_zeros(&b, 6);
	CHECK(decode(&b, 101, b.len, &s) == SEGMENT_TCP);
	CHECK(slice_eq(s.payload, SLICE_LIT("x")) && s.payload_wire_len == 1);
	buf_release(&b);
}

static void length_zero_means_to_the_end(void **state)
{
	struct segment s = {0};
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	put_ipv4_header(&b, 0, 0, 6);
	put_tcp(&b, "offloaded");
	CHECK(decode(&b, 101, b.len + 70000, &s) == SEGMENT_TCP);
	CHECK(slice_eq(s.payload, SLICE_LIT("offloaded")) && s.payload_wire_len == 70009);
	buf_reset(&b);
	put_ipv6_header(&b, 0, 0);
	put_be(&b, 0x0600c20400012345, 8); /* hop-by-hop: the jumbo payload option */
	put_tcp(&b, "jumbo");
	CHECK(decode(&b, 101, b.len, &s) == SEGMENT_TCP);
	CHECK(slice_eq(s.payload, SLICE_LIT("jumbo")));
	buf_release(&b);
}

static void options_and_extension_headers_are_passed_over(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	put_ipv4_header(&b, (uint16_t)(24 + tcp_len("hello")), 0, 6);
	b.ptr[0] = 0x46;
	put_be(&b, 0x94040000, 4); /* router alert */
	put_tcp(&b, "hello");
	check_hello(&b, 101, false);
	buf_reset(&b);
	put_ipv6_header(&b, (uint16_t)(8 + 16 + 8 + 8 + 24 + tcp_len("hello")), 0);
	put_be(&b, 0x3c00010400000000, 8); /* hop-by-hop, then destination options */
	put_be(&b, 0x2b01010c00000000, 8);
	put_be(&b, 0, 8);
	put_be(&b, 0x2c00000000000000, 8); /* routing, then fragment: the whole datagram */
	put_be(&b, 0x3300000012345678, 8);
	put_be(&b, 0x0604000000000000, 8); /* authentication, 24 bytes */
	put_be(&b, 0, 8);
	put_be(&b, 0, 8);
	put_tcp(&b, "hello");
	check_hello(&b, 101, true);
	buf_release(&b);
}

static enum segment_kind kind_of(const struct buf *b, uint32_t link)
{
	struct segment s = {.seq = 42};
	enum segment_kind kind = decode(b, link, b->len, &s);

	CHECK(kind == SEGMENT_TCP || s.seq == 42);
	return kind;
}

static void fragments_are_told(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	put_ipv4_header(&b, (uint16_t)(20 + tcp_len("hello")), 0x2000, 6);
	put_tcp(&b, "hello");
	CHECK(kind_of(&b, 101) == SEGMENT_FRAGMENT);
	b.ptr[6] = 0;
	b.ptr[7] = 0xb9;
	CHECK(kind_of(&b, 101) == SEGMENT_FRAGMENT);
	b.ptr[9] = 1;
	CHECK(kind_of(&b, 101) == SEGMENT_OTHER);
	buf_reset(&b);
	put_ipv6_header(&b, (uint16_t)(8 + tcp_len("hello")), 44);
	put_be(&b, 0x0600000112345678, 8);
	put_tcp(&b, "hello");
	CHECK(kind_of(&b, 101) == SEGMENT_FRAGMENT);
	b.ptr[40] = 58;
	CHECK(kind_of(&b, 101) == SEGMENT_OTHER);
	b.ptr[40] = 60; /* which may be anywhere */
	CHECK(kind_of(&b, 101) == SEGMENT_FRAGMENT);
	buf_release(&b);
}

static void what_is_not_tcp_is_other(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	buf_put_zeros(&b, 12);
	put_be(&b, 0x0806, 2);
	buf_put_zeros(&b, 28);
	CHECK(kind_of(&b, 1) == SEGMENT_OTHER);
	buf_reset(&b);
	put_ipv4_header(&b, 28, 0, 17);
	buf_put_zeros(&b, 8);
	CHECK(kind_of(&b, 101) == SEGMENT_OTHER);
	CHECK(kind_of(&b, 105) == SEGMENT_LINK);
	buf_reset(&b);
	put_be(&b, 7, 4);
	CHECK(kind_of(&b, 0) == SEGMENT_OTHER);
	buf_release(&b);
}

static void tunnels_of_others_are_other(void **state)
{
	static const char *const frames[] = {
		OUTER4("0020", "11") "c00012b5000c000000000000", /* cut short */
		OUTER4("002c",
		       "11") "c00012b5001800000000000000002a000000000000000000", /* no VXLAN */
		OUTER4("002c",
		       "11") "c00017c1001800004000655800002a000000000000000000", /* version */
		OUTER4("002c", "2f") "2001880b000000000000000000000000"
				     "0000000000000000", /* PPTP */
		OUTER4("002c", "2f") "00000806000000000000000000000000"
				     "0000000000000000",                                 /* ARP */
		OUTER4("002c", "11") "00350035001800000000000000002a000000000000000000", /* DNS */
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		buf_init(&b, FRAME_MAX);
		put_hex(&b, frames[i]);
		CHECK(kind_of(&b, 101) == (i == 0 ? SEGMENT_BAD : SEGMENT_OTHER));
		buf_release(&b);
	}
}

static void contradictions_are_bad(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {
		{0, 0x55},  /* version */
		{0, 0x44},  /* header of 16 bytes */
		{3, 19},    /* shorter than its own header */
		{3, 43},    /* shorter than TCP's header */
		{32, 0x40}, /* TCP header of 16 bytes */
	};
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	put_ipv4(&b, "hello");
	CHECK(kind_of(&b, 101) == SEGMENT_TCP);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t right = b.ptr[wrong[i].at];

		b.ptr[wrong[i].at] = wrong[i].value;
		CHECK(kind_of(&b, 228) == SEGMENT_BAD);
		b.ptr[wrong[i].at] = right;
	}
	for (b.len = 0; b.len < 44; b.len++) /* short on the wire, not cut by the capture */
		CHECK(kind_of(&b, 228) == (b.len < 20 ? SEGMENT_BAD : SEGMENT_TRUNCATED));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_type_leads_to_tcp),
		cmocka_unit_test(every_tunnel_leads_to_tcp),
		cmocka_unit_test(tunnels_end_somewhere),
		cmocka_unit_test(tunnels_of_others_are_other),
		cmocka_unit_test(padding_is_no_payload),
		cmocka_unit_test(length_zero_means_to_the_end),
		cmocka_unit_test(options_and_extension_headers_are_passed_over),
		cmocka_unit_test(fragments_are_told),
		cmocka_unit_test(what_is_not_tcp_is_other),
		cmocka_unit_test(contradictions_are_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
