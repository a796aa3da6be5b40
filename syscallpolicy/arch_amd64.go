package syscallpolicy

// addressLimit is where user addresses end: with four levels of page tables,
// and with five unless a mapping asks for more.
const addressLimit = 1 << 47

// newerHere are calls of this architecture alone that the oldest supported
// libseccomp does not know. Kernels from 6.14 on do not show these two to
// filters: kernel-made code calls them, and called from anywhere else they end
// the process with a signal or fail.
var newerHere = map[int]string{335: "uretprobe", 336: "uprobe"}
