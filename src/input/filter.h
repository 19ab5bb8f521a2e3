/*
 * filter - what the kernel lets through: all that may carry a segment of the ports.
 *
 * The segments themselves; IP fragments, of which only the first names the ports; and tunnels. Of a tunnel whose
 * headers have no options, what is inside is held to the ports, too; where it is not so easily found, or there are
 * many ports, all of the tunnel comes.
 */
#ifndef INPUT_FILTER_H
#define INPUT_FILTER_H

#include "base/buf.h"
#include "input/input.h"

enum filter_tags {
	FILTER_TAGS_FOLLOWED, /* inside VLANs, two tags deep; with three, all comes */
	FILTER_TAGS_COME, /* a link on which filters know nothing of VLANs: what is still tagged there comes */
};

enum { FILTER_LEN_MAX = 64 << 10 };

/* Appends the filter, in tcpdump's language and with a NUL. Failures stay in OUT. */
void filter_put(const struct input_options *options, enum filter_tags tags, struct buf *out);

#endif
