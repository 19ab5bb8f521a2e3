/* scan - numbers as people write them. */
#include "base/scan.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"

struct unit {
	const char *name;
	double factor;
};

static const struct unit size_units[] = {
	{.name = "", .factor = 1},
	{.name = "k", .factor = 1024},
	{.name = "m", .factor = 1048576},
	{.name = "g", .factor = 1073741824},
	{.name = "t", .factor = 1099511627776},
};

static const struct unit time_units[] = {
	{.name = "ns", .factor = 1},      {.name = "us", .factor = 1e3},
	{.name = "ms", .factor = 1e6},    {.name = "s", .factor = 1e9},
	{.name = "m", .factor = 60e9},    {.name = "h", .factor = 3600e9},
	{.name = "d", .factor = 86400e9},
};

/* A plain decimal number at *TEXT; strtod alone would also take "inf", "0x1" and leading blanks. */
static enum err number(const char **text, double *out)
{
	const char *digits = *text;
	char *end;

	if (*digits == '.')
		digits++;
	if (!isdigit((unsigned char)*digits) || (digits[0] == '0' && (digits[1] | 0x20) == 'x'))
		return ERR_USAGE;
	*out = strtod(*text, &end);
	*text = end;
	return ERR_OK;
}

enum err scan_uint(const char *text, uint64_t *out)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return ERR_USAGE;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end)
		return ERR_USAGE;
	*out = v;
	return ERR_OK;
}

enum err scan_double(const char *text, double *out)
{
	double v;

	if (number(&text, &v) != ERR_OK || *text || !isfinite(v))
		return ERR_USAGE;
	*out = v;
	return ERR_OK;
}

enum err scan_percent(const char *text, double *out)
{
	double v;

	if (number(&text, &v) != ERR_OK || !isfinite(v) || v <= 0)
		return ERR_USAGE;
	if (*text == '%')
		text++;
	if (*text)
		return ERR_USAGE;
	*out = v / 100;
	return ERR_OK;
}

enum err scan_size(const char *text, uint64_t *out_bytes)
{
	size_t len;
	double v;

	if (number(&text, &v) != ERR_OK)
		return ERR_USAGE;
	len = strlen(text);
	if (len > 0 && tolower((unsigned char)text[len - 1]) == 'b')
		len--;
	if (len == 2 && tolower((unsigned char)text[1]) == 'i')
		len--;
	for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
		if (strlen(size_units[i].name) != len ||
		    strncasecmp(text, size_units[i].name, len) != 0)
			continue;
		if (v * size_units[i].factor > 9e18)
			return ERR_USAGE;
		*out_bytes = (uint64_t)(v * size_units[i].factor);
		return ERR_OK;
	}
	return ERR_USAGE;
}

static double time_factor(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++)
		if (strlen(time_units[i].name) == len &&
		    strncmp(name, time_units[i].name, len) == 0)
			return time_units[i].factor;
	return 0;
}

enum err scan_duration(const char *text, int64_t *out_ns)
{
	double total = 0, v, factor;
	size_t len;

	do {
		if (number(&text, &v) != ERR_OK)
			return ERR_USAGE;
		len = strspn(text, "nusmhd");
		factor = len == 0 && *text == '\0' ? 1e9 : time_factor(text, len);
		if (factor == 0)
			return ERR_USAGE;
		total += v * factor;
		text += len;
	} while (*text);
	if (total > 9e18)
		return ERR_USAGE;
	*out_ns = (int64_t)total;
	return ERR_OK;
}

/* Reads ":SS[.frac]" if it is there. */
static const char *seconds(const char *s, struct tm *tm, double *fraction)
{
	double v;

	if (*s != ':')
		return s;
	s++;
	if (number(&s, &v) != ERR_OK || v >= 61)
		return NULL;
	tm->tm_sec = (int)v;
	*fraction = v - tm->tm_sec;
	return s;
}

/* Reads "Z", "+hh:mm" or nothing, and sets *OUT_NS from TM and FRACTION. */
static enum err zone(const char *s, struct tm *tm, double fraction, int64_t *out_ns)
{
	int64_t offset_s = 0;
	time_t t;

	if (*s == '\0') {
		tm->tm_isdst = -1;
		t = mktime(tm);
	} else {
		struct tm off = {0};
		const char *end = *s == 'Z' ? s + 1 : strptime(s + 1, "%H:%M", &off);

		if (!end || *end || !strchr("Z+-", *s))
			return ERR_USAGE;
		offset_s = off.tm_hour * 3600 + off.tm_min * 60;
		t = timegm(tm) - (*s == '-' ? -offset_s : offset_s);
	}
	*out_ns = (int64_t)t * NS_PER_S + (int64_t)(fraction * 1e9);
	return ERR_OK;
}

/* As scan_time(); a time without a day is of the day of DAY_NS. */
static enum err time_on_day(const char *text, int64_t day_ns, int64_t *out_ns)
{
	time_t day = (time_t)(day_ns / NS_PER_S);
	struct tm tm = {0};
	double fraction = 0, v;
	const char *s;

	if (*text == '@') {
		text++;
		if (number(&text, &v) != ERR_OK || *text || v > 9e9)
			return ERR_USAGE;
		*out_ns = (int64_t)v * NS_PER_S + (int64_t)((v - floor(v)) * 1e9);
		return ERR_OK;
	}
	s = strptime(text, "%Y-%m-%d", &tm);
	if (s && *s == '\0')
		return zone(s, &tm, 0, out_ns);
	if (s && (*s == ' ' || *s == 'T')) {
		s = strptime(s + 1, "%H:%M", &tm);
	} else {
		(void)localtime_r(&day, &tm);
		tm.tm_sec = 0;
		s = strptime(text, "%H:%M", &tm);
	}
	if (s)
		s = seconds(s, &tm, &fraction);
	return s ? zone(s, &tm, fraction, out_ns) : ERR_USAGE;
}

enum err scan_time(const char *text, int64_t *out_ns)
{
	return time_on_day(text, clock_wall_ns(), out_ns);
}

bool scan_time_is_relative(const char *text)
{
	return *text == '+' || (*text != '@' && !strchr(text, '-'));
}

enum err scan_time_after(const char *text, int64_t begin_ns, int64_t *out_ns)
{
	int64_t ns;
	enum err e;

	if (*text == '+') {
		e = scan_duration(text + 1, &ns);
		if (e == ERR_OK)
			*out_ns = begin_ns + ns;
		return e;
	}
	e = time_on_day(text, begin_ns, &ns);
	if (e == ERR_OK && scan_time_is_relative(text) && ns < begin_ns - 12 * 3600 * NS_PER_S)
		e = time_on_day(text, begin_ns + 24 * 3600 * NS_PER_S, &ns);
	if (e == ERR_OK)
		*out_ns = ns;
	return e;
}
