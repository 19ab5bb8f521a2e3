/* url - a target as a URL. */
#include "client/url.h"

#include "base/percent.h"

static const char origin[] = "the target's URL";

static enum err set_part(struct settings *into, enum setting which, struct slice part,
			 struct errinfo *info)
{
	struct buf decoded;
	enum err e;

	buf_init(&decoded, SETTINGS_TEXT_MAX);
	if (!buf_reserve(&decoded, SETTINGS_TEXT_MAX)) /* at once: it may become a password */
		return err_set(info, ERR_NOMEM, 0, "no memory for %s", origin);
	if (!percent_decode(part, &decoded) || buf_err(&decoded) != ERR_OK)
		e = err_set(info, ERR_USAGE, 0,
			    "%s: %s has a '%%' without two hexadecimal digits, or is too long",
			    origin, setting_name(which));
	else
		e = settings_set(into, which, buf_slice(&decoded), SETTINGS_URL, origin, info);
	explicit_bzero(decoded.ptr, decoded.cap);
	buf_release(&decoded);
	return e;
}

static enum err parse_query(struct slice query, struct settings *into, struct errinfo *info)
{
	while (query.len > 0) {
		bool more, has_value;
		struct slice value = slice_cut_first(&query, '&', &more);
		struct slice name = slice_cut_first(&value, '=', &has_value);
		enum setting which = setting_find(name);
		enum err e;

		if (name.len == 0)
			continue;
		if (which == SETTING_COUNT || !has_value)
			return err_set(
				info, ERR_USAGE, 0,
				"%s: '%.*s' is not one of socket, ssl-mode, ssl-ca, ssl-cert, "
				"ssl-key, connect-timeout, unreachable-after, compress, "
				"compression-algorithms, "
				"zstd-compression-level with a value",
				origin, (int)slice_head(name, 40).len, (const char *)name.ptr);
		e = set_part(into, which, value, info);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err parse_user(struct slice user, struct settings *into, struct errinfo *info)
{
	bool has_password;
	struct slice name = slice_cut_first(&user, ':', &has_password);
	enum err e = ERR_OK;

	if (name.len > 0)
		e = set_part(into, SETTING_USER, name, info);
	if (e == ERR_OK && has_password)
		e = set_part(into, SETTING_PASSWORD, user, info);
	return e;
}

static enum err parse_host(struct slice text, struct settings *into, struct errinfo *info)
{
	bool found;
	struct slice host, port;
	enum err e = ERR_OK;

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
	if (host.len > 0)
		e = set_part(into, SETTING_HOST, host, info);
	if (e == ERR_OK && port.len > 0)
		e = set_part(into, SETTING_PORT, port, info);
	return e;
}

static bool take_scheme(struct slice *url)
{
	static const char *const schemes[] = {"mysql://", "mariadb://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);

		if (slice_eq_nocase(slice_head(*url, len), slice_cstr(schemes[i]))) {
			*url = slice_skip(*url, len);
			return true;
		}
	}
	return false;
}

enum err url_parse(const char *url, struct settings *into, struct errinfo *info)
{
	struct slice rest = slice_cstr(url), authority, path;
	const uint8_t *at;
	bool found;
	enum err e = ERR_OK;

	if (!take_scheme(&rest))
		return err_set(info, ERR_USAGE, 0,
			       "%s must look like mysql://user@host:port/database", origin);
	path = slice_cut_first(&rest, '?', &found); /* REST is the query now */
	authority = slice_cut_first(&path, '/', &found);
	at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
	if (at) {
		size_t len = (size_t)(at - authority.ptr);

		e = parse_user(slice_head(authority, len), into, info);
		authority = slice_skip(authority, len + 1);
	}
	if (e == ERR_OK)
		e = parse_host(authority, into, info);
	if (e == ERR_OK && path.len > 0)
		e = set_part(into, SETTING_DATABASE, path, info);
	if (e == ERR_OK)
		e = parse_query(rest, into, info);
	return e;
}
