/* frames - frames of a file or an interface, reduced to segments, which are followed here or dealt to threads. */
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/capture.h"
#include "input/chain.h"
#include "input/deal.h"
#include "input/filter.h"
#include "input/share.h"
#include "input/source.h"
#include "net/fragment.h"
#include "net/segment.h"

enum {
	FRAMES_PER_STEP = 512,
	FRAMES_PER_LOOK = 4,        /* at the clock */
	STEP_NS = 50 * 1000 * 1000, /* a step that waits for frames ends after that */
	INTERFACE_NAME_MAX = 64
};

struct frames {
	struct capture *capture;
	struct fragments *fragments;
	struct chain *chain;          /* NULL: the segments are dealt to threads */
	struct deal *deal;            /* NULL: they are not */
	struct input_options options; /* for threads; its texts are not looked at any more */
	uint64_t kinds[SEGMENT_KINDS];
	bool live;
	bool waits; /* for frames to come: live, or a pipe */
	bool sheds; /* SHARE is to be kept */
	struct share share;
	int64_t window_ns; /* monotonic: when the share's window began */
	int64_t used_ns;   /* CPU time until then */
	uint64_t drops;    /* of the kernel until then */
	bool informed;
	struct informant informant;
	struct endpoint own; /* of the informant's connection; port 0: it has none */
	uint64_t census;     /* number of the one that is known */
};

static void frames_free(void *source)
{
	struct frames *f = source;

	if (!f)
		return;
	deal_free(f->deal);
	chain_free(f->chain);
	fragments_free(f->fragments);
	capture_free(f->capture);
	mem_free(f);
}

/* Live captures while they are opened. */
struct parts {
	struct capture *items[CAPTURE_PARTS_MAX];
	size_t count;
};

static enum err open_part(struct capture_live_options *live, const char *name, size_t len,
			  struct parts *parts, struct errinfo *info)
{
	char copy[INTERFACE_NAME_MAX] = "";
	enum err e;

	if (len == 0 || len >= sizeof(copy))
		return err_set(info, ERR_USAGE, 0,
			       "-i takes names of interfaces such as eth0,eth1, not '%s'", name);
	if (parts->count == CAPTURE_PARTS_MAX)
		return err_set(info, ERR_USAGE, 0, "-i takes at most %d interfaces",
			       CAPTURE_PARTS_MAX);
	memcpy(copy, name, len);
	live->interface = copy;
	e = capture_open_live(live, &parts->items[parts->count], info);
	live->interface = NULL;
	parts->count += e == ERR_OK;
	return e;
}

/* All interfaces that O names. What was opened is in PARTS also after an error. */
static enum err open_parts(const struct input_options *o, struct capture_live_options *live,
			   struct parts *parts, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < o->interfaces->count; i++) {
		const char *at = o->interfaces->items[i];

		for (bool more = true; e == ERR_OK && more;) {
			size_t len = strcspn(at, ",");

			e = open_part(live, at, len, parts, info);
			more = at[len] == ',';
			at += len + more;
		}
	}
	return e;
}

static enum err open_merged(const struct input_options *o, struct capture_live_options *live,
			    struct capture **out, struct errinfo *info)
{
	struct parts parts = {.count = 0};
	enum err e = open_parts(o, live, &parts, info);

	if (e == ERR_OK && parts.count == 1) {
		*out = parts.items[0];
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = capture_merge(parts.items, parts.count, out);
		if (e == ERR_OK)
			return e;
		e = err_set(info, e, 0, "starting to listen: %s", err_text(e));
	}
	while (parts.count > 0)
		capture_free(parts.items[--parts.count]);
	return e;
}

/* A link that is no Ethernet, "any" for one, may refuse to speak of VLANs: there is a filter without them. */
static enum err open_live(const struct input_options *o, struct capture **out, struct errinfo *info)
{
	struct buf plain, filter;
	struct capture_live_options live = {
		.filter = o->filter,
		.snap_len = o->snap_len,
		.buffer_bytes = o->buffer_bytes,
		.promiscuous = true,
	};
	enum err e;

	buf_init(&plain, FILTER_LEN_MAX);
	buf_init(&filter, FILTER_LEN_MAX);
	filter_put(o, FILTER_TAGS_COME, &plain);
	filter_put(o, FILTER_TAGS_FOLLOWED, &filter);
	e = buf_err(&plain) == ERR_OK ? buf_err(&filter) : buf_err(&plain);
	if (e == ERR_OK && !o->filter) {
		live.plain = (const char *)plain.ptr;
		live.filter = (const char *)filter.ptr;
	}
	e = e == ERR_OK ? open_merged(o, &live, out, info)
			: err_set(info, e, 0, "making the capture filter: %s", err_text(e));
	buf_release(&filter);
	buf_release(&plain);
	return e;
}

static enum err open_chain(struct frames *f, const struct input_options *o, struct errinfo *info)
{
	enum err e = chain_new(o, 1, &f->chain);

