/*
 * ops - what a kind of capture must be able to do; capture.h's functions call through it.
 */
#ifndef CAPTURE_OPS_H
#define CAPTURE_OPS_H

#include "capture/capture.h"

struct capture_ops {
	enum err (*next)(struct capture *c, struct frame *out, struct errinfo *info);
	void (*update_stats)(struct capture *c); /* NULL: they are always up to date */
	double (*progress)(const struct capture *c);
	/* NULL: frames are borrowed only. BUFFERS may be NULL: the next of those that were lent. */
	enum err (*lend)(struct capture *c, const struct capture_buffers *buffers,
			 struct errinfo *info);
	void (*free)(struct capture *c);
};

/* The first member of every kind's own struct. */
struct capture {
	const struct capture_ops *ops;
	int fd;                     /* live: becomes readable when frames come */
	bool waits_outside;         /* live: next() does not wait itself */
	struct capture_stats stats; /* frames and truncated_frames are counted by capture_next() */
};

#endif
