/*
 * pcapng - the block format (draft-ietf-opsawg-pcapng): each block is
 *
 *   u32 type, u32 total length, body, padding to 4 bytes, u32 total length again
 *
 * A section header block gives the byte order of all that follows, an interface description block
 * the link type and the unit of time of the packets that name it. Unknown blocks, and those that hold
 * secrets or names, are passed over. A block whose two lengths differ is damaged: bytes are passed
 * over until a block of a known type stands whole.
 */
#ifndef CAPTURE_PCAPNG_H
#define CAPTURE_PCAPNG_H

#include "capture/capture.h"
#include "capture/source.h"

enum { PCAPNG_INTERFACES_MAX = 1 << 16 }; /* per section */

struct pcapng_interface;

struct pcapng {
	bool big_endian;
	bool lost; /* passing over bytes in search of a block */
	struct pcapng_interface *interfaces;
	size_t interface_count, interface_room;
	int64_t last_ns;  /* time of the last packet, for those without one */
	uint64_t to_skip; /* bytes of a block too large to be buffered */
};

bool pcapng_detect(struct slice first);

/* Starts reading; nothing is read yet. */
void pcapng_init(struct pcapng *p);
void pcapng_release(struct pcapng *p);

/* As capture_next(); counts in *STATS what is damaged, and the drops that the file tells. */
enum err pcapng_next(struct pcapng *p, struct source *s, struct capture_stats *stats,
		     struct frame *out, struct errinfo *info) MUST_CHECK;

#endif
