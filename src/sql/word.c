/* word - the words of the language, found by a hash table that is made when the program is built. */
#include "sql/word.h"

#include <endian.h>

struct word_key {
	uint64_t first; /* first eight bytes, folded */
	uint64_t last;  /* last eight bytes of a word that has more */
};

#include "sql/word_table.h"

struct word_row {
	const char *name;
	size_t len;
};

static const struct word_row word_rows[] = {
	{.name = "", .len = 0},
#define SQL_WORD(word, kind) {.name = #word, .len = sizeof(#word) - 1},
#include "sql/word_list.h"
#undef SQL_WORD
};

const uint8_t sql_word_kinds[SQL_WORDS] = {
	SQL_PLAIN,
#define SQL_WORD(word, kind) SQL_##kind,
#include "sql/word_list.h"
#undef SQL_WORD
};

enum { EIGHT = sizeof(uint64_t) };

static uint64_t load_eight(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* The first bytes of a word shorter than eight. */
static uint64_t load_short(const uint8_t *p, size_t len, size_t room)
{
	uint64_t v = 0;

	if (room >= EIGHT)
		return load_eight(p) & ((UINT64_C(1) << 8 * len) - 1);
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/*
 * Folding by one mask is exact here: among the bytes a word may hold, no two but the two cases of
 * a letter fold to the same.
 */
enum sql_word sql_word_find_in(const uint8_t *ptr, size_t len, size_t room)
{
	uint64_t first, last = 0;
	size_t at;

	first = (len < EIGHT ? load_short(ptr, len, room) : load_eight(ptr)) & FOLD;
	if (len > EIGHT)
		last = load_eight(ptr + len - EIGHT) & FOLD;
	at = (first * MULTIPLIER_FIRST ^ (last + len) * MULTIPLIER_LAST) >> (64 - SLOTS_LOG2);
	for (; word_slots[at]; at = (at + 1) % (1u << SLOTS_LOG2)) {
		enum sql_word w = word_slots[at];

		if (word_keys[w].first != first || word_keys[w].last != last ||
		    word_rows[w].len != len)
			continue;
		if (len <= 2 * EIGHT ||
		    slice_eq_nocase(slice_of(ptr, len), slice_of(word_rows[w].name, len)))
			return w;
	}
	return SQL_NO_WORD;
}

enum sql_word sql_word_find(struct slice s)
{
	return s.len ? sql_word_find_in(s.ptr, s.len, s.len) : SQL_NO_WORD;
}

struct slice sql_word_name(enum sql_word w)
{
	return slice_of(word_rows[w].name, word_rows[w].len);
}
