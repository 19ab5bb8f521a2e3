/*
 * man - manual pages, made from the option tables. Internal to cli/.
 */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "base/opt.h"

/* Writes myna.1 and a page per command into the folder DIR; returns the exit status. */
int man_write(const struct opt_page *const *pages, size_t count, const char *dir);

#endif
