/*
 * figure_list - the figures of the status line and of --metrics, in the order of both. The includer defines SHOWN and
 * FIGURE.
 *
 *   FIGURE(group, kind, unit, name, metric, one, many, help)
 *   SHOWN(group, kind, field, metric, one, many, help): a FIGURE that is a field of struct figures already
 *
 * ONE and MANY stand in the line behind the number; NULL: it is not in the line. A figure of the coverage or of the
 * replay's outcome that is not in this list is in --metrics alone, named after its row in the list it is from.
 */
SHOWN(HEARD, COUNTER, coverage.sessions, "myna_sessions_total", "session", "sessions",
      "sessions heard")
SHOWN(HEARD, COUNTER, coverage.commands, "myna_commands_total", "command", "commands",
      "commands heard")
SHOWN(HEARD, COUNTER, coverage.frames, "myna_packets_total", "packet", "packets",
      "packets read from the input")
FIGURE(HEARD, COUNTER, COUNT, valid_packets, "myna_valid_packets_total", "valid", "valid",
       "packets that carry TCP on the ports listened for")
SHOWN(HEARD, COUNTER, coverage.kernel_drops, "myna_kernel_drops_total", "dropped by the process",
      "dropped by the process",
      "packets the kernel dropped because the process did not take them in time")
SHOWN(HEARD, COUNTER, coverage.interface_drops, "myna_interface_drops_total",
      "dropped by the interface", "dropped by the interface", "packets the interface dropped")
FIGURE(LASTING, GAUGE, TIME, lag_ns, "myna_lag_seconds", "behind", "behind",
       "age of the event taken last, by the clock of who heard it; 0 when nothing came")
FIGURE(CONSUMER, GAUGE, COUNT, consumer_held, "myna_consumer_held_blocks", "block not acknowledged",
       "blocks not acknowledged", "blocks from the broker that wait to be done with")
FIGURE(CONSUMER, COUNTER, COUNT, consumer_errors, "myna_consumer_errors_total", "broker error",
       "broker errors", "connections to the broker that is read from that failed")
FIGURE(CONSUMER, GAUGE, NOT, consumer_connected, "myna_consumer_connected", "not connected",
       "not connected", "1 while the broker that is read from is connected")
FIGURE(CONSUMER, COUNTER, COUNT, consumer_taken, "myna_consumer_blocks_total", NULL, NULL,
       "blocks taken from the broker")
FIGURE(CONSUMER, COUNTER, COUNT, consumer_again, "myna_consumer_redelivered_blocks_total", NULL,
       NULL, "of these, blocks that were delivered to another consumer before")
FIGURE(CONSUMER, COUNTER, COUNT, consumer_twice, "myna_consumer_duplicate_blocks_total", NULL, NULL,
       "blocks that came again and were passed over")
FIGURE(CONSUMER, COUNTER, COUNT, consumer_foreign, "myna_consumer_foreign_messages_total", NULL,
       NULL, "messages that are no blocks, passed over")
FIGURE(RECORD, COUNTER, COUNT, exchanges, "myna_exchanges_total", NULL, NULL,
       "exchanges put into the recording")
FIGURE(RECORD, COUNTER, BYTES, recorded_bytes, "myna_recorded_bytes_total", "recorded", "recorded",
       "bytes of all files of the recording")
FIGURE(PUBLISH, COUNTER, COUNT, published, "myna_published_blocks_total", NULL, NULL,
       "blocks put into the spool")
FIGURE(PUBLISH, COUNTER, COUNT, confirmed, "myna_confirmed_blocks_total", "block confirmed",
       "blocks confirmed", "blocks that the broker has confirmed")
FIGURE(PUBLISH, GAUGE, COUNT, waiting, "myna_spool_blocks", "waiting", "waiting",
       "blocks that wait in the spool for the broker to confirm them")
FIGURE(PUBLISH, GAUGE, BYTES, publish_spool_bytes, "myna_spool_bytes", "in the spool",
       "in the spool", "bytes of these blocks")
FIGURE(PUBLISH, GAUGE, TIME, waiting_ns, "myna_spool_age_seconds", "old", "old",
       "age of the oldest of these blocks, from when it was seen in the spool first")
FIGURE(PUBLISH, COUNTER, COUNT, publisher_errors, "myna_broker_errors_total", "broker error",
       "broker errors",
       "connections to the broker that failed, and messages it refused or returned")
FIGURE(PUBLISH, GAUGE, NOT, publisher_connected, "myna_broker_connected", "not connected",
       "not connected", "1 while the broker is connected")
FIGURE(PUBLISH, GAUGE, IF, publisher_blocked, "myna_broker_blocked", "blocked by the broker",
       "blocked by the broker", "1 while the broker takes nothing, by its own word")
FIGURE(PUBLISH, COUNTER, COUNT, publish_shed, "myna_spool_shed_sessions_total", NULL, NULL,
       "sessions let go because the spool was full")
FIGURE(REPLAY, COUNTER, COUNT, replay_sent, "myna_replay_sent_total", "sent", "sent",
       "commands sent to the target")
FIGURE(REPLAY, COUNTER, COUNT, replay_answered, "myna_replay_answered_total", NULL, NULL,
       "commands the target has answered")
FIGURE(REPLAY, COUNTER, COUNT, replay_errors, "myna_replay_errors_total", "error", "errors",
       "answers of the target that are errors")
FIGURE(REPLAY, GAUGE, COUNT, replay_connections, "myna_replay_connections", "connection",
       "connections", "connections to the target that are open")
FIGURE(REPLAY, GAUGE, COUNT, replay_in_flight, "myna_replay_in_flight", NULL, NULL,
       "commands that wait for the target's answer")
FIGURE(REPLAY, GAUGE, TIME, replay_late_ns, "myna_replay_late_seconds", "late", "late",
       "how late the command sent last was, the largest of all threads; 0 without a pace")
FIGURE(REPLAY, GAUGE, BYTES, replay_ahead_bytes, "myna_replay_ahead_bytes", "waiting", "waiting",
       "bytes that were read and wait in memory until they are due or the target answers")
FIGURE(REPLAY, GAUGE, BYTES, replay_spool_bytes, "myna_spool_bytes", "in the spool", "in the spool",
       "bytes that wait on disk, of a live mirror")
FIGURE(REPLAY, COUNTER, TIME, replay_recorded_ns, "myna_replay_recorded_seconds_total", NULL, NULL,
       "how much of the recorded time was replayed")
FIGURE(REPLAY, GAUGE, SHARE, replay_done_ppm, "myna_replay_done_ratio", "done", "done",
       "share of the input that was read, where its end is known")
