/*
 * scan - numbers as people write them: 10k, 1.5G, 90s, 2m, 1h30m, 0.5; and times.
 * All take the whole text or fail with ERR_USAGE, leaving *OUT alone.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum err scan_uint(const char *text, uint64_t *out) MUST_CHECK;
enum err scan_double(const char *text, double *out) MUST_CHECK;

/* A share above zero: "50%", also without the sign, is 0.5. */
enum err scan_percent(const char *text, double *out) MUST_CHECK;

/* Bytes: a number with k, M, G or T (1024 each), an optional B, in either case. */
enum err scan_size(const char *text, uint64_t *out_bytes) MUST_CHECK;

/* A duration: numbers with ns, us, ms, s, m, h, d; a bare number is seconds. */
enum err scan_duration(const char *text, int64_t *out_ns) MUST_CHECK;

/*
 * A point in time: "2026-11-20 10:15[:30[.5]]", with T for the blank and Z or +hh:mm behind if
 * wished (local time otherwise), "10:15[:30]" of today, or seconds since 1970 as "@1700000000.5".
 */
enum err scan_time(const char *text, int64_t *out_ns) MUST_CHECK;

/*
 * The same of something that began at BEGIN_NS: "+10s" (a duration) after it, and "10:15[:30]" (local time) of the day
 * on which it began, or of the next day if that is more than twelve hours before it.
 */
enum err scan_time_after(const char *text, int64_t begin_ns, int64_t *out_ns) MUST_CHECK;

/* True if only scan_time_after() gives the meaning of TEXT. */
bool scan_time_is_relative(const char *text);

#endif
