/*
 * capture - where frames come from: a file, standard input or a live interface.
 *
 * Files: pcap (both byte orders, micro- and nanoseconds, also the modified magic), pcapng (several
 * sections and interfaces, each with its own link type and time resolution), plain or compressed by
 * gzip or zstd, told apart by their first bytes, not by name. One thread.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>

#include "base/err.h"
#include "net/frame.h"

struct capture;

enum {
	CAPTURE_PARTS_MAX = 32,       /* live captures that are merged */
	CAPTURE_MERGE_NS = 150000000, /* merged frames are handed out so long after their time */
};

struct capture_live_options {
	const char *interface;
	const char *filter; /* tcpdump's language; NULL: everything */
	const char *plain;  /* in its place on a link that cannot do it; NULL: that is an error */
	uint32_t snap_len;  /* bytes; 0: whole frames */
	uint64_t buffer_bytes; /* kernel ring; 0: 64 MiB */
	bool promiscuous;
};

struct capture_stats {
	uint64_t frames;           /* handed out */
	uint64_t kernel_drops;     /* heard by the kernel, but not taken in time */
	uint64_t interface_drops;  /* dropped before the kernel saw them */
	uint64_t truncated_frames; /* cut by the snap length */
	uint64_t bad_bytes;        /* of a damaged file, passed over */
	bool cut_off; /* the file ended inside a record, or could not be unpacked to its end */
};

/*
 * Opens the file PATH, or standard input for "-". ERR_IO: it can't be opened or read; ERR_PROTO: it
 * is no capture; ERR_UNSUPPORTED: a format that is known but not read.
 */
enum err capture_open_file(const char *path, struct capture **out, struct errinfo *info) MUST_CHECK;

/* The same of what is open already as FD, which is closed in the end, also when this fails; PATH is its name. */
enum err capture_open_fd(int fd, const char *path, struct capture **out,
			 struct errinfo *info) MUST_CHECK;

/*
 * Opens a live interface and starts listening. ERR_IO with a text that says what to do: no
 * permission, no such interface (then the text lists those that exist), a filter that is wrong.
 */
enum err capture_open_live(const struct capture_live_options *options, struct capture **out,
			   struct errinfo *info) MUST_CHECK;

/*
 * COUNT live captures, at least one, as one that hands out their frames by time and counts what all of them
 * dropped. Takes PARTS over, unless ERR_NOMEM.
 */
enum err capture_merge(struct capture *const *parts, size_t count, struct capture **out) MUST_CHECK;

/*
 * Gets the next frame. ERR_EOF: the file ended (also where it was cut off, see capture_stats).
 * ERR_AGAIN: live or a pipe, and nothing came for a short while (about 100 ms), or a signal did; *OUT
 * is untouched. ERR_IO: reading failed, or the interface went away; frames got so far are good.
 */
enum err capture_next(struct capture *c, struct frame *out, struct errinfo *info) MUST_CHECK;

/*
 * Where a file's bytes are read to, for whoever keeps frames for longer. NEXT: the buffer at hand holds no more; returns
 * another one of at least *ROOM bytes, and sets *ROOM to how many; NULL: memory is out. What is in the one before stays
 * as it is, but its last bytes may be copied out of it until capture_next() or capture_renew() returns.
 */
struct capture_buffers {
	uint8_t *(*next)(void *ctx, size_t *room);
	void *ctx;
};

/*
 * Has the bytes of a file read to BUFFERS, which it asks for the first at once; they stay the caller's. *LENT is false,
 * and nothing was changed, if C is live: its frames are borrowed only. ERR_NOMEM.
 */
enum err capture_lend(struct capture *c, const struct capture_buffers *buffers, bool *lent,
		      struct errinfo *info) MUST_CHECK;

/* Goes on in the next buffer, whether the one at hand is full or not. Only after it was lent. ERR_NOMEM. */
enum err capture_renew(struct capture *c, struct errinfo *info) MUST_CHECK;

void capture_get_stats(struct capture *c, struct capture_stats *out);

/* Share of the file that was read, 0 to 1, for a progress line; negative where unknown. */
double capture_progress(const struct capture *c);

void capture_free(struct capture *c); /* NULL is fine */

#endif
