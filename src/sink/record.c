/* record - keeps every event in a recording, or a series of them. */
#include "sink/record.h"

#include "base/mem.h"

struct record_sink {
	struct recorder *recorder;
	struct record_options options;
	struct record_progress progress;
	struct coverage coverage; /* as of the last tick */
	struct receipts receipts; /* of what is not written yet */
};

enum err record_new(struct recorder *recorder, const struct record_options *options,
		    struct record_sink **out)
{
	struct record_sink *r = mem_zalloc(sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->recorder = recorder;
	r->options = *options;
	r->progress.coverage = &r->coverage;
	*out = r;
	return ERR_OK;
}

void record_free(struct record_sink *r)
{
	if (r)
		receipts_drop(&r->receipts);
	mem_free(r);
}

bool record_is_full(const struct record_sink *r)
{
	return r->options.max_bytes && recorder_bytes(r->recorder) >= r->options.max_bytes;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct record_sink *r = ctx;

	if (record_is_full(r))
		return ERR_OK; /* what comes while the input is being stopped */
	r->progress.sessions += e->type == EVENT_SESSION;
	r->progress.exchanges += e->type == EVENT_RESPONSE;
	if (receipts_hold(&r->receipts, e->receipt) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "cannot record an event: out of memory");
	return recorder_event(r->recorder, e, info);
}

static void report(struct record_sink *r, const struct coverage *so_far, double share)
{
	r->coverage = *so_far;
	r->progress.share = share;
	r->progress.bytes = recorder_bytes(r->recorder);
	r->progress.path = recorder_path(r->recorder);
	if (r->options.progress)
		r->options.progress(r->options.ctx, &r->progress);
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct record_sink *r = ctx;
	enum err e = recorder_tick(r->recorder, so_far, info);

	if (e == ERR_OK && !recorder_pending(r->recorder))
		receipts_release(&r->receipts);
	report(r, so_far, progress);
	return e;
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct record_sink *r = ctx;
	enum err e = recorder_finish(r->recorder, coverage, info);

	if (e == ERR_OK)
		receipts_release(&r->receipts);
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
