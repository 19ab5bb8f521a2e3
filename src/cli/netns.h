/*
 * netns - listening inside another network namespace, a container's for one.
 *
 * An interface that was opened inside stays open outside.
 */
#ifndef CLI_NETNS_H
#define CLI_NETNS_H

#include <stdint.h>

#include "base/err.h"

/*
 * Enters the network namespace NAME (as `ip netns` has it, or a path), or that of the process PID where NAME is NULL; with
 * neither does nothing. *BACK is for netns_leave(). ERR_USAGE: both are given; ERR_IO: there is none, or no
 * permission.
 */
enum err netns_enter(const char *name, uint64_t pid, int *back, struct errinfo *info) MUST_CHECK;

/* Back to where netns_enter() came from. Once. */
enum err netns_leave(int back, struct errinfo *info) MUST_CHECK;

#endif
