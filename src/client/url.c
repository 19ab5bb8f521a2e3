/* url - a target as a URL. */
#include "client/url.h"

#include "base/secret.h"
#include "base/url.h"

static const char origin[] = "the target's URL";

static enum err set_part(struct settings *into, enum setting which, struct slice part,
			 struct errinfo *info)
{
	struct buf decoded;
	enum err e = url_decode(part, SETTINGS_TEXT_MAX, &decoded);

	if (e == ERR_NOMEM)
		e = err_set(info, e, 0, "no memory for %s", origin);
	else if (e != ERR_OK)
		e = err_set(info, ERR_USAGE, 0,
			    "%s: %s has a '%%' without two hexadecimal digits, or is too long",
			    origin, setting_name(which));
	else
		e = settings_set(into, which, buf_slice(&decoded), SETTINGS_URL, origin, info);
	secret_release(&decoded);
	return e;
}

static enum err parse_query(struct slice query, struct settings *into, struct errinfo *info)
{
	struct url_pair pair;
	enum err e = ERR_OK;

	while (e == ERR_OK && url_next(&query, &pair)) {
		enum setting which = setting_find(pair.name);

		if (which == SETTING_COUNT || !pair.has_value)
			return err_set(
				info, ERR_USAGE, 0,
				"%s: '%.*s' is not one of socket, ssl-mode, ssl-ca, ssl-cert, "
				"ssl-key, connect-timeout, unreachable-after, compress, "
				"compression-algorithms, "
				"zstd-compression-level with a value",
				origin, (int)slice_head(pair.name, 40).len,
				(const char *)pair.name.ptr);
		e = set_part(into, which, pair.value, info);
	}
	return e;
}

static bool is_ours(struct slice scheme)
{
	return slice_eq_nocase(scheme, SLICE_LIT("mysql")) ||
	       slice_eq_nocase(scheme, SLICE_LIT("mariadb"));
}

enum err url_parse(const char *url, struct settings *into, struct errinfo *info)
{
	struct url u;
	bool is_whole = url_split(slice_cstr(url), &u);
	const struct {
		enum setting which;
		struct slice part;
		bool is_there;
	} parts[] = {
		{SETTING_USER, u.user, u.user.len > 0},
		{SETTING_PASSWORD, u.password, u.has_password},
		{SETTING_HOST, u.host, u.host.len > 0},
		{SETTING_PORT, u.port, u.port.len > 0},
		{SETTING_DATABASE, u.path, u.path.len > 0},
	};

	if (!is_ours(u.scheme))
		return err_set(info, ERR_USAGE, 0,
			       "%s must look like mysql://user@host:port/database", origin);
	if (!is_whole)
		return err_set(info, ERR_USAGE, 0, "%s: an IPv6 address is written [address]:port",
			       origin);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum err e = ERR_OK;

		if (parts[i].is_there)
			e = set_part(into, parts[i].which, parts[i].part, info);
		if (e != ERR_OK)
			return e;
	}
	return parse_query(u.query, into, info);
}
