/*
 * seats - how the replayers of one exchange divide its queues among themselves, without anybody who tells them.
 *
 * There are as many seats as queues. A seat is an exclusive queue, "EXCHANGE.replayer.N", that lives as long as the
 * connection that made it: so the broker sees to it that nobody has two or shares one, and that the dead give theirs up.
 * Everyone takes the first seat that is free, and looks from time to time how many are taken; when one in the middle
 * becomes free, whoever has the last one moves there. The number of seats taken and one's own say which queues are one's own.
 * While several see it differently, a queue may be nobody's, or two may want it: the queue itself has a single active
 * consumer. A consumer without a seat has nothing to do but to wait for one.
 */
#ifndef BROKER_SEATS_H
#define BROKER_SEATS_H

#include "broker/mq.h"

enum { SEAT_NONE = PLACE_QUEUES_MAX };

struct seats {
	const char *exchange; /* borrowed */
	unsigned count;       /* as many as queues, at most PLACE_QUEUES_MAX */
	unsigned mine;        /* SEAT_NONE: none */
	unsigned taken;       /* how many are, as far as it is certain; 0: not known */
	unsigned seen;        /* how many were, when it was looked at last */
	bool refused;         /* the account may not make such queues: nothing is divided */
};

/* On a new connection: nothing is known. */
void seats_reset(struct seats *s, const char *exchange, unsigned count);

/*
 * Takes a seat, or moves, and counts. What is seen at first is believed at once, later what is seen twice. CHANNEL is
 * open and for nothing else. Failures are those of the link.
 */
enum err seats_look(struct seats *s, struct mq *m, uint16_t channel,
		    struct errinfo *info) MUST_CHECK;

/*
 * Whose each of COUNT queues is, as a seat from 0 to TAKEN-1, into OWNERS: as evenly as can be, and so that one more
 * seat takes from the others but does not make them change with one another.
 */
void seats_divide(unsigned count, unsigned taken, uint16_t *owners);

#endif
