/*
 * coverage - counts of what was heard and what was not. Always told, never hidden.
 */
#ifndef EVENT_COVERAGE_H
#define EVENT_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coverage {
#define COVERAGE(name, loss, one, many) uint64_t name;
#include "event/coverage_list.h"
#undef COVERAGE
};

struct coverage_field {
	const char *name;
	const char *one, *many; /* what is counted, behind a 1 and behind any other number */
	bool is_loss;           /* above zero, something may be missing */
	size_t offset;          /* of the uint64_t in struct coverage */
};

/* The fields in order, ended by a row whose name is NULL. */
extern const struct coverage_field coverage_fields[];

void coverage_add(struct coverage *into, const struct coverage *from);

/* Down to zero, not below. */
void coverage_subtract(struct coverage *from, const struct coverage *what);

/* What F counts, behind the number N. */
static inline const char *coverage_text(const struct coverage_field *f, uint64_t n)
{
	return n == 1 ? f->one : f->many;
}

/* Frames that carry TCP on the ports listened for. */
uint64_t coverage_valid_frames(const struct coverage *c);

/*
 * The share of the frames of sessions that was heard, where sessions were shed: below 1, all numbers are of a sample.
 */
double coverage_heard_share(const struct coverage *c);

/* True if a field that is a loss is above zero. */
bool coverage_has_losses(const struct coverage *c);

static inline uint64_t coverage_get(const struct coverage *c, const struct coverage_field *f)
{
	return *(const uint64_t *)(const void *)((const char *)c + f->offset);
}

#endif
