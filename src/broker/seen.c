/* seen - what came from the broker before. */
#include "broker/seen.h"

#include <string.h>

#include "base/mem.h"

bool seen_has(const struct seen *s, uint64_t number)
{
	if (number > s->last)
		return false;
	if (s->last - number >= SEEN_MAX)
		return true;
	return s->bits[number % SEEN_MAX / 64] >> number % 64 & 1;
}

void seen_add(struct seen *s, uint64_t number)
{
	if (number > s->last && number - s->last >= SEEN_MAX)
		memset(s->bits, 0, sizeof(s->bits));
	else
		for (uint64_t n = s->last + 1; n <= number; n++)
			s->bits[n % SEEN_MAX / 64] &= ~(UINT64_C(1) << n % 64);
	s->bits[number % SEEN_MAX / 64] |= UINT64_C(1) << number % 64;
	s->last = number > s->last ? number : s->last;
}

void seen_forget(struct seen *s, uint64_t number)
{
	s->bits[number % SEEN_MAX / 64] &= ~(UINT64_C(1) << number % 64);
	if (number <= s->last && number > 0)
		s->last = number - 1;
}

void seen_bytes_release(struct seen_bytes *s)
{
	mem_free(s->hashes);
	*s = (struct seen_bytes){.count = 0};
}

void seen_bytes_add(struct seen_bytes *s, uint64_t hash)
{
	if (!s->hashes)
		s->hashes = mem_alloc(SEEN_BYTES_MAX * sizeof(*s->hashes));
	if (s->hashes && s->count < SEEN_BYTES_MAX)
		s->hashes[s->count++] = hash;
}

bool seen_bytes_take(struct seen_bytes *s, uint64_t hash)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->hashes[i] == hash) {
			s->hashes[i] = s->hashes[--s->count];
			return true;
		}
	return false;
}
