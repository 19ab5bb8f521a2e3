/* intern - bytes that many have and of which one copy is kept. */
#include "base/intern.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

struct copy {
	uint64_t hash;
	uint64_t mark;
	size_t users;
	size_t len;
	_Alignas(max_align_t) uint8_t bytes[];
};

struct copy_key {
	struct slice bytes;
	uint64_t mark;
};

static bool is_copy(const void *item, const void *key)
{
	const struct copy *c = item;
	const struct copy_key *k = key;

	return c->mark == k->mark && slice_eq(slice_of(c->bytes, c->len), k->bytes);
}

void intern_init(struct interned *in, size_t max_bytes)
{
	*in = (struct interned){.hash = hash_seeded, .max = max_bytes};
	map_init(&in->copies, SIZE_MAX, is_copy);
}

void intern_release(struct interned *in)
{
	assert(in->copies.count == 0);
	map_release(&in->copies);
}

static enum err add_copy(struct interned *in, uint64_t hash, const struct copy_key *key,
			 struct copy **out)
{
	const size_t left = in->max - in->bytes;
	struct copy *c;
	enum err e;

	if (left < sizeof(*c) || key->bytes.len > left - sizeof(*c))
		return ERR_LIMIT;
	c = mem_alloc(sizeof(*c) + key->bytes.len);
	if (!c)
		return ERR_NOMEM;
	*c = (struct copy){.hash = hash, .mark = key->mark, .len = key->bytes.len};
	if (key->bytes.len)
		memcpy(c->bytes, key->bytes.ptr, key->bytes.len);
	e = map_put(&in->copies, hash, c);
	if (e != ERR_OK) {
		mem_free(c);
		return e;
	}
	in->bytes += sizeof(*c) + c->len;
	*out = c;
	return ERR_OK;
}

enum err intern_take(struct interned *in, struct slice bytes, uint64_t mark, const void **out)
{
	const struct copy_key key = {.bytes = bytes, .mark = mark};
	const uint64_t hash = in->hash(bytes, mark);
	struct copy *c = map_get(&in->copies, hash, &key);
	enum err e = c ? ERR_OK : add_copy(in, hash, &key, &c);

	if (e != ERR_OK)
		return e;
	c->users++;
	*out = c->bytes;
	return ERR_OK;
}

static struct copy *copy_of(const void *bytes)
{
	return (struct copy *)((uintptr_t)bytes - offsetof(struct copy, bytes));
}

void intern_drop(struct interned *in, const void *copy)
{
	struct copy *c;

	if (!copy)
		return;
	c = copy_of(copy);
	assert(c->users > 0);
	if (--c->users > 0)
		return;
	(void)map_take(&in->copies, c->hash,
		       &(struct copy_key){
			       .bytes = slice_of(c->bytes, c->len),
			       .mark = c->mark,
		       });
	in->bytes -= sizeof(*c) + c->len;
	mem_free(c);
}

struct slice intern_bytes(const void *copy)
{
	return slice_of(copy, copy_of(copy)->len);
}

uint64_t intern_mark(const void *copy)
{
	return copy_of(copy)->mark;
}
