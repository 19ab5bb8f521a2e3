/*
 * machine - what the kernel says of servers, clients and interfaces, as far as the caller may see it.
 *
 * All is of the network namespace that the process is in.
 */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MACHINE_SERVERS_MAX = 128, MACHINE_PORTS_MAX = 8, MACHINE_INTERFACES_MAX = 64 };

/* A server process. */
struct machine_server {
	uint32_t pid;
	char name[32];  /* mysqld */
	bool elsewhere; /* in another network namespace: nothing more is known of it */
	uint16_t ports[MACHINE_PORTS_MAX]; /* that it listens on */
	size_t port_count;
	char socket[108];       /* its local socket; empty: none is known */
	uint64_t local_clients; /* connected to that */
};

struct machine_interface {
	char name[16];
	bool up;
	uint64_t packets; /* received and sent */
};

struct machine {
	struct machine_server servers[MACHINE_SERVERS_MAX];
	size_t server_count;
	struct machine_interface interfaces[MACHINE_INTERFACES_MAX];
	size_t interface_count;
	bool listener;             /* somebody listens on one of the ports */
	uint64_t clients;          /* connections to one of the ports */
	uint64_t loopback_clients; /* those of them that are within the machine */
};

/* Looks at the machine. What cannot be seen is left out. */
void machine_look(struct machine *m, const uint16_t *ports, size_t port_count);

/* NULL: there is none of that name. */
const struct machine_interface *machine_interface(const struct machine *m, const char *name);

/* True if the process has the capability (linux/capability.h). */
bool machine_may(int capability);

#endif
