#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "replay/noise.h"
#include "replay/outcome_read.h"
#include "replay/outcome_write.h"

/* Too large for the stack of a test. */
static struct outcome a, b, both;
static struct out out;
static struct buf written;

static int begin(void **state)
{
	(void)state;
	outcome_init(&a);
	outcome_init(&b);
	outcome_init(&both);
	buf_init(&written, 64 << 20);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	outcome_release(&a);
	outcome_release(&b);
	outcome_release(&both);
	buf_release(&written);
	return 0;
}

static enum err into(void *ctx, struct slice bytes, struct errinfo *info)
{
	(void)ctx;
	(void)info;
	buf_put_slice(&written, bytes);
	return buf_err(&written);
}

/* CALLS that took LATENCY_NS before and now; both. */
static struct outcome_row *row(struct outcome *o, uint64_t key, unsigned calls, int64_t before_ns,
			       int64_t now_ns)
{
	struct outcome_row *r = outcome_row(o, key);

	for (unsigned i = 0; i < calls; i++) {
		const struct profile_call then = {.latency_ns = before_ns + i, .duration_ns = 1};
		const struct profile_call now = {.latency_ns = now_ns + i, .duration_ns = 1};

		CHECK(profile_stats_add(&r->recorded, &then) == ERR_OK);
		CHECK(profile_stats_add(&r->replayed, &now) == ERR_OK);
		CHECK(timeline_add(&o->replayed_line, i * NS_PER_S, now_ns, false) == ERR_OK);
	}
	return r;
}

static void what_was_set_apart_makes_room_for_a_difference(void **state)
{
	struct outcome_row *r = outcome_row(&a, 1);
	struct outcome_sample s = {
		.verdict = VERDICT_OTHER_VALUES, .apart = APART_CLOCK, .text = (char[]){"one"}};

	(void)state;
	for (s.n = 1; s.n <= 5; s.n++)
		outcome_compared(&a, r, &s);
	s.apart = NOT_APART;
	s.text = NULL;
	outcome_compared(&a, r, &s);
	s.verdict = VERDICT_SAME;
	outcome_compared(&a, r, &s);
	CHECK(r->sample_count == OUTCOME_SAMPLES && r->samples[0].n == 6 && !r->samples[0].text);
	assert_string_equal(r->samples[1].text, "one");
	CHECK(a.apart[APART_CLOCK] == 5 && r->apart[APART_CLOCK] == 5);
	CHECK(outcome_differences(&a) == 1 && outcome_row_differences(r) == 1);
	CHECK(outcome_merge(&b, &a) == ERR_OK && b.apart[APART_CLOCK] == 5);
	r = outcome_row(&b, 1);
	CHECK(r->apart[APART_CLOCK] == 5 && r->sample_count == OUTCOME_SAMPLES);
}

static void rows_are_ranked_by_what_hurts(void **state)
{
	const struct outcome_row **rows;

	(void)state;
	row(&a, 1, 30, 1000000, 1000000);
	row(&a, 2, 30, 1000000, 5000000);
	row(&a, 3, 30, 1000000, 1000000)->verdicts[VERDICT_OTHER_VALUES] = 1;
	row(&a, 4, 30, 1000000, 1000000)->verdicts[VERDICT_ERROR_NEW] = 1;
	CHECK(outcome_sorted(&a, &rows) == ERR_OK);
	CHECK(rows[0]->key == 4 && rows[1]->key == 3 && rows[2]->key == 2 && rows[3]->key == 1);
	CHECK(outcome_lost_ns(rows[2]) == 30 * 4000000LL && outcome_lost_ns(rows[3]) == 0);
	free(rows);
	CHECK(outcome_judge(&a, CONTRAST_EFFECT) == ERR_OK);
	CHECK(outcome_judged(&a, CONTRAST_SLOWER) == 1 && outcome_judged(&a, CONTRAST_SAME) == 3);
}

