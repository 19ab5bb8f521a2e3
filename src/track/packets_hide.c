/*
 * packets_hide - what is not shown of a packet: authentication data, and what may hold or repeat the password of a
 * statement. Such bytes are overwritten in a copy of the payload.
 */
#include "track/packets.h"

enum { HIDDEN_BYTE = '*' };

/* Overwrites PART, which lies in the packet at hand, in what P shows of it. Without memory P shows nothing. */
void packets_hide(struct conversation *c, struct packet *p, struct slice part)
{
	struct packet_room *room = c->tracker->room;
	size_t from;

	if (part.len == 0 || p->payload.len == 0)
		return;
	from = (size_t)(part.ptr - c->packets->now->payload.ptr);
	if (p->hidden.len == 0) {
		buf_shrink(&room->payload, ROOM_KEEP);
		buf_shrink(&room->hidden, ROOM_KEEP);
		buf_put_slice(&room->payload, p->payload);
		buf_put_zeros(&room->hidden, p->payload.len);
		if (buf_err(&room->payload) != ERR_OK || buf_err(&room->hidden) != ERR_OK) {
			tracker_fail(c->tracker, ERR_NOMEM);
			p->payload = (struct slice){.ptr = NULL};
			return;
		}
		p->payload = buf_slice(&room->payload);
		p->hidden = buf_slice(&room->hidden);
	}
	memset(room->payload.ptr + from, HIDDEN_BYTE, part.len);
	memset(room->hidden.ptr + from, 1, part.len);
}

/* All but the first KEEP bytes. */
void packets_hide_from(struct conversation *c, struct packet *p, size_t keep)
{
	packets_hide(c, p, slice_skip(c->packets->now->payload, keep));
}

/* The challenge, which is in two parts around the capabilities; the plugin's name ends the second. */
void packets_hide_challenge(struct conversation *c, struct packet *p, const struct myp_greeting *g)
{
	enum { BEHIND_VERSION = 5, FIRST = 8, SECOND = 27 };
	struct slice all = c->packets->now->payload;
	struct slice first = slice_skip(all, 1 + g->server_version.len + BEHIND_VERSION);
	struct slice second = slice_skip(first, SECOND);

	if (g->protocol != 10) {
		packets_hide(c, p, first);
		return;
	}
	if (g->auth_plugin.len)
		second.len = (size_t)(g->auth_plugin.ptr - second.ptr);
	packets_hide(c, p, slice_head(first, FIRST));
	if (g->caps & MYP_CAP_SECURE_CONNECTION)
		packets_hide(c, p, second);
}

bool packets_is_secret(const struct packets *s, uint64_t n)
{
	uint64_t one;

	for (size_t at = 0; at < s->secrets.len; at += sizeof(one)) {
		memcpy(&one, s->secrets.ptr + at, sizeof(one));
		if (one == n)
			return true;
	}
	return false;
}

/* Forgets the secrets of commands before N, which is being answered. */
void packets_forget_secrets(struct packets *s, uint64_t n)
{
	uint64_t one;

	while (s->secrets.len) {
		memcpy(&one, s->secrets.ptr, sizeof(one));
		if (one >= n)
			return;
		buf_consume(&s->secrets, sizeof(one));
	}
}

/* The answer to a statement with a password may repeat it: as the name of a column, in a row or a message. */
void packets_hide_item(struct conversation *c, const struct myp_item *item, struct packet *p)
{
	switch (item->kind) {
	case MYP_ITEM_ERR:
		packets_hide(c, p, item->err.message);
		break;
	case MYP_ITEM_OK:
	case MYP_ITEM_ROWS_END:
		packets_hide(c, p, item->ok.info);
		packets_hide(c, p, item->ok.state);
		break;
	case MYP_ITEM_COLUMN:
	case MYP_ITEM_PARAM:
	case MYP_ITEM_ROW:
	case MYP_ITEM_STRING:
	case MYP_ITEM_AUTH:
	case MYP_ITEM_PROGRESS:
	case MYP_ITEM_REPLICATION:
		packets_hide_from(c, p, 0);
		break;
	case MYP_ITEM_COLUMN_COUNT:
	case MYP_ITEM_COLUMNS_END:
	case MYP_ITEM_PARAMS_END:
	case MYP_ITEM_PREPARED:
	case MYP_ITEM_INFILE:
		break;
	}
}
