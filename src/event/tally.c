/* tally - counts what can be counted of events themselves. */
#include "event/tally.h"

#include "base/mem.h"

struct tally_session {
	/* Responses since the last thing that was heard, and not said to be unanswered. */
	uint64_t lost;
};

void tally_init(struct tally *t)
{
	*t = (struct tally){.answered = 0};
	map_init(&t->open, SIZE_MAX, NULL);
}

void tally_release(struct tally *t)
{
	struct tally_session *s;
	size_t at = 0;

	while ((s = map_next(&t->open, &at)) != NULL)
		mem_free(s);
	map_release(&t->open);
}

static enum err find_session(struct tally *t, const struct event *e, struct tally_session **out)
{
	struct tally_session *s = map_get(&t->open, e->session->id, NULL);
	enum err err;

	if (!s) {
		s = mem_zalloc(sizeof(*s));
		if (!s)
			return ERR_NOMEM;
		err = map_put(&t->open, e->session->id, s);
		if (err != ERR_OK) {
			mem_free(s);
			return err;
		}
		t->own.sessions++;
		t->own.joined += e->type != EVENT_SESSION || e->session->joined;
	}
	*out = s;
	return ERR_OK;
}

static void count_response(struct tally *t, struct tally_session *s, const struct response *r)
{
	t->answered++;
	if (r->unanswered) {
		t->own.unanswered++;
	} else if (r->kind == RESPONSE_LOST) {
		t->own.lost_responses++;
		s->lost++;
	} else if (r->kind != RESPONSE_NONE) {
		s->lost = 0;
	}
}

static void count_end(struct tally *t, struct tally_session *s, const struct event *e)
{
	if (e->end == END_CAPTURE || e->end == END_SHED) {
		t->own.lost_responses -= s->lost;
		t->own.unanswered += s->lost;
	}
	(void)map_take(&t->open, e->session->id, NULL);
	mem_free(s);
}

enum err tally_event(struct tally *t, const struct event *e)
{
	struct tally_session *s;
	enum err err;

	if (e->type == EVENT_PACKET) /* may come before its session */
		return ERR_OK;
	err = find_session(t, e, &s);
	if (err != ERR_OK)
		return err;
	switch (e->type) {
	case EVENT_COMMAND:
		t->own.commands++;
		s->lost = 0;
		break;
	case EVENT_RESPONSE:
		count_response(t, s, e->response);
		break;
	case EVENT_GAP:
		t->own.gaps++;
		t->own.gap_bytes += e->gap.bytes;
		break;
	case EVENT_END:
		count_end(t, s, e);
		break;
	case EVENT_SESSION:
	case EVENT_DATA:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return ERR_OK;
}

void tally_merge(struct tally *t, const struct tally *from)
{
	coverage_add(&t->own, &from->own);
	t->answered += from->answered;
}

void tally_apply(const struct tally *t, struct coverage *c)
{
	uint64_t waiting = t->own.commands > t->answered ? t->own.commands - t->answered : 0;

	c->sessions = t->own.sessions;
	c->joined = t->own.joined;
	c->commands = t->own.commands;
	c->lost_responses = t->own.lost_responses;
	c->unanswered = t->own.unanswered + waiting;
	c->gaps = t->own.gaps;
	c->gap_bytes = t->own.gap_bytes;
}
