/* url - the parts of a URL that names a server. */
#include "base/url.h"

#include "base/percent.h"

static const struct slice scheme_end = {.ptr = (const uint8_t *)"://", .len = 3};

static void split_user(struct slice user, struct url *out)
{
	out->user = slice_cut_first(&user, ':', &out->has_password);
	out->password = user;
}

static bool split_host(struct slice text, struct url *out)
{
	bool found;

	if (text.len == 0 || text.ptr[0] != '[') {
		out->host = slice_cut_first(&text, ':', &found);
		out->port = text;
		return true;
	}
	text = slice_skip(text, 1);
	out->host = slice_cut_first(&text, ']', &found);
	out->port = slice_skip(text, 1);
	return found && (text.len == 0 || text.ptr[0] == ':');
}

bool url_split(struct slice text, struct url *out)
{
	const uint8_t *end =
		text.len ? memmem(text.ptr, text.len, scheme_end.ptr, scheme_end.len) : NULL;
	struct slice authority, rest;
	const uint8_t *at;
	bool found;

	*out = (struct url){.path = text};
	if (!end)
		return true;
	out->scheme = slice_head(text, (size_t)(end - text.ptr));
	rest = slice_skip(text, out->scheme.len + scheme_end.len);
	out->path = slice_cut_first(&rest, '?', &found);
	out->query = rest;
	authority = slice_cut_first(&out->path, '/', &found);
	at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
	if (at) {
		size_t len = (size_t)(at - authority.ptr);

		split_user(slice_head(authority, len), out);
		authority = slice_skip(authority, len + 1);
	}
	return split_host(authority, out);
}

bool url_next(struct slice *query, struct url_pair *out)
{
	bool more;

	while (query->len > 0) {
		out->value = slice_cut_first(query, '&', &more);
		out->name = slice_cut_first(&out->value, '=', &out->has_value);
		if (out->name.len > 0)
			return true;
	}
	return false;
}

enum err url_decode(struct slice part, size_t max, struct buf *out)
{
	buf_init(out, max);
	if (!buf_reserve(out, max)) /* at once: it may become a password */
		return buf_err(out);
	return percent_decode(part, out) ? buf_err(out) : ERR_PROTO;
}

void url_hide_password(const char *url)
{
	struct url parts;

	(void)url_split(slice_cstr(url), &parts);
	if (parts.password.len)
		memset((void *)(uintptr_t)parts.password.ptr, 'x', parts.password.len);
}
