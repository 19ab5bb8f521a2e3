/* tracker - chunks through the protocol to events. */
#include "track/tracker.h"

#include "base/mem.h"
#include "track/conversation.h"

enum err tracker_new(const struct tracker_options *options, const struct event_sink *sink,
		     struct tracker **out)
{
	struct tracker *t = mem_zalloc(sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->options = *options;
	if (t->options.max_statement == 0)
		t->options.max_statement = MYP_PAYLOAD_MAX;
	t->sink = *sink;
	t->informed = options->informant != NULL;
	if (t->informed)
		t->informant = *options->informant;
	statement_pool_init(&t->statements,
			    t->options.max_statement < SIZE_MAX - TRACKER_STATEMENTS_MAX
				    ? t->options.max_statement + TRACKER_STATEMENTS_MAX
				    : SIZE_MAX);
	buf_init(&t->long_data_flags, MYP_PARAMS_MAX);
	if (options->packets && !packets_room_new(&t->room)) {
		tracker_free(t);
		return ERR_NOMEM;
	}
	*out = t;
	return ERR_OK;
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	while (t->spare) {
		struct pending *p = t->spare;

		t->spare = p->next;
		pending_free(p);
	}
	statement_pool_release(&t->statements);
	myp_params_release(&t->params);
	myp_params_release(&t->attributes);
	buf_release(&t->long_data_flags);
	response_room_release(&t->response_room);
	myp_unpacker_free(t->unpacker);
	packets_room_free(t->room);
	census_drop(t->census);
	mem_free(t);
}

void tracker_set_census(struct tracker *t, struct census *census)
{
	census_drop(t->census);
	t->census = census;
}

void tracker_spare(struct tracker *t, uint32_t details)
{
	t->sink.spares = details;
}

void tracker_fail(struct tracker *t, enum err e)
{
	if (t->failed == ERR_OK)
		t->failed = err_set(&t->info, e, 0, "following the conversations: %s", err_text(e));
}

void tracker_emit(struct tracker *t, const struct event *e)
{
	if (t->failed == ERR_OK)
		t->failed = t->sink.event(t->sink.ctx, e, &t->info);
}

enum err tracker_error(const struct tracker *t, struct errinfo *info)
{
	if (t->failed != ERR_OK && info)
		*info = t->info;
	return t->failed;
}

const struct coverage *tracker_coverage(const struct tracker *t)
{
	return &t->coverage;
}

static void *on_open(void *ctx, const struct stream_flow *flow)
{
	struct tracker *t = ctx;
	struct conversation *c = conversation_new(t, flow);

	if (!c) {
		tracker_fail(t, ERR_NOMEM);
		return NULL;
	}
	t->coverage.sessions++;
	return c;
}

static void on_chunk(void *ctx, void *conversation, const struct stream_chunk *chunk)
{
	(void)ctx;
	conversation_chunk(conversation, chunk);
}

static bool on_idle(void *ctx, const void *conversation)
{
	(void)ctx;
	return conversation_is_idle(conversation);
}

static void on_close(void *ctx, void *conversation, enum stream_end end, int64_t time_ns,
		     uint64_t frame)
{
	(void)ctx;
	conversation_end(conversation, end, time_ns, frame);
	conversation_free(conversation);
}

struct stream_handler tracker_handler(struct tracker *t)
{
	return (struct stream_handler){
		.open = on_open,
		.chunk = on_chunk,
		.idle = on_idle,
		.close = on_close,
		.ctx = t,
	};
}
