/*
 * source - the bytes of a file, a pipe or a compressed file, in one buffer that is read in place.
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
	SOURCE_MAX = 32 << 20,     /* bytes that may be asked for at once */
	SOURCE_WAIT_MS = 100,      /* for a pipe that is silent */
};

struct source {
	int fd;
	bool is_file;     /* reading it never waits, and its size is known */
	bool interrupted; /* the last ERR_AGAIN came of a signal */
	bool at_end;      /* nothing more will be read */
	bool cut; /* the compressed file is damaged or ends too early; what was got of it is good */
	struct capture_buffers
		next; /* where other buffers come from; NULL: there is only the one */
	uint8_t *buf;
	uint8_t *own; /* the one to free; NULL: it was lent */
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

/* Leaves the first N bytes of source_bytes() behind. */
static inline void source_take(struct source *s, size_t n)
{
	s->pos += n;
}

/* Share of the file that was read, 0 to 1; negative where unknown. */
double source_progress(const struct source *s);

#endif
