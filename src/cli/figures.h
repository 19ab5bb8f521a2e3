/*
 * figures - how it goes, in numbers: one table of them, for the status line and for --metrics.
 */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <stdio.h>

#include "base/buf.h"
#include "event/coverage.h"
#include "mrte/speak.h"
#include "replay/figures.h"

/* What a command has figures of; flags. */
enum figures_group {
	FIGURES_HEARD = 1 << 0,
	FIGURES_LASTING = 1 << 1,  /* of an input that goes on until somebody ends it */
	FIGURES_CONSUMER = 1 << 2, /* of one that comes from a broker */
	FIGURES_RECORD = 1 << 3,
	FIGURES_PUBLISH = 1 << 4,
	FIGURES_REPLAY = 1 << 5,
};

struct figures {
	unsigned groups; /* enum figures_group */
	struct coverage coverage;
	struct replay_figures replay;
	const struct mrte_left
		*left; /* what MRTE's messages could not carry; NULL: they are not MRTE's */
#define SHOWN(group, kind, field, metric, one, many, help)
#define FIGURE(group, kind, unit, name, metric, one, many, help) int64_t name;
#include "cli/figure_list.h"
#undef FIGURE
#undef SHOWN
};

/* "3 sessions, 40 commands, ...; ! 2 holes in the conversations". */
void figures_print(const struct figures *f, FILE *to);

/* All that F has groups of, and of the process, as Prometheus reads it. Failure is buf_err(). */
void figures_expose(const struct figures *f, const char *command, struct buf *to);

#endif
