/* place - which broker, as a URL. */
#include "broker/place.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/option_file.h"
#include "base/percent.h"
#include "base/scan.h"

enum { PORT_PLAIN = 5672, PORT_TLS = 5671, HEARTBEAT_S = 20, HEARTBEAT_MAX_S = 3600 };

static const int64_t TIMEOUT_NS = 10 * NS_PER_S;
static const char origin[] = "the broker's URL";

/* Frees a text that may be secret. */
static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	mem_free(*text);
	*text = NULL;
}

void place_release(struct place *p)
{
	mem_free(p->host);
	mem_free(p->vhost);
	mem_free(p->user);
	wipe(&p->password);
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
	wipe(to);
	*to = copy;
	return ERR_OK;
}

static enum err put_part(char **to, struct slice part, struct errinfo *info)
{
	struct buf decoded;
	enum err e;

	buf_init(&decoded, PLACE_TEXT_MAX);
	if (!buf_reserve(&decoded, PLACE_TEXT_MAX)) /* at once: it may become a password */
		return err_set(info, ERR_NOMEM, 0, "no memory for %s", origin);
	if (!percent_decode(part, &decoded) || buf_err(&decoded) != ERR_OK)
		e = err_set(info, ERR_USAGE, 0,
			    "%s: a '%%' is without two hexadecimal digits, or a part is too long",
			    origin);
	else
		e = put_text(to, buf_slice(&decoded), info);
	explicit_bzero(decoded.ptr, decoded.cap);
	buf_release(&decoded);
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
	enum err e = ERR_OK;

	while (e == ERR_OK && query.len > 0) {
		bool more, has_value;
		struct slice value = slice_cut_first(&query, '&', &more);
		struct slice name = slice_cut_first(&value, '=', &has_value);
		char *text = NULL;

		if (name.len == 0)
			continue;
		e = put_part(&text, value, info);
		if (e == ERR_OK)
			e = put_query(p, name, &text, info);
		mem_free(text);
	}
	return e;
}

static enum err parse_user(struct place *p, struct slice user, struct errinfo *info)
{
	bool has_password;
	struct slice name = slice_cut_first(&user, ':', &has_password);
	enum err e = ERR_OK;

	if (name.len > 0)
		e = put_part(&p->user, name, info);
	if (e == ERR_OK && has_password)
		e = put_part(&p->password, user, info);
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

static enum err parse_host(struct place *p, struct slice text, struct errinfo *info)
{
	bool found;
	struct slice host, port;
	enum err e;

	if (text.len && text.ptr[0] == '[') {
		text = slice_skip(text, 1);
		host = slice_cut_first(&text, ']', &found);
		if (!found || (text.len && text.ptr[0] != ':'))
			return err_set(info, ERR_USAGE, 0,
				       "%s: an IPv6 address is written [address]:port", origin);
		port = slice_skip(text, 1);
	} else {
		port = text;
		host = slice_cut_first(&port, ':', &found);
	}
	e = put_part(&p->host, host.len ? host : SLICE_LIT("localhost"), info);
	return e == ERR_OK ? parse_port(p, port, info) : e;
}

/* The bytes of TEXT that are its scheme, "amqp://" or "amqps://"; 0: none. */
static size_t scheme_len(struct slice text)
{
	if (slice_eq_nocase(slice_head(text, 7), SLICE_LIT("amqp://")))
		return 7;
	return slice_eq_nocase(slice_head(text, 8), SLICE_LIT("amqps://")) ? 8 : 0;
}

bool place_is_url(const char *text)
{
	return scheme_len(slice_cstr(text)) > 0;
}

bool place_says_mrte(const char *url)
{
	struct slice rest = slice_cstr(url);
	bool more;

	(void)slice_cut_first(&rest, '?', &more);
	while (rest.len > 0)
		if (slice_eq(slice_cut_first(&rest, '&', &more), SLICE_LIT("format=mrte")))
			return true;
	return false;
}

static enum err parse_url(const char *url, struct place *p, struct errinfo *info)
{
	struct slice rest = slice_cstr(url), authority, vhost;
	size_t scheme = scheme_len(rest);
	const uint8_t *at;
	bool has_query, has_vhost;
	enum err e = ERR_OK;

	if (scheme == 0)
		return err_set(info, ERR_USAGE, 0,
			       "%s must look like amqp://user@host:port/vhost, or amqps://...",
			       origin);
	p->tls = scheme == 8;
	rest = slice_skip(rest, scheme);
	vhost = slice_cut_first(&rest, '?', &has_query); /* REST is the query now */
	authority = slice_cut_first(&vhost, '/', &has_vhost);
	at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
	if (at) {
		size_t len = (size_t)(at - authority.ptr);

		e = parse_user(p, slice_head(authority, len), info);
		authority = slice_skip(authority, len + 1);
	}
	if (e == ERR_OK)
		e = parse_host(p, authority, info);
	if (e == ERR_OK)
		e = put_part(&p->vhost, vhost.len ? vhost : SLICE_LIT("/"), info);
	return e == ERR_OK ? parse_query(p, rest, info) : e;
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
	wipe(&file.password);
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

void place_hide_password(char *url)
{
	char *authority = url + scheme_len(slice_cstr(url));
	size_t len = strcspn(authority, "/?");
	char *at = memrchr(authority, '@', len);
	char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;

	if (colon)
		memset(colon + 1, 'x', (size_t)(at - colon - 1));
}
