/*
 * recorder - events into one recording, or into a series of them.
 *
 * Of a series it follows every open session: in which file it is, and whether a command of it waits for its response.
 */
#include "recording/recorder.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "recording/format.h"
#include "recording/series.h"

enum {
	SPACE_STEP = 1 << 20,                    /* bytes written between two looks at the disk */
	SPACE_RESERVE = 2 * RECORDING_BLOCK_AIM, /* bytes that ending takes at most */
};

/* A session that is open, in a series. */
struct follow {
	uint64_t file; /* number of the file that it is in */
	uint64_t asked, answered;
};

/* One file. */
struct part {
	struct recording_writer *writer; /* NULL: there is none */
	struct buf path;                 /* with a NUL */
	uint64_t number;
	int64_t begin_ns;
	bool has_events;
	struct coverage base; /* when it began */
	struct coverage own; /* what is counted here: sessions, joined, commands, their responses */
};

struct recorder {
	char *path;
	struct recorder_options options;
	bool series;
	struct part now, before;
	uint64_t waiting; /* sessions in BEFORE with a command that is not answered */
	struct map sessions;
	struct coverage last;       /* as of the last tick */
	uint64_t done_bytes;        /* of files that are finished */
	uint64_t looked_at;         /* recorder_bytes() when the disk was looked at */
	struct server_facts server; /* what it said last */
};

static bool is_waiting(const struct follow *f)
{
	return f->asked > f->answered;
}

static const char *part_path(const struct part *p)
{
	return (const char *)p->path.ptr;
}

static uint64_t part_bytes(const struct part *p)
{
	return p->writer ? recording_writer_bytes(p->writer) : 0;
}

static bool part_pending(const struct part *p)
{
	return p->writer && recording_writer_pending(p->writer);
}

bool recorder_pending(const struct recorder *r)
{
	return part_pending(&r->before) || part_pending(&r->now);
}

uint64_t recorder_bytes(const struct recorder *r)
{
	return r->done_bytes + part_bytes(&r->before) + part_bytes(&r->now);
}

const char *recorder_path(const struct recorder *r)
{
	return r->now.writer ? part_path(&r->now) : r->path;
}

static void tell(const struct recorder *r, enum recorder_news what, const char *path)
{
	if (r->options.news)
		r->options.news(r->options.ctx, what, path);
}

/* What PART says of its coverage, when SO_FAR is that of the whole. */
static struct coverage part_coverage(const struct recorder *r, const struct part *p,
				     const struct coverage *so_far)
{
	struct coverage c = *so_far;

	if (!r->series)
		return c;
	coverage_subtract(&c, &p->base);
	c.sessions = p->own.sessions;
	c.joined = p->own.joined;
	c.commands = p->own.commands;
	c.lost_responses = p->own.lost_responses;
	c.unanswered = p->own.unanswered;
	return c;
}

static enum err finish_part(struct recorder *r, struct part *p, const struct coverage *so_far,
			    struct errinfo *info)
{
	struct coverage c = part_coverage(r, p, so_far);
	enum err e;

	if (!p->writer)
		return ERR_OK;
	e = recording_writer_finish(p->writer, &c, info);
	r->done_bytes += part_bytes(p);
	recording_writer_free(p->writer);
	p->writer = NULL;
	return e;
}

static enum err finish_before(struct recorder *r, struct errinfo *info)
{
	r->before.own.unanswered += r->waiting;
	r->waiting = 0;
	return finish_part(r, &r->before, &r->now.base, info);
}

/* Removes the oldest file of the series if there are more than KEEP. *REMOVED: there were. */
static enum err remove_oldest(struct recorder *r, size_t keep, bool *removed, struct errinfo *info)
{
	struct buf path;
	const char *p;
	enum err e;

	buf_init(&path, SERIES_PATH_MAX);
	e = series_oldest(r->path, keep, &path, info);
	p = (const char *)path.ptr;
	*removed = false;
	/* A clock that was put back makes the file being written the oldest by its name. */
	if (e == ERR_OK && path.len && strcmp(p, recorder_path(r)) != 0 &&
	    !(r->before.writer && strcmp(p, part_path(&r->before)) == 0)) {
		if (unlink(p) != 0 && errno != ENOENT)
			e = err_set(info, ERR_IO, errno, "cannot remove the old recording %s", p);
		*removed = e == ERR_OK;
		if (*removed)
			tell(r, RECORDER_REMOVED, p);
	}
	buf_release(&path);
	return e;
}

static enum err remove_old(struct recorder *r, struct errinfo *info)
{
	bool removed = r->options.keep > 0;
	enum err e = ERR_OK;

	while (removed && e == ERR_OK)
		e = remove_oldest(r, r->options.keep, &removed, info);
	return e;
}

/* Makes the file of the series that begins at TIME_NS. */
static enum err begin_part(struct recorder *r, int64_t time_ns, struct errinfo *info)
{
	struct part *p = &r->now;
	enum err e = ERR_USAGE;

