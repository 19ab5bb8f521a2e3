/* frames - frames of a file or an interface, through TCP and the tracker, to events. */
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/capture.h"
#include "input/source.h"
#include "net/segment.h"
#include "track/tracker.h"

enum { FRAMES_PER_STEP = 512, FILTER_MAX = 2048 };

struct frames {
	struct capture *capture;
	struct tcp *tcp;
	struct tracker *tracker;
	struct event_sink sink; /* where the tracker's events go: known only when steps are made */
	uint64_t kinds[SEGMENT_KINDS];
	bool live;
};

/* The sink is only known at the first step; this one stands in for it in the tracker. */
static enum err forward(void *ctx, const struct event *e, struct errinfo *info)
{
	struct frames *f = ctx;

	return f->sink.event(f->sink.ctx, e, info);
}

static void frames_free(void *source)
{
	struct frames *f = source;

	if (!f)
		return;
	tcp_free(f->tcp);
	tracker_free(f->tracker);
	capture_free(f->capture);
	mem_free(f);
}

/* The segments of the ports. */
static void plain_filter(const struct input_options *o, struct buf *out)
{
	buf_put_cstr(out, "(tcp and (");
	for (size_t i = 0; i < o->port_count; i++)
		buf_printf(out, "%sport %u", i ? " or " : "", (unsigned)o->ports[i]);
	buf_put_cstr(out, "))");
	buf_put_u8(out, 0);
}

/* The same also in VLANs, also stacked. "vlan" moves all that is behind it by a tag. */
static void vlan_filter(const char *plain, struct buf *out)
{
	buf_printf(out, "%s or (vlan and %s) or (vlan and %s)", plain, plain, plain);
	buf_put_u8(out, 0);
}

/*
 * A link that is no Ethernet, "any" for one, may refuse to speak of VLANs. There the plain filter does: the kernel
 * takes the tag off before the filter looks.
 */
static enum err open_live(const struct input_options *o, struct capture **out, struct errinfo *info)
{
	struct buf plain, filter;
	struct capture_live_options live = {
		.interface = o->interface,
		.filter = o->filter,
		.snap_len = o->snap_len,
		.buffer_bytes = o->buffer_bytes,
		.promiscuous = true,
	};
	enum err e;

	buf_init(&plain, FILTER_MAX);
	buf_init(&filter, FILTER_MAX * 4);
	plain_filter(o, &plain);
	e = buf_err(&plain);
	if (e == ERR_OK && !o->filter) {
		live.plain = (const char *)plain.ptr;
		vlan_filter(live.plain, &filter);
		live.filter = (const char *)filter.ptr;
		e = buf_err(&filter);
	}
	e = e == ERR_OK ? capture_open_live(&live, out, info)
			: err_set(info, e, 0, "making the capture filter: %s", err_text(e));
	buf_release(&filter);
	buf_release(&plain);
	return e;
}

static enum err open_chain(struct frames *f, const struct input_options *o, struct errinfo *info)
{
	struct tracker_options tracker = {.max_statement = o->max_statement};
	struct tcp_options tcp = {.port_count = o->port_count};
	struct event_sink sink = {.event = forward, .ctx = f};
	struct stream_handler handler;
	enum err e;

	memcpy(tcp.ports, o->ports, sizeof(tcp.ports));
	e = tracker_new(&tracker, &sink, &f->tracker);
	if (e == ERR_OK) {
		handler = tracker_handler(f->tracker);
		e = tcp_new(&tcp, &handler, &f->tcp);
	}
	return e == ERR_OK ? e : err_set(info, e, 0, "starting to listen: %s", err_text(e));
}

enum err frames_open(const struct input_options *o, int fd, void **out, struct errinfo *info)
{
	struct frames *f = mem_zalloc(sizeof(*f));
	enum err e;

	if (!f) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(info, ERR_NOMEM, 0, "starting to listen: out of memory");
	}
	f->live = o->interface != NULL;
	e = f->live ? open_live(o, &f->capture, info)
		    : capture_open_fd(fd, o->path, &f->capture, info);
	if (e == ERR_OK)
		e = open_chain(f, o, info);
	if (e != ERR_OK) {
		frames_free(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

static enum err take_frame(struct frames *f, const struct frame *frame, struct errinfo *info)
{
	struct segment segment;
	enum segment_kind kind = segment_decode(frame, &segment);
	enum err e;

	f->kinds[kind]++;
	if (kind != SEGMENT_TCP)
		return ERR_OK;
	e = tcp_segment(f->tcp, &segment);
	if (e != ERR_OK)
		return err_set(info, e, 0, "frame %llu: %s", (unsigned long long)frame->number,
			       err_text(e));
	return tracker_error(f->tracker, info);
}

static enum err frames_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct frames *f = source;
	struct frame frame;
	enum err e;

	f->sink = *sink;
	for (int i = 0; i < FRAMES_PER_STEP; i++) {
		e = capture_next(f->capture, &frame, info);
		if (e == ERR_AGAIN)
			tcp_tick(f->tcp, clock_wall_ns());
		if (e != ERR_OK)
			return e;
		e = take_frame(f, &frame, info);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err frames_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct frames *f = source;

	f->sink = *sink;
	tcp_finish(f->tcp);
	return tracker_error(f->tracker, info);
}

static void frames_coverage(void *source, struct coverage *out)
{
	struct frames *f = source;
	const struct tcp_stats *tcp = tcp_get_stats(f->tcp);
	struct capture_stats capture;

	capture_get_stats(f->capture, &capture);
	*out = *tracker_coverage(f->tracker);
	out->frames = capture.frames;
	out->kernel_drops = capture.kernel_drops;
	out->interface_drops = capture.interface_drops;
	out->truncated_frames = capture.truncated_frames;
	out->bad_input_bytes = capture.bad_bytes;
	out->cut_off = capture.cut_off;
	out->fragments = f->kinds[SEGMENT_FRAGMENT];
	out->other_frames = f->kinds[SEGMENT_OTHER];
	out->bad_frames =
		f->kinds[SEGMENT_BAD] + f->kinds[SEGMENT_LINK] + f->kinds[SEGMENT_TRUNCATED];
	out->other_ports = tcp->other_ports;
	out->limits += tcp->limit_closed;
}

static double frames_progress(void *source)
{
	const struct frames *f = source;

	return f->live ? -1 : capture_progress(f->capture);
}

const struct source_ops frames_ops = {
	.step = frames_step,
	.end = frames_end,
	.coverage = frames_coverage,
	.progress = frames_progress,
	.free = frames_free,
};
