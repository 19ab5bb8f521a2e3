/*
 * live - frames of an interface, by libpcap: the only file that knows it.
 */
#include <pcap/pcap.h>

#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/ops.h"

enum {
	SNAP_LEN_WHOLE = 262144, /* libpcap's MAXIMUM_SNAPLEN */
	BUFFER_USUAL = 64 << 20, /* bytes of the kernel's ring */
	BUFFER_MAX = INT32_MAX,  /* what pcap_set_buffer_size() takes */
	WAIT_MS = 100,           /* frames are handed on after that time at the latest */
	LINKTYPE_RAW = 101,
	DLT_RAW_LINUX = 12, /* the only decoded link that has two numbers */
	NAMES_MAX = 256,    /* bytes of a message's list of interfaces */
};

static const int64_t EARLY_NS = NS_PER_S;

struct live {
	struct capture base; /* first */
	pcap_t *pcap;
	uint32_t link;
	int64_t fraction_ns;
	uint32_t drops, if_drops; /* as libpcap told them last; they wrap */
	int64_t since_ns;         /* frames from before are passed over; 0: not any more */
	int64_t since_until_ns;   /* monotonic: by then none is left, whatever the clocks say */
};

/* libpcap lists devices, too, that carry no network's frames: nflog, nfqueue, dbus, usbmon, bluetooth. */
static bool is_network(const char *name)
{
	return strcmp(name, "any") == 0 || if_nametoindex(name) != 0;
}

/* ", "-separated names of the interfaces that exist. */
static void list_interfaces(char to[NAMES_MAX])
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_if_t *all = NULL;
	size_t len = 0;

	to[0] = '\0';
	if (pcap_findalldevs(&all, error) != 0)
		return;
	for (const pcap_if_t *i = all; i && len < NAMES_MAX; i = i->next) {
		int n = 0;

		if (is_network(i->name))
			n = snprintf(to + len, NAMES_MAX - len, "%s%s", len ? ", " : "", i->name);
		len += n > 0 ? (size_t)n : 0;
	}
	pcap_freealldevs(all);
}

static enum err no_interface(const char *name, struct errinfo *info)
{
	char names[NAMES_MAX];

	list_interfaces(names);
	return err_set(info, ERR_IO, 0, "no interface %s; there are: %s", name, names);
}

/* Why pcap_activate() gave STATUS, in words that help. */
static enum err not_activated(pcap_t *pcap, const char *name, int status, struct errinfo *info)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return err_set(info, ERR_IO, 0,
			       "no permission to listen on %s: run as root, or give the program "
			       "the right to: setcap cap_net_raw+ep PROGRAM",
			       name);
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return no_interface(name, info);
	case PCAP_ERROR_IFACE_NOT_UP:
		return err_set(info, ERR_IO, 0, "the interface %s is not up", name);
	default:
		return err_set(info, ERR_IO, 0, "listen on %s: %s", name, pcap_geterr(pcap));
	}
}

static enum err set_filter(struct live *l, const char *filter, const char *plain,
			   struct errinfo *info)
{
	struct bpf_program program;
	enum err e = ERR_OK;
	int failed;

