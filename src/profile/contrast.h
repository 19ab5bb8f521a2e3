/*
 * contrast - two distributions of latency, and whether one is slower than the other.
 *
 * What is compared is the geometric mean, which a few outliers do not move: the difference of the
 * means of the logarithms, by Welch's test. Many statements are compared at once, and each test may
 * err, so probabilities are corrected by Holm's method before anything is called slower or faster.
 * docs/comparison.md tells what it means, docs/decisions/0014 why it is done so.
 */
#ifndef PROFILE_CONTRAST_H
#define PROFILE_CONTRAST_H

#include "base/hist.h"

enum { CONTRAST_CALLS_MIN = 20 }; /* on each side; with fewer nothing is said */

/* A change of the latency that is smaller than this is none, however certain. */
#define CONTRAST_EFFECT 0.10

enum contrast_verdict {
	CONTRAST_TOO_FEW, /* too few calls, or too different ones, to tell */
	CONTRAST_SAME,    /* surely within the effect */
	CONTRAST_FASTER,
	CONTRAST_SLOWER,
	CONTRAST_VERDICTS,
};

const char *contrast_verdict_name(enum contrast_verdict v); /* "slower" */

struct contrast {
	bool known;       /* enough calls on both sides; if not, the next are 0 */
	double ratio;     /* of the geometric means: 2 is twice as slow */
	double low, high; /* between which the ratio is, by 95 % */
	double p;         /* of such a difference, or a greater one, by chance */
	double p_holm;    /* the same, corrected for the number of contrasts */
	double noise;     /* share by which the same server differs from itself; the caller's */
	enum contrast_verdict verdict;
};

/* How AFTER compares with BEFORE. NOISE is 0, P_HOLM is P, and there is no verdict yet. */
void contrast_of(const struct hist *before, const struct hist *after, struct contrast *out);

/*
 * Gives COUNT contrasts, one family, their verdicts. EFFECT: a share, such as 0.10; where a contrast's
 * noise is greater, that counts. Sorts LIST.
 */
void contrast_judge(struct contrast **list, size_t count, double effect);

#endif
