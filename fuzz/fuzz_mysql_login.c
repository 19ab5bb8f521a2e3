/*
 * Target: myp_greeting_decode, myp_login_decode, myp_login_put, myp_change_user_decode,
 * myp_change_user_put, myp_attribute_next, myp_auth_decode.
 * The first byte chooses the message, the next eight are the capabilities of the other side.
 */
#include <assert.h>
#include <stdlib.h>

#include "mysql/login.h"

enum { MESSAGE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_attributes(struct slice attributes)
{
	struct cursor c = cur_of(attributes);
	struct slice key, value;
	size_t bytes = 0;

	while (myp_attribute_next(&c, &key, &value))
		bytes += key.len + value.len;
	assert(bytes <= attributes.len);
}

/* What was read, once written, is read as the same. */
static void check_login(struct slice payload, uint64_t server_caps)
{
	struct myp_login l, back;
	struct buf b;
	enum err e;

	if (myp_login_decode(payload, server_caps, &l) != ERR_OK)
		return;
	walk_attributes(l.attributes);
	l.caps = myp_caps_agreed(server_caps | MYP_CAP_SSL, l.caps);
	if (!(l.caps & MYP_CAP_PROTOCOL_41))
		return;
	buf_init(&b, MESSAGE_MAX);
	myp_login_put(&b, &l);
	e = myp_login_decode(buf_slice(&b), server_caps, &back);
	assert(e == ERR_OK);
	assert(slice_eq(l.user, back.user) && slice_eq(l.auth_data, back.auth_data));
	assert(slice_eq(l.attributes, back.attributes));
	assert(l.is_ssl_request == back.is_ssl_request);
	buf_release(&b);
}

static void check_change_user(struct slice payload, uint64_t caps)
{
	struct myp_login l, back;
	struct buf b;
	enum err e;

	if (myp_change_user_decode(payload, caps, &l) != ERR_OK)
		return;
	walk_attributes(l.attributes);
	buf_init(&b, MESSAGE_MAX);
	myp_change_user_put(&b, &l);
	e = myp_change_user_decode(buf_slice(&b), caps, &back);
	assert(e == ERR_OK);
	assert(slice_eq(l.user, back.user) && slice_eq(l.database, back.database));
	assert(l.collation == back.collation && slice_eq(l.auth_plugin, back.auth_plugin));
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	uint8_t which = cur_u8(&c);
	uint64_t caps = cur_u64(&c);
	struct slice payload = cur_rest(&c);
	struct myp_greeting g;
	struct myp_auth a;

	if (!cur_ok(&c) || payload.len > UINT16_MAX)
		return 0;
	switch (which % 4) {
	case 0:
		if (myp_greeting_decode(payload, &g) == ERR_OK)
			assert(g.auth_scramble_len == 8 || g.auth_scramble_len == MYP_SCRAMBLE);
		break;
	case 1:
		check_login(payload, caps);
		break;
	case 2:
		check_change_user(payload, caps);
		break;
	case 3:
		if (myp_auth_decode(payload, &a) == ERR_OK)
			assert(a.auth_data.len < payload.len);
		break;
	}
	return 0;
}