	for (unsigned i = 1; e == ERR_USAGE && i <= SERIES_SECOND_MAX; i++) {
		buf_reset(&p->path);
		series_put_path(r->path, time_ns, i, &p->path);
		if (buf_err(&p->path) != ERR_OK)
			return err_set(info, buf_err(&p->path), 0, "the name %s is too long",
				       r->path);
		e = recording_writer_new(part_path(p), NULL, &p->writer, info);
	}
	if (e != ERR_OK)
		return e;
	p->number++;
	p->begin_ns = time_ns;
	p->has_events = false;
	/* What was counted before there was any file is the first one's. */
	p->base = p->number > 1 ? r->last : (struct coverage){.sessions = 0};
	p->own = (struct coverage){.sessions = 0};
	tell(r, RECORDER_BEGAN, part_path(p));
	e = r->server.asked_ns ? recording_writer_server(p->writer, &r->server, info) : ERR_OK;
	return e == ERR_OK ? remove_old(r, info) : e;
}

/* The sessions of the file NUMBER that wait for a response. */
static uint64_t count_waiting(const struct recorder *r, uint64_t number)
{
	const struct follow *f;
	uint64_t count = 0;
	size_t at = 0;

	while ((f = map_next(&r->sessions, &at)) != NULL)
		count += f->file == number && is_waiting(f);
	return count;
}

static enum err rotate(struct recorder *r, int64_t time_ns, struct errinfo *info)
{
	struct buf path = r->before.path;
	enum err e = finish_before(r, info);

	if (e != ERR_OK)
		return e;
	r->before = r->now;
	r->now.writer = NULL;
	r->now.base = r->last;
	r->now.path = path;
	r->waiting = count_waiting(r, r->before.number);
	e = begin_part(r, time_ns, info);
	if (e == ERR_OK && r->waiting == 0)
		e = finish_before(r, info);
	return e;
}

static bool is_due(const struct recorder *r, int64_t now_ns)
{
	const struct recorder_options *o = &r->options;
	const struct part *p = &r->now;

	if (!p->has_events)
		return false;
	return (o->rotate_ns && now_ns - p->begin_ns >= o->rotate_ns) ||
	       (o->rotate_bytes && part_bytes(p) >= o->rotate_bytes);
}

/* Bytes that can still be written to the disk. */
static enum err free_space(const struct recorder *r, uint64_t *out, struct errinfo *info)
{
	struct statvfs fs;

	if (statvfs(recorder_path(r), &fs) != 0)
		return err_set(info, ERR_IO, errno, "look for space on the disk of %s",
			       recorder_path(r));
	*out = (uint64_t)fs.f_bavail * fs.f_frsize;
	return ERR_OK;
}

/* Sees to it that min_free stays free. */
static enum err keep_free(struct recorder *r, struct errinfo *info)
{
	uint64_t need = r->options.min_free + SPACE_RESERVE, have = 0;
	bool removed = true;
	enum err e = ERR_OK;

	r->looked_at = recorder_bytes(r);
	while (e == ERR_OK) {
		e = free_space(r, &have, info);
		if (e != ERR_OK || have >= need)
			return e;
		if (r->options.keep)
			e = remove_oldest(r, r->before.writer ? 2 : 1, &removed, info);
		if (e == ERR_OK && (!removed || !r->options.keep))
			return err_set(info, ERR_IO, 0,
				       "only %llu MiB are left on the disk of %s, and --min-free "
				       "keeps %llu: stopped; what was written can be read",
				       (unsigned long long)(have >> 20), recorder_path(r),
				       (unsigned long long)(r->options.min_free >> 20));
	}
	return e;
}

static enum err look_at_disk(struct recorder *r, struct errinfo *info)
{
	if (!r->options.min_free || !r->now.writer)
		return ERR_OK;
	return keep_free(r, info);
}

static enum err follow_get(struct recorder *r, uint64_t session, struct follow **out)
{
	struct follow *f = map_get(&r->sessions, session, NULL);
	enum err e = ERR_OK;

	if (!f) {
		f = mem_zalloc(sizeof(*f));
		if (!f)
			return ERR_NOMEM;
		e = map_put(&r->sessions, session, f);
		if (e != ERR_OK)
			mem_free(f);
	}
	*out = f;
	return e;
}

/* The file that takes the event. */
static struct part *choose(struct recorder *r, struct follow *f, const struct event *e)
{
	struct part *p = &r->now;

	if (r->before.writer && f->file == r->before.number &&
	    (is_waiting(f) || e->type == EVENT_END))
		return &r->before;
	if (f->file != p->number) {
		p->own.sessions++;
		p->own.joined += e->type != EVENT_SESSION || e->session->joined;
		f->file = p->number;
	}
	return p;
}

