/* netns - listening inside another network namespace. */
#include "cli/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOWHERE = -1 };

static enum err cannot_enter(const char *path, const char *name, uint64_t pid, struct errinfo *info)
{
	int why = errno;

	if (why == EPERM || why == EACCES)
		return err_set(info, ERR_IO, 0,
			       "no permission to enter the network namespace %s: run as root, or "
			       "give the program the right to: setcap "
			       "cap_sys_admin,cap_sys_ptrace,cap_net_raw+ep PROGRAM",
			       path);
	if (why == ENOENT && name)
		return err_set(info, ERR_IO, 0,
			       "there is no network namespace %s; 'ip netns' lists those with a "
			       "name, and --pid takes a process inside",
			       name);
	if (why == ENOENT)
		return err_set(info, ERR_IO, 0, "there is no process %llu",
			       (unsigned long long)pid);
	return err_set(info, ERR_IO, why, "enter the network namespace %s", path);
}

static enum err enter_path(const char *path, const char *name, uint64_t pid, struct errinfo *info)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e = ERR_OK;

	if (fd < 0)
		return cannot_enter(path, name, pid, info);
	if (setns(fd, CLONE_NEWNET) != 0)
		e = cannot_enter(path, name, pid, info);
	(void)close(fd);
	return e;
}

enum err netns_enter(const char *name, uint64_t pid, int *back, struct errinfo *info)
{
	char path[PATH_MAX];
	int here;
	enum err e;

	*back = NOWHERE;
	if (!name && pid == 0)
		return ERR_OK;
	if (name && pid)
		return err_set(info, ERR_USAGE, 0, "--netns and --pid: one of them, please");
	if (!name)
		(void)snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)pid);
	else
		(void)snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/",
			       name);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (here < 0)
		return err_set(info, ERR_IO, errno, "open /proc/self/ns/net");
	e = enter_path(path, name, pid, info);
	if (e == ERR_OK)
		*back = here;
	else
		(void)close(here);
	return e;
}

enum err netns_leave(int back, struct errinfo *info)
{
	enum err e = ERR_OK;

	if (back == NOWHERE)
		return ERR_OK;
	if (setns(back, CLONE_NEWNET) != 0)
		e = err_set(info, ERR_IO, errno, "leave the network namespace");
	(void)close(back);
	return e;
}
