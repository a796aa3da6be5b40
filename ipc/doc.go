// Package ipc is the wire between the supervisor and the processes it
// starts: frames, messages and descriptor passing. PROTOCOL.md beside this
// file draws it.
//
// Each conversation runs over a SOCK_SEQPACKET socket pair, which the supervisor
// makes, or a client for those with it:
//
//	supervisor                     template (trusted, runs no user code)
//	    Boot          ------->
//	                  <-------     Ready
//	    Fork +fds     ------->
//	                  <-------     Forked +pidfd      or Failed
//	                  <-------     Exited
//
//	supervisor                     sandbox (hostile from Load on)
//	                  <-------     Hello              from inside the lock-down, or Failed
//	    Locked        ------->                        the listener was taken
//	                  <-------     Waiting            its own copy is closed
//	    Load +fds     ------->
//	                  <-------     Loaded             or Exception
//	    Call +fds     ------->
//	                  <-------     Result             or Exception
//
//	supervisor                     sandbox, its other socket
//	                  <-------     Ask                any time after Load, one at a time
//	    Answer        ------->
//	                  <-------     Invoke             a function of the host
//	    Returned      ------->
//
//	supervisor                     client, in another process
//	                  <-------     Open
//	    Opened        ------->
//	                  <-------     Launch +fds        any number, each with a socket for the rest
//
//	supervisor                     client, a model's socket
//	    Launched      ------->                        or Failure
//	                  <-------     Request +fds       one at a time
//	    Question      ------->                        while one waits, or a launch
//	                  <-------     Decision
//	    Delegate +fd  ------->                        the same, for a function of the client's
//	                  <-------     Delivered +fd
//	    Reply +fd     ------->                        or Failure
//	                  <-------     Attach +fd         for a line
//	    Attached +fds ------->
//	                  <-------     Heard              what came over it in place of a Result
//	    Failure       ------->
//	                  <-------     Inquire            any time
//	    Figures +fd   ------->
//	                  <-------     Cancel             any time
//	                  <-------     Close              last
//	    Figures +fd   ------->
//
// Over a line a client speaks with the sandbox as the supervisor does, Call and
// Result, while the supervisor does not.
//
// The asked door has a socket of its own because any thread of a model comes
// to it at any time, between two calls too: on one socket its answer and the
// next Call would be read by whoever comes first.
//
// A datagram is one frame, so a half frame cannot exist and a length is
// never needed to find the next one. Every length inside a frame is checked
// against the bytes that arrived; whatever decodes re-encodes to the same
// bytes; an unknown type, a trailing byte or a descriptor that was not asked
// for is an error, and the supervisor then ends the sandbox.
//
// The types live in the supervisor (parent); vm/shim speaks the other side
// in Python, and both read the frames in testdata/wire.
package ipc
