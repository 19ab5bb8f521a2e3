/*
 * url - the parts of a URL that names a server (RFC 3986, section 3):
 *
 *   scheme://[user[:password]@]host[:port][/path][?name=value&...]
 *
 * Parts point into the text and are still percent-encoded; what is not there is empty. An IPv6 address stands in
 * brackets, which are no part of the host.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/buf.h"

struct url {
	struct slice scheme; /* empty: it is no URL, and all of it is the path */
	struct slice user, password;
	bool has_password; /* which may be empty */
	struct slice host, port;
	struct slice path;  /* without the '/' before it */
	struct slice query; /* for url_next() */
};

/* False: the host begins with '[', and neither ends with ']' nor has a port behind that; *OUT is filled all the same. */
bool url_split(struct slice text, struct url *out);

struct url_pair {
	struct slice name, value;
	bool has_value;
};

/* Takes the next pair that has a name off the front of QUERY; false: there is none. */
bool url_next(struct slice *query, struct url_pair *out);

/*
 * PART, decoded, in the empty OUT of at most MAX bytes, which the caller gives to secret_release() in any case.
 * ERR_PROTO: a '%' without two hexadecimal digits; ERR_LIMIT, ERR_NOMEM.
 */
enum err url_decode(struct slice part, size_t max, struct buf *out) MUST_CHECK;

/* Crosses out the password in URL, a word of the command line, for those who look at the list of processes. */
void url_hide_password(const char *url);

#endif