	if (!filter || filter[0] == '\0')
		return ERR_OK;
	failed = pcap_compile(l->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
	if (failed && plain) {
		filter = plain;
		failed = pcap_compile(l->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
	}
	if (failed)
		return err_set(info, ERR_IO, 0, "capture filter \"%s\": %s", filter,
			       pcap_geterr(l->pcap));
	if (pcap_setfilter(l->pcap, &program) != 0)
		e = err_set(info, ERR_IO, 0, "set the capture filter \"%s\": %s", filter,
			    pcap_geterr(l->pcap));
	pcap_freecode(&program);
	return e;
}

/* These can fail only on a handle that is active already. */
static void set_options(pcap_t *pcap, const struct capture_live_options *options)
{
	uint64_t buffer = options->buffer_bytes ? options->buffer_bytes : BUFFER_USUAL;
	uint32_t snap_len = options->snap_len;

	if (snap_len == 0 || snap_len > SNAP_LEN_WHOLE)
		snap_len = SNAP_LEN_WHOLE;
	(void)pcap_set_snaplen(pcap, (int)snap_len);
	(void)pcap_set_promisc(pcap, options->promiscuous);
	(void)pcap_set_timeout(pcap, WAIT_MS);
	(void)pcap_set_buffer_size(pcap, buffer < BUFFER_MAX ? (int)buffer : BUFFER_MAX);
	(void)pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
}

static enum err activate(struct live *l, const struct capture_live_options *options,
			 struct errinfo *info)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	int status;

	l->pcap = pcap_create(options->interface, error);
	if (!l->pcap)
		return err_set(info, ERR_IO, 0, "listen on %s: %s", options->interface, error);
	set_options(l->pcap, options);
	status = pcap_activate(l->pcap);
	if (status < 0)
		return not_activated(l->pcap, options->interface, status, info);
	l->base.fd = pcap_get_selectable_fd(l->pcap);
	if (pcap_setnonblock(l->pcap, 1, error) != 0 || l->base.fd < 0)
		return err_set(info, ERR_IO, 0, "listen on %s: it cannot be waited for %s",
			       options->interface, error);
	/* The second version of the cooked link also names the interface. */
	if (strcmp(options->interface, "any") == 0)
		(void)pcap_set_datalink(l->pcap, DLT_LINUX_SLL2);
	l->link = (uint32_t)pcap_datalink(l->pcap);
	if (l->link == DLT_RAW_LINUX)
		l->link = LINKTYPE_RAW;
	l->fraction_ns =
		pcap_get_tstamp_precision(l->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : NS_PER_US;
	if (set_filter(l, options->filter, options->plain, info) != ERR_OK)
		return info->code;
	l->since_ns = clock_wall_ns();
	l->since_until_ns = clock_mono_ns() + EARLY_NS;
	return ERR_OK;
}

/*
 * While a filter is being set, libpcap lets nothing through, but the ring has frames from before: the beginning of
 * a session with a hole behind it. Listening begins with the filter, so that such a session was joined.
 */
static bool is_early(struct live *l, const struct frame *f)
{
	if (l->since_ns == 0)
		return false;
	if (f->time_ns < l->since_ns && clock_mono_ns() < l->since_until_ns)
		return true;
	l->since_ns = 0;
	return false;
}

/*
 * libpcap's own wait has no end on an interface that is silent, since the kernel's ring wakes it only
 * for frames; so it is told not to wait, and what it gives is waited for here.
 */
static enum err live_next(struct capture *c, struct frame *out, struct errinfo *info)
{
	struct live *l = (struct live *)c;
	struct pollfd ready = {.fd = l->base.fd, .events = POLLIN};
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int got = pcap_next_ex(l->pcap, &header, &bytes);

	if (got == 0 && !c->waits_outside && poll(&ready, 1, WAIT_MS) > 0)
		got = pcap_next_ex(l->pcap, &header, &bytes);
	if (got == 0) /* nothing came, or a signal did */
		return ERR_AGAIN;
	if (got != 1)
		return err_set(info, ERR_IO, 0, "listening ended: %s", pcap_geterr(l->pcap));
	*out = (struct frame){
		.time_ns = (int64_t)header->ts.tv_sec * NS_PER_S +
			   (int64_t)header->ts.tv_usec * l->fraction_ns,
		.link = l->link,
		.wire_len = header->len,
		.bytes = slice_of(bytes, header->caplen),
	};
	return is_early(l, out) ? ERR_AGAIN : ERR_OK;
}

/* What libpcap cannot tell stays as it was. */
static void live_update_stats(struct capture *c)
{
	struct live *l = (struct live *)c;
	struct pcap_stat told;

	if (pcap_stats(l->pcap, &told) != 0)
		return;
	c->stats.kernel_drops += told.ps_drop - l->drops;
	c->stats.interface_drops += told.ps_ifdrop - l->if_drops;
	l->drops = told.ps_drop;
	l->if_drops = told.ps_ifdrop;
}

static double live_progress(const struct capture *c)
{
	(void)c;
	return -1;
}

static void live_free(struct capture *c)
{
	struct live *l = (struct live *)c;

	if (l->pcap)
		pcap_close(l->pcap);
	mem_free(l);
}

static const struct capture_ops live_ops = {
	.next = live_next,
	.update_stats = live_update_stats,
	.progress = live_progress,
	.free = live_free,
};

enum err capture_open_live(const struct capture_live_options *options, struct capture **out,
			   struct errinfo *info)
{
	struct live *l = mem_zalloc(sizeof(*l));
	enum err e;

	if (!l)
		return err_set(info, ERR_NOMEM, 0, "listen on %s: out of memory",
			       options->interface);
	l->base.ops = &live_ops;
	e = activate(l, options, info);
	if (e != ERR_OK) {
		live_free(&l->base);
		return e;
	}
	*out = &l->base;
	return ERR_OK;
}