/* Counts what was written to P. *ENDED: a session of the file before has been answered. */
static bool count(struct recorder *r, struct part *p, struct follow *f, const struct event *e)
{
	bool waited = is_waiting(f);

	p->has_events = true;
	if (e->type == EVENT_COMMAND) {
		p->own.commands++;
		f->asked = e->command->n;
		if (!waited && f->answered + 1 < f->asked)
			f->answered =
				f->asked - 1; /* nothing before it waits, though numbers may lack */
	} else if (e->type == EVENT_RESPONSE) {
		p->own.unanswered += e->response->unanswered;
		p->own.lost_responses +=
			e->response->kind == RESPONSE_LOST && !e->response->unanswered;
		if (e->response->n > f->answered)
			f->answered = e->response->n;
	} else if (e->type == EVENT_END) {
		(void)map_take(&r->sessions, e->session->id, NULL);
		f->answered = f->asked;
	}
	return p == &r->before && waited && !is_waiting(f);
}

static enum err series_event(struct recorder *r, const struct event *e, struct errinfo *info)
{
	struct follow *f;
	struct part *p;
	enum err err = ERR_OK;

	if (!r->now.writer)
		err = begin_part(r, e->time_ns, info);
	else if (is_due(r, e->time_ns))
		err = rotate(r, e->time_ns, info);
	if (err != ERR_OK)
		return err;
	err = follow_get(r, e->session->id, &f);
	if (err != ERR_OK)
		return err_set(info, err, 0, "cannot follow a session: %s", err_text(err));
	p = choose(r, f, e);
	err = recording_writer_event(p->writer, e, info);
	if (count(r, p, f, e) && --r->waiting == 0 && err == ERR_OK)
		err = finish_before(r, info);
	if (e->type == EVENT_END)
		mem_free(f);
	return err;
}

enum err recorder_event(struct recorder *r, const struct event *e, struct errinfo *info)
{
	enum err err = r->series ? series_event(r, e, info)
				 : recording_writer_event(r->now.writer, e, info);

	if (err == ERR_OK && r->options.min_free && recorder_bytes(r) - r->looked_at >= SPACE_STEP)
		err = keep_free(r, info);
	return err;
}

enum err recorder_server(struct recorder *r, const struct server_facts *s, struct errinfo *info)
{
	server_facts_release(&r->server);
	if (server_facts_copy(&r->server, s) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	return r->now.writer ? recording_writer_server(r->now.writer, s, info) : ERR_OK;
}

static enum err tick_part(const struct recorder *r, struct part *p, struct errinfo *info)
{
	struct coverage c = part_coverage(r, p, p == &r->now ? &r->last : &r->now.base);

	return p->writer ? recording_writer_tick(p->writer, &c, info) : ERR_OK;
}

enum err recorder_tick(struct recorder *r, const struct coverage *so_far, struct errinfo *info)
{
	int64_t now_ns = clock_wall_ns();
	enum err e = ERR_OK;

	r->last = *so_far;
	if (r->series && r->options.live) {
		if (!r->now.writer)
			e = begin_part(r, now_ns, info);
		else if (is_due(r, now_ns))
			e = rotate(r, now_ns, info);
	}
	if (e == ERR_OK)
		e = look_at_disk(r, info);
	if (e == ERR_OK)
		e = tick_part(r, &r->before, info);
	return e == ERR_OK ? tick_part(r, &r->now, info) : e;
}

enum err recorder_finish(struct recorder *r, const struct coverage *coverage, struct errinfo *info)
{
	enum err e, last;

	r->last = *coverage;
	e = finish_before(r, info);
	if (e == ERR_OK && !r->now.writer)
		e = begin_part(r, clock_wall_ns(), info);
	last = finish_part(r, &r->now, coverage, e == ERR_OK ? info : NULL);
	return e == ERR_OK ? last : e;
}

static enum err open_single(struct recorder *r, struct errinfo *info)
{
	enum err e = recording_writer_new(r->path, NULL, &r->now.writer, info);

	if (e != ERR_OK)
		return e;
	buf_put(&r->now.path, r->path, strlen(r->path) + 1);
	if (buf_err(&r->now.path) != ERR_OK)
		return err_set(info, buf_err(&r->now.path), 0, "the name %s is too long", r->path);
	return look_at_disk(r, info);
}

enum err recorder_new(const char *path, const struct recorder_options *options,
		      struct recorder **out, struct errinfo *info)
{
	struct recorder *r = mem_zalloc(sizeof(*r));
	enum err e;

	if (!r)
		return err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	r->options = *options;
	r->series = options->rotate_ns || options->rotate_bytes;
	map_init(&r->sessions, SIZE_MAX, NULL);
	buf_init(&r->now.path, SERIES_PATH_MAX);
	buf_init(&r->before.path, SERIES_PATH_MAX);
	r->path = mem_copy_str(path, strlen(path));
	if (!r->path)
		e = err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	else
		e = r->series ? ERR_OK : open_single(r, info);
	if (e != ERR_OK) {
		recorder_free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void recorder_free(struct recorder *r)
{
	struct follow *f;
	size_t at = 0;

	if (!r)
		return;
	recording_writer_free(r->now.writer);
	recording_writer_free(r->before.writer);
	buf_release(&r->now.path);
	buf_release(&r->before.path);
	while ((f = map_next(&r->sessions, &at)) != NULL)
		mem_free(f);
	map_release(&r->sessions);
	server_facts_release(&r->server);
	mem_free(r->path);
	mem_free(r);
}
