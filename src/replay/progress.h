/*
 * progress - how much of a replay is done, and how long the rest takes.
 */
#ifndef REPLAY_PROGRESS_H
#define REPLAY_PROGRESS_H

#include <stdint.h>

/* What is replayed of a recording. Times are the recording's. */
struct progress_window {
	double before;    /* share of the input in front of it */
	int64_t first_ns; /* of its first event */
	int64_t last_ns;  /* of the last one so far */
	int64_t until_ns; /* where it ends; INT64_MAX: with the input */
};

/* How much of the window W was read, from 0 to 1, when READ of all of the input was; negative, as READ, if that is not known. */
double progress_done(const struct progress_window *w, double read);

/*
 * About how long it still takes, when the share DONE took ELAPSED_NS; negative: it cannot be said, because too little was
 * done yet, all was, or it is not known how much.
 */
int64_t progress_left_ns(double done, int64_t elapsed_ns);

#endif
