/*
 * ping_pong - the least that a client has to do: one send and one receive for each answer, by epoll, of many
 * connections. What a replay takes more than that is the engine's own.
 *
 *     ping_pong PORT CONNECTIONS ROUNDS      against null_server
 *
 * Prints round trips, CPU seconds and microseconds of CPU for each.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 128, CONNECTIONS_MAX = 1024, ANSWER = 1024 };

/* As long as sysbench's point selects are. */
static const char query[] = "\x2a\0\0\0\3SELECT c FROM sbtest1 WHERE id=5012345678";
static const uint8_t login[] = {9, 0, 0, 1, 0, 2, 8, 0, 0, 0, 0, 1, 0};

static int connect_to(uint16_t port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[ANSWER];

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    recv(fd, answer, sizeof(answer), 0) <= 0 || send(fd, login, sizeof(login), 0) < 0 ||
	    recv(fd, answer, sizeof(answer), 0) <= 0) {
		perror("ping_pong");
		exit(1);
	}
	return fd;
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void ask(int fd)
{
	if (send(fd, query, sizeof(query) - 1, MSG_NOSIGNAL) < 0) {
		perror("ping_pong");
		exit(1);
	}
}

/* Returns how many answers came. */
static long play(int epoll, long rounds)
{
	struct epoll_event events[EVENTS];
	char answer[ANSWER];
	long done = 0;

	while (done < rounds) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++, done++) {
			if (recv(events[i].data.fd, answer, sizeof(answer), 0) <= 0)
				return done;
			ask(events[i].data.fd);
		}
	}
	return done;
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	long connections = argc == 4 ? strtol(argv[2], NULL, 10) : 0, rounds, done;
	double before;

	if (connections < 1 || connections > CONNECTIONS_MAX) {
		fprintf(stderr, "usage: ping_pong PORT CONNECTIONS ROUNDS\n");
		return 2;
	}
	rounds = strtol(argv[3], NULL, 10);
	for (long i = 0; i < connections; i++) {
		int fd = connect_to((uint16_t)strtol(argv[1], NULL, 10));
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

		ask(fd);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
			return 1;
	}
	before = cpu_seconds();
	done = play(epoll, rounds);
	before = cpu_seconds() - before;
	printf("%ld %.3f %.3f\n", done, before, before / (double)done * 1e6);
	return done < rounds;
}
