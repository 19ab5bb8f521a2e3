/*
 * guess - where a command begins, when the framing was lost.
 *
 * A client sends a command at the start of a segment, with sequence id 0. In the middle of a statement
 * the fourth byte of a segment is rarely 0, and still more rarely are the bytes around it those of a command
 * of the right length with nothing, or another command, behind it.
 */
#include "mysql/command.h"
#include "track/conversation.h"

enum {
	FULL_SEGMENT = 500, /* bytes: a command that does not end in its segment fills it */
	LOOK_AT = 16,       /* first bytes of a statement that have to look like text */
};

/* Shortest and longest payload of commands whose length says something. */
struct bounds {
	uint8_t code;
	uint32_t min, max;
};

static const struct bounds bounds[] = {
	{.code = MYP_COM_QUIT, .min = 1, .max = 1},
	{.code = MYP_COM_INIT_DB, .min = 2, .max = 1 + 512},
	{.code = MYP_COM_QUERY, .min = 2, .max = MYP_FRAME_MAX},
	{.code = MYP_COM_FIELD_LIST, .min = 2, .max = 1 + 1024},
	{.code = MYP_COM_REFRESH, .min = 2, .max = 2},
	{.code = MYP_COM_STATISTICS, .min = 1, .max = 1},
	{.code = MYP_COM_PROCESS_INFO, .min = 1, .max = 1},
	{.code = MYP_COM_PROCESS_KILL, .min = 5, .max = 5},
	{.code = MYP_COM_DEBUG, .min = 1, .max = 1},
	{.code = MYP_COM_PING, .min = 1, .max = 1},
	{.code = MYP_COM_CHANGE_USER, .min = 4, .max = 1 << 16},
	{.code = MYP_COM_STMT_PREPARE, .min = 2, .max = MYP_FRAME_MAX},
	{.code = MYP_COM_STMT_EXECUTE, .min = 10, .max = MYP_FRAME_MAX},
	{.code = MYP_COM_STMT_SEND_LONG_DATA, .min = 7, .max = MYP_FRAME_MAX},
	{.code = MYP_COM_STMT_CLOSE, .min = 5, .max = 5},
	{.code = MYP_COM_STMT_RESET, .min = 5, .max = 5},
	{.code = MYP_COM_SET_OPTION, .min = 3, .max = 3},
	{.code = MYP_COM_STMT_FETCH, .min = 9, .max = 9},
	{.code = MYP_COM_RESET_CONNECTION, .min = 1, .max = 1},
	{.code = MYP_COM_STMT_BULK_EXECUTE, .min = 7, .max = MYP_FRAME_MAX},
};

static bool length_fits(uint8_t code, uint32_t len)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].code == code)
			return len >= bounds[i].min && len <= bounds[i].max;
	return false;
}

bool guess_is_sent(uint8_t code)
{
	switch (code) {
	case MYP_COM_SLEEP: /* these are the server's own */
	case MYP_COM_CONNECT:
	case MYP_COM_TIME:
	case MYP_COM_DELAYED_INSERT:
	case MYP_COM_CONNECT_OUT:
	case MYP_COM_DAEMON:
		return false;
	default:
		return myp_command_known(code);
	}
}

static bool looks_like_text(struct slice text)
{
	for (size_t i = 0; i < text.len && i < LOOK_AT; i++) {
		uint8_t c = text.ptr[i];

		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
			return false;
		if (c == 0x7f)
			return false;
	}
	return true;
}

uint64_t guess_caps(struct slice payload)
{
	/* A statement begins with text; a count of attributes and the count of sets, always 1, do not. */
	if (payload.len >= 3 && payload.ptr[0] == MYP_COM_QUERY && payload.ptr[1] < 0x09 &&
	    payload.ptr[2] == 1)
		return MYP_CAP_QUERY_ATTRIBUTES;
	/* PARAMETER_COUNT_AVAILABLE is said under that capability only. */
	if (payload.len >= 10 && payload.ptr[0] == MYP_COM_STMT_EXECUTE && payload.ptr[5] & 0x08)
		return MYP_CAP_QUERY_ATTRIBUTES;
	return 0;
}

static bool body_fits(struct slice payload)
{
	uint8_t code = payload.ptr[0];

	if (code == MYP_COM_QUERY && guess_caps(payload))
		return true;
	if (code == MYP_COM_QUERY || code == MYP_COM_STMT_PREPARE || code == MYP_COM_INIT_DB)
		return looks_like_text(slice_skip(payload, 1));
	if (code == MYP_COM_STMT_EXECUTE) /* flags are few, and the iteration count is always 1 */
		return payload.len < 10 || (payload.ptr[5] < 0x10 && payload.ptr[6] == 1 &&
					    !payload.ptr[7] && !payload.ptr[8] && !payload.ptr[9]);
	return true;
}

/* GOES_ON: the last command may end behind BYTES. */
static bool begins_with_commands(struct slice bytes, bool goes_on)
{
	struct cursor c = cur_of(bytes);
	size_t packets = 0;

	while (cur_left(&c) > MYP_HEADER) {
		uint32_t len = cur_u24(&c);
		uint8_t sequence = cur_u8(&c);
		struct slice payload = slice_head(slice_of(c.pos, cur_left(&c)), len);

		if (sequence != 0 || len == 0 || !length_fits(payload.ptr[0], len) ||
		    !body_fits(payload))
			return false;
		if (payload.len < len)
			return goes_on;
		cur_skip(&c, len);
		packets++;
	}
	return packets > 0 && (goes_on || cur_left(&c) == 0);
}

bool guess_command_start(struct slice bytes)
{
	return begins_with_commands(bytes, bytes.len >= FULL_SEGMENT);
}

bool guess_frame_start(struct myp_unpacker *u, struct slice bytes, struct myp_frame *frame)
{
	enum myp_peek peek = myp_frame_peek(u, bytes, frame);

	if (peek == MYP_PEEK_NONE || frame->sequence != 0)
		return false;
	if (peek == MYP_PEEK_FRAME)
		return guess_command_start(frame->contents);
	if (bytes.len < FULL_SEGMENT)
		return false;
	return peek == MYP_PEEK_HEADER || begins_with_commands(frame->contents, true);
}

bool guess_login(struct slice bytes, struct myp_login *out)
{
	struct cursor c = cur_of(bytes);
	uint32_t len = cur_u24(&c);
	uint8_t sequence = cur_u8(&c);

	return cur_ok(&c) && sequence == 1 && len == cur_left(&c) &&
	       myp_login_has_filler(slice_skip(bytes, MYP_HEADER)) &&
	       myp_login_decode(cur_rest(&c), UINT64_MAX, out) == ERR_OK &&
	       (out->caps & MYP_CAP_PROTOCOL_41) && !out->is_ssl_request;
}

bool guess_greeting(struct slice bytes)
{
	struct cursor c = cur_of(bytes);
	uint32_t len = cur_u24(&c);
	uint8_t sequence = cur_u8(&c);
	struct myp_greeting g;

	return cur_ok(&c) && sequence == 0 && len == cur_left(&c) &&
	       myp_greeting_decode(cur_rest(&c), &g) == ERR_OK && g.protocol == 10;
}

bool guess_is_tls(struct slice bytes)
{
	return bytes.len >= 5 && bytes.ptr[0] >= 0x14 && bytes.ptr[0] <= 0x17 &&
	       bytes.ptr[1] == 0x03 && bytes.ptr[2] <= 0x04;
}
