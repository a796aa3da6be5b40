// Package shm holds what arrays are made of outside a sandbox: sealed memory
// regions (Region), element types (DType) and references to arrays in a
// region (Ref), with all arithmetic on their bounds.
//
// Its types live in the trusted processes: the command, the supervisor, the
// client. A sandbox sees the memory only. What describes the memory travels
// on a socket and is checked here before it is used; no size, offset or type
// is ever read from a region, whose bytes a hostile process may be changing
// at the same time.
//
// The package promises:
//
//   - a region cannot shrink, so no process can make another one's mapping
//     raise SIGBUS, and cannot grow, so a sandbox cannot fill the host's
//     memory through it;
//   - after Freeze or Seal nobody writes it, and the kernel has proved that
//     no writable mapping is left anywhere;
//   - a reference that passed Check lies inside its region, and its Bytes,
//     Len and Strides do not overflow;
//   - a DType that was parsed has a size of at least 1 byte and at most
//     1 MiB, and a description that parses to itself.
package shm
