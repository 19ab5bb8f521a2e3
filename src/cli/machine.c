/* machine - what the kernel says of servers, clients and interfaces. */
#include "cli/machine.h"

#include <dirent.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

enum {
	LINE_MAX_BYTES = 1024,
	INODES_MAX = 4096, /* sockets of a server that are looked at */
	/* include/net/tcp_states.h, include/uapi/linux/net.h */
	TCP_STATE_ESTABLISHED = 1,
	TCP_STATE_LISTEN = 10,
	UNIX_STATE_CONNECTED = 3,
	ACCEPTS = 1 << 16, /* of the flags in /proc/net/unix: it listens */
};

static const char *const server_names[] = {"mysqld", "mariadbd", "tidb-server"};

bool machine_may(int capability)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* The sockets of one process. */
struct inodes {
	uint64_t items[INODES_MAX];
	size_t count;
};

static bool has_inode(const struct inodes *all, uint64_t inode)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i] == inode)
			return true;
	return false;
}

static void find_inodes(uint32_t pid, struct inodes *out)
{
	char path[64], link[PATH_MAX + 64], target[64];
	const struct dirent *entry;
	DIR *dir;

	out->count = 0;
	(void)snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL && out->count < INODES_MAX) {
		ssize_t n;

		(void)snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:[", 8) == 0)
			out->items[out->count++] = strtoull(target + 8, NULL, 10);
	}
	if (dir)
		(void)closedir(dir);
}

/* One line of /proc/net/tcp or tcp6. */
struct tcp_line {
	bool loopback; /* the local address is */
	unsigned port, state;
	uint64_t inode;
};

static bool parse_tcp(const char *line, struct tcp_line *out)
{
	char local[40] = "", inode[24] = "", state[8] = "", port[8] = "";

	/* sl: local:port remote:port state queues timer retransmits uid timeout inode */
	if (sscanf(line, " %*[^:]: %39[0-9A-F]:%7[0-9A-F] %*s %7s %*s %*s %*s %*s %*s %23s", local,
		   port, state, inode) != 4)
		return false;
	*out = (struct tcp_line){
		/* 127.0.0.0/8 in the machine's order, ::1, ::ffff:127.0.0.0/104 */
		.loopback = strcmp(strlen(local) == 8 ? local + 6 : local + 30, "7F") == 0 ||
			    strcmp(local, "00000000000000000000000001000000") == 0,
		.port = (unsigned)strtoul(port, NULL, 16),
		.state = (unsigned)strtoul(state, NULL, 16),
		.inode = strtoull(inode, NULL, 10),
	};
	return true;
}

typedef void line_fn(void *ctx, const char *line);

static void each_line(const char *path, line_fn *fn, void *ctx)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_BYTES];

	while (f && fgets(line, sizeof(line), f))
		fn(ctx, line);
	if (f)
		(void)fclose(f);
}

struct look {
	struct machine *m;
	struct machine_server *server;
	struct inodes inodes;
	const uint16_t *ports;
	size_t port_count;
	int fd; /* to ask for interfaces with */
};

static void on_server_tcp(void *ctx, const char *line)
{
	struct look *l = ctx;
	struct machine_server *s = l->server;
	struct tcp_line t;

	if (!parse_tcp(line, &t) || t.state != TCP_STATE_LISTEN ||
	    s->port_count == MACHINE_PORTS_MAX || !has_inode(&l->inodes, t.inode))
		return;
	for (size_t i = 0; i < s->port_count; i++)
		if (s->ports[i] == t.port)
			return;
	s->ports[s->port_count++] = (uint16_t)t.port;
}

