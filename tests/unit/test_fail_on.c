#include "check.h"

#include "replay/fail_on.h"

static struct fail_on parsed(const char *text)
{
	struct fail_on f = {.errors = false};

	CHECK(fail_on_parse(text, &f, NULL) == ERR_OK);
	return f;
}

static void lists_are_read(void **state)
{
	struct fail_on f = parsed(NULL);
	struct errinfo info;

	(void)state;
	CHECK(f.errors && f.rows && f.missing && f.losses && f.latency == 0);
	f = parsed("rows,latency:20%");
	CHECK(!f.errors && f.rows && !f.missing && f.latency > 0.199 && f.latency < 0.201);
	f = parsed("none");
	CHECK(!f.errors && !f.rows && !f.missing && !f.losses);
	CHECK(fail_on_parse("latency", &f, NULL) == ERR_USAGE);
	CHECK(fail_on_parse("latency:", &f, NULL) == ERR_USAGE);
	CHECK(fail_on_parse("latency:-5%", &f, NULL) == ERR_USAGE);
	CHECK(fail_on_parse("errors,,rows", &f, NULL) == ERR_USAGE);
	CHECK(fail_on_parse("everything", &f, &info) == ERR_USAGE);
	CHECK(strstr(info.text, "'everything'"));
}

static void each_is_met_by_its_own(void **state)
{
	static struct outcome o; /* too large for the stack */
	struct fail_on errors = parsed("errors"), rows = parsed("rows"), all = parsed(NULL);
	struct fail_on latency = parsed("latency:50%"), none = parsed("none");

	(void)state;
	outcome_init(&o);
	CHECK(!fail_on_is_met(&all, &o));
	o.verdicts[VERDICT_ERROR_GONE] = 1;
	CHECK(fail_on_is_met(&errors, &o) && !fail_on_is_met(&rows, &o));
	CHECK(fail_on_is_met(&all, &o) && !fail_on_is_met(&none, &o));
	o.verdicts[VERDICT_OTHER_VALUES] = 1;
	CHECK(fail_on_is_met(&rows, &o) && !fail_on_is_met(&latency, &o));
	o.contrast = (struct contrast){.known = true, .ratio = 1.4, .verdict = CONTRAST_SLOWER};
	CHECK(!fail_on_is_met(&latency, &o));
	o.contrast.ratio = 1.6;
	CHECK(fail_on_is_met(&latency, &o));
	o.contrast.verdict = CONTRAST_TOO_FEW;
	CHECK(!fail_on_is_met(&latency, &o));
	outcome_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(each_is_met_by_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
