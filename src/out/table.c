/* table - rows of cells, aligned for a terminal. */
#include "out/table.h"

#include <assert.h>
#include <inttypes.h>

#include "base/cursor.h"
#include "out/units.h"
#include "out/utf8.h"

enum { GAP = 2, CELL_LEN_BYTES = 4 };

static const char dots[] = "...";

void table_init(struct table *t, const struct table_column *columns, size_t count, bool colour)
{
	assert(count > 0 && count <= TABLE_COLUMNS_MAX);
	*t = (struct table){.columns = columns, .column_count = count, .colour = colour};
	for (size_t i = 0; i < count; i++)
		t->widths[i] = utf8_width(slice_cstr(columns[i].title));
	buf_init(&t->bytes, TABLE_BYTES_MAX);
}

void table_release(struct table *t)
{
	buf_release(&t->bytes);
}

/* True for a character of LEN bytes that a terminal would obey: C0, DEL, C1. */
static bool is_control(const uint8_t *p, size_t len)
{
	return (len == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
	       (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static void put_harmless(struct buf *b, struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_char_len(s);

		if (*s.ptr == '\n' || *s.ptr == '\r' || *s.ptr == '\t')
			buf_put_u8(b, ' ');
		else if (n == 0 || is_control(s.ptr, n))
			buf_put_u8(b, '.');
		else
			buf_put(b, s.ptr, n);
		s = slice_skip(s, n ? n : 1);
	}
}

void table_text(struct table *t, struct slice text, enum table_style style)
{
	size_t column = t->cells % t->column_count, width_max = t->columns[column].width_max;
	size_t start = t->bytes.len, width;
	struct slice cell;

	/* A character takes at most a few bytes, so no more can be shown than this. */
	if (width_max > 0)
		text = slice_head(text, (width_max + 1) * 16);
	buf_put_uint_le(&t->bytes, 0, CELL_LEN_BYTES);
	buf_put_u8(&t->bytes, (uint8_t)style);
	put_harmless(&t->bytes, text);
	if (buf_err(&t->bytes) != ERR_OK) {
		t->bytes.len = start;
		return;
	}
	cell = slice_skip(buf_slice(&t->bytes), start + CELL_LEN_BYTES + 1);
	width = utf8_width(cell);
	if (width_max > 0 && width > width_max) {
		bool fits = width_max > strlen(dots);

		cell = utf8_head(cell, fits ? width_max - strlen(dots) : width_max);
		t->bytes.len = start + CELL_LEN_BYTES + 1 + cell.len;
		if (fits)
			buf_put_cstr(&t->bytes, dots);
		cell = slice_skip(buf_slice(&t->bytes), start + CELL_LEN_BYTES + 1);
		width = utf8_width(cell);
	}
	buf_patch_uint_le(&t->bytes, start, cell.len, CELL_LEN_BYTES);
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells++;
}

void table_cstr(struct table *t, const char *text)
{
	table_text(t, slice_cstr(text), TABLE_PLAIN);
}

void table_duration(struct table *t, int64_t ns)
{
	table_cstr(t, units_duration(ns).text);
}

void table_count(struct table *t, uint64_t n)
{
	table_cstr(t, units_count(n).text);
}

void table_u64(struct table *t, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, n);
	table_cstr(t, text);
}

void table_size(struct table *t, uint64_t bytes)
{
	table_cstr(t, units_size(bytes).text);
}

void table_percent(struct table *t, double share)
{
	table_cstr(t, units_percent(share).text);
}

void table_empty(struct table *t)
{
	table_text(t, SLICE_LIT("-"), TABLE_DIM);
}

static const char *escape_of(enum table_style style)
{
	switch (style) {
	case TABLE_PLAIN:
		return "";
	case TABLE_BOLD:
		return "\x1b[1m";
	case TABLE_DIM:
		return "\x1b[2m";
	case TABLE_RED:
		return "\x1b[31m";
	case TABLE_GREEN:
		return "\x1b[32m";
	case TABLE_YELLOW:
		return "\x1b[33m";
	}
	return "";
}

/* One cell; LAST: nothing follows in its line. */
static void write_cell(const struct table *t, struct out *o, size_t column, struct slice cell,
		       enum table_style style, bool last)
{
	size_t width = utf8_width(cell);
	size_t pad = t->widths[column] > width ? t->widths[column] - width : 0;
	bool right = t->columns[column].align == TABLE_RIGHT;
	bool styled = t->colour && style != TABLE_PLAIN;

	if (right)
		out_put_repeat(o, ' ', pad);
	if (styled)
		out_put_cstr(o, escape_of(style));
	out_put_slice(o, cell);
	if (styled)
		out_put_cstr(o, "\x1b[0m");
	if (last)
		out_put_byte(o, '\n');
	else
		out_put_repeat(o, ' ', GAP + (right ? 0 : pad));
}

enum err table_write(const struct table *t, struct out *o)
{
	struct cursor c = cur_of(buf_slice(&t->bytes));

	assert(t->column_count > 0);
	for (size_t i = 0; i < t->column_count; i++)
		write_cell(t, o, i, slice_cstr(t->columns[i].title), TABLE_BOLD,
			   i + 1 == t->column_count);
	for (size_t i = 0; i < t->cells; i++) {
		size_t len = cur_u32(&c), column = i % t->column_count;
		enum table_style style = (enum table_style)cur_u8(&c);

		write_cell(t, o, column, cur_bytes(&c, len), style,
			   column + 1 == t->column_count || i + 1 == t->cells);
	}
	return buf_err(&t->bytes);
}
