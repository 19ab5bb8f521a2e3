/*
 * exposition - figures as Prometheus reads them: its text format, version 0.0.4.
 *
 *   # HELP myna_commands_total commands heard
 *   # TYPE myna_commands_total counter
 *   myna_commands_total 3400
 *
 * A family is begun once and followed by its values. Failures are the buffer's: buf_err().
 */
#ifndef METRICS_EXPOSITION_H
#define METRICS_EXPOSITION_H

#include "base/buf.h"

enum exposition_kind { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

/* HELP: any text. */
void exposition_family(struct buf *to, const char *name, enum exposition_kind kind,
		       const char *help);

/* NAME is the family's. LABEL: its one label, with VALUE for it, which is any text; NULL: it has none. */
void exposition_count(struct buf *to, const char *name, const char *label, const char *value,
		      uint64_t n);
void exposition_seconds(struct buf *to, const char *name, int64_t ns);
void exposition_ratio(struct buf *to, const char *name, double ratio);

/* BELOW[i]: how many values do not exceed BOUNDS_NS[i], which grow. ALL: how many there are, SUM_NS together. */
struct exposition_histogram {
	const int64_t *bounds_ns;
	const uint64_t *below;
	size_t bounds;
	uint64_t all, sum_ns;
};

void exposition_histogram(struct buf *to, const char *name, const struct exposition_histogram *h);

#endif
