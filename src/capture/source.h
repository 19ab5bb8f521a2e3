/*
 * source - the bytes of a file, a pipe or a compressed file, in one buffer that is read in place.
 *
 * Of a large plain file the buffer is a window into the kernel's own copy, mapped, which moves over the file; its last
 * part, and all else, is read. Where a mapped file is made shorter meanwhile, bytes behind its new end are a SIGBUS,
 * which is the program's to catch.
 *
 * Invariant: pos <= end <= cap. Slices into the buffer live until the next source_need().
 */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "base/err.h"
#include "base/slice.h"
#include "capture/capture.h"
#include "capture/unpack.h"

enum {
	SOURCE_BUFFER = 256 << 10, /* bytes; what a second-level cache holds */
	SOURCE_WINDOW = 4 << 20,   /* bytes that are mapped; of what is smaller nothing is */
	SOURCE_AHEAD = 3 << 10,    /* bytes that are fetched before they are looked at */
	SOURCE_CACHE_LINE = 64,    /* bytes */
	SOURCE_MAX = 32 << 20,     /* bytes that may be asked for at once */
	SOURCE_WAIT_MS = 100,      /* for a pipe that is silent */
};

struct source {
	int fd;
	bool is_file;     /* reading it never waits, and its size is known */
	bool interrupted; /* the last ERR_AGAIN came of a signal */
	bool at_end;      /* nothing more will be read */
	bool cut; /* a compressed file is damaged or ends too early, or a file was made shorter meanwhile; what was
		     got of it before is good */
	struct capture_buffers
		next; /* where other buffers come from; NULL: there is only the one */
	uint8_t *buf;
	uint8_t *own;    /* the one to free; NULL: it was lent */
	uint8_t *window; /* the mapping, which is the buffer; NULL: none is */
	size_t window_len;
	bool unmappable; /* there will be none */
	uint64_t begin;  /* where in the file it began */
	size_t cap, pos, end;
	struct unpack *unpack;       /* NULL: plain */
	uint8_t *raw;                /* compressed bytes, SOURCE_BUFFER of room */
	struct slice raw_left;       /* of raw, not yet unpacked */
	uint64_t raw_read, raw_size; /* bytes of the file */
	const char *name;            /* for messages; borrowed */
};

/* FD, which it closes, also when it fails; NAME must live as long as S. ERR_NOMEM. */
enum err source_open(struct source *s, int fd, const char *name, struct errinfo *info) MUST_CHECK;
void source_close(struct source *s); /* an all-zero source with fd -1 is fine */

/* Goes on in the next buffer, of at least ROOM bytes, to which it takes along what was not taken yet. ERR_NOMEM. */
enum err source_renew(struct source *s, size_t room, struct errinfo *info) MUST_CHECK;

/* What source_need() does where the bytes are not there yet. */
enum err source_fill(struct source *s, size_t n, struct errinfo *info) MUST_CHECK;

/*
 * Sees to it that N bytes (at most SOURCE_MAX) stand in the buffer. ERR_EOF: there are fewer, and no
 * more will come. ERR_AGAIN: a pipe is silent, or a signal came; nothing is lost. ERR_IO, ERR_NOMEM.
 */
static inline enum err MUST_CHECK source_need(struct source *s, size_t n, struct errinfo *info)
{
	return s->end - s->pos >= n ? ERR_OK : source_fill(s, n, info);
}

/* What stands in the buffer. */
static inline struct slice source_bytes(const struct source *s)
{
	return slice_of(s->buf + s->pos, s->end - s->pos);
}

/*
 * Leaves the first N bytes of source_bytes() behind. As many further ahead are fetched: of a window most are in no
 * cache, and whoever follows lengths from one to the next would wait for each.
 */
static inline void source_take(struct source *s, size_t n)
{
	if (s->end - s->pos >= n + SOURCE_AHEAD)
		for (size_t i = 0; i < n; i += SOURCE_CACHE_LINE)
			__builtin_prefetch(s->buf + s->pos + SOURCE_AHEAD + i);
	s->pos += n;
}

/* Share of the file that was read, 0 to 1; negative where unknown. */
double source_progress(const struct source *s);

#endif
