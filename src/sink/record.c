/* record - keeps every event in a recording. */
#include "sink/record.h"

#include "base/mem.h"

struct record_sink {
	struct recording_writer *writer;
	struct record_options options;
	struct record_progress progress;
	struct coverage coverage; /* as of the last tick */
};

enum err record_new(struct recording_writer *writer, const struct record_options *options,
		    struct record_sink **out)
{
	struct record_sink *r = mem_zalloc(sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->writer = writer;
	r->options = *options;
	r->progress.coverage = &r->coverage;
	*out = r;
	return ERR_OK;
}

void record_free(struct record_sink *r)
{
	mem_free(r);
}

bool record_is_full(const struct record_sink *r)
{
	return r->options.max_bytes && recording_writer_bytes(r->writer) >= r->options.max_bytes;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct record_sink *r = ctx;

	if (record_is_full(r))
		return ERR_OK; /* what comes while the input is being stopped */
	r->progress.sessions += e->type == EVENT_SESSION;
	r->progress.exchanges += e->type == EVENT_RESPONSE;
	return recording_writer_event(r->writer, e, info);
}

static void report(struct record_sink *r, const struct coverage *so_far, double share)
{
	r->coverage = *so_far;
	r->progress.share = share;
	r->progress.bytes = recording_writer_bytes(r->writer);
	if (r->options.progress)
		r->options.progress(r->options.ctx, &r->progress);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct record_sink *r = ctx;

	report(r, so_far, progress);
	return recording_writer_tick(r->writer, so_far, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct record_sink *r = ctx;
	enum err e = recording_writer_finish(r->writer, coverage, info);

	report(r, coverage, 1);
	return e;
}

struct event_sink record_events(struct record_sink *r)
{
	return (struct event_sink){
		.event = on_event,
		.tick = on_tick,
		.finish = on_finish,
		.ctx = r,
	};
}
