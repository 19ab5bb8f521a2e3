/* server - answers GET /metrics over HTTP. */
#include "metrics/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	TEXT_MAX = 1 << 20,
	BACKLOG = 128, /* connections that wait with the kernel */
	CROWDED = METRICS_CONNECTIONS_MAX / 2,
	NICE = 10, /* what is served comes after what is heard */
};

static const int64_t LOOK_NS = NS_PER_S / 4;
static const char page[] =
	"myna serves its figures at /metrics, in the text format of Prometheus.\n";

struct connection {
	int fd;
	int64_t until_ns; /* monotonic */
	bool used, ended;
};

struct metrics_server {
	struct metrics_address address;
	int listen_fd; /* the daemon's, once there is one */
	int wake_fd;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	atomic_bool stopping;
	pthread_mutex_t lock;
	struct buf text; /* under LOCK */
	/* The thread's. */
	struct connection connections[METRICS_CONNECTIONS_MAX];
};

/* --- answering --- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
			      struct MHD_Response *r)
{
	enum MHD_Result done;

	if (!r)
		return MHD_NO;
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8",
		      MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
						      MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result answer_figures(struct metrics_server *s, struct MHD_Connection *c)
{
	struct MHD_Response *r;

	pthread_mutex_lock(&s->lock);
	r = MHD_create_response_from_buffer(s->text.len, s->text.ptr, MHD_RESPMEM_MUST_COPY);
	pthread_mutex_unlock(&s->lock);
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", r);
}

/* When the head of a request is there: what may follow it is not read. The parameters are the library's. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **request)
{
	(void)version;
	(void)data;
	(void)data_len;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return answer_figures(ctx, c);
	if (strcmp(url, "/") == 0)
		return answer_text(c, MHD_HTTP_OK, page);
	return answer_text(c, MHD_HTTP_NOT_FOUND, page);
}

/* --- connections, and how long they last --- */

static int fd_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return i ? i->connect_fd : -1;
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **mine,
			  enum MHD_ConnectionNotificationCode what)
{
	struct metrics_server *s = ctx;
	struct connection *own = *mine;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (own)
			own->used = false;
		return;
	}
	for (size_t i = 0; !own && i < METRICS_CONNECTIONS_MAX; i++)
		if (!s->connections[i].used)
			own = &s->connections[i];
	*mine = own;
	if (own)
		*own = (struct connection){.used = true,
					   .fd = fd_of(c),
					   .until_ns = clock_mono_ns() + METRICS_CONNECTION_NS};
}

/* The oldest that has not been ended, and how many of those there are. */
static struct connection *oldest(struct metrics_server *s, size_t *count)
{
	struct connection *found = NULL;

	*count = 0;
	for (size_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
		struct connection *c = &s->connections[i];

		if (!c->used || c->ended)
			continue;
		++*count;
		if (!found || c->until_ns < found->until_ns)
			found = c;
	}
	return found;
}

/* The library's own timeout begins anew with each byte, which somebody may send one by one. */
static void end_old_connections(struct metrics_server *s)
{
	int64_t now_ns = clock_mono_ns();
	struct connection *c;
	size_t count;

	while ((c = oldest(s, &count)) && (count > CROWDED || now_ns >= c->until_ns)) {
		c->ended = true;
		(void)shutdown(c->fd, SHUT_RDWR);
	}
}

static int64_t wait_ns(const struct metrics_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int64_t ns = -1;

	for (size_t i = 0; ns < 0 && i < METRICS_CONNECTIONS_MAX; i++)
		if (s->connections[i].used)
			ns = LOOK_NS;
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && (ns < 0 || (int64_t)ms * NS_PER_MS < ns))
		ns = (int64_t)ms * NS_PER_MS;
	return ns;
}

static void *server_main(void *ctx)
{
	struct metrics_server *s = ctx;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {{.fd = info ? info->epoll_fd : -1, .events = POLLIN},
			       {.fd = s->wake_fd, .events = POLLIN}};

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread alone */
	while (!atomic_load(&s->stopping)) {
		int64_t ns = wait_ns(s);

		(void)poll(fds, 2, ns < 0 ? -1 : (int)(ns / NS_PER_MS));
		end_old_connections(s);
		(void)MHD_run(s->daemon);
	}
	return NULL;
}

/* --- from outside --- */

static enum err open_socket(struct metrics_server *s, struct errinfo *info)
{
	const int on = 1, family = s->address.addr.ss_family;
	struct sockaddr *addr = (struct sockaddr *)(void *)&s->address.addr;
	char name[METRICS_ADDRESS_TEXT];

	s->listen_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0)
		return err_set(info, ERR_IO, errno, "--metrics: socket");
	(void)setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->listen_fd, addr, s->address.len) != 0 || listen(s->listen_fd, BACKLOG) != 0)
		return err_set(info, ERR_IO, errno, "--metrics: cannot listen on %s",
			       metrics_address_text(&s->address, name));
	s->address.len = sizeof(s->address.addr);
	return getsockname(s->listen_fd, addr, &s->address.len) == 0
		       ? ERR_OK
		       : err_set(info, ERR_IO, errno, "--metrics: getsockname");
}

enum err metrics_server_open(const struct metrics_address *address, struct metrics_server **out,
			     struct errinfo *info)
{
	struct metrics_server *s = mem_zalloc(sizeof(*s));
	enum err e;

	if (!s)
		return err_set(info, ERR_NOMEM, 0, "--metrics: out of memory");
	s->address = *address;
	pthread_mutex_init(&s->lock, NULL);
	buf_init(&s->text, TEXT_MAX);
	e = open_socket(s, info);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e == ERR_OK && s->wake_fd < 0)
		e = err_set(info, ERR_IO, errno, "--metrics: eventfd");
	if (e != ERR_OK) {
		metrics_server_free(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

const struct metrics_address *metrics_server_address(const struct metrics_server *s)
{
	return &s->address;
}

/* Signals are for the threads that look out for them. */
static int start_thread(struct metrics_server *s)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&s->thread, NULL, server_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

enum err metrics_server_start(struct metrics_server *s, struct errinfo *info)
{
	if (s->daemon)
		return ERR_OK;
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)METRICS_REQUEST_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(METRICS_CONNECTION_NS / NS_PER_S),
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
	if (!s->daemon)
		return err_set(info, ERR_IO, 0, "--metrics: cannot start the HTTP server");
	errno = start_thread(s);
	if (errno == 0)
		return ERR_OK;
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
	s->listen_fd = -1; /* closed with it */
	return err_set(info, ERR_IO, errno, "--metrics: start a thread");
}

void metrics_server_put(struct metrics_server *s, struct slice text)
{
	if (pthread_mutex_trylock(&s->lock) != 0)
		return;
	buf_reset(&s->text);
	buf_put_slice(&s->text, text);
	pthread_mutex_unlock(&s->lock);
}

void metrics_server_free(struct metrics_server *s)
{
	const uint64_t one = 1;

	if (!s)
		return;
	if (s->daemon) {
		atomic_store(&s->stopping, true);
		while (write(s->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(s->thread, NULL);
		MHD_stop_daemon(s->daemon);
	} else if (s->listen_fd >= 0) {
		(void)close(s->listen_fd);
	}
	if (s->wake_fd >= 0)
		(void)close(s->wake_fd);
	buf_release(&s->text);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
