/*
 * coverage - counts of what was heard and what was not. Always told, never hidden.
 */
#ifndef EVENT_COVERAGE_H
#define EVENT_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coverage {
#define COVERAGE(name, loss, text) uint64_t name;
#include "event/coverage_list.h"
#undef COVERAGE
};

struct coverage_field {
	const char *name;
	const char *text;
	bool is_loss;  /* above zero, something may be missing */
	size_t offset; /* of the uint64_t in struct coverage */
};

/* The fields in order, ended by a row whose name is NULL. */
extern const struct coverage_field coverage_fields[];

void coverage_add(struct coverage *into, const struct coverage *from);

/* Down to zero, not below. */
void coverage_subtract(struct coverage *from, const struct coverage *what);

/* True if a field that is a loss is above zero. */
bool coverage_has_losses(const struct coverage *c);

static inline uint64_t coverage_get(const struct coverage *c, const struct coverage_field *f)
{
	return *(const uint64_t *)(const void *)((const char *)c + f->offset);
}

#endif
