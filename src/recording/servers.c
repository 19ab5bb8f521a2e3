/* servers - what servers said, out of a recording's file. */
#include "recording/servers.h"

#include <errno.h>
#include <unistd.h>

#include "recording/block.h"
#include "recording/take.h"
#include "recording/varint.h"

/* LEN bytes at AT. ERR_EOF: there are fewer. */
static enum err read_at(int fd, uint64_t at, void *to, size_t len)
{
	uint8_t *p = to;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ERR_EOF : ERR_IO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

static enum err take_records(struct slice raw, struct server_log *log)
{
	struct cursor body = cur_of(raw);
	enum err e = ERR_OK;

	while (e == ERR_OK && cur_left(&body) > 0) {
		struct server_facts s = {.name = NULL};
		uint8_t kind = cur_u8(&body);
		struct cursor record = cur_of(cur_var_bytes(&body));

		if (kind != RECORD_SERVER || !cur_ok(&body))
			continue;
		e = take_server_facts(&record, &s);
		if (e == ERR_OK)
			e = server_log_add(log, &s);
		server_facts_release(&s);
	}
	return e;
}

/* The block at AT. A damaged one is none of ours to tell. */
static enum err scan_block(int fd, uint64_t at, const struct block_header *h,
			   struct server_log *log)
{
	struct block_unpacker *u = NULL;
	struct buf stored;
	struct slice raw;
	uint8_t *to;
	enum err e = block_unpacker_new(&u);

	buf_init(&stored, RECORDING_STORED_MAX);
	to = buf_reserve(&stored, h->stored_len);
	if (e == ERR_OK)
		e = to ? read_at(fd, at, to, h->stored_len) : ERR_NOMEM;
	if (e == ERR_OK) {
		buf_advance(&stored, h->stored_len);
		e = block_unpack(u, h, buf_slice(&stored), &raw);
	}
	if (e == ERR_OK)
		e = take_records(raw, log);
	buf_release(&stored);
	block_unpacker_free(u);
	return e == ERR_PROTO || e == ERR_EOF ? ERR_OK : e;
}

enum err servers_scan(int fd, uint64_t size, struct server_log *log)
{
	uint8_t bytes[RECORDING_BLOCK_HEADER];
	uint64_t at = RECORDING_HEADER;
	struct block_header h;
	enum err e = ERR_OK;

	while (e == ERR_OK && at <= size && size - at >= sizeof(bytes)) {
		e = read_at(fd, at, bytes, sizeof(bytes));
		if (e == ERR_OK)
			e = block_header_decode(slice_of(bytes, sizeof(bytes)), &h);
		if (e != ERR_OK)
			break;
		at += sizeof(bytes);
		if (h.flags & RECORDING_BLOCK_SERVER)
			e = scan_block(fd, at, &h, log);
		at += h.stored_len;
	}
	return e == ERR_NOMEM || e == ERR_IO ? e : ERR_OK;
}
