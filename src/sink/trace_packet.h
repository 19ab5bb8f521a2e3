/*
 * trace_packet - one line per packet: stage and event in the words of MySQL's client-side tracing, sequence id,
 * length, and what the packet means.
 *
 *   10:15:00.123456 5f03a1c2 > READY_FOR_COMMAND       SEND_COMMAND           0     9  QUERY select 1
 *   10:15:00.123901 5f03a1c2 < WAIT_FOR_RESULT         PACKET_RECEIVED        1     1  column_count columns=1
 */
#ifndef SINK_TRACE_PACKET_H
#define SINK_TRACE_PACKET_H

#include "sink/trace.h"

/*
 * OUT is the caller's and must outlive the sink, as must *VIOLATIONS, which counts the packets that leave the protocol.
 * ERR_NOMEM.
 */
enum err trace_packet_new(struct out *out, const struct trace_options *options,
			  uint64_t *violations, struct event_sink *sink) MUST_CHECK;

/* The same as lines of JSON; of OPTIONS, hex counts. See docs/trace.md. */
enum err trace_json_new(struct out *out, const struct trace_options *options, uint64_t *violations,
			struct event_sink *sink) MUST_CHECK;

#endif
