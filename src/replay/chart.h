/*
 * chart - what an outcome looks like over time and as a distribution: SVG inside of HTML, in colours that
 * the page's style gives to the classes "before" and "after".
 */
#ifndef REPLAY_CHART_H
#define REPLAY_CHART_H

#include "out/out.h"
#include "replay/outcome.h"

/* p50 and p99 of both sides over the time of the recording; nothing without data. */
void chart_timeline(const struct outcome *o, struct out *out);

/* Both distributions, side by side on a logarithmic axis; nothing without data. */
void chart_distribution(const struct hist *before, const struct hist *after, struct out *out);

#endif
