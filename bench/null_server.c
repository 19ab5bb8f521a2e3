/*
 * null_server - a server of the MySQL protocol that does nothing: it lets everyone in and answers every question at
 * once, so that what is left is the client's own work.
 *
 *     null_server            listens on a free port of the loopback interface, prints it, serves until it is killed
 *
 * QUERY and STMT_EXECUTE get a result of one column and one row, STMT_PREPARE as many parameters as there are
 * question marks, everything else OK. One thread, epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 << 10, HEADER = 4, EVENTS = 64, BACKLOG = 4096, FILES_MAX = 65536 };
enum {
	COM_QUIT = 1,
	COM_QUERY = 3,
	COM_PREPARE = 22,
	COM_EXECUTE = 23,
	COM_LONG_DATA = 24,
	COM_CLOSE = 25
};

struct peer {
	int fd;
	bool logged_in;
	size_t len;
	uint8_t in[BUFFER];
};

/* Sequence ids are those of an answer to packet 0. */
static const uint8_t greeting[] = "\x4a\0\0\0\x0a"
				  "8.0.36\0\1\0\0\0"
				  "12345678\0\xdf\xf7\x2d\2\0\x0f\0\x15"
				  "\0\0\0\0\0\0\0\0\0\0"
				  "123456789012\0mysql_native_password";
static const uint8_t ok[] = "\7\0\0\1\0\0\0\2\0\0\0";
static const uint8_t column_and_end[] =
	"\1\0\0\1\1"
	"\x17\0\0\2\3def\0\0\0\1c\0\x0c\x2d\0\x78\0\0\0\xfd\0\0\0\0\0"
	"\5\0\0\3\xfe\0\0\2\0";
static const uint8_t text_row[] = "\5\0\0\4\4null\5\0\0\5\xfe\0\0\2\0";
static const uint8_t binary_row[] = "\7\0\0\4\0\0\4null\5\0\0\5\xfe\0\0\2\0";

static size_t put(uint8_t *to, const uint8_t *from, size_t size)
{
	memcpy(to, from, size - 1); /* without the literal's NUL */
	return size - 1;
}

static size_t put_column(uint8_t *to, uint8_t sequence)
{
	const size_t at = 5; /* of the definition in COLUMN_AND_END */
	const size_t len = 27;

	memcpy(to, column_and_end + at, len);
	to[3] = sequence;
	return len;
}

static size_t put_end(uint8_t *to, uint8_t sequence)
{
	const uint8_t end[] = {5, 0, 0, sequence, 0xfe, 0, 0, 2, 0};

	memcpy(to, end, sizeof(end));
	return sizeof(end);
}

/* At most 8 parameters are believed. */
static size_t put_prepared(uint8_t *to, const uint8_t *text, size_t len)
{
	uint8_t marks = 0, sequence = 2;
	size_t n;

	for (size_t i = 0; i < len && marks < 8; i++)
		marks += text[i] == '?';
	const uint8_t first[] = {12, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, marks, 0, 0, 0, 0};

	memcpy(to, first, sizeof(first));
	n = sizeof(first);
	for (uint8_t i = 0; i < marks; i++)
		n += put_column(to + n, sequence++);
	if (marks > 0)
		n += put_end(to + n, sequence++);
	n += put_column(to + n, sequence++);
	return n + put_end(to + n, sequence);
}

/* The answer to a packet; 0 bytes if there is none. */
static size_t answer(const uint8_t *payload, size_t len, uint8_t *to)
{
	size_t n;

	switch (payload[0]) {
	case COM_QUERY:
		n = put(to, column_and_end, sizeof(column_and_end));
		return n + put(to + n, text_row, sizeof(text_row));
	case COM_EXECUTE:
		n = put(to, column_and_end, sizeof(column_and_end));
		return n + put(to + n, binary_row, sizeof(binary_row));
	case COM_PREPARE:
		return put_prepared(to, payload, len);
	case COM_LONG_DATA:
	case COM_CLOSE:
		return 0;
	default:
		return put(to, ok, sizeof(ok));
	}
}

/* False: the peer left, or sends more than fits. */
static bool serve(struct peer *p)
{
	ssize_t got = recv(p->fd, p->in + p->len, sizeof(p->in) - p->len, 0);
	uint8_t out[1024];
	size_t at = 0, size, n;

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	p->len += (size_t)got;
	while (p->len - at >= HEADER) {
		size = p->in[at] | (size_t)p->in[at + 1] << 8 | (size_t)p->in[at + 2] << 16;
		if (size == 0 || size > sizeof(p->in) - HEADER)
			return false;
		if (p->len - at < HEADER + size)
			break;
		if (p->logged_in && p->in[at + HEADER] == COM_QUIT)
			return false;
		n = p->logged_in ? answer(p->in + at + HEADER, size, out)
				 : put(out, ok, sizeof(ok));
		if (!p->logged_in)
			out[3] = 2;
		p->logged_in = true;
		if (n > 0 && send(p->fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
			return false;
		at += HEADER + size;
	}
	memmove(p->in, p->in + at, p->len - at);
	p->len -= at;
	return true;
}

/* PEERS: by their descriptors. */
static void let_in(int listener, int epoll, struct peer **peers)
{
	const int on = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	if (fd < FILES_MAX)
		peers[fd] = calloc(1, sizeof(**peers));
	if (fd >= FILES_MAX || !peers[fd]) {
		close(fd);
		return;
	}
	peers[fd]->fd = fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		free(peers[fd]);
		close(fd);
	}
}

int main(void)
{
	static struct peer *peers[FILES_MAX];
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event events[EVENTS], ev = {.events = EPOLLIN, .data.fd = -1};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    epoll = epoll_create1(EPOLL_CLOEXEC);
	socklen_t len = sizeof(address);

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, BACKLOG) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) != 0) {
		perror("null_server");
		return 1;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd < 0) {
				let_in(listener, epoll, peers);
			} else if (!serve(peers[fd])) {
				free(peers[fd]);
				close(fd);
			}
		}
	}
}
