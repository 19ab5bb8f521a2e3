/*
 * event_check - a sink that holds events to the promises of event/event.h, of any number of sessions; for
 * unit tests and fuzzers.
 */
#ifndef TESTS_EVENT_CHECK_H
#define TESTS_EVENT_CHECK_H

#include <assert.h>
#include <string.h>

#include "event/event.h"

enum { EVENT_CHECK_SESSIONS = 512 };

struct event_check_session {
	uint64_t id;
	bool announced, ended;
	uint64_t commands, responses; /* ordinals of the last of each */
};

struct event_check {
	struct event_check_session sessions[EVENT_CHECK_SESSIONS];
	size_t count;
	uint64_t order;
	struct event_sink next; /* what is checked goes on to it, if it has an event function */
};

static inline struct event_check_session *event_check_find(struct event_check *c, uint64_t id)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->sessions[i].id == id)
			return &c->sessions[i];
	assert(c->count < EVENT_CHECK_SESSIONS);
	c->sessions[c->count] = (struct event_check_session){.id = id};
	return &c->sessions[c->count++];
}

static inline void event_check_command(struct event_check_session *s, const struct event *e)
{
	const struct command *cmd = e->command;

	assert(cmd->n == s->commands + 1 && e->session->commands == cmd->n);
	assert(cmd->params && cmd->attributes && cmd->first_ns <= cmd->last_ns);
	assert(!cmd->statement || cmd->has_statement);
	assert(cmd->text_known || cmd->text.len == 0);
	s->commands = cmd->n;
}

static inline void event_check_response(struct event_check_session *s, const struct event *e)
{
	const struct response *r = e->response;
	uint64_t rows = 0;

	assert(r->n == s->responses + 1 && r->n <= s->commands);
	assert(!r->heard || r->first_ns <= r->last_ns);
	assert(r->kind != RESPONSE_NONE || !r->heard);
	assert(r->result_count <= r->results_all);
	for (size_t i = 0; i < r->result_count; i++)
		rows += r->results[i].rows;
	assert(rows <= r->rows);
	s->responses = r->n;
}

static inline void event_check_packet(const struct event_check_session *s, const struct packet *p)
{
	bool unread = p->meaning == PACKET_UNKNOWN || p->meaning == PACKET_AUTH_DATA;

	assert(p->n <= s->commands && (p->n == 0 || p->n > s->responses));
	assert(p->moment_count <= PACKET_MOMENTS_MAX && p->payload.len <= p->length);
	assert(p->hidden.len == 0 || p->hidden.len == p->payload.len);
	assert(!p->violation || p->side != PACKET_OF_NOBODY);
	for (size_t i = 0; i < p->payload.len; i++) {
		bool hidden = p->hidden.len && p->hidden.ptr[i];

		assert(!hidden || p->payload.ptr[i] == '*');
		/* What a client sends and nobody understands may be a password. */
		assert(hidden || !unread || p->side != PACKET_OF_CLIENT);
	}
}

static inline enum err event_check_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct event_check *c = ctx;
	struct event_check_session *s = event_check_find(c, e->session->id);

	assert(!s->ended && e->order >= c->order);
	c->order = e->order;
	assert(e->type == EVENT_PACKET || s->announced != (e->type == EVENT_SESSION));
	switch (e->type) {
	case EVENT_SESSION:
		s->announced = true;
		break;
	case EVENT_COMMAND:
		event_check_command(s, e);
		break;
	case EVENT_DATA:
		assert(e->data.n > s->responses && e->data.n <= s->commands);
		break;
	case EVENT_RESPONSE:
		event_check_response(s, e);
		break;
	case EVENT_GAP:
		assert(e->gap.after == s->commands);
		break;
	case EVENT_END:
		assert(s->responses == s->commands);
		s->ended = true;
		break;
	case EVENT_PACKET:
		event_check_packet(s, e->packet);
		break;
	case EVENT_TYPES:
		assert(!"an event");
	}
	return c->next.event ? c->next.event(c->next.ctx, e, info) : ERR_OK;
}

static inline struct event_sink event_check_sink(struct event_check *c)
{
	return (struct event_sink){.event = event_check_event, .ctx = c};
}

#endif
