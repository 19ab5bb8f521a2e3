/*
 * Target: mrte_message_next, mrte_hear, mrte_speak.
 * Messages: a length of two bytes before each. What is heard goes through the tracker and is spoken again; that must be
 * messages whose units are whole. Checksums are put right, or else hardly any unit would be followed.
 */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "mrte/hear.h"
#include "mrte/message.h"
#include "mrte/speak.h"
#include "track/tracker.h"

enum { MESSAGE_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct mrte_speaker *s = ctx;
	struct cursor units;
	struct mrte_unit u;
	struct addr collector;
	enum err err = mrte_speak(s, e);

	(void)info;
	assert(err == ERR_OK);
	if (mrte_message(s).len == 0)
		return ERR_OK;
	assert(mrte_message_open(mrte_message(s), &collector, &units));
	while ((err = mrte_message_next(&units, &u)) == ERR_OK)
		assert(u.is_whole && u.data.len <= MRTE_PACKET_MAX);
	assert(err == ERR_EOF);
	mrte_message_sent(s);
	return ERR_OK;
}

/* The units of MESSAGE, which is a copy, with the checksums that they ought to have. */
static void mend(uint8_t *message, size_t len)
{
	size_t at = 4;

	while (len - at >= 4 && at < len) {
		struct cursor c = cur_of(slice_of(message + at, 4));
		size_t unit = cur_u32(&c);
		uint32_t sum;

		at += 4;
		if (unit > len - at || unit < 11)
			return;
		sum = (uint32_t)adler32(adler32(0, NULL, 0), message + at,
					(uInt)(unit - 4 < 22 ? unit - 4 : 22));
		for (size_t i = 0; i < 4; i++)
			message[at + unit - 4 + i] = (uint8_t)(sum >> (8 * i));
		at += unit;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[MESSAGE_MAX];
	const struct tracker_options options = {.max_statement = 1 << 20};
	struct event_sink sink = {.event = on_event};
	struct mrte_speaker *speaker;
	struct mrte_hearing *hearing;
	struct tracker *tracker;
	struct stream_handler handler;
	struct cursor c = cur_of(slice_of(data, size));

	if (mrte_speaker_new(0, &speaker) != ERR_OK)
		abort();
	sink.ctx = speaker;
	if (tracker_new(&options, &sink, &tracker) != ERR_OK)
		abort();
	handler = tracker_handler(tracker);
	if (mrte_hearing_new(3306, &handler, &hearing) != ERR_OK)
		abort();
	while (cur_left(&c)) {
		size_t len = cur_u16(&c), left = cur_left(&c);
		struct slice bytes = cur_bytes(&c, len < left ? len : left);

		if (bytes.len)
			memcpy(message, bytes.ptr, bytes.len);
		if (bytes.len > 4)
			mend(message, bytes.len);
		if (mrte_hear(hearing, slice_of(message, bytes.len), 1000) != ERR_OK)
			abort();
	}
	mrte_hearing_finish(hearing);
	assert(tracker_error(tracker, NULL) == ERR_OK);
	mrte_hearing_free(hearing);
	tracker_free(tracker);
	mrte_speaker_free(speaker);
	return 0;
}
