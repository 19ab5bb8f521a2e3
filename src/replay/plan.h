/*
 * plan - whether a recorded command is for the target at all, told from the command alone.
 */
#ifndef REPLAY_PLAN_H
#define REPLAY_PLAN_H

#include "event/command.h"
#include "replay/item.h"

struct plan {
	enum not_sent reason; /* SENT: it is */
	uint32_t kill_id;     /* the connection that it is to kill; 0: it is no KILL */
	bool kill_query;
	bool begins; /* whatever transaction is open ends with it */
};

void plan_command(const struct session *s, const struct command *c, struct plan *out);

#endif
