/*
 * Target: capture_open_file, capture_next for pcap and pcapng, plain and compressed.
 * The input is the file.
 */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"
#include "net/fragment.h"
#include "net/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the file to its end; what was handed out and what was passed over is never more than it. */
static void read_all(struct capture *c)
{
	struct fragments *fragments = fragments_new();
	struct capture_stats stats;
	struct errinfo info;
	struct segment s;
	struct frame f;
	uint64_t frames = 0;
	unsigned sum = 0;
	enum err e;

	while ((e = capture_next(c, &f, &info)) == ERR_OK) {
		assert(f.number == ++frames);
		assert(f.wire_len >= f.bytes.len);
		for (size_t i = 0; i < f.bytes.len; i++)
			sum += f.bytes.ptr[i];
		if (segment_decode(fragments, &f, &s) == SEGMENT_TCP)
			sum += s.seq;
	}
	assert(e == ERR_EOF);
	fragments_free(fragments);
	capture_get_stats(c, &stats);
	assert(stats.frames == frames && stats.truncated_frames <= frames);
	assert(capture_progress(c) >= 0 && capture_progress(c) <= 1);
	(void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture *c = NULL;
	struct errinfo info = {.code = ERR_OK};
	char path[64];
	enum err e;

	assert(fd >= 0);
	assert(size == 0 || write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	e = capture_open_file(path, &c, &info);
	if (e == ERR_OK)
		read_all(c);
	else
		assert((e == ERR_PROTO || e == ERR_UNSUPPORTED) && info.text[0]);
	capture_free(c);
	close(fd);
	return 0;
}
