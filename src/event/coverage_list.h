/*
 * coverage_list - what was heard and what was not: COVERAGE(name, loss, what it counts). LOSS is
 * true where a number above zero means that something may be missing. Order is that of every output.
 * The includer defines COVERAGE.
 */
COVERAGE(frames, false, "frames read from the input")
COVERAGE(kernel_drops, true, "frames the kernel dropped because they were not taken in time")
COVERAGE(interface_drops, true, "frames the interface dropped")
COVERAGE(sessions, false, "sessions heard")
COVERAGE(joined, false, "sessions that were already open when listening began")
COVERAGE(encrypted, true, "sessions that went on under TLS and could not be heard further")
COVERAGE(gaps, true, "holes in the conversations")
COVERAGE(gap_bytes, true, "bytes in those holes")
COVERAGE(undecoded_bytes, true, "bytes that were heard but not understood")
COVERAGE(truncated_frames, true, "frames cut by the capture's snap length")
COVERAGE(commands, false, "commands heard")
COVERAGE(lost_responses, true, "commands whose response was not heard whole")
COVERAGE(unanswered, false, "commands whose response had not come when the input ended")
COVERAGE(orphan_responses, true, "responses whose command was not heard")
COVERAGE(joined_bytes, false, "bytes of joined sessions from before their first command")
COVERAGE(passed_bytes, false, "bytes of encrypted and replication sessions, passed over")
COVERAGE(compressed, false, "sessions that were compressed, and heard like any other")
COVERAGE(replication, false, "sessions passed over because they carry replication")
COVERAGE(undecodable, true, "sessions that left the protocol, or never spoke it")
COVERAGE(unknown_commands, true, "commands without a name, or not decoded")
COVERAGE(fragments, true, "IP fragments, which were not put together")
COVERAGE(other_frames, false, "frames that carry no TCP")
COVERAGE(other_ports, false, "TCP segments on none of the ports listened for")
COVERAGE(bad_frames, true,
	 "frames whose headers contradict themselves or whose link type is unknown")
COVERAGE(bad_input_bytes, true, "bytes of a damaged input that were passed over")
COVERAGE(cut_off, true, "inputs that end in the middle of a record")
COVERAGE(limits, true, "times a limit was reached and something was left out")
