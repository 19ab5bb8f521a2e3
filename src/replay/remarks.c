/* remarks - texts, and how often each was said. */
#include "replay/remarks.h"

void remarks_add(struct remarks *t, struct slice text, uint64_t count)
{
	text = slice_head(text, REMARK_TEXT_MAX - 1);
	for (size_t i = 0; i < t->count; i++) {
		if (slice_eq(slice_cstr(t->lines[i].text), text)) {
			t->lines[i].count += count;
			return;
		}
	}
	if (t->count == REMARKS_MAX) {
		t->more += count;
		return;
	}
	t->lines[t->count] = (struct remark){.count = count};
	if (text.len > 0)
		memcpy(t->lines[t->count].text, text.ptr, text.len);
	t->count++;
}

void remarks_merge(struct remarks *into, const struct remarks *from)
{
	for (size_t i = 0; i < from->count; i++)
		remarks_add(into, slice_cstr(from->lines[i].text), from->lines[i].count);
	into->more += from->more;
}
