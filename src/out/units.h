/*
 * units - numbers for people: three digits that matter, and a unit.
 *
 * Each returns its text by value: printf("%s", units_duration(ns).text).
 */
#ifndef OUT_UNITS_H
#define OUT_UNITS_H

#include <stdint.h>

enum { UNITS_TEXT_MAX = 48 };

struct units_text {
	char text[UNITS_TEXT_MAX]; /* with a NUL */
};

/* 0 ns, 15 ns, 1.23 us, 45.6 ms, 12.3 s, 2m03s, 5h07m, 3d04h; a minus if negative. */
struct units_text units_duration(int64_t ns);

/* 0, 999, 4.50 k, 12.3 M, 1.00 G: thousands. */
struct units_text units_count(uint64_t n);
struct units_text units_number(double n); /* as above, with a fraction below 1000: 0.25, 12.5 */

/* 512 B, 1.50 KiB, 64.0 MiB: steps of 1024. */
struct units_text units_size(uint64_t bytes);

/* SHARE 1 is "100 %", 0.1234 "12.3 %", 0.00012 "0.01 %". */
struct units_text units_percent(double share);

/* What makes a noun behind N plural: "" or "s". */
static inline const char *units_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* SINCE_1970_NS as RFC 3339 in local time: 2026-11-20T10:15:30.123456789+01:00. */
struct units_text units_time(int64_t since_1970_ns);

/* As above without fraction and zone, for a person who knows where she is: 2026-11-20 10:15:30. */
struct units_text units_time_short(int64_t since_1970_ns);

#endif
