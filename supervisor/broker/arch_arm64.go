package broker

// largeFile is O_LARGEFILE, which unix has as 0 on 64-bit machines.
const largeFile = 0o400000
