/*
 * rowsum_tool - the checksums of rows given as text, for tests with real servers.
 *
 * rowsum_tool text|binary TYPE:FLAGS:DECIMALS... reads one row packet a line from standard input, in hexadecimal,
 * and writes one line "ORDERED UNORDERED" for all and one for each column.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql/rowsum.h"
#include "tool.h"

enum { LINE_MAX_BYTES = 1 << 20 };

static struct rowsum_column read_column(const char *text)
{
	struct rowsum_column column = {0};

	column.type = (uint8_t)tool_number(&text);
	column.flags = (uint16_t)tool_number(&text);
	column.decimals = (uint8_t)tool_number(&text);
	return column;
}

static void print(const struct rowsum *sum)
{
	printf("%016" PRIx64 " %016" PRIx64 "\n", sum->ordered, sum->unordered);
}

int main(int argc, char **argv)
{
	static struct rowsum_column columns[MYP_COLUMNS_MAX];
	static char line[LINE_MAX_BYTES];
	size_t count = argc > 2 ? (size_t)argc - 2 : 0;
	struct rowsum all = {0};
	struct buf row;

	if (count == 0 || count > MYP_COLUMNS_MAX)
		return 2;
	buf_init(&row, LINE_MAX_BYTES);
	for (size_t i = 0; i < count; i++)
		columns[i] = read_column(argv[i + 2]);
	while (fgets(line, sizeof(line), stdin)) {
		bool binary = strcmp(argv[1], "binary") == 0;

		if (!tool_hex(line, &row) ||
		    rowsum_add(&all, columns, count, binary, buf_slice(&row)) != ERR_OK) {
			fprintf(stderr, "not a row: %s", line);
			return 1;
		}
	}
	print(&all);
	for (size_t i = 0; i < count; i++)
		print(&columns[i].sum);
	buf_release(&row);
	return 0;
}
