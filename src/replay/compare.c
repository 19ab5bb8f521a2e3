/* compare - two answers to the same command, and how they differ. */
#include "replay/compare.h"

#include <assert.h>
#include <stdio.h>

static const struct {
	const char *name, *text;
	bool differs;
} verdicts[VERDICTS] = {
#define VERDICT(name, text, differs) {#name, text, differs},
#include "replay/verdict_list.h"
#undef VERDICT
};

const char *verdict_name(enum verdict v)
{
	assert(v < VERDICTS);
	return verdicts[v].name;
}

const char *verdict_text(enum verdict v)
{
	assert(v < VERDICTS);
	return verdicts[v].text;
}

bool verdict_differs(enum verdict v)
{
	assert(v < VERDICTS);
	return verdicts[v].differs;
}

enum chance chance_of(uint16_t error_code)
{
	switch (error_code) {
	case 1213: /* ER_LOCK_DEADLOCK */
	case 1020: /* ER_CHECKREAD: MariaDB's snapshot isolation, which rolls back likewise */
		return CHANCE_DEADLOCK;
	case 1205: /* ER_LOCK_WAIT_TIMEOUT */
	case 3572: /* ER_LOCK_NOWAIT */
		return CHANCE_LOCK_WAIT;
	case 1317: /* ER_QUERY_INTERRUPTED */
	case 1927: /* ER_CONNECTION_KILLED */
	case 1053: /* ER_SERVER_SHUTDOWN */
	case 1969: /* ER_STATEMENT_TIMEOUT of MariaDB */
	case 3024: /* ER_QUERY_TIMEOUT of MySQL */
		return CHANCE_KILLED;
	default:
		return CHANCE_NONE;
	}
}

bool error_is_unpreparable(uint16_t error_code)
{
	return error_code == 1295 /* ER_UNSUPPORTED_PS */ ||
	       error_code == 6413; /* MySQL 9: parameters outside of DML */
}

static enum verdict by_chance(enum chance chance, bool replayed)
{
	switch (chance) {
	case CHANCE_DEADLOCK:
		return replayed ? VERDICT_DEADLOCK_REPLAYED : VERDICT_DEADLOCK_RECORDED;
	case CHANCE_LOCK_WAIT:
		return replayed ? VERDICT_LOCK_WAIT_REPLAYED : VERDICT_LOCK_WAIT_RECORDED;
	case CHANCE_KILLED:
		return replayed ? VERDICT_KILLED_REPLAYED : VERDICT_KILLED_RECORDED;
	case CHANCE_NONE:
		break;
	}
	return replayed ? VERDICT_ERROR_NEW : VERDICT_ERROR_GONE;
}

/* HY000 is what stands for none, or for none in particular. */
static bool has_sqlstate(const struct facts *f)
{
	return f->sqlstate[0] && strcmp(f->sqlstate, "HY000") != 0;
}

static bool other_sqlstate(const struct facts *a, const struct facts *b)
{
	return has_sqlstate(a) && has_sqlstate(b) &&
	       memcmp(a->sqlstate, b->sqlstate, sizeof(a->sqlstate)) != 0;
}

static enum verdict compare_errors(const struct facts *a, const struct facts *b)
{
	const uint16_t recorded = a->error_code, replayed = b->error_code;
	enum chance before = chance_of(recorded), now = chance_of(replayed);

	if (recorded == replayed)
		return other_sqlstate(a, b) ? VERDICT_ERROR_CHANGED : VERDICT_SAME;
	if (recorded == 0)
		return by_chance(now, true);
	if (replayed == 0)
		return by_chance(before, false);
	if (now != CHANCE_NONE && now != before)
		return by_chance(now, true);
	if (before != CHANCE_NONE && now == CHANCE_NONE)
		return by_chance(before, false);
	return VERDICT_ERROR_CHANGED;
}

/* The rows themselves, which are as many. */
static enum verdict compare_sums(const struct facts *a, const struct facts *b)
{
	if (!a->sum_known || !b->sum_known || a->sum.ordered == b->sum.ordered)
		return VERDICT_SAME;
	if (a->sum.unordered == b->sum.unordered)
		return VERDICT_OTHER_ORDER;
	return a->has_floats && b->has_floats && a->but_floats == b->but_floats
		       ? VERDICT_OTHER_FLOATS
		       : VERDICT_OTHER_VALUES;
}

static enum verdict compare_rows(const struct facts *a, const struct facts *b)
{
	enum verdict rows;

	if (a->columns != b->columns || (a->names_known && b->names_known && a->names != b->names))
		return VERDICT_OTHER_COLUMNS;
	if (a->rows != b->rows || a->results != b->results)
		return VERDICT_OTHER_ROW_COUNT;
	if (a->affected_rows != b->affected_rows)
		return VERDICT_OTHER_AFFECTED;
	rows = compare_sums(a, b);
	if (rows != VERDICT_SAME)
		return rows;
	if (a->names_known && b->names_known && a->types != b->types)
		return VERDICT_OTHER_TYPES;
	if (a->insert_id != b->insert_id)
		return VERDICT_OTHER_INSERT_ID;
	return a->warnings == b->warnings ? VERDICT_SAME : VERDICT_OTHER_WARNINGS;
}

enum verdict compare_facts(const struct facts *recorded, const struct facts *replayed)
{
	if (recorded->kind == RESPONSE_LOST || recorded->kind == RESPONSE_REPLICATION)
		return VERDICT_NOT_COMPARED;
	if (recorded->kind == RESPONSE_NONE)
		return VERDICT_NO_ANSWER;
	if (recorded->kind == RESPONSE_PREPARED && error_is_unpreparable(replayed->error_code))
		return VERDICT_NOT_PREPARABLE;
	if (recorded->error_code != 0 || replayed->error_code != 0)
		return compare_errors(recorded, replayed);
	if (recorded->kind != replayed->kind)
		return VERDICT_OTHER_KIND;
	if (recorded->kind == RESPONSE_STRING)
		return VERDICT_SAME; /* COM_STATISTICS: never the same twice, and nobody's result */
	return compare_rows(recorded, replayed);
}

static void put_columns(struct compare_where *w, uint32_t others)
{
	size_t len = 0;

	for (unsigned i = 0; i < FACTS_COLUMNS_MAX; i++) {
		if (!(others >> i & 1))
			continue;
		len += (size_t)snprintf(w->text + len, sizeof(w->text) - len, "%s %u",
					len > 0                 ? ","
					: others & (others - 1) ? "columns"
								: "column",
					i + 1);
	}
}

/* The first one stands for all. */
static void put_kinds(struct compare_where *w, const struct facts *a, const struct facts *b)
{
	for (unsigned i = 0; i < FACTS_COLUMNS_MAX; i++) {
		if (a->column_kinds[i] == b->column_kinds[i])
			continue;
		snprintf(w->text, sizeof(w->text), "column %u: %s, now %s", i + 1,
			 facts_kind_name(a->column_kinds[i]), facts_kind_name(b->column_kinds[i]));
		return;
	}
}

struct compare_where compare_where(enum verdict v, const struct facts *recorded,
				   const struct facts *replayed)
{
	struct compare_where w = {.text = ""};

	if (v == VERDICT_OTHER_VALUES || v == VERDICT_OTHER_FLOATS)
		put_columns(&w, facts_other_columns(recorded, replayed));
	if (v == VERDICT_OTHER_TYPES)
		put_kinds(&w, recorded, replayed);
	return w;
}
