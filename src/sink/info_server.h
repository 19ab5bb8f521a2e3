/*
 * info_server - what servers said of themselves, as text and as JSON. Internal to sink/.
 */
#ifndef SINK_INFO_SERVER_H
#define SINK_INFO_SERVER_H

#include "event/server.h"
#include "out/json.h"

/* Lines for a person: each entry with its place in the binary log; settings of the first, later those that changed. */
void info_put_servers(struct out *o, const struct server_log *log);

/* The value of a key: an array of objects, one for each entry. */
void info_put_servers_json(struct json *j, const struct server_log *log);

#endif
