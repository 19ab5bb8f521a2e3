/* source - the bytes of a file, a pipe or a compressed file, in one buffer that is read in place. */
#include "capture/source.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum err source_open(struct source *s, int fd, const char *name, struct errinfo *info)
{
	struct stat st;

	*s = (struct source){.fd = fd, .name = name};
	if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		off_t begin = lseek(fd, 0, SEEK_CUR);

		s->is_file = true;
		s->raw_size = (uint64_t)st.st_size;
		s->begin = begin > 0 ? (uint64_t)begin : 0;
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

static void drop_window(struct source *s)
{
	if (s->window)
		(void)munmap(s->window, s->window_len);
	s->window = NULL;
}

void source_close(struct source *s)
{
	drop_window(s);
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

/* ---- a window into the file ---- */

/* Where in the file the byte at POS is. */
static uint64_t place(const struct source *s)
{
	return s->begin + s->raw_read - (s->end - s->pos);
}

static bool may_map(const struct source *s)
{
	return s->is_file && !s->unpack && !s->next.next && !s->unmappable;
}

/* Moves the window to where POS is, so that it has N bytes from there on. False: there is no place for one. */
static bool move_window(struct source *s, size_t n)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t at = place(s), from = at - at % page, len = SOURCE_WINDOW + n;
	struct stat st;
	uint8_t *window;

	if (fstat(s->fd, &st) != 0)
		return false;
	if ((uint64_t)st.st_size < from + len) {
		s->cut |= s->window && (uint64_t)st.st_size < s->begin + s->raw_read;
		return false;
	}
	window = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, s->fd, (off_t)from);
	if (window == MAP_FAILED) {
		s->unmappable = true;
		return false;
	}
	drop_window(s);
	s->buf = s->window = window;
	s->cap = s->end = s->window_len = len;
	s->pos = at - from;
	s->raw_read = from + len - s->begin;
	return true;
}

/* ---- buffers ---- */

/* Goes on in TO, of ROOM bytes, to which it takes along what was not taken yet. */
static enum err change_buffer(struct source *s, uint8_t *to, size_t room, struct errinfo *info)
{
	struct slice left = source_bytes(s);

	if (s->window && lseek(s->fd, (off_t)(s->begin + s->raw_read), SEEK_SET) < 0)
		return err_set(info, ERR_IO, errno, "read %s", s->name);
	if (left.len)
		memcpy(to, left.ptr, left.len);
	drop_window(s);
	mem_free(s->own);
	s->own = NULL;
	s->buf = to;
	s->cap = room;
	s->pos = 0;
	s->end = left.len;
	return ERR_OK;
}

enum err source_renew(struct source *s, size_t room, struct errinfo *info)
{
	size_t left = source_bytes(s).len;
	uint8_t *to;

	if (room < left + 1)
		room = left + 1;
	to = s->next.next(s->next.ctx, &room);
	if (!to)
		return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
	return change_buffer(s, to, room, info);
}

/* Reads on behind the last window, with room for N bytes. */
static enum err leave_window(struct source *s, size_t n, struct errinfo *info)
{
	size_t room = n > SOURCE_BUFFER ? n : SOURCE_BUFFER;
	uint8_t *to = mem_alloc(room);
	enum err e;

	if (!to)
		return err_set(info, ERR_NOMEM, 0, "read %s: out of memory", s->name);
	e = change_buffer(s, to, room, info);
	if (e == ERR_OK)
		s->own = to;
	else
		mem_free(to);
	return e;
}

/* Makes room for N bytes from pos on, and for at least one more than there are. */
static enum err make_room(struct source *s, size_t n, struct errinfo *info)
{
	size_t have = s->end - s->pos;

	if (s->cap - s->pos >= n && s->end < s->cap)
		return ERR_OK;
	if (s->next.next)
		return source_renew(s, n > SOURCE_BUFFER ? n : SOURCE_BUFFER, info);
	if (s->window)
		return leave_window(s, n, info);
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
		if (may_map(s) && move_window(s, n))
			continue;
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
