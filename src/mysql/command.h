/*
 * command - the commands, their names and what answers them.
 */
#ifndef MYSQL_COMMAND_H
#define MYSQL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum myp_command {
#define CMD(number, name, shape) MYP_COM_##name = (number),
#include "mysql/command_list.h"
#undef CMD
};

/* The statement id that stands for the one prepared last (MariaDB: COM_STMT_EXECUTE and its kin). */
#define MYP_STATEMENT_LAST UINT32_MAX

/* How a server answers. */
enum myp_shape {
	MYP_SHAPE_OK,          /* OK, EOF or ERR */
	MYP_SHAPE_NONE,        /* nothing at all */
	MYP_SHAPE_RESULT,      /* OK, ERR, LOCAL INFILE request or result sets, perhaps several */
	MYP_SHAPE_PREPARE,     /* COM_STMT_PREPARE_OK with definitions, or ERR */
	MYP_SHAPE_FETCH,       /* binary rows, then EOF; or ERR */
	MYP_SHAPE_FIELDS,      /* column definitions, then EOF; or ERR */
	MYP_SHAPE_STRING,      /* a text without any framing of its own; or ERR */
	MYP_SHAPE_AUTH,        /* an authentication exchange, then OK or ERR */
	MYP_SHAPE_REPLICATION, /* a stream of binary log events without end */
};

/* "QUERY"; NULL for a number without a name. */
const char *myp_command_name(uint8_t number);

/* The shape of the answer; MYP_SHAPE_OK for a number without a name. */
enum myp_shape myp_command_shape(uint8_t number);

static inline bool myp_command_known(uint8_t number)
{
	return myp_command_name(number) != NULL;
}

#endif
