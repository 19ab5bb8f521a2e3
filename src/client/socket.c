/* socket - non-blocking stream sockets. */
#include "client/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SILENCE_MAX_S = 12 * 3600 }; /* the kernel knows no more than 32767 s of a single pause */

static enum err local_address(const char *path, struct socket_address **out, size_t *count,
			      struct errinfo *info)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct socket_address *a;

	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(info, ERR_USAGE, 0,
			       "the path of a local socket has at most %zu bytes: %s",
			       sizeof(un.sun_path) - 1, path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	a = mem_zalloc(sizeof(*a));
	if (!a)
		return err_set(info, ERR_NOMEM, 0, "no memory for an address");
	memcpy(&a->addr, &un, sizeof(un));
	a->len = sizeof(un);
	*out = a;
	*count = 1;
	return ERR_OK;
}

static enum err copy_addresses(const struct addrinfo *found, struct socket_address **out,
			       size_t *count, struct errinfo *info)
{
	struct socket_address *list = mem_zalloc(SOCKET_ADDRESSES_MAX * sizeof(*list));
	size_t n = 0;

	if (!list)
		return err_set(info, ERR_NOMEM, 0, "no memory for addresses");
	for (; found && n < SOCKET_ADDRESSES_MAX; found = found->ai_next) {
		if (found->ai_addrlen > sizeof(list[n].addr))
			continue;
		memcpy(&list[n].addr, found->ai_addr, found->ai_addrlen);
		list[n++].len = found->ai_addrlen;
	}
	if (n == 0) {
		mem_free(list);
		return err_set(info, ERR_IO, 0, "the name has no address");
	}
	*out = list;
	*count = n;
	return ERR_OK;
}

enum err socket_addresses(const struct target *t, struct socket_address **out, size_t *count,
			  struct errinfo *info)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	enum err e;
	int failed;

	if (t->socket)
		return local_address(t->socket, out, count, info);
	(void)snprintf(port, sizeof(port), "%u", (unsigned)t->port);
	failed = getaddrinfo(t->host, port, &hints, &found);
	if (failed)
		return err_set(info, ERR_IO, failed == EAI_SYSTEM ? errno : 0, "look up %s: %s",
			       t->host, gai_strerror(failed));
	e = copy_addresses(found, out, count, info);
	freeaddrinfo(found);
	return e;
}

static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value)); /* better, but not needed */
}

/* Half of the time may pass in silence, and then three times a sixth of it for each question. */
void socket_ask_for_life(int fd, int64_t silence_ns)
{
	int silence_s = silence_ns / NS_PER_S < SILENCE_MAX_S ? (int)(silence_ns / NS_PER_S)
							      : SILENCE_MAX_S;

	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, silence_s > 2 ? silence_s / 2 : 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, silence_s > 6 ? silence_s / 6 : 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool socket_is_silent(int fd, int64_t silence_ns)
{
	struct tcp_info t = {.tcpi_unacked = 0};
	socklen_t len = sizeof(t);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len) != 0)
		return false; /* a local socket */
	return (t.tcpi_retransmits > 1 || t.tcpi_probes > 1) &&
	       (int64_t)t.tcpi_last_ack_recv * NS_PER_MS >= silence_ns;
}

/* Blocking: a full queue would be EAGAIN without any event that tells when to try again. */
static enum err connect_local(int fd, const struct socket_address *a, int64_t timeout_ns)
{
	struct timeval limit = {.tv_sec = timeout_ns / NS_PER_S,
				.tv_usec = timeout_ns % NS_PER_S / NS_PER_US};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&a->addr, a->len) != 0)
		return ERR_IO;
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? ERR_OK : ERR_IO;
}

static enum err connect_tcp(int fd, const struct socket_address *a)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return ERR_IO;
	if (connect(fd, (const struct sockaddr *)&a->addr, a->len) != 0 && errno != EINPROGRESS)
		return ERR_IO;
	return ERR_OK;
}

enum err socket_connect(const struct socket_address *a, int64_t timeout_ns, int *fd,
			struct errinfo *info)
{
	int s = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum err e;

	if (s < 0)
		return err_set(info, ERR_IO, errno, "socket");
	if (a->addr.ss_family == AF_UNIX)
		e = connect_local(s, a, timeout_ns);
	else
		e = connect_tcp(s, a);
	if (e != ERR_OK) {
		e = err_set(info, ERR_IO, errno, "connect");
		(void)close(s);
		return e;
	}
	*fd = s;
	return ERR_OK;
}

enum err socket_connected(int fd, struct errinfo *info)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (poll(&p, 1, 0) == 0)
		return ERR_AGAIN;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0)
		failed = errno;
	if (failed)
		return err_set(info, ERR_IO, failed, "connect");
	return ERR_OK;
}
