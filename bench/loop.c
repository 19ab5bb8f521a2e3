/*
 * loop - writes a capture again and again to standard output, each time later and between other hosts.
 *
 * usage: loop FILE TIMES [CROWD [FRAMES]]
 *
 * CROWD: so many copies at the same time, frame by frame in between of each other; FRAMES: only so many of the
 * capture's. For captures of TCP over IPv4 in Ethernet frames: bytes 2 and 3 of both addresses become the number of the
 * copy. Checksums are not put right; FILE is held in memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/scan.h"
#include "capture/capture.h"

enum {
	SOURCE_AT = 26 + 1, /* in a frame: the bytes of the addresses that are changed */
	TARGET_AT = 30 + 1,
	FRAME_MIN = 34,
	PAUSE_NS = 1000000, /* between the end of one copy and the beginning of the next */
	LINK_ETHERNET = 1,
	SNAP_LEN = 256 << 10,
};

static const uint32_t MAGIC_NANO = 0xa1b23c4d;

struct header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_len, link;
};

struct record {
	uint32_t seconds, fraction, captured, wire;
};

/* What stands in the buffer before a frame's bytes. */
struct kept {
	int64_t time_ns;
	uint32_t len, wire_len;
};

static enum err read_all(struct capture *c, uint64_t max, struct buf *out, struct errinfo *info)
{
	enum err e = ERR_OK;
	struct frame f;

	for (uint64_t n = 0; n < max && (e = capture_next(c, &f, info)) == ERR_OK; n++) {
		struct kept k = {
			.time_ns = f.time_ns, .len = (uint32_t)f.bytes.len, .wire_len = f.wire_len};

		buf_put(out, &k, sizeof(k));
		buf_put_slice(out, f.bytes);
	}
	return e == ERR_EOF ? buf_err(out) : e;
}

static bool put(const void *bytes, size_t len)
{
	return fwrite(bytes, 1, len, stdout) == len;
}

static bool put_frame(const struct kept *k, uint8_t *bytes, int64_t later_ns, uint32_t copy)
{
	int64_t time_ns = k->time_ns + later_ns;
	struct record r = {
		.seconds = (uint32_t)(time_ns / NS_PER_S),
		.fraction = (uint32_t)(time_ns % NS_PER_S),
		.captured = k->len,
		.wire = k->wire_len,
	};

	if (k->len >= FRAME_MIN) {
		bytes[SOURCE_AT] = bytes[TARGET_AT] = (uint8_t)(copy >> 8);
		bytes[SOURCE_AT + 1] = bytes[TARGET_AT + 1] = (uint8_t)copy;
	}
	return put(&r, sizeof(r)) && put(bytes, k->len);
}

/* One round of the whole; *LAST_NS is the time of its last frame. */
static bool put_round(const struct buf *frames, uint64_t crowd, uint64_t round, int64_t later_ns,
		      int64_t *last_ns)
{
	struct kept k;

	for (size_t at = 0; at < frames->len; at += sizeof(k) + k.len) {
		memcpy(&k, frames->ptr + at, sizeof(k));
		for (uint64_t i = 0; i < crowd; i++)
			if (!put_frame(&k, frames->ptr + at + sizeof(k), later_ns,
				       (uint32_t)(round * crowd + i)))
				return false;
		*last_ns = k.time_ns;
	}
	return true;
}

static bool put_rounds(const struct buf *frames, uint64_t times, uint64_t crowd)
{
	const struct header header = {
		.magic = MAGIC_NANO,
		.major = 2,
		.minor = 4,
		.snap_len = SNAP_LEN,
		.link = LINK_ETHERNET,
	};
	int64_t later_ns = 0, last_ns = 0;
	struct kept first = {.time_ns = 0};
	bool good = put(&header, sizeof(header));

	if (frames->len >= sizeof(first))
		memcpy(&first, frames->ptr, sizeof(first));
	for (uint64_t round = 0; good && round < times; round++) {
		good = put_round(frames, crowd, round, later_ns, &last_ns);
		later_ns += last_ns - first.time_ns + PAUSE_NS;
	}
	return good && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
	uint64_t numbers[] = {1, 1, UINT64_MAX}; /* times, crowd, frames */
	struct capture *c = NULL;
	struct errinfo info;
	struct buf frames;
	bool good;

	if (argc < 3 || argc > 5) {
		(void)fprintf(stderr, "usage: loop FILE TIMES [CROWD [FRAMES]]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		if (scan_uint(argv[i], &numbers[i - 2]) != ERR_OK)
			return 2;
	buf_init(&frames, SIZE_MAX / 2);
	if (capture_open_file(argv[1], &c, &info) != ERR_OK ||
	    read_all(c, numbers[2], &frames, &info) != ERR_OK) {
		(void)fprintf(stderr, "loop: %s\n", info.text);
		return 1;
	}
	good = put_rounds(&frames, numbers[0], numbers[1]);
	buf_release(&frames);
	capture_free(c);
	return good ? 0 : 1;
}
