/* source - the bytes of a file, a pipe or a compressed file, in one buffer that is read in place. */
#include "capture/source.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum err source_open(struct source *s, int fd, const char *name, struct errinfo *info)
{
	struct stat st;

	*s = (struct source){.fd = fd, .name = name};
	if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->is_file = true;
		s->raw_size = (uint64_t)st.st_size;
	}
	s->own = mem_alloc(SOURCE_BUFFER);
	if (!s->own) {
		source_close(s);
		return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
	}
	s->buf = s->own;
	s->cap = SOURCE_BUFFER;
	return ERR_OK;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	unpack_free(s->unpack);
	mem_free(s->raw);
	mem_free(s->own);
	*s = (struct source){.fd = -1};
}

/* One read() into TO; *GOT is 0 at the end of the file. */
static enum err read_some(struct source *s, uint8_t *to, size_t room, size_t *got,
			  struct errinfo *info)
{
	struct pollfd ready = {.fd = s->fd, .events = POLLIN};
	ssize_t n;

	s->interrupted = false;
	if (!s->is_file && poll(&ready, 1, SOURCE_WAIT_MS) == 0)
		return ERR_AGAIN;
	n = read(s->fd, to, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		s->interrupted = errno == EINTR;
		return ERR_AGAIN;
	}
	if (n < 0)
		return err_set(info, ERR_IO, errno, "read %s", s->name);
	s->raw_read += (uint64_t)n;
	*got = (size_t)n;
	return ERR_OK;
}

static enum err fill_plain(struct source *s, struct errinfo *info)
{
	size_t got = 0;
	enum err e = read_some(s, s->buf + s->end, s->cap - s->end, &got, info);

	s->end += got;
	s->at_end = e == ERR_OK && got == 0;
	return e;
}

static enum err fill_unpacked(struct source *s, struct errinfo *info)
{
	size_t got = 0, made = 0;
	enum err e;

	if (s->raw_left.len == 0) {
		e = read_some(s, s->raw, SOURCE_BUFFER, &got, info);
		if (e != ERR_OK)
			return e;
		s->raw_left = slice_of(s->raw, got);
	}
	e = unpack_run(s->unpack, &s->raw_left, s->buf + s->end, s->cap - s->end, &made);
	s->end += made;
	if (got == 0 && made == 0 && s->raw_left.len == 0) {
		s->at_end = true;
		s->cut = !unpack_whole(s->unpack);
	}
	if (e != ERR_OK) /* garbage behind, or within: what comes after it cannot be unpacked */
		s->at_end = s->cut = true;
	return ERR_OK;
}

enum err source_renew(struct source *s, size_t room, struct errinfo *info)
{
	struct slice left = source_bytes(s);
	uint8_t *to;

	if (room < left.len + 1)
		room = left.len + 1;
	to = s->next.next(s->next.ctx, &room);
	if (!to)
		return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
	if (left.len)
		memcpy(to, left.ptr, left.len);
	mem_free(s->own);
	s->own = NULL;
	s->buf = to;
	s->cap = room;
	s->pos = 0;
	s->end = left.len;
	return ERR_OK;
}

/* Makes room for N bytes from pos on, and for at least one more than there are. */
static enum err make_room(struct source *s, size_t n, struct errinfo *info)
{
	size_t have = s->end - s->pos;

	if (s->cap - s->pos >= n && s->end < s->cap)
		return ERR_OK;
	if (s->next.next)
		return source_renew(s, n > SOURCE_BUFFER ? n : SOURCE_BUFFER, info);
	memmove(s->buf, s->buf + s->pos, have);
	s->pos = 0;
	s->end = have;
	if (n > s->cap) {
		uint8_t *buf = mem_resize(s->own, n);

		if (!buf)
			return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
		s->own = s->buf = buf;
		s->cap = n;
	}
	return ERR_OK;
}

/* The first bytes tell whether the file is compressed; they are in the buffer already. */
static enum err begin(struct source *s, struct errinfo *info)
{
	enum unpack_kind kind;
	enum err e = ERR_OK;

	while (s->end < UNPACK_MAGIC_LEN && !s->at_end && e == ERR_OK)
		e = fill_plain(s, info);
	kind = unpack_detect(source_bytes(s));
	if (e != ERR_OK || kind == UNPACK_NONE)
		return e;
	s->raw = mem_alloc(SOURCE_BUFFER);
	if (!s->raw || unpack_new(kind, &s->unpack) != ERR_OK)
		return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
	memcpy(s->raw, s->buf, s->end);
	s->raw_left = slice_of(s->raw, s->end);
	s->end = 0;
	s->at_end = false;
	return ERR_OK;
}

enum err source_fill(struct source *s, size_t n, struct errinfo *info)
{
	enum err e = ERR_OK;

	assert(n <= SOURCE_MAX);
	if (s->raw_read < UNPACK_MAGIC_LEN && !s->at_end)
		e = begin(s, info);
	while (e == ERR_OK && s->end - s->pos < n) {
		if (s->at_end)
			return ERR_EOF;
		e = make_room(s, n, info);
		if (e == ERR_OK)
			e = s->unpack ? fill_unpacked(s, info) : fill_plain(s, info);
	}
	return e;
}

double source_progress(const struct source *s)
{
	if (!s->is_file || s->raw_size == 0)
		return -1;
	return (double)(s->raw_read - s->raw_left.len) / (double)s->raw_size;
}
