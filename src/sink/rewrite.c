/* rewrite - recorded events into another recording. */
#include "sink/rewrite.h"

#include "base/mem.h"
#include "recording/writer.h"

struct rewrite {
	struct recording_writer *writer;
	struct map open; /* sessions that are told, by id; the items are of no meaning */
	struct coverage own;
	uint64_t answered;
};

enum err rewrite_new(const char *path, struct rewrite **out, struct errinfo *info)
{
	struct rewrite *r = mem_zalloc(sizeof(*r));
	enum err e;

	if (!r)
		return err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	map_init(&r->open, SIZE_MAX, NULL);
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
	map_release(&r->open);
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

static enum err count_session(struct rewrite *r, const struct event *e)
{
	uint64_t id = e->session->id;
	bool told = map_get(&r->open, id, NULL) != NULL;

	if (!told) {
		r->own.sessions++;
		r->own.joined += e->type != EVENT_SESSION || e->session->joined;
	}
	if (e->type == EVENT_END)
		(void)map_take(&r->open, id, NULL);
	else if (!told)
		return map_put(&r->open, id, r);
	return ERR_OK;
}

static enum err count(struct rewrite *r, const struct event *e)
{
	switch (e->type) {
	case EVENT_COMMAND:
		r->own.commands++;
		break;
	case EVENT_RESPONSE:
		r->answered++;
		r->own.lost_responses += e->response->kind == RESPONSE_LOST;
		break;
	case EVENT_GAP:
		r->own.gaps++;
		r->own.gap_bytes += e->gap.bytes;
		break;
	case EVENT_SESSION:
	case EVENT_DATA:
	case EVENT_END:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return count_session(r, e);
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct rewrite *r = ctx;
	enum err err = count(r, e);

	if (err != ERR_OK)
		return err_set(info, err, 0, "counting what is recorded: %s", err_text(err));
	return recording_writer_event(r->writer, e, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct rewrite *r = ctx;
	struct coverage c = *coverage;

	c.sessions = r->own.sessions;
	c.joined = r->own.joined;
	c.commands = r->own.commands;
	c.lost_responses = r->own.lost_responses;
	c.gaps = r->own.gaps;
	c.gap_bytes = r->own.gap_bytes;
	c.unanswered = r->own.commands > r->answered ? r->own.commands - r->answered : 0;
	return recording_writer_finish(r->writer, &c, info);
}

struct event_sink rewrite_events(struct rewrite *r)
{
	return (struct event_sink){.event = on_event, .finish = on_finish, .ctx = r};
}
