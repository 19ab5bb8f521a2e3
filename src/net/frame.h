/*
 * frame - what a link delivered, as a capture hands it on.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdint.h>

#include "base/slice.h"

struct frame {
	uint64_t number;    /* ordinal in the input, from 1 */
	int64_t time_ns;    /* since 1970, by the capture's clock */
	uint32_t link;      /* LINKTYPE_ value of tcpdump.org/linktypes.html */
	uint32_t wire_len;  /* bytes on the wire; more than bytes.len if the capture cut it */
	struct slice bytes; /* borrowed until the next frame is asked for */
};

#endif
