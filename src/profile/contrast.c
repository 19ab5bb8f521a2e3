/* contrast - two distributions of latency, and whether one is slower than the other. */
#include "profile/contrast.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double SURE = 0.05;      /* a verdict may err so often */
static const double NORMAL_95 = 1.96; /* standard deviations around the mean that hold 95 % */
/* The variance of a logarithm that a bucket of a histogram, 1/64 wide, hides. */
static const double BUCKET_VARIANCE = 1.0 / (64 * 64 * 12);

struct moments {
	double n, mean, variance; /* of logarithms */
};

static void moments_of(const struct hist *h, struct moments *out)
{
	struct hist_bucket b = {.at = 0};
	double n = 0, mean = 0, squares = 0;

	while (hist_next(h, &b)) {
		double x = log(b.top_ns > 1 ? (double)b.top_ns : 1), count = (double)b.count;
		double off = x - mean;

		n += count;
		mean += off * count / n;
		squares += count * off * (x - mean);
	}
	*out = (struct moments){.n = n, .mean = mean, .variance = BUCKET_VARIANCE};
	if (n > 1)
		out->variance += squares / (n - 1);
}

/* The two-sided probability of Student's T with DF degrees of freedom; Abramowitz and Stegun, 26.7.8. */
static double probability(double t, double df)
{
	double z = t * (1 - 1 / (4 * df)) / sqrt(1 + t * t / (2 * df));

	return erfc(fabs(z) / M_SQRT2);
}

/* Standard errors that hold 95 % with DF degrees of freedom; 26.7.5, to its first two terms. */
static double spread(double df)
{
	const double z = NORMAL_95, z3 = z * z * z, z5 = z3 * z * z;

	return z + (z3 + z) / (4 * df) + (5 * z5 + 16 * z3 + 3 * z) / (96 * df * df);
}

void contrast_of(const struct hist *before, const struct hist *after, struct contrast *out)
{
	struct moments a, b;
	double va, vb, error, df, off;

	*out = (struct contrast){.known = false};
	if (before->count < CONTRAST_CALLS_MIN || after->count < CONTRAST_CALLS_MIN)
		return;
	moments_of(before, &a);
	moments_of(after, &b);
	if (a.n < CONTRAST_CALLS_MIN || b.n < CONTRAST_CALLS_MIN) /* memory was short */
		return;
	va = a.variance / a.n;
	vb = b.variance / b.n;
	error = sqrt(va + vb);
	df = (va + vb) * (va + vb) / (va * va / (a.n - 1) + vb * vb / (b.n - 1));
	off = b.mean - a.mean;
	out->known = true;
	out->ratio = exp(off);
	out->low = exp(off - spread(df) * error);
	out->high = exp(off + spread(df) * error);
	out->p = out->p_holm = probability(off / error, df);
}

/* Those with an answer first, the most certain ones before. */
static int by_p(const void *x, const void *y)
{
	const struct contrast *a = *(const struct contrast *const *)x;
	const struct contrast *b = *(const struct contrast *const *)y;

	if (a->known != b->known)
		return a->known ? -1 : 1;
	return a->p < b->p ? -1 : a->p > b->p;
}

static enum contrast_verdict judge(const struct contrast *c, double effect)
{
	const double most = 1 + (c->noise > effect ? c->noise : effect);

	if (!c->known)
		return CONTRAST_TOO_FEW;
	if (c->p_holm < SURE && c->ratio > most)
		return CONTRAST_SLOWER;
	if (c->p_holm < SURE && c->ratio < 1 / most)
		return CONTRAST_FASTER;
	return c->low > 1 / most && c->high < most ? CONTRAST_SAME : CONTRAST_TOO_FEW;
}

void contrast_judge(struct contrast **list, size_t count, double effect)
{
	size_t tests = 0;
	double before = 0;

	qsort(list, count, sizeof(*list), by_p);
	while (tests < count && list[tests]->known)
		tests++;
	for (size_t i = 0; i < count; i++) {
		if (i < tests) {
			before = fmax(before, fmin(1, list[i]->p * (double)(tests - i)));
			list[i]->p_holm = before;
		}
		list[i]->verdict = judge(list[i], effect);
	}
}

const char *contrast_verdict_name(enum contrast_verdict v)
{
	static const char *const names[CONTRAST_VERDICTS] = {
		[CONTRAST_TOO_FEW] = "too few to tell",
		[CONTRAST_SAME] = "same",
		[CONTRAST_FASTER] = "faster",
		[CONTRAST_SLOWER] = "slower",
	};

	assert(v < CONTRAST_VERDICTS);
	return names[v];
}
