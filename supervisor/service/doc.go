// Package service serves clients: programs that have models run by a
// supervisor in another process, over sockets. It lives in the supervisor
// (parent).
//
// A client is believed no more than its own models cost: what it sends is
// decoded as a sandbox's words are, its regions must be sealed so that nobody
// can shrink them, and no path in it is opened here; whoever makes the Server
// says what a launch may ask for. ../../ipc/PROTOCOL.md draws the conversation.
package service
