/* checkpoint - how far a replay came, read again. */
#include "replay/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

enum { CHECKPOINT_SESSIONS_MAX = 1 << 20 };

/* A session that was not over. */
struct left {
	uint64_t session, sent, answered;
	struct progress *progress; /* the list's that it was carried to; or NULL */
};

struct checkpoint {
	struct checkpoint_place place;
	struct map sessions; /* struct left by session */
};

static uint64_t from_hex(const char *text)
{
	return strtoull(text, NULL, 16);
}

static uint64_t key_of(uint64_t session)
{
	return hash_mix(session, 0);
}

static enum err read_sessions(struct checkpoint *c, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id;
		json_int_t sent, answered;
		struct left *s;
		enum err e;

		if (json_unpack(json_array_get(list, i), "[s, I, I!]", &id, &sent, &answered) != 0)
			return ERR_PROTO;
		s = mem_alloc(sizeof(*s));
		if (!s)
			return ERR_NOMEM;
		*s = (struct left){.session = from_hex(id),
				   .sent = (uint64_t)sent,
				   .answered = (uint64_t)answered};
		e = map_get(&c->sessions, key_of(from_hex(id)), NULL)
			    ? ERR_PROTO
			    : map_put(&c->sessions, key_of(from_hex(id)), s);
		if (e != ERR_OK) {
			mem_free(s);
			return e;
		}
	}
	return ERR_OK;
}

static enum err unpack(struct checkpoint *c, json_t *json)
{
	const char *kind, *session, *options, *target, *sum;
	json_int_t begin_ns, events;
	json_t *sessions;
	int version, last;

	if (json_unpack(json, "{s: s, s: i, s: s, s: I, s: s, s: s, s: I, s: s, s: b, s: o}",
			"kind", &kind, "version", &version, "first_session", &session, "first_ns",
			&begin_ns, "options", &options, "target", &target, "events", &events, "sum",
			&sum, "last", &last, "sessions", &sessions) != 0 ||
	    strcmp(kind, "myna-checkpoint") != 0 || version != CHECKPOINT_VERSION)
		return ERR_PROTO;
	c->place = (struct checkpoint_place){
		.session = from_hex(session),
		.begin_ns = begin_ns,
		.options = from_hex(options),
		.events = (uint64_t)events,
		.sum = from_hex(sum),
		.last = last,
	};
	(void)snprintf(c->place.target, sizeof(c->place.target), "%s", target);
	return read_sessions(c, sessions);
}

enum err checkpoint_read(const char *path, struct checkpoint **out, struct errinfo *info)
{
	struct checkpoint *c = mem_zalloc(sizeof(*c));
	json_error_t why;
	json_t *json;
	enum err e;
	int fd;

	if (!c)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	map_init(&c->sessions, CHECKPOINT_SESSIONS_MAX, NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		checkpoint_free(c);
		return err_set(info, ERR_IO, errno, "cannot open %s", path);
	}
	json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why);
	(void)close(fd);
	e = json ? unpack(c, json) : ERR_PROTO;
	json_decref(json);
	if (e == ERR_OK) {
		*out = c;
		return ERR_OK;
	}
	checkpoint_free(c);
	return err_set(info, e, 0, e == ERR_PROTO ? "%s is no checkpoint" : "%s: too much of it",
		       path);
}

void checkpoint_free(struct checkpoint *c)
{
	struct left *s;

	if (!c)
		return;
	for (size_t at = 0; (s = map_next(&c->sessions, &at));)
		mem_free(s);
	map_release(&c->sessions);
	mem_free(c);
}

const struct checkpoint_place *checkpoint_of(const struct checkpoint *c)
{
	return &c->place;
}

enum err checkpoint_carry(const struct checkpoint *c, struct progress_list *l)
{
	struct left *s;

	for (size_t at = 0; (s = map_next(&c->sessions, &at));) {
		s->progress = progress_add(l, s->session);
		if (!s->progress)
			return ERR_NOMEM;
		atomic_store(&s->progress->sent, s->sent);
		atomic_store(&s->progress->answered, s->answered);
	}
	return ERR_OK;
}

struct progress *checkpoint_progress(const struct checkpoint *c, uint64_t session)
{
	const struct left *s = map_get(&c->sessions, key_of(session), NULL);

	return s ? s->progress : NULL;
}

bool checkpoint_lacks(const struct checkpoint *c, const struct event *e)
{
	const struct left *s = map_get(&c->sessions, key_of(e->session->id), NULL);

	if (!s)
		return false;
	switch (e->type) {
	case EVENT_COMMAND:
		return e->command->n > s->sent;
	case EVENT_RESPONSE:
		return e->response->n > s->sent;
	case EVENT_DATA:
		return e->data.n > s->sent;
	case EVENT_SESSION: /* opened when it says something */
		return false;
	case EVENT_GAP:
	case EVENT_END:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return true;
}
