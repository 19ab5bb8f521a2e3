/*
 * coverage_list - what was heard and what was not: COVERAGE(name, loss, one, many). LOSS is true where a
 * number above zero means that something may be missing; ONE and MANY are what it counts, behind a 1 and behind any
 * other number. Order is that of every output. The includer defines COVERAGE.
 */
COVERAGE(frames, false, "frame read from the input", "frames read from the input")
COVERAGE(kernel_drops, true, "frame the kernel dropped because it was not taken in time",
	 "frames the kernel dropped because they were not taken in time")
COVERAGE(interface_drops, true, "frame the interface dropped", "frames the interface dropped")
COVERAGE(shed, true, "session passed over to stay below --max-cpu",
	 "sessions passed over to stay below --max-cpu")
COVERAGE(let_go, true, "session heard up to a moment and then let go to stay below --max-cpu",
	 "sessions heard up to a moment and then let go to stay below --max-cpu")
COVERAGE(shed_frames, true, "frame of sessions that were passed over or let go",
	 "frames of sessions that were passed over or let go")
COVERAGE(shed_bytes, true, "byte in those frames", "bytes in those frames")
COVERAGE(sessions, false, "session heard", "sessions heard")
COVERAGE(joined, false, "session that was already open when listening began",
	 "sessions that were already open when listening began")
COVERAGE(asked, false, "session already open whose state the server told",
	 "sessions already open whose state the server told")
COVERAGE(unmatched, false, "session already open that the server asked does not know",
	 "sessions already open that the server asked does not know")
COVERAGE(encrypted, true, "session that went on under TLS and could not be heard further",
	 "sessions that went on under TLS and could not be heard further")
COVERAGE(gaps, true, "hole in the conversations", "holes in the conversations")
COVERAGE(gap_bytes, true, "byte in those holes", "bytes in those holes")
COVERAGE(undecoded_bytes, true, "byte that was heard but not understood",
	 "bytes that were heard but not understood")
COVERAGE(truncated_frames, true, "frame cut by the capture's snap length",
	 "frames cut by the capture's snap length")
COVERAGE(commands, false, "command heard", "commands heard")
COVERAGE(lost_responses, true, "command whose response was not heard whole",
	 "commands whose response was not heard whole")
COVERAGE(unanswered, false,
	 "command whose response had not come when its session or the input ended",
	 "commands whose response had not come when their session or the input ended")
COVERAGE(orphan_responses, true, "response whose command was not heard",
	 "responses whose command was not heard")
COVERAGE(joined_bytes, false, "byte of joined sessions from before their first command",
	 "bytes of joined sessions from before their first command")
COVERAGE(passed_bytes, false, "byte of encrypted and replication sessions, passed over",
	 "bytes of encrypted and replication sessions, passed over")
COVERAGE(compressed, false, "session that was compressed, and heard like any other",
	 "sessions that were compressed, and heard like any other")
COVERAGE(replication, false, "session passed over because it carries replication",
	 "sessions passed over because they carry replication")
COVERAGE(undecodable, true, "session that left the protocol, or never spoke it",
	 "sessions that left the protocol, or never spoke it")
COVERAGE(unknown_commands, true, "command without a name, or not decoded",
	 "commands without a name, or not decoded")
COVERAGE(fragments, true, "IP fragment that could not be put together",
	 "IP fragments that could not be put together")
COVERAGE(other_frames, false, "frame that carries no TCP", "frames that carry no TCP")
COVERAGE(other_ports, false, "TCP segment on none of the ports listened for",
	 "TCP segments on none of the ports listened for")
COVERAGE(other_flows, false, "connection in which no MySQL was found, by --port any",
	 "connections in which no MySQL was found, by --port any")
COVERAGE(bad_frames, true,
	 "frame whose headers contradict themselves or whose link type is unknown",
	 "frames whose headers contradict themselves or whose link type is unknown")
COVERAGE(bad_input_bytes, true, "byte of a damaged input that was passed over",
	 "bytes of a damaged input that were passed over")
COVERAGE(cut_off, true, "input that ends in the middle of a record",
	 "inputs that end in the middle of a record")
COVERAGE(limits, true, "time a limit was reached and something was left out",
	 "times a limit was reached and something was left out")
COVERAGE(left_out, false, "command left out by the filter", "commands left out by the filter")
COVERAGE(cut_commands, false, "command begun and not sent to its end",
	 "commands begun and not sent to their ends")
COVERAGE(unasked_errors, false,
	 "error that the server sent unasked: trace tells it at the session's end",
	 "errors that the server sent unasked: trace tells them at the sessions' ends")
