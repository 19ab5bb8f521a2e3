/*
 * url - mysql://user[:password]@host[:port][/database][?name=value&...] as settings.
 *
 * Parts are percent-decoded; an IPv6 address stands in brackets; the names after '?' are those of
 * settings.h. "mariadb" is the same scheme.
 */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "client/settings.h"

/* ERR_USAGE says which part is wrong, and never repeats the URL, since it may hold a password. */
enum err url_parse(const char *url, struct settings *into, struct errinfo *info) MUST_CHECK;

#endif
