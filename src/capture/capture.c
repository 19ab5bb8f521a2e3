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
