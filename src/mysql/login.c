/*
 * login - the messages of the connection phase.
 *
 * What stands in a message depends on the capabilities of both sides, and on the age of the program
 * that wrote it: the last string of a message may lack its NUL, and what newer versions appended may
 * be missing. Both are taken as what they are; everything else has to be there.
 */
#include "mysql/login.h"

#include <assert.h>

enum {
	SCRAMBLE_FIRST = 8,       /* bytes of the challenge that every server sends */
	SCRAMBLE_SECOND_MIN = 13, /* bytes of its second part, with the NUL, at least */
	SSL_REQUEST_JDBC = 4,     /* Connector/J sends its capabilities and nothing else */
	SSL_REQUEST_320 = 5,
	SSL_REQUEST_41 = 32,
	FILLER_GREETING = 6, /* and 4 bytes more, which are MariaDB's or zero */
	FILLER_LOGIN = 19,   /* likewise */
	COM_CHANGE_USER = 0x11,
	AUTH_MORE = 0x01,
	AUTH_NEXT_FACTOR = 0x02,
	AUTH_SWITCH = 0xfe,
};

/* Up to the next NUL, or all that is left where a program left out the last one. */
static struct slice cur_text(struct cursor *c)
{
	size_t left = cur_left(c);

	if (left == 0 || memchr(c->pos, 0, left) == NULL)
		return cur_rest(c);
	return cur_nul(c);
}

static bool starts_with(struct slice s, struct slice with)
{
	return slice_eq(slice_head(s, with.len), with);
}

static bool contains(struct slice s, struct slice what)
{
	return s.len && memmem(s.ptr, s.len, what.ptr, what.len) != NULL;
}

/* MariaDB names itself, in front for old replicas or behind; or only its own capabilities tell. */
static bool is_mariadb(struct slice version, uint64_t caps)
{
	return starts_with(version, SLICE_LIT("5.5.5-")) ||
	       contains(version, SLICE_LIT("MariaDB")) || caps >> MYP_CAPS_MARIADB_SHIFT != 0;
}

static void scramble_add(struct myp_greeting *g, struct slice part)
{
	part = slice_head(part, (size_t)MYP_SCRAMBLE - g->auth_scramble_len);
	if (part.len == 0)
		return;
	memcpy(g->auth_scramble + g->auth_scramble_len, part.ptr, part.len);
	g->auth_scramble_len = (uint8_t)(g->auth_scramble_len + part.len);
}

/* What 4.1 and its successors have behind the lower capabilities. */
static void greeting_rest(struct cursor *c, struct myp_greeting *g)
{
	size_t auth_len, second;
	uint64_t mariadb;

	g->collation = cur_u8(c);
	g->status = cur_u16(c);
	g->caps |= (uint64_t)cur_u16(c) << 16;
	auth_len = cur_u8(c);
	cur_skip(c, FILLER_GREETING);
	mariadb = cur_u32(c);
	if (!(g->caps & MYP_CAP_LONG_PASSWORD))
		g->caps |= mariadb << MYP_CAPS_MARIADB_SHIFT;
	if (!(g->caps & MYP_CAP_SECURE_CONNECTION))
		return;
	second = SCRAMBLE_SECOND_MIN;
	if (auth_len > SCRAMBLE_FIRST + SCRAMBLE_SECOND_MIN)
		second = auth_len - SCRAMBLE_FIRST;
	scramble_add(g, slice_head(cur_bytes(c, second), MYP_SCRAMBLE - SCRAMBLE_FIRST));
	if (g->caps & MYP_CAP_PLUGIN_AUTH)
		g->auth_plugin = cur_text(c); /* 5.5.7 to 5.5.9 sent it without a NUL */
}

static void greeting_v9(struct cursor *c, struct myp_greeting *g)
{
	struct slice scramble = cur_text(c);

	if (scramble.len < SCRAMBLE_FIRST)
		cur_fail(c);
	scramble_add(g, slice_head(scramble, SCRAMBLE_FIRST));
}

enum err myp_greeting_decode(struct slice payload, struct myp_greeting *out)
{
	struct cursor c = cur_of(payload);
	struct myp_greeting g = {0};

