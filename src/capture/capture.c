/* capture - where frames come from: dispatch, and what all kinds count alike. */
#include "capture/capture.h"

#include "capture/ops.h"

enum err capture_next(struct capture *c, struct frame *out, struct errinfo *info)
{
	enum err e = c->ops->next(c, out, info);

	if (e != ERR_OK)
		return e;
	out->number = ++c->stats.frames;
	if (out->wire_len > out->bytes.len)
		c->stats.truncated_frames++;
	return ERR_OK;
}

enum err capture_lend(struct capture *c, const struct capture_buffers *buffers, bool *lent,
		      struct errinfo *info)
{
	enum err e = c->ops->lend ? c->ops->lend(c, buffers, info) : ERR_OK;

	if (e == ERR_OK)
		*lent = c->ops->lend != NULL;
	return e;
}

enum err capture_renew(struct capture *c, struct errinfo *info)
{
	return c->ops->lend(c, NULL, info);
}

void capture_get_stats(struct capture *c, struct capture_stats *out)
{
	if (c->ops->update_stats)
		c->ops->update_stats(c);
	*out = c->stats;
}

double capture_progress(const struct capture *c)
{
	return c->ops->progress(c);
}

void capture_free(struct capture *c)
{
	if (c)
		c->ops->free(c);
}
