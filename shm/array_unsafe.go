package shm

import "unsafe"

// elements are the bytes of an aligned array as what they are. A mapping
// begins at a page and a checked offset is a multiple of Align, so any T lies
// where the machine wants it.
func elements[T Number](memory []byte) []T {
	var zero T
	if len(memory) == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&memory[0])), len(memory)/int(unsafe.Sizeof(zero)))
}
