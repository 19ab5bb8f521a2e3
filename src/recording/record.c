/* record - the body of one record while it is written. */
#include "recording/record.h"

#include "base/mem.h"

enum { RECORD_COPIED_MAX = 1 << 30, RECORD_KEEP = 1 << 20 }; /* bytes */

void record_init(struct record *r)
{
	*r = (struct record){.part_count = 0};
	buf_init(&r->bytes, RECORD_COPIED_MAX);
}

void record_release(struct record *r)
{
	buf_release(&r->bytes);
	mem_free(r->parts);
	record_init(r);
}

void record_reset(struct record *r)
{
	buf_shrink(&r->bytes, RECORD_KEEP);
	r->part_count = 0;
	r->borrowed = 0;
}

void record_refer(struct record *r, struct slice s)
{
	if (r->part_count == r->part_cap) {
		size_t cap = r->part_cap ? r->part_cap * 2 : 8;
		struct record_part *parts = mem_resize(r->parts, cap * sizeof(*parts));

		if (!parts) {
			r->bytes.failed = ERR_NOMEM;
			return;
		}
		r->parts = parts;
		r->part_cap = cap;
	}
	r->parts[r->part_count++] = (struct record_part){.at = r->bytes.len, .bytes = s};
	r->borrowed += s.len;
}

/* Appends what of S lies in the N bytes from AT, both counted from where S starts, and moves on. */
static void copy_range(struct slice s, uint64_t *at, uint64_t *n, struct buf *out)
{
	struct slice part;

	if (*at >= s.len) {
		*at -= s.len;
		return;
	}
	part = slice_head(slice_skip(s, (size_t)*at), (size_t)*n);
	buf_put_slice(out, part);
	*n -= part.len;
	*at = 0;
}

void record_copy(const struct record *r, uint64_t at, uint64_t n, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < r->part_count; i++) {
		const struct record_part *p = &r->parts[i];

		copy_range(slice_of(r->bytes.ptr + from, p->at - from), &at, &n, out);
		copy_range(p->bytes, &at, &n, out);
		from = p->at;
	}
	copy_range(slice_of(r->bytes.ptr + from, r->bytes.len - from), &at, &n, out);
}
