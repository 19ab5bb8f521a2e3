/* timeline - latency over the time of a recording. */
#include "replay/timeline.h"

#include "base/clock.h"

static const int64_t NARROWEST_NS = NS_PER_S / 8;

void timeline_init(struct timeline *t)
{
	t->width_ns = NARROWEST_NS;
	for (unsigned i = 0; i < TIMELINE_SLOTS; i++) {
		hist_init(&t->slots[i]);
		t->errors[i] = 0;
	}
}

void timeline_release(struct timeline *t)
{
	for (unsigned i = 0; i < TIMELINE_SLOTS; i++)
		hist_release(&t->slots[i]);
	timeline_init(t);
}

/* Two slots become one. */
static enum err halve(struct timeline *t)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < TIMELINE_SLOTS; i++) {
		struct hist moved = t->slots[i];
		uint64_t errors = t->errors[i];
		enum err failed;

		hist_init(&t->slots[i]);
		t->errors[i] = 0;
		failed = hist_merge(&t->slots[i / 2], &moved);
		t->errors[i / 2] += errors;
		hist_release(&moved);
		e = e == ERR_OK ? failed : e;
	}
	t->width_ns *= 2;
	return e;
}

enum err timeline_widen(struct timeline *t, int64_t width_ns)
{
	enum err e = ERR_OK;

	while (t->width_ns < width_ns && t->width_ns <= INT64_MAX / 2 / TIMELINE_SLOTS) {
		enum err failed = halve(t);

		e = e == ERR_OK ? failed : e;
	}
	return e;
}

enum err timeline_add(struct timeline *t, int64_t at_ns, int64_t latency_ns, bool error)
{
	const int64_t at = at_ns < 0 ? 0 : at_ns;
	enum err e = timeline_widen(t, at / TIMELINE_SLOTS + 1);
	int64_t slot = at / t->width_ns;

	if (slot >= TIMELINE_SLOTS)
		slot = TIMELINE_SLOTS - 1;
	t->errors[slot] += error;
	if (latency_ns >= 0) {
		enum err failed = hist_add(&t->slots[slot], latency_ns);

		e = e == ERR_OK ? failed : e;
	}
	return e;
}

enum err timeline_merge(struct timeline *into, const struct timeline *from)
{
	enum err e = timeline_widen(into, from->width_ns);

	for (unsigned i = 0; e == ERR_OK && i < TIMELINE_SLOTS; i++) {
		const unsigned slot = (unsigned)((int64_t)i * from->width_ns / into->width_ns);

		into->errors[slot] += from->errors[i];
		e = hist_merge(&into->slots[slot], &from->slots[i]);
	}
	return e;
}

unsigned timeline_used(const struct timeline *t)
{
	unsigned used = TIMELINE_SLOTS;

	while (used > 0 && t->slots[used - 1].count == 0 && t->errors[used - 1] == 0)
		used--;
	return used;
}
