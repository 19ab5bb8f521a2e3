/* tally - texts, and how often each was said. */
#include "replay/tally.h"

void tally_add(struct tally *t, struct slice text, uint64_t count)
{
	text = slice_head(text, TALLY_TEXT_MAX - 1);
	for (size_t i = 0; i < t->count; i++) {
		if (slice_eq(slice_cstr(t->lines[i].text), text)) {
			t->lines[i].count += count;
			return;
		}
	}
	if (t->count == TALLY_TEXTS) {
		t->more += count;
		return;
	}
	t->lines[t->count] = (struct tally_line){.count = count};
	if (text.len > 0)
		memcpy(t->lines[t->count].text, text.ptr, text.len);
	t->count++;
}

void tally_merge(struct tally *into, const struct tally *from)
{
	for (size_t i = 0; i < from->count; i++)
		tally_add(into, slice_cstr(from->lines[i].text), from->lines[i].count);
	into->more += from->more;
}
