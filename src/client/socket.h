/*
 * socket - non-blocking stream sockets to where a target lives.
 */
#ifndef CLIENT_SOCKET_H
#define CLIENT_SOCKET_H

#include <sys/socket.h>

#include "client/target.h"

enum { SOCKET_ADDRESSES_MAX = 16 }; /* of one name; more are not tried */

struct socket_address {
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * All addresses of T's host in the system's order of preference, or its one local socket. *OUT is the
 * caller's (mem_free). Blocks for a name that is not an address. ERR_IO, ERR_USAGE (a path that is
 * too long), ERR_NOMEM.
 */
enum err socket_addresses(const struct target *t, struct socket_address **out, size_t *count,
			  struct errinfo *info) MUST_CHECK;

/*
 * Begins to connect to A and puts the new socket into *FD, where nothing is said if it fails. A TCP
 * socket may still be connecting: it is writable when that is over. A local socket is connected or has
 * failed on return; where the server's queue is full this waits, TIMEOUT_NS at most.
 */
enum err socket_connect(const struct socket_address *a, int64_t timeout_ns, int *fd,
			struct errinfo *info) MUST_CHECK;

/*
 * Of a TCP socket that is idle the kernel asks for a sign of life from now on, and ends it if there was none for SILENCE_NS.
 * That it has something to say, which is not acknowledged, it bears for a quarter of an hour: socket_is_silent() tells it sooner.
 */
void socket_ask_for_life(int fd, int64_t silence_ns);

/*
 * True if the other machine was asked more than once for an acknowledgement and sent none for SILENCE_NS: of data, or of room
 * for data. A server that takes its time, or does not read what comes, is not silent, since its machine answers.
 */
bool socket_is_silent(int fd, int64_t silence_ns);

/* ERR_OK: connected; ERR_AGAIN: not yet; ERR_IO: it failed. */
enum err socket_connected(int fd, struct errinfo *info) MUST_CHECK;

#endif
