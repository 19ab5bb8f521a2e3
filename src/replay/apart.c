/* apart - why an answer that differs may not be the target's doing. */
#include "replay/apart.h"

#include <assert.h>

#include "sql/depends.h"

static const struct {
	const char *name, *text;
} aparts[APARTS] = {
#define APART(name, text) {#name, text},
#include "replay/apart_list.h"
#undef APART
};

const char *apart_name(enum apart a)
{
	assert(a < APARTS);
	return aparts[a].name;
}

const char *apart_text(enum apart a)
{
	assert(a < APARTS);
	return aparts[a].text;
}

/* What the rows hold, and how many are found or changed, follows from what the statement asks for. */
static enum apart by_words(uint32_t depends)
{
	static const struct {
		uint32_t on;
		enum apart why;
	} words[] = {
		{SQL_DEPENDS_CLOCK, APART_CLOCK},           {SQL_DEPENDS_CHANCE, APART_CHANCE},
		{SQL_DEPENDS_CONNECTION, APART_CONNECTION}, {SQL_DEPENDS_SERVER, APART_SERVER},
		{SQL_DEPENDS_OTHERS, APART_OTHERS},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (depends & words[i].on)
			return words[i].why;
	return NOT_APART;
}

/* The rows are the same but for columns of AUTO_INCREMENT, and ids were seen to differ. */
static bool only_ids_differ(const struct facts *a, const struct facts *b, const struct evidence *e)
{
	return e->ids_differ && a->has_ids && b->has_ids && a->sum_known && b->sum_known &&
	       a->but_ids == b->but_ids;
}

static enum apart by_values(const struct facts *a, const struct facts *b, const struct evidence *e)
{
	enum apart why = by_words(e->depends);

	if (why != NOT_APART)
		return why;
	if (e->own_ids_differ && e->depends & SQL_DEPENDS_INSERT_ID)
		return APART_AUTO_INCREMENT;
	return only_ids_differ(a, b, e) ? APART_AUTO_INCREMENT : NOT_APART;
}

static enum apart by_order(const struct evidence *e)
{
	if (e->depends & SQL_DEPENDS_CHANCE)
		return APART_CHANCE;
	return e->depends & SQL_DEPENDS_ANY_ORDER ? APART_ANY_ORDER : NOT_APART;
}

static enum apart by_verdict(enum verdict v, const struct facts *a, const struct facts *b,
			     const struct evidence *e)
{
	if (v == VERDICT_OTHER_VALUES || v == VERDICT_OTHER_FLOATS ||
	    v == VERDICT_OTHER_ROW_COUNT || v == VERDICT_OTHER_AFFECTED)
		return by_values(a, b, e);
	if (v == VERDICT_OTHER_ORDER)
		return by_order(e);
	if (v == VERDICT_OTHER_INSERT_ID)
		return e->among_others ? APART_AUTO_INCREMENT : NOT_APART;
	if (v == VERDICT_OTHER_COLUMNS || v == VERDICT_OTHER_TYPES)
		return e->depends & SQL_DEPENDS_SERVER ? APART_SERVER : NOT_APART;
	return NOT_APART;
}

enum apart apart_why(enum verdict v, const struct facts *recorded, const struct facts *replayed,
		     const struct evidence *e)
{
	enum apart why = by_verdict(v, recorded, replayed, e);

	if (why != NOT_APART || !verdict_differs(v))
		return why;
	return e->unstable ? APART_REPEAT : NOT_APART;
}
