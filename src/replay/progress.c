/* progress - how much of a replay is done, and how long the rest takes. */
#include "replay/progress.h"

static const double DONE_ENOUGH = 0.01; /* to judge the rest by */

double progress_done(const struct progress_window *w, double read)
{
	double share;

	if (read < 0 || read >= 1)
		return read;
	if (w->until_ns == INT64_MAX || w->until_ns <= w->first_ns)
		share = w->before < 1 ? (read - w->before) / (1 - w->before) : 1;
	else
		share = (double)(w->last_ns - w->first_ns) / (double)(w->until_ns - w->first_ns);
	return share < 0 ? 0 : share > 1 ? 1 : share;
}

int64_t progress_left_ns(double done, int64_t elapsed_ns)
{
	if (done < DONE_ENOUGH || done >= 1 || elapsed_ns <= 0)
		return -1;
	return (int64_t)((double)elapsed_ns * (1 - done) / done);
}
