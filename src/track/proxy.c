/* proxy - the header that a proxy puts in front of what the client says. */
#include "track/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/cursor.h"

enum {
	V2_HEADER = 16,
	V2_PROXY = 0x21, /* version 2, command PROXY */
	V2_LOCAL = 0x20, /* the same, LOCAL: the proxy speaks for itself */
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_TCP4_LEN = 12,
	V2_TCP6_LEN = 36,
};

static const char v1_start[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Is KEPT the beginning of PREFIX, or PREFIX of KEPT? */
static bool begins(struct slice kept, struct slice prefix)
{
	size_t n = kept.len < prefix.len ? kept.len : prefix.len;

	return slice_eq(slice_head(kept, n), slice_head(prefix, n));
}

/* The next word of a line, up to a space or its end. */
static struct slice word(struct slice *line)
{
	size_t n = 0;
	struct slice w;

	while (n < line->len && line->ptr[n] != ' ')
		n++;
	w = slice_head(*line, n);
	*line = slice_skip(*line, n + 1);
	return w;
}

/* "TCP4 10.0.0.1 10.0.0.2 56324 3306"; what is no such line names nobody. */
static void parse_line(struct slice line, struct endpoint *client)
{
	char text[PROXY_KEPT_MAX + 4];
	struct slice family = word(&line), source = word(&line), port;
	bool v6 = slice_eq(family, SLICE_LIT("TCP6"));

	(void)word(&line); /* the server's address, as the client knew it */
	port = word(&line);
	if (!v6 && !slice_eq(family, SLICE_LIT("TCP4")))
		return;
	(void)snprintf(text, sizeof(text), v6 ? "[%.*s]:%.*s" : "%.*s:%.*s", (int)source.len,
		       (const char *)source.ptr, (int)port.len, (const char *)port.ptr);
	(void)endpoint_parse(slice_cstr(text), client);
}

static enum proxy_verdict look_at_line(const struct proxy_reader *p, struct endpoint *client)
{
	struct slice line = slice_of(p->kept, p->len);

	if (p->len < 2 || p->kept[p->len - 2] != '\r' || p->kept[p->len - 1] != '\n')
		return p->len < PROXY_KEPT_MAX ? PROXY_MORE : PROXY_NONE;
	parse_line(slice_skip(slice_head(line, p->len - 2), sizeof(v1_start) - 1), client);
	return PROXY_HEADER;
}

static void parse_addresses(struct cursor *c, bool v6, struct endpoint *client)
{
	size_t len = v6 ? 16 : 4;
	struct slice source = cur_bytes(c, len);
	struct endpoint e = {.addr = {.is_v6 = v6}};

	cur_skip(c, len); /* the server's */
	e.port = cur_u16be(c);
	if (!cur_ok(c))
		return;
	memcpy(e.addr.bytes, source.ptr, len);
	*client = e;
}

static enum proxy_verdict look_at_binary(struct proxy_reader *p, struct endpoint *client)
{
	struct cursor c = cur_of(slice_of(p->kept, p->len));
	uint8_t command, family;
	size_t len, wanted;

	cur_skip(&c, sizeof(v2_signature) - 1);
	command = cur_u8(&c);
	family = cur_u8(&c);
	len = cur_u16be(&c);
	if (!cur_ok(&c))
		return PROXY_MORE;
	if (command != V2_PROXY && command != V2_LOCAL)
		return PROXY_NONE;
	wanted = V2_HEADER + (len < V2_TCP6_LEN ? len : V2_TCP6_LEN);
	if (p->len < wanted)
		return PROXY_MORE;
	if (command == V2_PROXY && family == V2_TCP4 && len >= V2_TCP4_LEN)
		parse_addresses(&c, false, client);
	if (command == V2_PROXY && family == V2_TCP6 && len >= V2_TCP6_LEN)
		parse_addresses(&c, true, client);
	p->skip = V2_HEADER + len - wanted;
	return p->skip > 0 ? PROXY_MORE : PROXY_HEADER;
}

static enum proxy_verdict look(struct proxy_reader *p, struct endpoint *client)
{
	struct slice kept = slice_of(p->kept, p->len);

	if (begins(kept, slice_of(v1_start, sizeof(v1_start) - 1)))
		return look_at_line(p, client);
	if (begins(kept, slice_of(v2_signature, sizeof(v2_signature) - 1)))
		return look_at_binary(p, client);
	return PROXY_NONE;
}

static enum proxy_verdict take(struct proxy_reader *p, struct slice *bytes, struct endpoint *client)
{
	enum proxy_verdict verdict = PROXY_MORE;

	while (bytes->len > 0 && verdict == PROXY_MORE && p->skip == 0) {
		p->kept[p->len++] = bytes->ptr[0];
		*bytes = slice_skip(*bytes, 1);
		verdict = look(p, client);
	}
	if (p->skip > 0) {
		size_t n = p->skip < bytes->len ? p->skip : bytes->len;

		*bytes = slice_skip(*bytes, n);
		p->skip -= n;
		verdict = p->skip > 0 ? PROXY_MORE : PROXY_HEADER;
	}
	return verdict;
}

enum proxy_verdict proxy_take(struct proxy_reader *p, struct slice *bytes, struct endpoint *client)
{
	struct slice before = *bytes;
	size_t kept = p->len;
	enum proxy_verdict verdict = take(p, bytes, client);

	p->done = verdict != PROXY_MORE;
	if (verdict == PROXY_NONE) {
		*bytes = before;
		p->len = kept;
	}
	return verdict;
}
