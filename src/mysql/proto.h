/*
 * proto - numbers of the wire protocol: capabilities, status flags, types, limits; and its integers.
 * Source: MySQL source documentation, "Client/Server Protocol"; MariaDB KB, "Client/Server Protocol".
 */
#ifndef MYSQL_PROTO_H
#define MYSQL_PROTO_H

#include "base/buf.h"
#include "base/cursor.h"

#define CAP(bit, name) static const uint64_t MYP_CAP_##name = UINT64_C(1) << (bit);
#include "mysql/capability_list.h"
#undef CAP

/* Capabilities that both sides have to offer; bit 0 is not one of these for MariaDB. */
#define MYP_CAPS_MARIADB_SHIFT 32

enum myp_status {
	MYP_STATUS_IN_TRANS = 0x0001,
	MYP_STATUS_AUTOCOMMIT = 0x0002,
	MYP_STATUS_MORE_RESULTS = 0x0008,
	MYP_STATUS_NO_GOOD_INDEX_USED = 0x0010,
	MYP_STATUS_NO_INDEX_USED = 0x0020,
	MYP_STATUS_CURSOR_EXISTS = 0x0040,
	MYP_STATUS_LAST_ROW_SENT = 0x0080,
	MYP_STATUS_DB_DROPPED = 0x0100,
	MYP_STATUS_NO_BACKSLASH_ESCAPES = 0x0200,
	MYP_STATUS_METADATA_CHANGED = 0x0400,
	MYP_STATUS_QUERY_WAS_SLOW = 0x0800,
	MYP_STATUS_PS_OUT_PARAMS = 0x1000,
	MYP_STATUS_IN_TRANS_READONLY = 0x2000,
	MYP_STATUS_SESSION_STATE_CHANGED = 0x4000,
};

/* MYSQL_TYPE_ numbers; X-macro so that names come from the same list. */
#define MYP_TYPES(TYPE)                                                                            \
	TYPE(0, DECIMAL)                                                                           \
	TYPE(1, TINY)                                                                              \
	TYPE(2, SHORT)                                                                             \
	TYPE(3, LONG)                                                                              \
	TYPE(4, FLOAT)                                                                             \
	TYPE(5, DOUBLE)                                                                            \
	TYPE(6, NULL)                                                                              \
	TYPE(7, TIMESTAMP)                                                                         \
	TYPE(8, LONGLONG)                                                                          \
	TYPE(9, INT24)                                                                             \
	TYPE(10, DATE)                                                                             \
	TYPE(11, TIME)                                                                             \
	TYPE(12, DATETIME)                                                                         \
	TYPE(13, YEAR)                                                                             \
	TYPE(14, NEWDATE)                                                                          \
	TYPE(15, VARCHAR)                                                                          \
	TYPE(16, BIT)                                                                              \
	TYPE(17, TIMESTAMP2)                                                                       \
	TYPE(18, DATETIME2)                                                                        \
	TYPE(19, TIME2)                                                                            \
	TYPE(242, VECTOR)                                                                          \
	TYPE(243, INVALID)                                                                         \
	TYPE(244, BOOL)                                                                            \
	TYPE(245, JSON)                                                                            \
	TYPE(246, NEWDECIMAL)                                                                      \
	TYPE(247, ENUM)                                                                            \
	TYPE(248, SET)                                                                             \
	TYPE(249, TINY_BLOB)                                                                       \
	TYPE(250, MEDIUM_BLOB)                                                                     \
	TYPE(251, LONG_BLOB)                                                                       \
	TYPE(252, BLOB)                                                                            \
	TYPE(253, VAR_STRING)                                                                      \
	TYPE(254, STRING)                                                                          \
	TYPE(255, GEOMETRY)

enum myp_type {
#define TYPE(number, name) MYP_TYPE_##name = (number),
	MYP_TYPES(TYPE)
#undef TYPE
};

const char *myp_type_name(uint8_t type); /* "LONGLONG"; NULL for a number without a name */

enum myp_column_flag {
	MYP_COLUMN_NOT_NULL = 0x0001,
	MYP_COLUMN_UNSIGNED = 0x0020,
	MYP_COLUMN_ZEROFILL = 0x0040,
	MYP_COLUMN_BINARY = 0x0080,
	MYP_COLUMN_AUTO_INCREMENT = 0x0200,
};

enum {
	MYP_HEADER = 4, /* bytes: 3 of length, 1 sequence id */
	MYP_FRAME_MAX =
		0xffffff, /* payload bytes of one frame; a frame that full goes on in the next */
	MYP_PAYLOAD_MAX =
		1
		<< 30, /* bytes of a payload over all its frames; max_allowed_packet's own limit */
	MYP_COLUMNS_MAX = 4096, /* columns of a table; more are not believed */
	MYP_PARAMS_MAX = 65535, /* placeholders of a statement */
	MYP_CHARSET_BINARY = 63,
};

/* First bytes of a server's packets. */
enum { MYP_OK = 0x00, MYP_LOCAL_INFILE = 0xfb, MYP_EOF = 0xfe, MYP_ERR = 0xff };

/* First byte of a length-encoded integer: a number below the first, or what follows. */
enum { MYP_LENENC_NULL = 0xfb, MYP_LENENC_2 = 0xfc, MYP_LENENC_3 = 0xfd, MYP_LENENC_8 = 0xfe };

/* The rest of myp_cur_lenenc(): more than one byte, or a failure. */
uint64_t myp_cur_lenenc_long(struct cursor *c);

/* Length-encoded integer and string. An integer that starts with 0xfb or 0xff fails. */
static inline uint64_t myp_cur_lenenc(struct cursor *c)
{
	if (c->pos < c->end && *c->pos < MYP_LENENC_NULL)
		return *c->pos++;
	return myp_cur_lenenc_long(c);
}

/*
 * Of a length in 8 bytes the servers read the first 4 (net_field_length() of both), and drivers were seen that write
 * something else into the others (Node's mysql2).
 */
static inline struct slice myp_cur_lenenc_bytes(struct cursor *c)
{
	uint64_t n = myp_cur_lenenc(c);

	return cur_bytes(c, (uint32_t)n);
}

void myp_put_lenenc(struct buf *b, uint64_t v);
void myp_put_lenenc_bytes(struct buf *b, struct slice s);

#endif
