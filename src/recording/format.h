/*
 * format - the numbers of the recording's format; docs/recording-format.md says what they mean.
 */
#ifndef RECORDING_FORMAT_H
#define RECORDING_FORMAT_H

#include <stdint.h>

#define RECORDING_MAGIC "\x89MYNA\r\n\x1a"
#define RECORDING_BLOCK_MAGIC "\xb1MYNABK\n"

enum {
	RECORDING_VERSION = 2,
	RECORDING_MAGIC_LEN = 8,
	RECORDING_HEADER = 40,           /* bytes of a file header */
	RECORDING_HEADER_MAX = 4096,     /* bytes of a later version's header that are believed */
	RECORDING_BLOCK_HEADER = 96,     /* bytes */
	RECORDING_STORED_MAX = 16 << 20, /* bytes of a body as stored */
	RECORDING_RAW_MAX = 8 << 20,     /* bytes of a body unpacked */
	RECORDING_BLOCK_AIM = 1 << 20,   /* bytes unpacked at which a block is full */
	RECORDING_PIECES_MAX = (1 << 30) + (128 << 20), /* bytes of a record in pieces */
	RECORDING_SESSIONS_MAX = 1 << 20,        /* sessions open at once that a reader follows */
	RECORDING_SHARED_COLUMNS_MAX = 64 << 10, /* bytes of a COLUMNS record */
	RECORDING_SHARED_RESULTS_MAX = 16, /* results of a response that use COLUMNS records */
};

enum record_kind {
	RECORD_SESSION = 1,
	RECORD_CHANGE = 2,
	RECORD_STATEMENT = 3,
	RECORD_COLUMNS = 4,
	RECORD_PIECE = 5,
	RECORD_COVERAGE = 6,
	RECORD_SERVER = 7,
	RECORD_LOGIN = 16,
	RECORD_COMMAND = 17,
	RECORD_DATA = 18,
	RECORD_RESPONSE = 19,
	RECORD_GAP = 20,
	RECORD_END = 21,
};

enum recording_block_flag {
	RECORDING_BLOCK_LAST = 1 << 0,      /* of a recording that was finished */
	RECORDING_BLOCK_CONTINUED = 1 << 1, /* ends inside a record that goes on in the next */
	RECORDING_BLOCK_SERVER = 1 << 2,    /* has a SERVER record */
};

/* Groups of SESSION and CHANGE. */
enum record_group {
	GROUP_IDENTITY = 1 << 0,
	GROUP_LOGIN = 1 << 1,
	GROUP_SERVER = 1 << 2,
	GROUP_USER = 1 << 3,
	GROUP_DATABASE = 1 << 4,
	GROUP_AUTH_PLUGIN = 1 << 5,
	GROUP_COLLATION = 1 << 6,
	GROUP_CAPS = 1 << 7,
	GROUP_ATTRIBUTES = 1 << 8,
	GROUP_QUOTING = 1 << 9,
	GROUP_OPEN = 1 << 10,
	GROUP_GAPS = 1 << 11,
	GROUP_STATE = 1 << 12,
	GROUP_STATEMENTS_GONE = 1 << 13,
	GROUPS_ALL = (1 << 13) - 1, /* of a SESSION */
};

/* In group QUOTING. */
enum record_quoting { QUOTING_NO_BACKSLASH = 1 << 0 };

enum record_statement_flag {
	STATEMENT_TEXT = 1 << 0,
	STATEMENT_COUNTS = 1 << 1,
	STATEMENT_TYPES = 1 << 2,
	STATEMENT_COLUMNS = 1 << 3,
	STATEMENT_LONG_DATA = 1 << 4,
	STATEMENT_LONG_DATA_UNTOLD = 1 << 5,
};

enum record_identity_flag {
	IDENTITY_JOINED = 1 << 0,
	IDENTITY_PROXY = 1 << 1,
};

enum record_command_flag {
	COMMAND_LAST_NS = 1 << 0,
	COMMAND_FIRST_NS = 1 << 1,
	COMMAND_CUT = 1 << 2,
	COMMAND_STATEMENT_ID = 1 << 3,
	COMMAND_STATEMENT = 1 << 4,
	COMMAND_TEXT_KNOWN = 1 << 5,
	COMMAND_DATABASE_KNOWN = 1 << 6,
	COMMAND_PARAMS_KNOWN = 1 << 7,
	COMMAND_DATABASE = 1 << 8,
	COMMAND_COLLATION = 1 << 9,
	COMMAND_STATEMENT_TEXT = 1 << 10,
	COMMAND_PARAMS = 1 << 11,
	COMMAND_ATTRIBUTES = 1 << 12,
	COMMAND_SETS = 1 << 13,
};

/* The second byte of a value in a list; its low bits are the kind. */
enum record_value_flag {
	VALUE_KIND = 0x0f,
	VALUE_UNSIGNED = 1 << 4,
	VALUE_LONG_DATA = 1 << 5,
	VALUE_NAME = 1 << 6,
	VALUE_MORE = 1 << 7,
};

enum record_value_more {
	VALUE_OWN_TYPE = 1 << 0,
	VALUE_IS_LONG_DATA = 1 << 1,
	VALUE_INDICATOR = 1 << 2,
};

enum record_response_flag {
	RESPONSE_FLAG_HEARD = 1 << 0,
	RESPONSE_FLAG_FAILED = 1 << 1,
	RESPONSE_FLAG_LAST_NS = 1 << 2,
	RESPONSE_FLAG_FIRST_NS = 1 << 3,
	RESPONSE_FLAG_PACKETS = 1 << 4,
	RESPONSE_FLAG_RESULTS = 1 << 5,
	RESPONSE_FLAG_RESULTS_ALL = 1 << 6,
	RESPONSE_FLAG_TOTALS = 1 << 7,
	RESPONSE_FLAG_PREPARED = 1 << 8,
	RESPONSE_FLAG_FIELDS = 1 << 9,
	RESPONSE_FLAG_MESSAGE = 1 << 10,
	RESPONSE_FLAG_INFILE = 1 << 11,
	RESPONSE_FLAG_INFILE_BYTES = 1 << 12,
	RESPONSE_FLAG_UNANSWERED = 1 << 13,
};

enum record_result_flag {
	RESULT_SHARED_COLUMNS = 1 << 0,
	RESULT_COLUMNS = 1 << 1,
	RESULT_COLUMN_COUNT = 1 << 2,
	RESULT_COLUMN_SUMS = 1 << 3,
	RESULT_COLUMN_TYPES = 1 << 4,
	RESULT_ROWS = 1 << 5,
	RESULT_SUM = 1 << 6,
	RESULT_SUM_KNOWN = 1 << 7,
	RESULT_AFFECTED = 1 << 8,
	RESULT_INSERT_ID = 1 << 9,
	RESULT_WARNINGS = 1 << 10,
	RESULT_STATUS = 1 << 11,
	RESULT_INFO = 1 << 12,
	RESULT_STATE = 1 << 13,
	RESULT_ERROR = 1 << 14,
	RESULT_COLUMN_NO_SUMS = 1 << 15,
	RESULT_ONE_ROW = 1 << 16, /* since version 2 */
};

#endif
