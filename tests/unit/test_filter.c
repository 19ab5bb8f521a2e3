/* The kernel's filter: it can be compiled for every link, and lets through what may be heard. */
#include "check.h"

#include <pcap/pcap.h>

#include "input/filter.h"
#include "tunnels.h"

enum { FRAME_MAX = 4096, DLT_RAW_LINUX = 12, LINK_RAW = 101 };

static pcap_t *compile(const struct input_options *o, enum filter_tags tags, int link,
		       struct bpf_program *program)
{
	struct buf text;
	pcap_t *pcap = pcap_open_dead(link, 65535);

	buf_init(&text, FILTER_LEN_MAX);
	filter_put(o, tags, &text);
	CHECK(buf_err(&text) == ERR_OK);
	if (pcap_compile(pcap, program, (const char *)text.ptr, 1, PCAP_NETMASK_UNKNOWN) != 0)
		fail_msg("link %d: %s: %s", link, text.ptr, pcap_geterr(pcap));
	buf_release(&text);
	return pcap;
}

static void compiles_on_every_link(void **state)
{
	static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
				    DLT_NULL,   DLT_RAW_LINUX, DLT_IPV4,       DLT_IPV6};
	static const size_t counts[] = {1, 8, TCP_PORTS_MAX};
	struct input_options o = {.any_port = true};
	struct bpf_program program;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (o.port_count = 0; o.port_count < counts[i]; o.port_count++)
			o.ports[o.port_count] = (uint16_t)(3306 + 2 * o.port_count);
		for (size_t l = 0; l < sizeof(links) / sizeof(links[0]); l++) {
			pcap_close(compile(&o, FILTER_TAGS_COME, links[l], &program));
			pcap_freecode(&program);
		}
		pcap_close(compile(&o, FILTER_TAGS_FOLLOWED, DLT_EN10MB, &program));
		CHECK(program.bf_len < 2000); /* the kernel takes 4,096 instructions */
		pcap_freecode(&program);
		o.any_port = false;
	}
}

/* HEADERS, and in it 49 or 69 bytes of TCP to PORT. */
static void put_frame(struct buf *b, const char *headers, bool v6, uint16_t port)
{
	buf_init(b, FRAME_MAX);
	put_hex(b, headers);
	put_hex(b, v6 ? OUTER6("001d", "06") : OUTER4("0031", "06"));
	put_be(b, 40000, 2);
	put_be(b, port, 2);
	put_be(b, 0, 8);
	put_be(b, 0x60180000, 4);
	put_be(b, 0, 8);
	buf_put_cstr(b, "hello");
}

static bool passes(const struct bpf_program *program, struct buf *b)
{
	struct pcap_pkthdr header = {.caplen = (uint32_t)b->len, .len = (uint32_t)b->len};
	bool pass = pcap_offline_filter(program, &header, b->ptr) != 0;

	buf_release(b);
	return pass;
}

static int dlt_of(uint32_t link)
{
	return link == LINK_RAW ? DLT_RAW_LINUX : (int)link;
}

static void tunnels_come(void **state)
{
	const struct input_options o = {.ports = {3306, 3307}, .port_count = 2};

	(void)state;
	for (size_t i = 0; i < TUNNELS; i++) {
		struct bpf_program program;
		pcap_t *pcap = compile(&o, FILTER_TAGS_COME, dlt_of(tunnels[i].link), &program);
		struct buf b;

		put_frame(&b, tunnels[i].header, tunnels[i].v6, 3307);
		if (!passes(&program, &b))
			fail_msg("%s does not pass", tunnels[i].header);
		pcap_freecode(&program);
		pcap_close(pcap);
	}
}

static void ethernet_comes_or_not(void **state)
{
	static const struct {
		const char *header;
		uint16_t port;
		bool pass;
	} frames[] = {
		{ETHERNET("0800"), 3306, true},
		{ETHERNET("0800"), 80, false},
		{ETHERNET("8100000a0800"), 3306, true},
		{ETHERNET("8100000a0800"), 80, false},
		{ETHERNET("88a8000a8100000b0800"), 3306, true},
		{ETHERNET("88a8000a8100000b0800"), 80, false},
		{ETHERNET("88a8000a88a8000a8100000b0800"), 3306, true},
		{ETHERNET("8100000a8847") "0001013f", 3306, true},
		/* inside: GRE, IP in IP, VXLAN, Geneve, in a VLAN */
		{ETHERNET("0800") OUTER4("0049", "2f") "00000800", 80, false},
		{ETHERNET("0800") OUTER4("0045", "04"), 80, false},
		{ETHERNET("0800")
			 OUTER4("0063", "11") "c00012b5004f00000800000000002a00" ETHERNET("0800"),
		 80, false},
		{ETHERNET("0800")
			 OUTER4("0063", "11") "c00017c1004f00000000655800002a00" ETHERNET("0800"),
		 80, false},
		{ETHERNET("0800")
			 OUTER4("0063", "11") "c00017c1004f00000000655800002a00" ETHERNET("0800"),
		 3306, true},
		{ETHERNET("8100000a0800")
			 OUTER4("0063", "11") "c00012b5004f00000800000000002a00" ETHERNET("0800"),
		 80, false},
		{ETHERNET("0800")
			 OUTER4("0063", "11") "c0000035004f00000800000000002a00" ETHERNET("0800"),
		 3306, false}, /* DNS */
	};
	const struct input_options o = {.ports = {3306}, .port_count = 1};
	struct bpf_program program;
	pcap_t *pcap = compile(&o, FILTER_TAGS_FOLLOWED, DLT_EN10MB, &program);
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		put_frame(&b, frames[i].header, false, frames[i].port);
		if (passes(&program, &b) != frames[i].pass)
			fail_msg("frame %zu to port %u", i, frames[i].port);
	}
	pcap_freecode(&program);
	pcap_close(pcap);
}

static void fragments_come(void **state)
{
	static const char *const frames[] = {
		ETHERNET(
			"0800") "4500003100012000400600000a0000010a000002", /* the first, of any port */
		ETHERNET("0800") "4500003100010010400600000a0000010a000002",
		ETHERNET("0800") "4500003100010010401100000a0000010a000002", /* of a tunnel */
		ETHERNET("8100000a0800") "4500003100010010400600000a0000010a000002",
		ETHERNET("86dd") OUTER6("0031", "2c") "0600000100000001",
		ETHERNET("86dd") OUTER6("0031", "00") "0600010400000000", /* extension headers */
	};
	const struct input_options o = {.ports = {3306}, .port_count = 1};
	struct bpf_program program;
	pcap_t *pcap = compile(&o, FILTER_TAGS_FOLLOWED, DLT_EN10MB, &program);
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		put_frame(&b, frames[i], false, 80);
		CHECK(passes(&program, &b));
	}
	buf_init(&b, FRAME_MAX); /* of what is no TCP */
	put_hex(&b, ETHERNET("0800") "4500003100010010400100000a0000010a000002");
	CHECK(!passes(&program, &b));
	pcap_freecode(&program);
	pcap_close(pcap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles_on_every_link),
		cmocka_unit_test(tunnels_come),
		cmocka_unit_test(ethernet_comes_or_not),
		cmocka_unit_test(fragments_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
