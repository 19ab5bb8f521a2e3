/*
 * clock - the two clocks. Wall time is what captures are stamped with; monotonic time is what a
 * schedule is kept by. Both in nanoseconds; they never meet in one variable.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void);        /* since 1970 */
int64_t clock_thread_cpu_ns(void);  /* CPU time of the calling thread */
int64_t clock_process_cpu_ns(void); /* of all threads, in user and kernel mode */

#endif
