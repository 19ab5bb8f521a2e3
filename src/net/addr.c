/* addr - internet addresses, and the endpoints of a connection. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT_MAX = 65535 };

const char *endpoint_format(const struct endpoint *e, char to[ENDPOINT_TEXT_MAX])
{
	bool v6 = e->addr.is_v6;
	char host[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(v6 ? AF_INET6 : AF_INET, e->addr.bytes, host, sizeof(host));
	(void)snprintf(to, ENDPOINT_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)e->port);
	return to;
}

static bool parse_port(struct slice text, uint16_t *out)
{
	unsigned port = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
		if (port > PORT_MAX)
			return false;
	}
	*out = (uint16_t)port;
	return true;
}

bool endpoint_parse(struct slice text, struct endpoint *out)
{
	struct endpoint e = {0};
	char host[INET6_ADDRSTRLEN] = "";
	size_t colon = text.len;
	struct slice name;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0 || !parse_port(slice_skip(text, colon), &e.port))
		return false;
	name = slice_head(text, colon - 1);
	if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') {
		e.addr.is_v6 = true;
		name = slice_of(name.ptr + 1, name.len - 2);
	}
	if (name.len == 0 || name.len >= sizeof(host) || memchr(name.ptr, 0, name.len))
		return false;
	memcpy(host, name.ptr, name.len);
	if (inet_pton(e.addr.is_v6 ? AF_INET6 : AF_INET, host, e.addr.bytes) != 1)
		return false;
	*out = e;
	return true;
}
