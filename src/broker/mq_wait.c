/* mq_wait - waiting for a connection to the broker, and ending a wait of it. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/mq.h"

void mq_wait(const struct mq *m, int wake_fd, int64_t ms)
{
	struct pollfd fds[] = {
		{.fd = wake_fd, .events = POLLIN},
		{.fd = m ? mq_fd(m) : -1, .events = POLLIN},
	};
	uint64_t count;

	if (m && mq_ready(m))
		ms = 0;
	if (poll(fds, 2, (int)ms) > 0 && fds[0].revents)
		(void)!read(wake_fd, &count, sizeof(count));
}

void mq_break(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
}
