/* input - opens whatever INPUT names as a source of events, and pumps them into a sink. */
#include "input/input.h"

#include "base/clock.h"
#include "base/mem.h"
#include "input/source.h"
#include "recording/reader.h"

enum { TICK_NS = 100 * 1000 * 1000 };

struct input {
	const struct source_ops *ops;
	void *source;
	int64_t duration_ns;
	bool live;
};

struct kind {
	bool (*is)(const struct input_options *options);
	enum err (*open)(const struct input_options *options, void **out, struct errinfo *info);
	const struct source_ops *ops;
};

/* Told by its first bytes, not by its name. */
static bool is_recording(const struct input_options *o)
{
	return o->path && recording_is(o->path);
}

static bool is_frames(const struct input_options *o)
{
	return o->path || o->interfaces;
}

/* The first that fits. */
static const struct kind kinds[] = {
	{.is = is_recording, .open = recorded_open, .ops = &recorded_ops},
	{.is = is_frames, .open = frames_open, .ops = &frames_ops},
};

enum err input_open(const struct input_options *options, struct input **out, struct errinfo *info)
{
	struct input *in;
	enum err e;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].is(options))
			continue;
		in = mem_zalloc(sizeof(*in));
		if (!in)
			return err_set(info, ERR_NOMEM, 0, "opening the input: out of memory");
		e = kinds[i].open(options, &in->source, info);
		if (e != ERR_OK) {
			mem_free(in);
			return e;
		}
		in->ops = kinds[i].ops;
		in->live = options->interfaces != NULL;
		in->duration_ns = options->duration_ns;
		*out = in;
		return ERR_OK;
	}
	return err_set(info, ERR_USAGE, 0,
		       "nothing to listen to: name a file, '-' or an interface "
		       "with -i");
}

bool input_is_live(const struct input *in)
{
	return in->live;
}

void input_coverage(struct input *in, struct coverage *out)
{
	in->ops->coverage(in->source, out);
}

static enum err tick(struct input *in, const struct event_sink *sink, struct errinfo *info)
{
	struct coverage coverage;

	if (!sink->tick)
		return ERR_OK;
	input_coverage(in, &coverage);
	return sink->tick(sink->ctx, &coverage, in->ops->progress(in->source), info);
}

static enum err pump(struct input *in, const struct event_sink *sink,
		     const volatile sig_atomic_t *stop, struct errinfo *info)
{
	int64_t start_ns = clock_mono_ns(), next_ns = start_ns + TICK_NS;
	enum err e = ERR_OK;

	while (!*stop && (e == ERR_OK || e == ERR_AGAIN)) {
		int64_t now_ns;

		e = in->ops->step(in->source, sink, info);
		now_ns = clock_mono_ns();
		if (in->duration_ns && now_ns - start_ns >= in->duration_ns)
			break;
		if (now_ns < next_ns || (e != ERR_OK && e != ERR_AGAIN))
			continue;
		next_ns = now_ns + TICK_NS;
		e = tick(in, sink, info);
	}
	return e == ERR_AGAIN || e == ERR_EOF ? ERR_OK : e;
}

enum err input_run(struct input *in, const struct event_sink *sink,
		   const volatile sig_atomic_t *stop, struct errinfo *info)
{
	struct errinfo second;
	struct coverage coverage;
	enum err e = pump(in, sink, stop, info), end, finish;

	/* Whatever went wrong, what was heard until then is told. The first trouble is the one to name. */
	end = in->ops->end(in->source, sink, e == ERR_OK ? info : &second);
	if (e == ERR_OK)
		e = end;
	input_coverage(in, &coverage);
	finish = sink->finish(sink->ctx, &coverage, e == ERR_OK ? info : &second);
	return e == ERR_OK ? finish : e;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	in->ops->free(in->source);
	mem_free(in);
}
