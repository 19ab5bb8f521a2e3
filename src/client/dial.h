/*
 * dial - the addresses of a target, tried one after the other until a socket is connected.
 *
 * The time that is left is shared equally by the addresses that are.
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "client/socket.h"

struct dial {
	struct socket_address *addresses; /* owned */
	size_t count, at;                 /* AT: the next to be tried */
	int64_t due_ns;                   /* the end of this try; monotonic */
	int64_t deadline_ns;              /* the end of all */
	int64_t silence_ns;               /* the target's unreachable_ns */
};

/*
 * Looks T's host up (blocking, unless it is an address) and begins to connect to its first address that does
 * not fail at once. *FD is -1 before, and afterwards the socket's, also of later tries: who called closes it.
 */
enum err dial_begin(struct dial *d, const struct target *t, int64_t deadline_ns, int *fd,
		    struct errinfo *info) MUST_CHECK;

/*
 * To be called when *FD became writable, or is due. ERR_OK: it is connected. ERR_AGAIN: not yet, or the next
 * address is tried, and *FD is another number. ERR_IO: all have failed; INFO is about the last one.
 */
enum err dial_check(struct dial *d, int *fd, struct errinfo *info) MUST_CHECK;

void dial_release(struct dial *d);

#endif