/* Num: references protocol flags type state inode path. Of several sockets the first is told. */
static void on_server_unix(void *ctx, const char *line)
{
	struct look *l = ctx;
	struct machine_server *s = l->server;
	char flags[12], state[8], inode[24], path[108];
	uint64_t number;

	if (sscanf(line, "%*s %*s %*s %11s %*s %7s %23s %107[^\n]", flags, state, inode, path) != 4)
		return;
	number = strtoull(inode, NULL, 10);
	if (!has_inode(&l->inodes, number))
		return;
	if (strtoul(flags, NULL, 16) & ACCEPTS && s->socket[0] == '\0' && !strstr(path, "mysqlx"))
		(void)snprintf(s->socket, sizeof(s->socket), "%s", path);
	else if (strtoul(state, NULL, 16) == UNIX_STATE_CONNECTED)
		s->local_clients++;
}

static bool is_elsewhere(uint32_t pid)
{
	char path[64], here[64] = "", there[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return readlink("/proc/self/ns/net", here, sizeof(here) - 1) > 0 &&
	       readlink(path, there, sizeof(there) - 1) > 0 && strcmp(here, there) != 0;
}

static bool is_server(const char *name)
{
	for (size_t i = 0; i < sizeof(server_names) / sizeof(server_names[0]); i++)
		if (strcmp(name, server_names[i]) == 0)
			return true;
	return false;
}

static void look_at_process(struct look *l, uint32_t pid)
{
	struct machine *m = l->m;
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = '\0';
	(void)fclose(f);
	if (!is_server(name) || m->server_count == MACHINE_SERVERS_MAX)
		return;
	l->server = &m->servers[m->server_count++];
	*l->server = (struct machine_server){.pid = pid, .elsewhere = is_elsewhere(pid)};
	memcpy(l->server->name, name, sizeof(name));
	if (l->server->elsewhere)
		return;
	find_inodes(pid, &l->inodes);
	each_line("/proc/net/tcp", on_server_tcp, l);
	each_line("/proc/net/tcp6", on_server_tcp, l);
	each_line("/proc/net/unix", on_server_unix, l);
}

static void look_at_processes(struct look *l)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at_process(l, (uint32_t)strtoul(entry->d_name, NULL, 10));
	if (dir)
		(void)closedir(dir);
}

static void on_tcp(void *ctx, const char *line)
{
	struct look *l = ctx;
	struct tcp_line t;
	bool ours = false;

	if (!parse_tcp(line, &t))
		return;
	for (size_t i = 0; i < l->port_count; i++)
		ours = ours || l->ports[i] == t.port;
	if (ours && t.state == TCP_STATE_LISTEN)
		l->m->listener = true;
	if (ours && t.state == TCP_STATE_ESTABLISHED) {
		l->m->clients++;
		l->m->loopback_clients += t.loopback;
	}
}

/* "  eth0: bytes packets ...", with the sent packets in the tenth place. */
static void on_interface(void *ctx, const char *line)
{
	struct look *l = ctx;
	struct machine *m = l->m;
	char received[24], sent[24];
	struct machine_interface *i = &m->interfaces[m->interface_count];
	struct ifreq request = {.ifr_flags = 0};

	if (m->interface_count == MACHINE_INTERFACES_MAX ||
	    sscanf(line, " %15[^: ]: %*s %23s %*s %*s %*s %*s %*s %*s %*s %23s", i->name, received,
		   sent) != 3)
		return;
	memcpy(request.ifr_name, i->name, sizeof(i->name));
	i->up = ioctl(l->fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
	i->packets = strtoull(received, NULL, 10) + strtoull(sent, NULL, 10);
	m->interface_count++;
}

void machine_look(struct machine *m, const uint16_t *ports, size_t port_count)
{
	struct look l = {.m = m, .ports = ports, .port_count = port_count};

	*m = (struct machine){.server_count = 0};
	look_at_processes(&l);
	each_line("/proc/net/tcp", on_tcp, &l);
	each_line("/proc/net/tcp6", on_tcp, &l);
	l.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	each_line("/proc/net/dev", on_interface, &l);
	if (l.fd >= 0)
		(void)close(l.fd);
}

const struct machine_interface *machine_interface(const struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->interface_count; i++)
		if (strcmp(m->interfaces[i].name, name) == 0)
			return &m->interfaces[i];
	return NULL;
}
