/* coverage - counts of what was heard and what was not. */
#include "event/coverage.h"

const struct coverage_field coverage_fields[] = {
#define COVERAGE(field, loss, what, whats)                                                         \
	{.name = #field,                                                                           \
	 .one = (what),                                                                            \
	 .many = (whats),                                                                          \
	 .is_loss = (loss),                                                                        \
	 .offset = offsetof(struct coverage, field)},
#include "event/coverage_list.h"
#undef COVERAGE
	{.name = NULL},
};

void coverage_add(struct coverage *into, const struct coverage *from)
{
#define COVERAGE(field, loss, one, many) into->field += from->field;
#include "event/coverage_list.h"
#undef COVERAGE
}

void coverage_subtract(struct coverage *from, const struct coverage *what)
{
#define COVERAGE(field, loss, one, many)                                                           \
	from->field -= what->field < from->field ? what->field : from->field;
#include "event/coverage_list.h"
#undef COVERAGE
}

uint64_t coverage_valid_frames(const struct coverage *c)
{
	uint64_t others = c->other_frames + c->other_ports + c->bad_frames;

	return c->frames > others ? c->frames - others : 0;
}

double coverage_heard_share(const struct coverage *c)
{
	uint64_t all = coverage_valid_frames(c);

	if (c->shed_frames == 0)
		return 1;
	return all > c->shed_frames ? (double)(all - c->shed_frames) / (double)all : 0;
}

bool coverage_has_losses(const struct coverage *c)
{
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		if (f->is_loss && coverage_get(c, f))
			return true;
	return false;
}
