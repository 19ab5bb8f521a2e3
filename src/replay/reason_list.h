/*
 * reason_list - why a recorded command was not sent: REASON(name, text, whether the target
 * misses something by it). The includer defines REASON.
 */
REASON(NEVER, "replication, shutdown and internal commands are never sent", true)
REASON(UNKNOWN_COMMAND, "the command has no name, or its bytes are not in the recording", true)
REASON(CUT, "the statement was cut when it was recorded", true)
REASON(UNSUPPORTED, "the target does not have this command", true)
REASON(KILL_UNKNOWN, "KILL of a connection that has no counterpart on the target", true)
REASON(STATEMENT_UNKNOWN, "its statement is not known: prepared before the recording, or gone",
       true)
REASON(NOT_PREPARED, "the statement could not be prepared on the target", true)
REASON(AS_TEXT, "its statement is executed as text: there is nothing to close, reset or fetch from",
       false)
REASON(NOTHING_TO_CLOSE, "the statement to close is not there: gone before, or never prepared",
       false)
REASON(PARAMETERS_UNKNOWN, "the types of its parameters were sent before the recording began", true)
REASON(NOT_CONNECTED, "the session could not connect to the target", true)
REASON(CONNECTION_LOST, "the session's connection to the target was lost", true)
REASON(ROLLED_BACK, "a deadlock, on the target only, had rolled the transaction back", true)
REASON(SHED, "the target is too slow: the session was let go, as the spool was full", true)
REASON(STOPPED, "the replay was ended before", true)
