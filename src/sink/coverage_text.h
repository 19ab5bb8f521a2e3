/*
 * coverage_text - the coverage as every output tells it.
 */
#ifndef SINK_COVERAGE_TEXT_H
#define SINK_COVERAGE_TEXT_H

#include "event/coverage.h"
#include "out/json.h"

/* "Coverage: " and a line for each count above zero, losses marked by "!". */
void coverage_put_text(struct out *o, const struct coverage *c);

/* An object of all counts. */
void coverage_put_json(struct json *j, const struct coverage *c);

#endif
