/*
 * packets - what packets.c and packets_hide.c share. Internal to track/.
 */
#ifndef TRACK_PACKETS_H
#define TRACK_PACKETS_H

#include "track/conversation.h"

enum { ROOM_KEEP = 64 << 10 }; /* bytes of a buffer that are kept for the next packet */

/* Of all sessions. */
struct packet_room {
	struct buf payload, hidden, text;
};

struct packets {
	const struct myp_packet *now;     /* not told yet; NULL: none, or it was */
	const struct stream_chunk *chunk; /* that completed it */
	bool awaited;                     /* when it came, a response was to come */
	bool connected;                   /* CONNECT was told */
	bool compressed;                  /* COMPRESSION was told */
	bool whole;       /* nothing can have been missed: what does not fit is a violation */
	bool sequenced;   /* SEQUENCE is known */
	uint8_t sequence; /* that comes next in the exchange */
	enum packet_stage stage; /* that the answer's last packet led to */
	enum packet_meaning last;
	uint64_t index;           /* of the last definition or row */
	uint32_t columns, params; /* that the answer announced; 0: not known */
	struct buf secrets;       /* uint64_t each, rising: commands with passwords */
};

/*
 * Overwrites PART, which lies in the payload of the packet at hand, in what P shows of it. Without memory P shows
 * nothing, and the tracker fails.
 */
void packets_hide(struct conversation *c, struct packet *p, struct slice part);
/* All but the first KEEP bytes. */
void packets_hide_from(struct conversation *c, struct packet *p, size_t keep);
void packets_hide_challenge(struct conversation *c, struct packet *p, const struct myp_greeting *g);
/* ITEM, of an answer to a statement with a password. */
void packets_hide_item(struct conversation *c, const struct myp_item *item, struct packet *p);

/* Is the command N one with a password? */
bool packets_is_secret(const struct packets *s, uint64_t n);
/* Forgets those before N, which is being answered. */
void packets_forget_secrets(struct packets *s, uint64_t n);

#endif
