/* recorded - a recording as a source of events. */
#include <unistd.h>

#include "input/source.h"
#include "recording/reader.h"

enum { EVENTS_PER_STEP = 512 };

enum err recorded_open(const struct input_options *options, int fd, void **out,
		       struct errinfo *info)
{
	struct recording_reader *r = NULL;
	enum err e;

	if (options->packets) {
		(void)close(fd);
		return err_set(info, ERR_USAGE, 0,
			       "%s is a recording, which keeps commands and responses but not "
			       "their packets: trace the capture for those",
			       options->path);
	}
	e = recording_reader_open_fd(fd, options->path, &r, info);

	if (e == ERR_OK)
		*out = r;
	return e;
}

static enum err recorded_step(void *source, const struct event_sink *sink, struct errinfo *info)
{
	struct event event;
	enum err e;

	for (int i = 0; i < EVENTS_PER_STEP; i++) {
		e = recording_reader_next(source, &event, info);
		if (e == ERR_OK)
			e = sink->event(sink->ctx, &event, info);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err recorded_end(void *source, const struct event_sink *sink, struct errinfo *info)
{
	(void)source;
	(void)sink;
	(void)info;
	return ERR_OK; /* the reader itself ends what is still open */
}

static void recorded_coverage(void *source, struct coverage *out)
{
	recording_reader_coverage(source, out);
}

static double recorded_progress(void *source)
{
	return recording_reader_progress(source);
}

static int64_t recorded_begin_ns(void *source)
{
	return recording_reader_begin_ns(source);
}

static void recorded_seek(void *source, int64_t since_ns)
{
	recording_reader_seek_time(source, since_ns);
}

static enum err recorded_servers(const void *source, struct server_log *log, struct errinfo *info)
{
	return recording_reader_servers(source, log, info);
}

static void recorded_free(void *source)
{
	recording_reader_free(source);
}

const struct source_ops recorded_ops = {
	.step = recorded_step,
	.end = recorded_end,
	.coverage = recorded_coverage,
	.progress = recorded_progress,
	.begin_ns = recorded_begin_ns,
	.seek = recorded_seek,
	.servers = recorded_servers,
	.free = recorded_free,
};
