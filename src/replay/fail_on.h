/*
 * fail_on - what of an outcome makes the exit status 3.
 */
#ifndef REPLAY_FAIL_ON_H
#define REPLAY_FAIL_ON_H

#include "replay/outcome.h"

struct fail_on {
	bool errors;    /* that are new, gone or other, and answers that did not come */
	bool rows;      /* any other difference */
	bool missing;   /* commands that were not sent */
	bool losses;    /* the recording has gaps: see coverage_has_losses() */
	double latency; /* a statement, or all, slower by more than this share; 0: does not matter */
};

/*
 * Reads a list such as "errors,rows,missing,losses,latency:20%"; NULL is the default, all but the latency; "none" is
 * nothing. ERR_USAGE.
 */
enum err fail_on_parse(const char *text, struct fail_on *out, struct errinfo *info) MUST_CHECK;

/* How great a change of latency has to be, for outcome_judge(). */
double fail_on_effect(const struct fail_on *f);

bool fail_on_is_met(const struct fail_on *f, const struct outcome *o);

#endif
