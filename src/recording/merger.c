/* merger - several recordings as one, by time. */
#include "recording/merger.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct source {
	const char *path;
	int64_t first_ns;
	struct recording_reader *reader; /* NULL: not yet, or no more */
	struct event head;               /* the next one of it */
	uint64_t order;                  /* of the event before, in its own counting */
};

/* A session that was told. */
struct merged {
	const struct source *from; /* the last event */
	uint64_t asked, answered;  /* the last command's and response's ordinal */
};

struct merger {
	struct source *sources; /* by FIRST_NS */
	size_t count;
	size_t first, opened;   /* those before FIRST are done, those from OPENED on wait */
	struct source *current; /* whose head was handed out */
	struct map sessions;    /* struct merged by id */
	struct source *last;    /* of the event before */
	uint64_t order;
	struct coverage coverage;
	struct server_log servers;
};

static int by_first(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

static enum err look_at(struct merger *m, struct source *s, struct errinfo *info)
{
	struct recording_reader *r = NULL;
	struct recording_info found;
	enum err e = recording_reader_open(s->path, &r, info);

	if (e == ERR_OK)
		e = recording_reader_survey(r, &found, info);
	if (e == ERR_OK)
		e = recording_reader_servers(r, &m->servers, info);
	if (e == ERR_OK)
		s->first_ns = found.first_ns;
	recording_reader_free(r);
	return e;
}

enum err merger_new(const char *const *paths, size_t count, struct merger **out,
		    struct errinfo *info)
{
	struct merger *m = mem_zalloc(sizeof(*m));
	enum err e = ERR_OK;

	if (m)
		m->sources = mem_zalloc((count + 1) * sizeof(*m->sources));
	if (!m || !m->sources) {
		mem_free(m);
		return err_set(info, ERR_NOMEM, 0, "merging recordings: out of memory");
	}
	map_init(&m->sessions, SIZE_MAX, NULL);
	m->count = count;
	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		m->sources[i].path = paths[i];
		e = look_at(m, &m->sources[i], info);
	}
	if (e != ERR_OK) {
		merger_free(m);
		return e;
	}
	qsort(m->sources, count, sizeof(*m->sources), by_first);
	*out = m;
	return ERR_OK;
}

void merger_free(struct merger *m)
{
	struct merged *one;
	size_t at = 0;

	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		recording_reader_free(m->sources[i].reader);
	while ((one = map_next(&m->sessions, &at)) != NULL)
		mem_free(one);
	map_release(&m->sessions);
	server_log_release(&m->servers);
	mem_free(m->sources);
	mem_free(m);
}

/* The next event of S, which is closed at its end. */
static enum err advance(struct merger *m, struct source *s, struct errinfo *info)
{
	enum err e = recording_reader_next(s->reader, &s->head, info);
	struct coverage c;

	if (e != ERR_EOF)
		return e;
	recording_reader_coverage(s->reader, &c);
	coverage_add(&m->coverage, &c);
	recording_reader_free(s->reader);
	s->reader = NULL;
	while (m->first < m->opened && !m->sources[m->first].reader)
		m->first++;
	return ERR_OK;
}

/* The open source whose event comes first; NULL: none is open. */
static struct source *earliest(const struct merger *m)
{
	struct source *found = NULL;

	for (size_t i = m->first; i < m->opened; i++) {
		struct source *s = &m->sources[i];

		if (s->reader && (!found || s->head.time_ns < found->head.time_ns))
			found = s;
	}
	return found;
}

/* The source that is next, opened if need be. ERR_EOF: there is none. */
static enum err pick(struct merger *m, struct source **out, struct errinfo *info)
{
	struct source *s = earliest(m);

	while (m->opened < m->count && (!s || m->sources[m->opened].first_ns <= s->head.time_ns)) {
		struct source *fresh = &m->sources[m->opened++];
		enum err e = recording_reader_open(fresh->path, &fresh->reader, info);

		if (e == ERR_OK)
			e = advance(m, fresh, info);
		if (e != ERR_OK)
			return e;
		s = earliest(m);
	}
	*out = s;
	return s ? ERR_OK : ERR_EOF;
}

static enum err add_session(struct merger *m, uint64_t id, const struct source *s,
			    struct errinfo *info)
{
	struct merged *one = mem_zalloc(sizeof(*one));
	enum err e = ERR_NOMEM;

	if (one) {
		one->from = s;
		e = map_put(&m->sessions, id, one);
	}
	if (e == ERR_OK)
		return ERR_OK;
	mem_free(one);
	return err_set(info, e, 0, "merging recordings: %s", err_text(e));
}

/* True if the event E, which comes from S, is news of the session. */
static bool is_news(struct merged *one, const struct source *s, const struct event *e)
{
	switch (e->type) {
	case EVENT_COMMAND:
		if (e->command->n <= one->asked)
			return false;
		one->asked = e->command->n;
		return true;
	case EVENT_RESPONSE:
		if (e->response->n <= one->answered)
			return false;
		one->answered = e->response->n;
		return true;
	case EVENT_DATA:
	case EVENT_GAP:
		return one->from == s;
	case EVENT_END:
		return e->end != END_CAPTURE;
	case EVENT_SESSION:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return false;
}

/* Is S's head to be told? */
static enum err judge(struct merger *m, struct source *s, bool *wanted, bool *other,
		      struct errinfo *info)
{
	const struct event *e = &s->head;
	struct merged *one = map_get(&m->sessions, e->session->id, NULL);

	*other = false;
	*wanted = false;
	if (!one) {
		/* What comes behind the end of a session is another recording's of the same. */
		*wanted = e->type == EVENT_SESSION;
		return *wanted ? add_session(m, e->session->id, s, info) : ERR_OK;
	}
	*wanted = is_news(one, s, e);
	if (!*wanted)
		return ERR_OK;
	*other = one->from != s;
	one->from = s;
	if (e->type == EVENT_END)
		mem_free(map_take(&m->sessions, e->session->id, NULL));
	return ERR_OK;
}

static void hand_out(struct merger *m, struct source *s, struct event *out)
{
	*out = s->head;
	if (m->last != s || out->order != s->order)
		m->order++;
	m->last = s;
	s->order = out->order;
	out->order = m->order;
}

enum err merger_next(struct merger *m, struct event *out, bool *other, struct errinfo *info)
{
	bool wanted = false;
	enum err e = ERR_OK;

	while (e == ERR_OK && !wanted) {
		if (m->current)
			e = advance(m, m->current, info);
		m->current = NULL;
		if (e == ERR_OK)
			e = pick(m, &m->current, info);
		if (e == ERR_OK)
			e = judge(m, m->current, &wanted, other, info);
	}
	if (e == ERR_OK)
		hand_out(m, m->current, out);
	return e;
}

const struct server_log *merger_servers(const struct merger *m)
{
	return &m->servers;
}

void merger_coverage(const struct merger *m, struct coverage *out)
{
	*out = m->coverage;
}
