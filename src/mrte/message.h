/*
 * message - what kakao's MRTE sends through RabbitMQ: the collector's IPv4 address, then units up to the end.
 *
 * A unit is the payload of one TCP segment from a client: its length, the client's IPv4 address and port, the bytes, and
 * an Adler-32 of the first of them. There is no time, no sequence number and no server's address.
 */
#ifndef MRTE_MESSAGE_H
#define MRTE_MESSAGE_H

#include "base/buf.h"
#include "base/cursor.h"
#include "net/addr.h"

struct mrte_unit {
	struct endpoint client;
	struct slice data; /* at least one byte */
	bool is_whole;     /* its checksum is right, which is of its first 16 bytes */
};

/* The IPv4 address of A, also where it stands in an IPv6 one (::ffff:0:0/96, RFC 4291 section 2.5.5.2). */
bool mrte_addr_v4(const struct addr *a, uint8_t to[4]);

/* Begins a message: COLLECTOR is the address of the host that listens. */
void mrte_message_begin(struct buf *to, const uint8_t collector[4]);

/* Appends a unit: DATA, from CLIENT. Failure is buf_err(). */
void mrte_message_put(struct buf *to, const uint8_t client[4], uint16_t port, struct slice data);

/* Reads a message's head, the collector's address; the units follow in *UNITS. False: it is too short. */
bool mrte_message_open(struct slice message, struct addr *collector, struct cursor *units);

/* ERR_EOF: there is none left. ERR_PROTO: what is left is no unit. */
enum err mrte_message_next(struct cursor *units, struct mrte_unit *out) MUST_CHECK;

#endif
