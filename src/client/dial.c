/* dial - the addresses of a target, tried one after the other. */
#include "client/dial.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static enum err too_late(struct errinfo *info)
{
	return err_set(info, ERR_IO, 0, "no connection within the connect timeout");
}

/* Begins with the next address that does not fail at once; INFO is of the last failure if none is left. */
static enum err try_next(struct dial *d, int *fd, struct errinfo *info)
{
	enum err e = ERR_IO;

	while (d->at < d->count) {
		const struct socket_address *a = &d->addresses[d->at];
		int64_t now_ns = clock_mono_ns();
		int64_t share_ns = (d->deadline_ns - now_ns) / (int64_t)(d->count - d->at);
		int fresh, old = *fd;

		if (share_ns <= 0)
			return too_late(info);
		d->at++;
		e = socket_connect(a, share_ns, &fresh, info);
		if (e != ERR_OK)
			continue;
		socket_ask_for_life(fresh, d->silence_ns);
		/* The old one is closed after the new one exists, so that their numbers differ. */
		*fd = fresh;
		if (old >= 0)
			(void)close(old);
		d->due_ns = now_ns + share_ns;
		return ERR_OK;
	}
	return e;
}

enum err dial_begin(struct dial *d, const struct target *t, int64_t deadline_ns, int *fd,
		    struct errinfo *info)
{
	enum err e;

	*d = (struct dial){.deadline_ns = deadline_ns, .silence_ns = t->unreachable_ns};
	e = socket_addresses(t, &d->addresses, &d->count, info);
	return e == ERR_OK ? try_next(d, fd, info) : e;
}

enum err dial_check(struct dial *d, int *fd, struct errinfo *info)
{
	enum err e = socket_connected(*fd, info);

	if (e == ERR_AGAIN && clock_mono_ns() >= d->due_ns)
		e = too_late(info);
	if (e != ERR_IO || d->at == d->count)
		return e;
	e = try_next(d, fd, info);
	return e == ERR_OK ? ERR_AGAIN : e;
}

void dial_release(struct dial *d)
{
	mem_free(d->addresses);
	*d = (struct dial){0};
}
