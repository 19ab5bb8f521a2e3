/*
 * merge - several live captures as one, by time.
 *
 * The earliest of the frames that wait is handed out once none that is earlier can come: each other interface has one
 * that waits, too, or was found empty later than that by CAPTURE_MERGE_NS, which is longer than the kernel keeps
 * frames back. So a busy interface does not wait for a silent one, but for the clock.
 */
#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/ops.h"

enum { WAIT_MS = 100, NONSENSE_NS = 1000 * 1000 * 1000 };

struct part {
	struct capture *capture;
	struct frame frame; /* the one that waits */
	bool waits;
	bool asked;       /* since its last frame was handed out */
	int64_t empty_ns; /* when nothing was found */
};

struct merge {
	struct capture base; /* first */
	struct part parts[CAPTURE_PARTS_MAX];
	size_t count;
};

/* The part with the earliest frame that waits; NULL if none does. */
static struct part *earliest(struct merge *m)
{
	struct part *first = NULL;

	for (size_t i = 0; i < m->count; i++) {
		struct part *p = &m->parts[i];

		if (p->waits && (!first || p->frame.time_ns < first->frame.time_ns))
			first = p;
	}
	return first;
}

/* May P still come with a frame from before TIME_NS? Not if the clock was set meanwhile. */
static bool may_be_earlier(const struct part *p, int64_t time_ns)
{
	int64_t since_ns = p->empty_ns - time_ns;

	if (!p->asked)
		return true;
	return !p->waits && since_ns < CAPTURE_MERGE_NS && since_ns > -(int64_t)NONSENSE_NS;
}

/* Asks the parts that may have something before FIRST's frame, or at all. True: *CAME tells if there was any. */
static enum err ask(struct merge *m, const struct part *first, bool *came, struct errinfo *info)
{
	int64_t now_ns = clock_wall_ns();

	*came = false;
	for (size_t i = 0; i < m->count; i++) {
		struct part *p = &m->parts[i];
		enum err e;

		if (p->waits || (first && !may_be_earlier(p, first->frame.time_ns)))
			continue;
		e = p->capture->ops->next(p->capture, &p->frame, info);
		if (e != ERR_OK && e != ERR_AGAIN)
			return e;
		p->waits = e == ERR_OK;
		p->asked = true;
		p->empty_ns = now_ns;
		*came |= p->waits;
	}
	return ERR_OK;
}

static bool is_due(const struct merge *m, const struct part *first)
{
	for (size_t i = 0; first && i < m->count; i++)
		if (may_be_earlier(&m->parts[i], first->frame.time_ns))
			return false;
	return first != NULL;
}

/* Until a frame comes to a part that has none, or FIRST's is due. */
static void wait_for_more(const struct merge *m, const struct part *first)
{
	struct pollfd ready[CAPTURE_PARTS_MAX];
	nfds_t count = 0;
	int64_t wait_ns = WAIT_MS * NS_PER_MS;

	for (size_t i = 0; i < m->count; i++)
		if (!m->parts[i].waits)
			ready[count++] =
				(struct pollfd){.fd = m->parts[i].capture->fd, .events = POLLIN};
	if (first)
		wait_ns = first->frame.time_ns + CAPTURE_MERGE_NS - clock_wall_ns();
	if (wait_ns > WAIT_MS * NS_PER_MS)
		wait_ns = WAIT_MS * NS_PER_MS;
	if (wait_ns > 0)
		(void)poll(ready, count, (int)(wait_ns / NS_PER_MS) + 1);
}

static enum err merge_next(struct capture *c, struct frame *out, struct errinfo *info)
{
	struct merge *m = (struct merge *)c;

	for (bool waited = false;; waited = true) {
		struct part *first = earliest(m);
		bool came = true;

		while (came && !is_due(m, first)) {
			enum err e = ask(m, first, &came, info);

			if (e != ERR_OK)
				return e;
			first = earliest(m);
		}
		if (is_due(m, first)) {
			*out = first->frame;
			first->waits = false;
			first->asked = false;
			return ERR_OK;
		}
		if (waited)
			return ERR_AGAIN;
		wait_for_more(m, first);
	}
}

static void merge_update_stats(struct capture *c)
{
	struct merge *m = (struct merge *)c;

	c->stats.kernel_drops = c->stats.interface_drops = 0;
	for (size_t i = 0; i < m->count; i++) {
		struct capture_stats part;

		capture_get_stats(m->parts[i].capture, &part);
		c->stats.kernel_drops += part.kernel_drops;
		c->stats.interface_drops += part.interface_drops;
	}
}

static double merge_progress(const struct capture *c)
{
	(void)c;
	return -1;
}

static void merge_free(struct capture *c)
{
	struct merge *m = (struct merge *)c;

	for (size_t i = 0; i < m->count; i++)
		capture_free(m->parts[i].capture);
	mem_free(m);
}

static const struct capture_ops merge_ops = {
	.next = merge_next,
	.update_stats = merge_update_stats,
	.progress = merge_progress,
	.free = merge_free,
};

enum err capture_merge(struct capture *const *parts, size_t count, struct capture **out)
{
	struct merge *m = mem_zalloc(sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	m->base.ops = &merge_ops;
	m->base.fd = -1;
	m->count = count;
	for (size_t i = 0; i < count; i++) {
		m->parts[i].capture = parts[i];
		parts[i]->waits_outside = true;
	}
	*out = &m->base;
	return ERR_OK;
}
