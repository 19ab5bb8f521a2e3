/*
 * bench_read - reads a capture, decodes and reassembles it, and tells what that cost.
 *
 * usage: bench_read FILE [PORT]; compare with: tcpdump -r FILE -w /dev/null
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "capture/capture.h"
#include "net/segment.h"
#include "tcp/tcp.h"

struct counts {
	uint64_t opened, closed, chunks, bytes, gaps, gap_bytes;
	uint64_t kinds[SEGMENT_KINDS];
};

static void *count_open(void *ctx, const struct stream_flow *flow)
{
	struct counts *n = ctx;

	(void)flow;
	n->opened++;
	return n;
}

static void count_chunk(void *ctx, void *conversation, const struct stream_chunk *chunk)
{
	struct counts *n = ctx;

	(void)conversation;
	n->chunks++;
	n->bytes += chunk->bytes.len;
	n->gaps += chunk->gap > 0;
	n->gap_bytes += chunk->gap;
}

static void count_close(void *ctx, void *conversation, enum stream_end end, int64_t time_ns,
			uint64_t frame)
{
	struct counts *n = ctx;

	(void)conversation;
	(void)end;
	(void)time_ns;
	(void)frame;
	n->closed++;
}

static enum err read_all(struct capture *c, struct tcp *t, struct counts *n, struct errinfo *info)
{
	struct frame f;
	struct segment s;
	enum err e;

	for (;;) {
		enum segment_kind kind;

		e = capture_next(c, &f, info);
		if (e == ERR_AGAIN)
			continue;
		if (e != ERR_OK)
			break;
		kind = segment_decode(NULL, &f, &s);
		n->kinds[kind]++;
		if (kind != SEGMENT_TCP)
			continue;
		e = tcp_segment(t, &s);
		if (e != ERR_OK)
			return e;
	}
	tcp_finish(t);
	return e == ERR_EOF ? ERR_OK : e;
}

static void tell(const struct capture_stats *cs, const struct tcp_stats *ts, const struct counts *n,
		 int64_t cpu_ns)
{
	printf("frames %" PRIu64 " tcp %" PRIu64 " other %" PRIu64 " fragment %" PRIu64
	       " truncated %" PRIu64 " bad %" PRIu64 " link %" PRIu64 "\n",
	       cs->frames, n->kinds[SEGMENT_TCP], n->kinds[SEGMENT_OTHER],
	       n->kinds[SEGMENT_FRAGMENT], n->kinds[SEGMENT_TRUNCATED], n->kinds[SEGMENT_BAD],
	       n->kinds[SEGMENT_LINK]);
	printf("segments %" PRIu64 " other_ports %" PRIu64 " flows %" PRIu64
	       " retransmitted %" PRIu64 " out_of_order %" PRIu64 " limits %" PRIu64 "\n",
	       ts->segments, ts->other_ports, ts->flows, ts->retransmitted_bytes, ts->out_of_order,
	       ts->limit_closed);
	printf("opened %" PRIu64 " closed %" PRIu64 " chunks %" PRIu64 " bytes %" PRIu64
	       " gaps %" PRIu64 " gap_bytes %" PRIu64 "\n",
	       n->opened, n->closed, n->chunks, n->bytes, n->gaps, n->gap_bytes);
	printf("cut_frames %" PRIu64 " bad_bytes %" PRIu64 " cut_off %d\n", cs->truncated_frames,
	       cs->bad_bytes, cs->cut_off);
	if (cs->frames)
		printf("cpu %.3f s, %.1f ns per frame\n", (double)cpu_ns / (double)NS_PER_S,
		       (double)cpu_ns / (double)cs->frames);
}

int main(int argc, char **argv)
{
	struct tcp_options options = {.ports = {3306}, .port_count = 1};
	struct counts n = {.opened = 0};
	struct stream_handler handler = {
		.open = count_open, .chunk = count_chunk, .close = count_close, .ctx = &n};
	struct errinfo info = {.code = ERR_OK};
	struct capture_stats stats;
	struct capture *c = NULL;
	struct tcp *t = NULL;
	enum err e;

	if (argc < 2)
		return 2;
	if (argc > 2)
		options.ports[0] = (uint16_t)strtoul(argv[2], NULL, 10);
	e = capture_open_file(argv[1], &c, &info);
	if (e == ERR_OK)
		e = tcp_new(&options, &handler, &t);
	if (e == ERR_OK)
		e = read_all(c, t, &n, &info);
	if (e != ERR_OK)
		fprintf(stderr, "%s: %s\n", err_text(e), info.text);
	if (t) {
		capture_get_stats(c, &stats);
		tell(&stats, tcp_get_stats(t), &n, clock_thread_cpu_ns());
	}
	tcp_free(t);
	capture_free(c);
	return e == ERR_OK ? 0 : 1;
}
