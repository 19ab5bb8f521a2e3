/*
 * rowsum - checksums of rows, equal for the same values in the text and in the binary protocol.
 *
 * Version 1. Each value is brought to a canonical form and hashed (XXH3-64); the hashes of a row's values
 * are hashed again; and the hashes of rows, as those of each column's values, are put together twice: in
 * order, and so that the order does not matter. docs/checksums.md has every detail. The canonical form:
 *
 *   NULL           a hash of its own
 *   integers       decimal digits, '-' if negative, no leading zeros (ZEROFILL's are left off)
 *   YEAR           as integers
 *   DECIMAL        as the server writes it (leading zeros of ZEROFILL left off)
 *   DOUBLE         the bits of the value; -0 is 0. In a column of fixed decimals, the value rounded
 *                  to these, as the text protocol shows it
 *   FLOAT          likewise, but without fixed decimals rounded to the 6 significant digits that the
 *                  text protocol shows, and taken as a DOUBLE
 *   DATE           YYYY-MM-DD
 *   DATETIME       YYYY-MM-DD hh:mm:ss and, unless zero, '.' and the fraction without trailing zeros
 *   TIME           [-]h:mm:ss, hours counting whole days, with at least two digits; fraction likewise;
 *                  no '-' before zero
 *   all others     their bytes
 *
 * Without column types (metadata left out and not known from before) text values are hashed as they
 * are (give MYP_TYPE_INVALID) and binary rows cannot be read: the sum is then unknown.
 */
#ifndef MYSQL_ROWSUM_H
#define MYSQL_ROWSUM_H

#include "mysql/proto.h"

enum { ROWSUM_VERSION = 1 };

struct rowsum {
	uint64_t ordered;   /* changes when rows change places */
	uint64_t unordered; /* does not */
};

/* What a row's reader needs to know of a column. */
struct rowsum_column {
	uint8_t type;
	uint8_t decimals;
	uint16_t flags;
	struct rowsum sum; /* of this column's values */
};

/*
 * Adds the row PAYLOAD, a text row or a BINARY one, of the COUNT columns, to *ALL and to each column's sum.
 * ERR_PROTO: the row is not one of these columns; nothing is added.
 */
enum err rowsum_add(struct rowsum *all, struct rowsum_column *columns, size_t count, bool binary,
		    struct slice payload) MUST_CHECK;

/*
 * All sums of one row follow from the hashes of its cells, which are the columns' unordered sums: sets the rest of
 * them, and *ALL, to what rowsum_add() makes of a first row. COUNT is at most MYP_COLUMNS_MAX.
 */
void rowsum_complete(struct rowsum *all, struct rowsum_column *columns, size_t count);

/* True if rowsum_complete() would change nothing. */
bool rowsum_is_complete(const struct rowsum *all, const struct rowsum_column *columns,
			size_t count) MUST_CHECK;

#endif
