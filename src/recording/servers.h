/*
 * servers - what servers said, out of a recording's file, without reading the rest of it. Internal to recording/.
 */
#ifndef RECORDING_SERVERS_H
#define RECORDING_SERVERS_H

#include "event/server.h"

/*
 * Adds to LOG what is in the blocks of FD, a file of SIZE bytes, that say they have it; up to the first damaged header.
 * ERR_IO (errno says why), ERR_NOMEM.
 */
enum err servers_scan(int fd, uint64_t size, struct server_log *log) MUST_CHECK;

#endif
