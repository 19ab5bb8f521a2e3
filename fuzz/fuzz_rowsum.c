/*
 * Target: rowsum_add.
 * The first byte chooses the protocol, the second the number of columns; then come type, decimals and
 * flags of each (3 bytes), then the row. A binary row is also written as the text protocol would, by
 * printf: both must have the same sums.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mysql/rowsum.h"
#include "mysql/value.h"

enum { ROW_MAX = 1 << 20, COLUMNS_MAX = 32, DECIMALS_MAX = 30, REAL_MAX = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice real_text(const struct rowsum_column *column, const struct myp_value *v,
			      char *text)
{
	double d = v->kind == MYP_VALUE_FLOAT ? (double)v->f : v->d;

	if (column->decimals <= DECIMALS_MAX)
		(void)snprintf(text, REAL_MAX, "%.*f", column->decimals, d);
	else if (v->kind == MYP_VALUE_FLOAT)
		(void)snprintf(text, REAL_MAX, "%.5e", d);
	else
		(void)snprintf(text, REAL_MAX, "%.17g", d);
	return slice_cstr(text);
}

/* Appends V as a cell of a text row; false for what no server has. */
static bool put_cell(struct buf *row, const struct rowsum_column *column, const struct myp_value *v)
{
	char text[REAL_MAX];
	struct buf plain;

	if (v->kind == MYP_VALUE_NULL) {
		buf_put_u8(row, MYP_LENENC_NULL);
		return true;
	}
	if (v->kind == MYP_VALUE_FLOAT || v->kind == MYP_VALUE_DOUBLE) {
		myp_put_lenenc_bytes(row, real_text(column, v, text));
		return isfinite(v->kind == MYP_VALUE_FLOAT ? (double)v->f : v->d);
	}
	buf_init(&plain, ROW_MAX);
	myp_value_put_text(&plain, v);
	myp_put_lenenc_bytes(row, buf_slice(&plain));
	buf_release(&plain);
	return true;
}

/* Writes the binary row C, which rowsum_add() has accepted, as a text row. */
static bool put_text_row(struct buf *row, struct cursor c, const struct rowsum_column *columns,
			 size_t count)
{
	struct slice nulls;
	bool possible = true;

	cur_skip(&c, 1);
	nulls = cur_bytes(&c, (count + 9) / 8);
	for (size_t i = 0; i < count && cur_ok(&c); i++) {
		struct myp_value v = {.kind = MYP_VALUE_NULL};

		if (!(nulls.ptr[(i + 2) / 8] >> ((i + 2) % 8) & 1))
			v = myp_value_read(&c, columns[i].type,
					   columns[i].flags & MYP_COLUMN_UNSIGNED);
		possible = put_cell(row, &columns[i], &v) && possible;
	}
	return possible;
}

static void check_row(struct cursor c, const struct rowsum_column *columns, size_t count,
		      bool binary)
{
	struct rowsum_column first[COLUMNS_MAX], second[COLUMNS_MAX];
	struct rowsum a = {0}, b = {0};
	struct slice payload = slice_of(c.pos, cur_left(&c));
	struct buf row;
	enum err e;

	memcpy(first, columns, sizeof(first));
	memcpy(second, columns, sizeof(second));
	if (rowsum_add(&a, first, count, binary, payload) != ERR_OK) {
		assert(a.ordered == 0 && a.unordered == 0);
		for (size_t i = 0; i < count; i++)
			assert(first[i].sum.ordered == 0 && first[i].sum.unordered == 0);
		return;
	}
	if (!binary)
		return;
	buf_init(&row, ROW_MAX);
	if (put_text_row(&row, c, columns, count)) {
		e = rowsum_add(&b, second, count, false, buf_slice(&row));
		assert(e == ERR_OK && a.ordered == b.ordered && a.unordered == b.unordered);
		for (size_t i = 0; i < count; i++)
			assert(first[i].sum.ordered == second[i].sum.ordered);
	}
	buf_release(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	bool binary = cur_u8(&c) & 1;
	size_t count = cur_u8(&c) % COLUMNS_MAX + 1u;
	struct rowsum_column columns[COLUMNS_MAX];

	memset(columns, 0, sizeof(columns));
	for (size_t i = 0; i < count; i++) {
		columns[i].type = cur_u8(&c);
		columns[i].decimals = cur_u8(&c);
		columns[i].flags = cur_u8(&c);
	}
	if (cur_ok(&c) && cur_left(&c) <= UINT16_MAX)
		check_row(c, columns, count, binary);
	return 0;
}
