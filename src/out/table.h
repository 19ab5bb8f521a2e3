/*
 * table - rows of cells, aligned for a terminal.
 *
 * Cells are gathered row by row, left to right, and written at the end, when the widths are known.
 * They hold foreign text: bytes that a terminal would obey (controls, escapes) and bad UTF-8 are
 * shown as '.', line ends and tabs as blanks. Lines carry no blanks at their end.
 */
#ifndef OUT_TABLE_H
#define OUT_TABLE_H

#include "base/buf.h"
#include "out/out.h"

enum {
	TABLE_COLUMNS_MAX = 32,
	TABLE_BYTES_MAX = 64 << 20 /* of all cells */
};

enum table_align { TABLE_LEFT, TABLE_RIGHT };

enum table_style { TABLE_PLAIN, TABLE_BOLD, TABLE_DIM, TABLE_RED, TABLE_GREEN, TABLE_YELLOW };

struct table_column {
	const char *title;
	enum table_align align;
	size_t width_max; /* columns of the terminal; longer cells end in "..."; 0: no limit */
};

struct table {
	const struct table_column *columns; /* the caller's */
	size_t column_count;
	bool colour;
	size_t widths[TABLE_COLUMNS_MAX];
	size_t cells;
	struct buf bytes; /* cells: length, style, text */
};

/* COLUMNS must live as long as the table. COLOUR: styles are shown, by ANSI escapes. */
void table_init(struct table *t, const struct table_column *columns, size_t count, bool colour);
void table_release(struct table *t);

/* The next cell. Too much text fails the table, which table_write() tells. */
void table_text(struct table *t, struct slice text, enum table_style style);
void table_cstr(struct table *t, const char *text);
void table_duration(struct table *t, int64_t ns);
void table_count(struct table *t, uint64_t n);
void table_u64(struct table *t, uint64_t n); /* all its digits */
void table_size(struct table *t, uint64_t bytes);
void table_percent(struct table *t, double share);
void table_empty(struct table *t); /* "-" */

/*
 * Writes titles and rows; a last row that is not full is written as far as it goes. ERR_NOMEM or
 * ERR_LIMIT: cells were lost, what there is was written. Failures of O stay in O.
 */
enum err table_write(const struct table *t, struct out *o) MUST_CHECK;

#endif