	g.protocol = cur_u8(&c);
	if (g.protocol != 9 && g.protocol != 10)
		return ERR_PROTO;
	g.server_version = cur_nul(&c);
	g.connection_id = cur_u32(&c);
	if (g.protocol == 9) {
		greeting_v9(&c, &g);
	} else {
		scramble_add(&g, cur_bytes(&c, SCRAMBLE_FIRST));
		cur_skip(&c, 1);
		g.caps = cur_u16(&c);
		if (cur_left(&c) > 0) /* 3.21 ends here */
			greeting_rest(&c, &g);
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	g.is_mariadb = is_mariadb(g.server_version, g.caps);
	*out = g;
	return ERR_OK;
}

static void login_320(struct cursor *c, struct myp_login *l)
{
	l->caps = cur_u16(c);
	l->max_packet = cur_u24(c);
	if (cur_done(c) && l->caps & MYP_CAP_SSL) {
		l->is_ssl_request = true;
		return;
	}
	l->user = cur_nul(c);
	l->auth_data = cur_text(c);
	if (l->caps & MYP_CAP_CONNECT_WITH_DB)
		l->database = cur_text(c);
}

static struct slice login_auth_data(struct cursor *c, uint64_t caps)
{
	if (caps & MYP_CAP_PLUGIN_AUTH_LENENC_DATA)
		return myp_cur_lenenc_bytes(c);
	if (caps & MYP_CAP_SECURE_CONNECTION)
		return cur_bytes(c, cur_u8(c));
	return cur_nul(c);
}

static void login_41(struct cursor *c, uint64_t server_caps, struct myp_login *l)
{
	uint64_t agreed, mariadb;

	l->caps = cur_u32(c);
	if (cur_done(c) && l->caps & MYP_CAP_SSL) {
		l->is_ssl_request = true;
		return;
	}
	l->max_packet = cur_u32(c);
	l->collation = cur_u8(c);
	cur_skip(c, FILLER_LOGIN);
	mariadb = cur_u32(c);
	if (!(l->caps & MYP_CAP_LONG_PASSWORD))
		l->caps |= mariadb << MYP_CAPS_MARIADB_SHIFT;
	if (cur_done(c) && l->caps & MYP_CAP_SSL) {
		l->is_ssl_request = true;
		return;
	}
	agreed = myp_caps_agreed(server_caps, l->caps);
	l->user = cur_nul(c);
	l->auth_data = login_auth_data(c, agreed);
	if (agreed & MYP_CAP_CONNECT_WITH_DB)
		l->database = cur_text(c);
	if (agreed & MYP_CAP_PLUGIN_AUTH)
		l->auth_plugin = cur_text(c);
	if (agreed & MYP_CAP_CONNECT_ATTRS && cur_left(c) > 0)
		l->attributes = myp_cur_lenenc_bytes(c);
	if (agreed & MYP_CAP_ZSTD_COMPRESSION && cur_left(c) > 0)
		l->zstd_level = cur_u8(c);
}

bool myp_login_has_filler(struct slice payload)
{
	static const uint8_t zeros[19];
	const size_t at = 4 + 4 + 1;

	return payload.len >= at + sizeof(zeros) &&
	       memcmp(payload.ptr + at, zeros, sizeof(zeros)) == 0;
}

enum err myp_login_decode(struct slice payload, uint64_t server_caps, struct myp_login *out)
{
	struct cursor c = cur_of(payload), look = c;
	struct myp_login l = {0};

	if (cur_u16(&look) & MYP_CAP_PROTOCOL_41)
		login_41(&c, server_caps, &l);
	else
		login_320(&c, &l);
	if (!cur_ok(&c))
		return ERR_PROTO;
	*out = l;
	return ERR_OK;
}

static void put_text(struct buf *out, struct slice s)
{
	buf_put_slice(out, s);
	buf_put_u8(out, 0);
}

static void put_short(struct buf *out, struct slice s)
{
	assert(s.len <= UINT8_MAX);
	buf_put_u8(out, (uint8_t)s.len);
	buf_put_slice(out, s);
}

void myp_login_put(struct buf *out, const struct myp_login *l)
{
	assert(l->caps & MYP_CAP_PROTOCOL_41);
	buf_put_uint_le(out, l->caps & UINT32_MAX, 4);
	buf_put_uint_le(out, l->max_packet, 4);
	buf_put_u8(out, (uint8_t)l->collation);
	buf_put_zeros(out, FILLER_LOGIN);
	buf_put_uint_le(out, l->caps >> MYP_CAPS_MARIADB_SHIFT, 4);
	if (l->is_ssl_request)
		return;
	put_text(out, l->user);
	if (l->caps & MYP_CAP_PLUGIN_AUTH_LENENC_DATA)
		myp_put_lenenc_bytes(out, l->auth_data);
	else if (l->caps & MYP_CAP_SECURE_CONNECTION)
		put_short(out, l->auth_data);
	else
		put_text(out, l->auth_data);
	if (l->caps & MYP_CAP_CONNECT_WITH_DB)
		put_text(out, l->database);
	if (l->caps & MYP_CAP_PLUGIN_AUTH)
		put_text(out, l->auth_plugin);
	if (l->caps & MYP_CAP_CONNECT_ATTRS)
		myp_put_lenenc_bytes(out, l->attributes);
	if (l->caps & MYP_CAP_ZSTD_COMPRESSION)
		buf_put_u8(out, l->zstd_level);
}

enum err myp_change_user_decode(struct slice payload, uint64_t caps, struct myp_login *out)
{
	struct cursor c = cur_of(payload);
	struct myp_login l = {.caps = caps};

