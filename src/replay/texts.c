/* texts - texts that are kept once. */
#include "replay/texts.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

static bool is_text(const void *item, const void *key)
{
	return slice_eq(text_slice(item), *(const struct slice *)key);
}

void texts_init(struct texts *ts)
{
	map_init(&ts->map, TEXTS_MAX, is_text);
}

void texts_release(struct texts *ts)
{
	assert(ts->map.count == 0);
	map_release(&ts->map);
}

struct text *texts_take(struct texts *ts, struct slice s)
{
	const uint64_t hash = hash_bytes(s);
	struct text *t = map_get(&ts->map, hash, &s);

	if (t)
		return text_again(t);
	t = mem_alloc(sizeof(*t) + s.len);
	if (!t)
		return NULL;
	*t = (struct text){.of = ts, .hash = hash, .users = 1, .len = s.len};
	if (s.len > 0)
		memcpy(t->bytes, s.ptr, s.len);
	if (map_put(&ts->map, hash, t) != ERR_OK)
		t->of = NULL;
	return t;
}

void text_drop(struct text *t)
{
	struct slice s;

	if (!t || --t->users > 0)
		return;
	s = text_slice(t);
	if (t->of)
		(void)map_take(&t->of->map, t->hash, &s);
	mem_free(t);
}
