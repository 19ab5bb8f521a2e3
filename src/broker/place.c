/* place - which broker, as a URL. */
#include "broker/place.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/option_file.h"
#include "base/scan.h"
#include "base/secret.h"
#include "base/url.h"

enum { PORT_PLAIN = 5672, PORT_TLS = 5671, HEARTBEAT_S = 20, HEARTBEAT_MAX_S = 3600 };

static const int64_t TIMEOUT_NS = 10 * NS_PER_S;
static const char origin[] = "the broker's URL";

void place_release(struct place *p)
{
	mem_free(p->host);
	mem_free(p->vhost);
	mem_free(p->user);
	secret_free(p->password);
	mem_free(p->ca_file);
	mem_free(p->cert_file);
	mem_free(p->key_file);
	mem_free(p->exchange);
	for (unsigned i = 0; i < p->queue_count; i++)
		mem_free(p->queues[i]);
	*p = (struct place){.host = NULL};
}

/* A text in place of what *TO was. */
static enum err put_text(char **to, struct slice text, struct errinfo *info)
{
	char *copy;

	if (text.len > PLACE_TEXT_MAX || (text.len && memchr(text.ptr, '\0', text.len)))
		return err_set(info, ERR_USAGE, 0, "%s: a part of it is too long, or has a NUL",
			       origin);
	copy = mem_copy_str(text.ptr, text.len);
	if (!copy)
		return err_set(info, ERR_NOMEM, 0, "no memory for %s", origin);
	secret_free(*to);
	*to = copy;
	return ERR_OK;
}

static enum err put_part(char **to, struct slice part, struct errinfo *info)
{
	struct buf decoded;
	enum err e = url_decode(part, PLACE_TEXT_MAX, &decoded);

	if (e == ERR_NOMEM)
		e = err_set(info, e, 0, "no memory for %s", origin);
	else if (e != ERR_OK)
		e = err_set(info, ERR_USAGE, 0,
			    "%s: a '%%' is without two hexadecimal digits, or a part is too long",
			    origin);
	else
		e = put_text(to, buf_slice(&decoded), info);
	secret_release(&decoded);
	return e;
}

/* TEXT as a number from 1 to MAX. */
static enum err put_number(const char *name, const char *text, uint64_t max, uint16_t *to,
			   struct errinfo *info)
{
	uint64_t v;

	if (scan_uint(text, &v) != ERR_OK || v == 0 || v > max)
		return err_set(info, ERR_USAGE, 0, "%s: %s is a number from 1 to %llu", origin,
			       name, (unsigned long long)max);
	*to = (uint16_t)v;
	return ERR_OK;
}

static enum err put_time(const char *name, const char *text, int64_t *to, struct errinfo *info)
{
	int64_t ns;

	if (scan_duration(text, &ns) != ERR_OK || ns <= 0)
		return err_set(info, ERR_USAGE, 0, "%s: %s is a time such as 10s", origin, name);
	*to = ns;
	return ERR_OK;
}

static enum err put_verify(struct place *p, const char *text, struct errinfo *info)
{
	p->verify = strcmp(text, "verify_none") != 0;
	if (p->verify && strcmp(text, "verify_peer") != 0)
		return err_set(info, ERR_USAGE, 0,
			       "%s: verify is verify_peer, as it is unless something is said, or "
			       "verify_none",
			       origin);
	return ERR_OK;
}

static enum err put_format(struct place *p, const char *text, struct errinfo *info)
{
	p->mrte = strcmp(text, "mrte") == 0;
	return p->mrte || strcmp(text, "myna") == 0
		       ? ERR_OK
		       : err_set(info, ERR_USAGE, 0,
				 "%s: format is myna, as it is unless something is said, or mrte",
				 origin);
}

/* Takes over *TEXT where it is a text. */
static enum err put_query(struct place *p, struct slice name, char **text, struct errinfo *info)
{
	const struct {
		const char *name;
		char **to;
	} texts[] = {
		{"cacertfile", &p->ca_file},
		{"certfile", &p->cert_file},
		{"keyfile", &p->key_file},
		{"exchange", &p->exchange},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (slice_eq(name, slice_cstr(texts[i].name)))
			return put_text(texts[i].to, slice_cstr(*text), info);
	if (slice_eq(name, SLICE_LIT("verify")))
		return put_verify(p, *text, info);
	if (slice_eq(name, SLICE_LIT("format")))
		return put_format(p, *text, info);
	if (slice_eq(name, SLICE_LIT("heartbeat")))
		return put_number("heartbeat", *text, HEARTBEAT_MAX_S, &p->heartbeat_s, info);
	if (slice_eq(name, SLICE_LIT("prefetch")))
		return put_number("prefetch", *text, PLACE_PREFETCH_MAX, &p->prefetch, info);
	if (slice_eq(name, SLICE_LIT("connection_timeout")))
		return put_time("connection_timeout", *text, &p->timeout_ns, info);
	if (slice_eq(name, SLICE_LIT("renew")))
		return put_time("renew", *text, &p->renew_ns, info);
	if (!slice_eq(name, SLICE_LIT("queue")))
		return err_set(
			info, ERR_USAGE, 0,
			"%s: '%.*s' is none of cacertfile, certfile, keyfile, verify, "
			"heartbeat, connection_timeout, exchange, queue, prefetch, renew, format",
			origin, (int)slice_head(name, 40).len, (const char *)name.ptr);
	if (p->queue_count == PLACE_QUEUES_MAX)
		return err_set(info, ERR_USAGE, 0, "%s: more than %d queues", origin,
			       PLACE_QUEUES_MAX);
	p->queues[p->queue_count++] = *text;
	*text = NULL;
	return ERR_OK;
}

static enum err parse_query(struct place *p, struct slice query, struct errinfo *info)
{
	struct url_pair pair;
	enum err e = ERR_OK;

