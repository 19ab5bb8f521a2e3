/* rewrite - recorded events into another recording. */
#include "sink/rewrite.h"

#include "base/mem.h"
#include "event/tally.h"
#include "recording/writer.h"

struct rewrite {
	struct recording_writer *writer;
	struct tally tally;
};

enum err rewrite_new(const char *path, struct rewrite **out, struct errinfo *info)
{
	struct rewrite *r = mem_zalloc(sizeof(*r));
	enum err e;

	if (!r)
		return err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	tally_init(&r->tally);
	e = recording_writer_new(path, NULL, &r->writer, info);
	if (e != ERR_OK) {
		rewrite_free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void rewrite_free(struct rewrite *r)
{
	if (!r)
		return;
	recording_writer_free(r->writer);
	tally_release(&r->tally);
	mem_free(r);
}

void rewrite_retell(struct rewrite *r, uint64_t session)
{
	recording_writer_retell(r->writer, session);
}

uint64_t rewrite_bytes(const struct rewrite *r)
{
	return recording_writer_bytes(r->writer);
}

enum err rewrite_servers(struct rewrite *r, const struct server_log *log, struct errinfo *info)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < log->count; i++)
		e = recording_writer_server(r->writer, &log->items[i], info);
	return e;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct rewrite *r = ctx;
	enum err err = tally_event(&r->tally, e);

	if (err != ERR_OK)
		return err_set(info, err, 0, "counting what is recorded: %s", err_text(err));
	return recording_writer_event(r->writer, e, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct rewrite *r = ctx;
	struct coverage c = *coverage;

	tally_apply(&r->tally, &c);
	return recording_writer_finish(r->writer, &c, info);
}

struct event_sink rewrite_events(struct rewrite *r)
{
	return (struct event_sink){.event = on_event, .finish = on_finish, .ctx = r};
}
