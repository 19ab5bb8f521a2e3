/* filter - what the kernel lets through: all that may carry a segment of the ports. */
#include "input/filter.h"

enum {
	INNER_PORTS_MAX =
		8, /* with more, a program that is run for each frame would grow too long */
	IPV4_HEADER = 20,
};

static const char fragments[] =
	" or (ip[6:2] & 0x3fff != 0 and (ip proto 6 or ip proto 17 or ip proto 4 or ip proto 41 or "
	"ip proto 47 or ip proto 137))";

/* Extension headers: a fragment's is one. */
static const char extensions[] =
	" or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60))";

/* Tunnels whose inside the filter does not look at. */
static const char tunnels[] =
	" or ip proto 41 or ip proto 137 or ip6 proto 4 or ip6 proto 41 or ip6 proto 47 or "
	"ip6 proto 137 or ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864";

static const char tags_come[] =
	" or ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100";

static void put_ports(const struct input_options *o, struct buf *out)
{
	if (o->any_port) {
		buf_put_cstr(out, "tcp");
		return;
	}
	buf_put_cstr(out, "(tcp and (");
	for (size_t i = 0; i < o->port_count; i++)
		buf_printf(out, "%sport %u", i ? " or " : "", (unsigned)o->ports[i]);
	buf_put_cstr(out, "))");
}

/*
 * A tunnel, but for what is surely a segment of other ports: IPv4 without options at byte AT of HEADER, where SHAPE
 * (which may be empty, or ends in "and") says that it is there.
 */
static void put_tunnel(const struct input_options *o, const char *tunnel, const char *header,
		       unsigned at, const char *shape, struct buf *out)
{
	buf_printf(out, " or (%s", tunnel);
	if (!o->any_port && o->port_count <= INNER_PORTS_MAX) {
		buf_printf(out,
			   " and not (%s %s[%u] = 0x45 and %s[%u:2] & 0x3fff = 0 and %s[%u] = 6",
			   shape, header, at, header, at + 6, header, at + 9);
		for (size_t i = 0; i < o->port_count; i++)
			buf_printf(out, " and %s[%u:2] != %u and %s[%u:2] != %u", header,
				   at + IPV4_HEADER, (unsigned)o->ports[i], header,
				   at + IPV4_HEADER + 2, (unsigned)o->ports[i]);
		buf_put_cstr(out, ")");
	}
	buf_put_cstr(out, ")");
}

/* All that may carry a segment, where no VLAN's tag is in the way. */
static void put_untagged(const struct input_options *o, struct buf *out)
{
	put_ports(o, out);
	buf_put_cstr(out, fragments);
	buf_put_cstr(out, extensions);
	put_tunnel(o, "ip proto 4", "ip", IPV4_HEADER, "ip[0] = 0x45 and", out);
	put_tunnel(o, "ip proto 47", "ip", IPV4_HEADER + 4, "ip[0] = 0x45 and ip[20:4] = 0x800 and",
		   out);
	put_tunnel(o, "(udp dst port 4789 or udp dst port 8472)", "udp", 8 + 8 + 14,
		   "udp[28:2] = 0x800 and", out);
	put_tunnel(o, "udp dst port 6081", "udp", 8 + 8 + 14,
		   "udp[8] & 0x3f = 0 and udp[10:2] = 0x6558 and udp[28:2] = 0x800 and", out);
	buf_put_cstr(out, tunnels);
}

void filter_put(const struct input_options *o, enum filter_tags tags, struct buf *out)
{
	put_untagged(o, out);
	switch (tags) {
	case FILTER_TAGS_FOLLOWED: /* "vlan" moves all that is behind it by a tag */
		for (int i = 0; i < 2; i++) {
			buf_put_cstr(out, " or (vlan and (");
			put_untagged(o, out);
			buf_put_cstr(out, "))");
		}
		buf_put_cstr(out, " or vlan");
		break;
	case FILTER_TAGS_COME:
		buf_put_cstr(out, tags_come);
		break;
	}
	buf_put_u8(out, 0);
}
