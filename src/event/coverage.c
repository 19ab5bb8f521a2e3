/* coverage - counts of what was heard and what was not. */
#include "event/coverage.h"

const struct coverage_field coverage_fields[] = {
#define COVERAGE(field, loss, what)                                                                \
	{.name = #field,                                                                           \
	 .text = (what),                                                                           \
	 .is_loss = (loss),                                                                        \
	 .offset = offsetof(struct coverage, field)},
#include "event/coverage_list.h"
#undef COVERAGE
	{.name = NULL},
};

void coverage_add(struct coverage *into, const struct coverage *from)
{
#define COVERAGE(field, loss, what) into->field += from->field;
#include "event/coverage_list.h"
#undef COVERAGE
}

void coverage_subtract(struct coverage *from, const struct coverage *what)
{
#define COVERAGE(field, loss, text)                                                                \
	from->field -= what->field < from->field ? what->field : from->field;
#include "event/coverage_list.h"
#undef COVERAGE
}

bool coverage_has_losses(const struct coverage *c)
{
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		if (f->is_loss && coverage_get(c, f))
			return true;
	return false;
}
