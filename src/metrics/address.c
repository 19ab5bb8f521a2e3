/* address - where figures are served. */
#include "metrics/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/scan.h"

static const char loopback[] = "127.0.0.1";

/* A host of LEN bytes, without its brackets. */
static bool set_host(struct metrics_address *a, const char *host, size_t len, bool v6,
		     uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	char name[INET6_ADDRSTRLEN];

	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	a->len = v6 ? sizeof(in6) : sizeof(in);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, name,
		      v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
		return false;
	memcpy(&a->addr, v6 ? (const void *)&in6 : (const void *)&in, a->len);
	return true;
}

enum err metrics_address_parse(const char *text, struct metrics_address *out, struct errinfo *info)
{
	const char *colon = strrchr(text, ':'), *host = loopback;
	size_t len = sizeof(loopback) - 1;
	struct metrics_address a = {.len = 0};
	bool v6 = *text == '[', fits = true;
	uint64_t port;

	if (colon && colon != text) {
		host = text + v6;
		len = (size_t)(colon - host);
		if (v6)
			fits = len > 0 && host[--len] == ']';
	}
	if (!fits || scan_uint(colon ? colon + 1 : text, &port) != ERR_OK || port > UINT16_MAX ||
	    !set_host(&a, host, len, v6, (uint16_t)port))
		return err_set(info, ERR_USAGE, 0,
			       "--metrics takes a port, as 9104, or an address and a port, as "
			       "10.0.0.7:9104 or [::1]:9104, not '%s'",
			       text);
	*out = a;
	return ERR_OK;
}

const char *metrics_address_text(const struct metrics_address *a, char to[METRICS_ADDRESS_TEXT])
{
	char name[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->addr.ss_family == AF_INET6) {
		memcpy(&in6, &a->addr, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, name, sizeof(name));
		(void)snprintf(to, METRICS_ADDRESS_TEXT, "[%s]:%u", name, ntohs(in6.sin6_port));
	} else {
		memcpy(&in, &a->addr, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, name, sizeof(name));
		(void)snprintf(to, METRICS_ADDRESS_TEXT, "%s:%u", name, ntohs(in.sin_port));
	}
	return to;
}
