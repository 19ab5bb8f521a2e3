/*
 * outcome_write - an outcome for people, and for programs. Statements are shown as digests; of
 * errors the messages are shown, which may quote values.
 */
#ifndef REPLAY_OUTCOME_WRITE_H
#define REPLAY_OUTCOME_WRITE_H

#include "out/out.h"
#include "replay/outcome.h"

enum { OUTCOME_VERSION = 1 }; /* of the JSON; docs/comparison.md */

/*
 * Aligned text; of the digests the first LIMIT by what hurts (0: all). ERR_NOMEM; failures of OUT
 * are OUT's.
 */
enum err outcome_write_text(const struct outcome *o, size_t limit, struct out *out) MUST_CHECK;

/* What a dry run found, likewise. */
enum err outcome_write_dry(const struct outcome *o, size_t limit, struct out *out) MUST_CHECK;

/* One JSON object and a new line, all digests. Likewise. */
enum err outcome_write_json(const struct outcome *o, struct out *out) MUST_CHECK;

struct outcome_html {
	const char *title;
	bool raw; /* statements and messages with their values */
};

/* One page that needs no network; without values unless RAW. Likewise. */
enum err outcome_write_html(const struct outcome *o, const struct outcome_html *how,
			    struct out *out) MUST_CHECK;

/*
 * All rows by what hurts: new and other errors, then other differences, then time lost, then
 * time. *ROWS is the caller's to mem_free(), of O->rows.count items.
 */
enum err outcome_sorted(const struct outcome *o, const struct outcome_row ***rows) MUST_CHECK;

/* The digest of ROW, or what stands for it. */
const char *outcome_row_text(const struct outcome *o, const struct outcome_row *row);

uint64_t outcome_row_differences(const struct outcome_row *row);

#endif
