/*
 * compare - two answers to the same command, and how they differ.
 */
#ifndef REPLAY_COMPARE_H
#define REPLAY_COMPARE_H

#include "replay/facts.h"

enum verdict {
#define VERDICT(name, text, differs) VERDICT_##name,
#include "replay/verdict_list.h"
#undef VERDICT
	VERDICTS
};

const char *verdict_name(enum verdict v); /* "error_new": for machines */
const char *verdict_text(enum verdict v); /* "new error": for people */
bool verdict_differs(enum verdict v);     /* a difference that the target has to answer for */

/*
 * Errors that differ from run to run, since they depend on what other sessions do at the same
 * moment: a deadlock (which rolls the whole transaction back), a lock wait given up (which rolls
 * the statement back), and what was killed or ran out of time.
 */
enum chance { CHANCE_NONE, CHANCE_DEADLOCK, CHANCE_LOCK_WAIT, CHANCE_KILLED };

enum chance chance_of(uint16_t error_code);

/* True if the server may execute the statement, but has no prepared form of it. */
bool error_is_unpreparable(uint16_t error_code);

/* How the target's answer REPLAYED compares with RECORDED. */
enum verdict compare_facts(const struct facts *recorded, const struct facts *replayed);

struct compare_where {
	char text[128]; /* "column 2"; "columns 1, 3"; "column 2: integer, now string"; or empty */
};

/*
 * In which columns, counted from 1, answers differ of which V was found; empty if that is in no column, or in none of
 * the first FACTS_COLUMNS_MAX.
 */
struct compare_where compare_where(enum verdict v, const struct facts *recorded,
				   const struct facts *replayed);

#endif