	if (cur_u8(&c) != COM_CHANGE_USER)
		return ERR_PROTO;
	l.user = cur_nul(&c);
	if (caps & MYP_CAP_SECURE_CONNECTION)
		l.auth_data = cur_bytes(&c, cur_u8(&c));
	else
		l.auth_data = cur_text(&c);
	l.database = cur_text(&c);
	if (cur_left(&c) > 0) /* from 5.1.23 on */
		l.collation = cur_u16(&c);
	if (caps & MYP_CAP_PLUGIN_AUTH)
		l.auth_plugin = cur_text(&c);
	if (caps & MYP_CAP_CONNECT_ATTRS && cur_left(&c) > 0)
		l.attributes = myp_cur_lenenc_bytes(&c);
	if (!cur_ok(&c))
		return ERR_PROTO;
	*out = l;
	return ERR_OK;
}

void myp_change_user_put(struct buf *out, const struct myp_login *l)
{
	buf_put_u8(out, COM_CHANGE_USER);
	put_text(out, l->user);
	if (l->caps & MYP_CAP_SECURE_CONNECTION)
		put_short(out, l->auth_data);
	else
		put_text(out, l->auth_data);
	put_text(out, l->database);
	buf_put_uint_le(out, l->collation, 2);
	if (l->caps & MYP_CAP_PLUGIN_AUTH)
		put_text(out, l->auth_plugin);
	if (l->caps & MYP_CAP_CONNECT_ATTRS)
		myp_put_lenenc_bytes(out, l->attributes);
}

bool myp_attribute_next(struct cursor *attributes, struct slice *key, struct slice *value)
{
	struct slice k, v;

	if (cur_left(attributes) == 0)
		return false;
	k = myp_cur_lenenc_bytes(attributes);
	v = myp_cur_lenenc_bytes(attributes);
	if (!cur_ok(attributes))
		return false;
	*key = k;
	*value = v;
	return true;
}

void myp_attribute_put(struct buf *out, struct slice key, struct slice value)
{
	myp_put_lenenc_bytes(out, key);
	myp_put_lenenc_bytes(out, value);
}

static enum myp_auth_kind auth_kind(uint8_t first, size_t rest)
{
	switch (first) {
	case MYP_OK:
		return MYP_AUTH_OK;
	case MYP_ERR:
		return MYP_AUTH_ERR;
	case AUTH_MORE:
		return MYP_AUTH_MORE;
	case AUTH_NEXT_FACTOR:
		return MYP_AUTH_NEXT_FACTOR;
	default:
		return rest ? MYP_AUTH_SWITCH : MYP_AUTH_SWITCH_OLD;
	}
}

enum err myp_auth_decode(struct slice payload, struct myp_auth *out)
{
	struct cursor c = cur_of(payload);
	uint8_t first = cur_u8(&c);
	struct myp_auth a = {.kind = auth_kind(first, cur_left(&c))};

	if (first > AUTH_NEXT_FACTOR && first != AUTH_SWITCH && first != MYP_ERR)
		return ERR_PROTO;
	switch (a.kind) {
	case MYP_AUTH_SWITCH:
	case MYP_AUTH_NEXT_FACTOR:
		a.auth_plugin = cur_nul(&c);
		a.auth_data = cur_rest(&c);
		break;
	case MYP_AUTH_MORE:
		a.auth_data = cur_rest(&c);
		break;
	case MYP_AUTH_OK:
	case MYP_AUTH_ERR:
	case MYP_AUTH_SWITCH_OLD:
		break;
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	*out = a;
	return ERR_OK;
}

uint64_t myp_caps_agreed(uint64_t server_caps, uint64_t client_caps)
{
	return server_caps & client_caps;
}