static void noise_has_to_be_exceeded(void **state)
{
	struct noise n;

	(void)state;
	row(&a, 1, 30, 1000000, 1000000);
	row(&b, 1, 30, 1000000, 1500000);
	noise_init(&n);
	CHECK(noise_add(&n, &a, &b) == ERR_OK);
	noise_apply(&n, &b);
	CHECK(outcome_row(&b, 1)->contrast.noise > 0.45 && b.contrast.noise > 0.45);
	CHECK(outcome_judge(&b, CONTRAST_EFFECT) == ERR_OK);
	CHECK(outcome_judged(&b, CONTRAST_SLOWER) == 0);
	noise_release(&n);
	noise_apply(&n, &b);
	CHECK(outcome_judge(&b, CONTRAST_EFFECT) == ERR_OK);
	CHECK(outcome_judged(&b, CONTRAST_SLOWER) == 1);
}

/* Writes O as JSON into a file and reads it into *INTO. */
static void write_and_read(const struct outcome *o, struct outcome *to)
{
	char path[] = "/tmp/test_outcome.XXXXXX";
	int fd = mkstemp(path);
	struct errinfo info;

	CHECK(fd >= 0);
	buf_reset(&written);
	out_init(&out, into, NULL);
	CHECK(outcome_write_json(o, &out) == ERR_OK && out_flush(&out, NULL) == ERR_OK);
	CHECK(write(fd, written.ptr, written.len) == (ssize_t)written.len);
	if (outcome_read(path, to, &info) != ERR_OK)
		fail_msg("%s", info.text);
	CHECK(close(fd) == 0 && unlink(path) == 0);
}

static void json_is_read_as_it_was_written(void **state)
{
	struct outcome_row *r = row(&a, 0xfedcba9876543210, 30, 1000000, 2000000);
	struct hist_bucket x = {.at = 0}, y = {.at = 0};

	(void)state;
	r->verdicts[VERDICT_ERROR_NEW] = a.verdicts[VERDICT_ERROR_NEW] = 3;
	r->apart[APART_REPEAT] = a.apart[APART_REPEAT] = 2;
	a.not_sent[NOT_SENT_CUT] = 4;
	a.sent = 5;
	a.ended = "because";
	write_and_read(&a, &b);
	r = outcome_row(&b, 0xfedcba9876543210);
	CHECK(r->verdicts[VERDICT_ERROR_NEW] == 3 && r->apart[APART_REPEAT] == 2);
	CHECK(b.verdicts[VERDICT_ERROR_NEW] == 3 && b.not_sent[NOT_SENT_CUT] == 4 && b.sent == 5);
	CHECK(b.ended && r->replayed.calls == 30 && r->replayed.latency.min_ns == 2000000);
	while (hist_next(&outcome_row(&a, r->key)->replayed.latency, &x))
		CHECK(hist_next(&r->replayed.latency, &y) && x.top_ns == y.top_ns &&
		      x.count == y.count);
	CHECK(timeline_used(&b.replayed_line) == timeline_used(&a.replayed_line));
	CHECK(b.replayed_line.width_ns == a.replayed_line.width_ns);
}

static void two_outcomes_give_what_the_second_has_more_of(void **state)
{
	struct outcome_row *r;

	(void)state;
	r = row(&a, 1, 30, 1, 1000000);
	r->text = strdup("SELECT ?");
	r->verdicts[VERDICT_ERROR_NEW] = 5;
	r = row(&b, 1, 30, 1, 3000000);
	r->text = strdup("SELECT ?");
	r->verdicts[VERDICT_ERROR_NEW] = 7;
	r->verdicts[VERDICT_SAME] = 4;
	row(&b, 2, 2, 1, 1)->text = strdup("only here");
	CHECK(outcome_contrast(&a, &b, &both) == ERR_OK);
	r = outcome_row(&both, 1);
	CHECK(r->verdicts[VERDICT_ERROR_NEW] == 2 && r->verdicts[VERDICT_SAME] == 4);
	CHECK(r->recorded.latency.min_ns == 1000000 && r->replayed.latency.min_ns == 3000000);
	CHECK(both.rows.count == 2 && outcome_row(&both, 2)->recorded.calls == 0);
	CHECK(outcome_judge(&both, CONTRAST_EFFECT) == ERR_OK);
	CHECK(r->contrast.verdict == CONTRAST_SLOWER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_set_apart_makes_room_for_a_difference),
		TEST(rows_are_ranked_by_what_hurts),
		TEST(noise_has_to_be_exceeded),
		TEST(json_is_read_as_it_was_written),
		TEST(two_outcomes_give_what_the_second_has_more_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
