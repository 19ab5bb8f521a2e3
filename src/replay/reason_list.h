/*
 * reason_list - why a recorded command was not sent: REASON(name, text). The includer defines
 * REASON.
 */
REASON(NEVER, "replication, shutdown and internal commands are never sent")
REASON(UNKNOWN_COMMAND, "the command has no name, or its bytes are not in the recording")
REASON(CUT, "the statement was cut when it was recorded")
REASON(UNSUPPORTED, "the target does not have this command")
REASON(KILL_UNKNOWN, "KILL of a connection that has no counterpart on the target")
REASON(STATEMENT_UNKNOWN, "its statement is not known: prepared before the recording, or gone")
REASON(NOT_PREPARED, "the statement could not be prepared on the target")
REASON(PARAMETERS_UNKNOWN, "the types of its parameters were sent before the recording began")
REASON(NOT_CONNECTED, "the session could not connect to the target")
REASON(CONNECTION_LOST, "the session's connection to the target was lost")
REASON(ROLLED_BACK, "a deadlock, on the target only, had rolled the transaction back")
REASON(STOPPED, "the replay was ended before")
