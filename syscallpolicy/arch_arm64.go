package syscallpolicy

// addressLimit is where user addresses end, unless a mapping asks for more.
// The kernel strips the top byte from mremap's old address, so a limit well
// below that byte is also what keeps tagged pointers from passing for
// addresses beyond the grants.
const addressLimit = 1 << 48

// newerHere are calls of this architecture alone that the oldest supported
// libseccomp does not know.
var newerHere map[int]string