	f->fragments = fragments_new();
	if (e == ERR_OK && !f->fragments)
		e = ERR_NOMEM;
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
	f->live = o->interfaces != NULL;
	f->options = *o;
	e = f->live ? open_live(o, &f->capture, info)
		    : capture_open_fd(fd, o->path, &f->capture, info);
	if (e == ERR_OK)
		e = open_chain(f, o, info);
	f->waits = f->live || (e == ERR_OK && capture_progress(f->capture) < 0);
	f->informed = o->informant != NULL;
	if (f->informed)
		f->informant = *o->informant;
	f->sheds = f->live && o->max_cpu > 0;
	if (f->sheds) {
		share_init(&f->share, o->max_cpu);
		f->window_ns = clock_mono_ns();
		f->used_ns = clock_process_cpu_ns();
	}
	if (e != ERR_OK) {
		frames_free(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

static bool is_our_own(const struct frames *f, const struct segment *s)
{
	return f->own.port && (endpoint_eq(&f->own, &s->src) || endpoint_eq(&f->own, &s->dst));
}

static enum err take_frame(struct frames *f, const struct frame *frame, struct errinfo *info)
{
	struct segment segment;
	enum segment_kind kind = segment_decode(f->fragments, frame, &segment);

	f->kinds[kind]++;
	if (kind != SEGMENT_TCP || is_our_own(f, &segment))
		return ERR_OK;
	return f->deal ? deal_segment(f->deal, &segment, info)
		       : chain_segment(f->chain, &segment, info);
}

/* What the server says of its sessions, once it is there. */
static void take_census(struct frames *f)
{
	struct census *c;

	if (!f->informant.own(f->informant.ctx, &f->own))
		f->own.port = 0;
	c = f->informant.census(f->informant.ctx, f->census);
	if (!c)
		return;
	f->census = c->number;
	if (f->deal)
		deal_set_census(f->deal, c);
	else
		chain_set_census(f->chain, c);
}

/* Nothing came. A file's own clock stands still meanwhile: it may be of another day. */
static enum err let_time_pass(struct frames *f, struct errinfo *info)
{
	int64_t now_ns = f->live ? clock_wall_ns() - CAPTURE_MERGE_NS : -1;

	if (f->deal)
		return deal_tick(f->deal, now_ns, info);
	if (now_ns >= 0)
		chain_tick(f->chain, now_ns);
	return ERR_OK;
}

/* Looks what listening has cost, and lets go of sessions if it was too much. One thread listens then. */
static void keep_share(struct frames *f)
{
	int64_t now_ns = clock_mono_ns(), used_ns;
	struct capture_stats capture;

	if (now_ns - f->window_ns < SHARE_WINDOW_NS)
		return;
	used_ns = clock_process_cpu_ns();
	capture_get_stats(f->capture, &capture);
	share_window(&f->share, used_ns - f->used_ns, now_ns - f->window_ns,
		     capture.kernel_drops - f->drops);
	chain_set_share(f->chain, f->share.beginning, f->share.running);
	f->window_ns = now_ns;
	f->used_ns = used_ns;
	f->drops = capture.kernel_drops;
}

/*
 * Where frames come one by one, so many of them can take a minute: whoever called the step has more to do, such as looking
 * whether it is to end.
 */
static bool has_to_end(const struct frames *f, int taken, int64_t until_ns)
{
	return f->waits && taken % FRAMES_PER_LOOK == 0 && clock_mono_ns() >= until_ns;
}

static enum err frames_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct frames *f = source;
	int64_t until_ns = f->waits ? clock_mono_ns() + STEP_NS : 0;
	struct frame frame;
	enum err e, waited;

	if (f->chain)
		chain_set_sink(f->chain, sink);
	if (f->sheds)
		keep_share(f);
	if (f->informed)
		take_census(f);
	for (int i = 0; i < FRAMES_PER_STEP && !has_to_end(f, i, until_ns); i++) {
		e = capture_next(f->capture, &frame, info);
		if (e == ERR_AGAIN) {
			waited = let_time_pass(f, info);
			e = waited == ERR_OK ? e : waited;
		}
		if (e != ERR_OK)
			return e;
		e = take_frame(f, &frame, info);
		if (e != ERR_OK)
			return e;
	}
	return f->deal ? deal_error(f->deal, info) : ERR_OK;
}

static enum err frames_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct frames *f = source;

	fragments_finish(f->fragments);
	if (f->deal)
		return deal_finish(f->deal, info);
	chain_set_sink(f->chain, sink);
	chain_finish(f->chain);
	return chain_error(f->chain, info);
}

static void frames_coverage(void *source, struct coverage *out)
{
	struct frames *f = source;
	struct capture_stats capture;

	capture_get_stats(f->capture, &capture);
	if (f->deal)
		deal_coverage(f->deal, out);
	else
		chain_coverage(f->chain, out);
	out->frames = capture.frames;
	out->kernel_drops = capture.kernel_drops;
	out->interface_drops = capture.interface_drops;
	out->truncated_frames = capture.truncated_frames;
	out->bad_input_bytes = capture.bad_bytes;
	out->cut_off = capture.cut_off;
	out->fragments = fragments_given_up(f->fragments);
	out->other_frames = f->kinds[SEGMENT_OTHER];
	out->bad_frames =
		f->kinds[SEGMENT_BAD] + f->kinds[SEGMENT_LINK] + f->kinds[SEGMENT_TRUNCATED];
}

static double frames_progress(void *source)
{
	const struct frames *f = source;

	return f->live ? -1 : capture_progress(f->capture);
}

static enum err frames_spread(void *source, const struct event_sink *sinks, size_t count,
			      struct errinfo *info)
{
	struct frames *f = source;
	struct deal *deal = NULL;
	enum err e = deal_new(&f->options, sinks, count, &deal, info);

	if (e != ERR_OK)
		return e;
	f->deal = deal;
	chain_free(f->chain);
	f->chain = NULL;
	return deal_lend(deal, f->capture, info);
}

const struct source_ops frames_ops = {
	.step = frames_step,
	.spread = frames_spread,
	.end = frames_end,
	.coverage = frames_coverage,
	.progress = frames_progress,
	.free = frames_free,
};
