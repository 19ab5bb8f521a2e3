/*
 * proxy - the header that a proxy puts in front of what the client says (haproxy.org, proxy-protocol.txt):
 *
 *   version 1   "PROXY TCP4 10.0.0.1 10.0.0.2 56324 3306\r\n", also TCP6 and UNKNOWN; at most 107 bytes
 *   version 2   12 bytes of signature, version and command, family, length (16 bits, big-endian), addresses, more
 *
 * It comes before the server's greeting, or crosses it.
 */
#ifndef TRACK_PROXY_H
#define TRACK_PROXY_H

#include <stdbool.h>

#include "base/slice.h"
#include "net/addr.h"

enum {
	PROXY_KEPT_MAX =
		107, /* bytes: a line of version 1, or the beginning of version 2 with its addresses */
};

struct proxy_reader {
	uint8_t kept[PROXY_KEPT_MAX];
	size_t len;  /* bytes kept */
	size_t skip; /* bytes of the header still to come */
	bool done;   /* there was one, or none */
};

enum proxy_verdict {
	PROXY_MORE,   /* all of it belongs to a header, or may */
	PROXY_HEADER, /* the header ends in it */
	PROXY_NONE,   /* there is none */
};

/*
 * Takes the client's first BYTES, in any pieces, until the verdict is another than PROXY_MORE. PROXY_HEADER: what is
 * left in *BYTES comes behind it; *CLIENT is set if the header names one (a proxy's own checks do not).
 * PROXY_NONE: *BYTES is as it was; what was kept of earlier pieces, KEPT and LEN, comes before it.
 */
enum proxy_verdict proxy_take(struct proxy_reader *p, struct slice *bytes, struct endpoint *client);

#endif
