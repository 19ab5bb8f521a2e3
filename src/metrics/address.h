/*
 * address - where figures are served: "ADDRESS:PORT", "[IPV6]:PORT", ":PORT" or "PORT".
 *
 * Without an address it is 127.0.0.1: what is to be seen from elsewhere has to be said. Addresses are numbers,
 * no names; "0.0.0.0" and "[::]" are all of the machine's.
 */
#ifndef METRICS_ADDRESS_H
#define METRICS_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"

struct metrics_address {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Port 0 is one that the system chooses. ERR_USAGE. */
enum err metrics_address_parse(const char *text, struct metrics_address *out,
			       struct errinfo *info) MUST_CHECK;

enum { METRICS_ADDRESS_TEXT = 64 };

/* As it stands in a URL, "127.0.0.1:9104"; returns TO. */
const char *metrics_address_text(const struct metrics_address *a, char to[METRICS_ADDRESS_TEXT]);

#endif
