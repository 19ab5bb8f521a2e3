/* units - numbers for people. */
#include "out/units.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "base/clock.h"

/* V, at least 0, with three digits that matter. */
static struct units_text three_digits(double v, const char *unit)
{
	struct units_text t;
	int fraction = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;

	(void)snprintf(t.text, sizeof(t.text), "%.*f%s", fraction, v, unit);
	return t;
}

/* V in the largest of the N units, each STEP times the one before, in which it is at least 1. */
static struct units_text scaled(double v, double step, const char *const *units, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && v >= (step == 1000 ? 999.5 : step)) {
		v /= step;
		i++;
	}
	return three_digits(v, units[i]);
}

static struct units_text two_parts(int64_t large, char large_unit, int64_t small, char small_unit)
{
	struct units_text t;

	(void)snprintf(t.text, sizeof(t.text), "%" PRId64 "%c%02" PRId64 "%c", large, large_unit,
		       small, small_unit);
	return t;
}

static struct units_text duration_at_least_0(uint64_t ns)
{
	static const char *const units[] = {" ns", " us", " ms", " s"};
	int64_t s = (int64_t)((ns + NS_PER_S / 2) / NS_PER_S);
	struct units_text t;

	if (ns < 1000) {
		(void)snprintf(t.text, sizeof(t.text), "%" PRIu64 " ns", ns);
		return t;
	}
	if (s < 100)
		return scaled((double)ns, 1000, units, 4);
	if (s < 3600)
		return two_parts(s / 60, 'm', s % 60, 's');
	if (s < 86400)
		return two_parts(s / 3600, 'h', s / 60 % 60, 'm');
	return two_parts(s / 86400, 'd', s / 3600 % 24, 'h');
}

struct units_text units_duration(int64_t ns)
{
	struct units_text t, minus;

	if (ns >= 0)
		return duration_at_least_0((uint64_t)ns);
	t = duration_at_least_0(0 - (uint64_t)ns);
	(void)snprintf(minus.text, sizeof(minus.text), "-%.*s", UNITS_TEXT_MAX - 2, t.text);
	return minus;
}

static const char *const thousands[] = {"", " k", " M", " G", " T", " P", " E"};

struct units_text units_count(uint64_t n)
{
	struct units_text t;

	if (n >= 1000)
		return scaled((double)n, 1000, thousands, 7);
	(void)snprintf(t.text, sizeof(t.text), "%" PRIu64, n);
	return t;
}

struct units_text units_number(double n)
{
	struct units_text t;

	if (n >= 0 && isfinite(n))
		return scaled(n, 1000, thousands, 7);
	(void)snprintf(t.text, sizeof(t.text), "%.3g", n);
	return t;
}

struct units_text units_size(uint64_t bytes)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	struct units_text t;

	if (bytes >= 1024)
		return scaled((double)bytes, 1024, units, 7);
	(void)snprintf(t.text, sizeof(t.text), "%" PRIu64 " B", bytes);
	return t;
}

struct units_text units_percent(double share)
{
	struct units_text t;

	if (share >= 0 && isfinite(share))
		return three_digits(share * 100, " %");
	(void)snprintf(t.text, sizeof(t.text), "%.3g %%", share * 100);
	return t;
}

/* Splits into whole seconds, rounded down, and the nanoseconds since. */
static time_t whole_seconds(int64_t since_1970_ns, int64_t *rest_ns)
{
	int64_t s = since_1970_ns / NS_PER_S;

	if (since_1970_ns % NS_PER_S < 0)
		s--;
	*rest_ns = since_1970_ns - s * NS_PER_S;
	return (time_t)s;
}

struct units_text units_time(int64_t since_1970_ns)
{
	char day[24], zone[8];
	struct units_text t;
	int64_t rest_ns;
	time_t s = whole_seconds(since_1970_ns, &rest_ns);
	struct tm tm;

	(void)localtime_r(&s, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof(zone), "%z", &tm);
	(void)snprintf(t.text, sizeof(t.text), "%s.%09" PRId64 "%.3s:%.2s", day, rest_ns, zone,
		       zone + 3);
	return t;
}

struct units_text units_time_short(int64_t since_1970_ns)
{
	struct units_text t;
	int64_t rest_ns;
	time_t s = whole_seconds(since_1970_ns, &rest_ns);
	struct tm tm;

	(void)localtime_r(&s, &tm);
	(void)strftime(t.text, sizeof(t.text), "%Y-%m-%d %H:%M:%S", &tm);
	return t;
}
