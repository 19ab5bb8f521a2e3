/* event - where every producer and every consumer meet. */
#include "event/event.h"

static const char *const end_names[END_REASONS] = {
	[END_QUIT] = "quit",       [END_FIN] = "fin",         [END_RESET] = "reset",
	[END_TIMEOUT] = "timeout", [END_CAPTURE] = "capture", [END_SHED] = "shed",
};

const char *end_reason_name(enum end_reason r)
{
	return end_names[r];
}
