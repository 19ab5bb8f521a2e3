/*
 * fragment - IP datagrams put together from their fragments (RFC 791, RFC 8200 section 4.5).
 *
 * Out of order and duplicated fragments are put right. Fragments that contradict each other (an overlap with other
 * bytes, two different ends) spoil their datagram: nothing is made of it, and nothing of what still comes for it. A
 * fragment that the capture cut off makes a datagram that is cut off there.
 *
 * Bounded: datagrams that wait, their bytes, their age by the capture's clock. The identification of a datagram is
 * used again after 65,536 others (IPv4), so what is put together may be of two; whoever takes it out of here holds
 * it to a checksum where it has one. One thread.
 */
#ifndef NET_FRAGMENT_H
#define NET_FRAGMENT_H

#include <stdbool.h>

#include "base/slice.h"
#include "net/addr.h"

enum {
	FRAGMENTS_DATAGRAMS_MAX = 4096, /* at once; past it the oldest is given up */
	FRAGMENTS_BYTES_MAX = 8 << 20,  /* of all of them; the same */
	FRAGMENTS_AGE_NS = 2000000000,  /* a datagram whose first fragment is older is given up */
	FRAGMENTS_REPEAT_NS =
		100000000, /* so long after its end, fragments of it are repetitions */
	FRAGMENTS_DATAGRAM_LEN_MAX = 65535, /* bytes behind the IP header */
};

struct fragment {
	struct addr src, dst;
	uint32_t id;
	uint8_t protocol;  /* of what is inside; of IPv6 meaningful only with offset 0 */
	bool more;         /* it is not the last */
	bool foreign;      /* the datagram is known to carry nothing that is looked for */
	uint32_t offset;   /* bytes; a multiple of 8 */
	uint32_t wire_len; /* bytes on the wire; more than bytes.len if the capture cut it */
	struct slice bytes;
	int64_t time_ns;
};

struct fragment_whole {
	struct slice bytes; /* borrowed until fragments_begin() */
	uint32_t wire_len;  /* more than bytes.len if the capture cut some of it */
	uint8_t protocol;
};

struct fragments;

struct fragments *fragments_new(void);    /* NULL: out of memory */
void fragments_free(struct fragments *f); /* NULL is fine */

/* A new frame: what was made of the last one is not needed any more. */
void fragments_begin(struct fragments *f);

/* Takes one. True: it was the last that was missing, and *OUT is the datagram. */
bool fragments_take(struct fragments *f, const struct fragment *in, struct fragment_whole *out);

/* The datagram given out last turned out not to be one. */
void fragments_spoiled(struct fragments *f);

/* No more come: what waits is given up. */
void fragments_finish(struct fragments *f);

/* Fragments of which nothing was made, and will not be. */
uint64_t fragments_given_up(const struct fragments *f);

#endif