	while (e == ERR_OK && url_next(&query, &pair)) {
		char *text = NULL;

		e = put_part(&text, pair.value, info);
		if (e == ERR_OK)
			e = put_query(p, pair.name, &text, info);
		mem_free(text);
	}
	return e;
}

static enum err parse_port(struct place *p, struct slice port, struct errinfo *info)
{
	char *text = NULL;
	enum err e;

	p->port = p->tls ? PORT_TLS : PORT_PLAIN;
	if (port.len == 0)
		return ERR_OK;
	e = put_part(&text, port, info);
	if (e == ERR_OK)
		e = put_number("the port", text, UINT16_MAX, &p->port, info);
	mem_free(text);
	return e;
}

static bool is_plain(const struct url *u)
{
	return slice_eq_nocase(u->scheme, SLICE_LIT("amqp"));
}

static bool is_tls(const struct url *u)
{
	return slice_eq_nocase(u->scheme, SLICE_LIT("amqps"));
}

bool place_is_url(const char *text)
{
	struct url u;

	(void)url_split(slice_cstr(text), &u);
	return is_plain(&u) || is_tls(&u);
}

bool place_says_mrte(const char *url)
{
	struct url u;
	struct url_pair pair;

	(void)url_split(slice_cstr(url), &u);
	while (url_next(&u.query, &pair))
		if (slice_eq(pair.name, SLICE_LIT("format")))
			return slice_eq(pair.value, SLICE_LIT("mrte"));
	return false;
}

static enum err parse_url(const char *url, struct place *p, struct errinfo *info)
{
	struct url u;
	bool is_whole = url_split(slice_cstr(url), &u);
	enum err e = ERR_OK;

	if (!is_plain(&u) && !is_tls(&u))
		return err_set(info, ERR_USAGE, 0,
			       "%s must look like amqp://user@host:port/vhost, or amqps://...",
			       origin);
	if (!is_whole)
		return err_set(info, ERR_USAGE, 0, "%s: an IPv6 address is written [address]:port",
			       origin);
	p->tls = is_tls(&u);
	if (u.user.len > 0)
		e = put_part(&p->user, u.user, info);
	if (e == ERR_OK && u.has_password)
		e = put_part(&p->password, u.password, info);
	if (e == ERR_OK)
		e = put_part(&p->host, u.host.len ? u.host : SLICE_LIT("localhost"), info);
	if (e == ERR_OK)
		e = parse_port(p, u.port, info);
	if (e == ERR_OK)
		e = put_part(&p->vhost, u.path.len ? u.path : SLICE_LIT("/"), info);
	return e == ERR_OK ? parse_query(p, u.query, info) : e;
}

/* What an option file says, of which the later word counts. */
struct account {
	char *user, *password;
};

static enum err on_value(void *ctx, struct slice name, struct slice value, const char *at,
			 struct errinfo *info)
{
	struct account *a = ctx;

	(void)at;
	if (slice_eq(name, SLICE_LIT("user")))
		return put_text(&a->user, value, info);
	if (slice_eq(name, SLICE_LIT("password")))
		return put_text(&a->password, value, info);
	return ERR_OK;
}

static enum err on_name(void *ctx, struct slice name, const char *at, struct errinfo *info)
{
	(void)ctx;
	(void)name;
	(void)at;
	(void)info;
	return ERR_OK;
}

/* What nobody said yet, from what comes next. */
static enum err fill(char **to, const char *text, struct errinfo *info)
{
	return *to || !text ? ERR_OK : put_text(to, slice_cstr(text), info);
}

static enum err fill_account(struct place *p, const char *defaults_file, struct errinfo *info)
{
	static const char *const groups[] = {"myna-broker", NULL};
	struct account file = {.user = NULL};
	const struct option_file what = {
		.groups = groups, .on_value = on_value, .on_name = on_name, .ctx = &file};
	enum err e = fill(&p->user, getenv("MYNA_BROKER_USER"), info);

	if (e == ERR_OK)
		e = fill(&p->password, getenv("MYNA_BROKER_PASSWORD"), info);
	if (e == ERR_OK)
		e = defaults_file ? option_file_read(&what, defaults_file, true, info)
				  : option_file_read_default(&what, info);
	if (e == ERR_OK)
		e = fill(&p->user, file.user, info);
	if (e == ERR_OK)
		e = fill(&p->password, file.password, info);
	if (e == ERR_OK)
		e = fill(&p->user, "guest", info);
	if (e == ERR_OK)
		e = fill(&p->password, "guest", info);
	mem_free(file.user);
	secret_free(file.password);
	return e;
}

enum err place_parse(const char *url, const char *defaults_file, struct place *out,
		     struct errinfo *info)
{
	struct place p = {.verify = true, .heartbeat_s = HEARTBEAT_S, .timeout_ns = TIMEOUT_NS};
	enum err e = parse_url(url, &p, info);

	if (e == ERR_OK)
		e = fill_account(&p, defaults_file, info);
	if (e != ERR_OK) {
		place_release(&p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

const char *place_name(const struct place *p, char to[PLACE_NAME_MAX])
{
	bool is_ipv6 = strchr(p->host, ':') != NULL;
	bool is_root = strcmp(p->vhost, "/") == 0;

	(void)snprintf(to, PLACE_NAME_MAX, "%s%s%s:%u%s%s", is_ipv6 ? "[" : "", p->host,
		       is_ipv6 ? "]" : "", p->port, is_root ? "" : "/", is_root ? "" : p->vhost);
	return to;
}
