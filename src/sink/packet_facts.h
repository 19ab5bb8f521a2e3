/*
 * packet_facts - what a packet means, as keys and values: for a person and for JSON alike. Internal to sink/.
 */
#ifndef SINK_PACKET_FACTS_H
#define SINK_PACKET_FACTS_H

#include "event/event.h"

/* Names of bits, ended by a row without one. */
struct bit_name {
	uint64_t bit;
	const char *name;
};

/* Who is told. */
struct packet_facts {
	void (*number)(void *ctx, const char *key, uint64_t v);
	/* COLLATION: of TEXT; 0: UTF-8. LEADING: a person needs no key to know what it is. */
	void (*text)(void *ctx, struct slice key, struct slice text, uint16_t collation,
		     bool leading);
	void (*names)(void *ctx, const char *key, const struct bit_name *names, uint64_t bits);
	void (*open)(void *ctx, const char *key); /* what follows belongs to KEY */
	void (*close)(void *ctx);
	void *ctx;
};

/* Tells what P means; nothing of what cannot be read. S is its session. */
void packet_facts_tell(const struct packet *p, const struct session *s,
		       const struct packet_facts *to);

#endif
