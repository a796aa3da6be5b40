"""The granted addresses: regions of the supervisor mapped for the model.

A region that the model may see all of is mapped whole and kept, by its number,
for later calls. A part of one is granted exactly, before any user byte is read.
"""

import os
import sys
import weakref

from _hotcell import arrays, kernel, wire

PAGE = 4096


class Space:
    """The granted address range: mappings go up from its base, page by page.

    The filter refuses to mremap anything in it, so that no mapping of a
    region grows over bytes that were not granted.

    A mapping ends with the last array on it, which may be long after the
    call: a model may keep what it got. Its addresses are then used again.
    """

    def __init__(self, base):
        self.next = base
        self.free = {}  # span in bytes: addresses
        self.regions = {}  # number: view of a whole region
        self.ends = {}  # weak references to views, kept until they die

    def arguments(self, args, regions, fds):
        """The values of a Call by name. Whole regions only: what a descriptor shows, the model may see."""
        inputs, left = {}, iter(regions)
        for name, value in args:
            if type(value) is wire.Ref:
                view = self.region(next(left), fds)
                value = arrays.as_array(view, arrays.parse_dtype(value.descr), value, value.offset)
            inputs[name] = value
        return inputs

    def bind(self, args, regions, fds):
        """The same for Load, where a part of a region is granted exactly."""
        inputs, left = {}, iter(regions)
        for name, value in args:
            if type(value) is wire.Ref:
                region, dtype = next(left), arrays.parse_dtype(value.descr)
                size = arrays.nbytes(dtype, value.shape)
                if value.offset == 0 and size == region.size:
                    view, offset = self.region(region, fds), 0
                else:
                    view, offset = self.exact(fds.pop(0), value.offset, size)
                value = arrays.as_array(view, dtype, value, offset)
            inputs[name] = value
        return inputs

    def region(self, region, fds):
        if region.passed:
            self.regions[region.id] = self.map(fds.pop(0), region.size, False)
        return self.regions[region.id]

    def forget(self, numbers):
        for number in numbers:
            self.regions.pop(number, None)

    def map(self, fd, size, writable):
        """Maps size bytes of a region and closes its descriptor."""
        try:
            if size == 0:
                return memoryview(bytearray() if writable else b"")
            address, span = self.place(size)
            return self.ending(kernel.map_region(fd, size, writable, address), address, span)
        finally:
            os.close(fd)

    def exact(self, fd, offset, size):
        """Maps size bytes at an offset of a region, and no byte more; closes its descriptor.

        (view, offset in it). Whole pages are the region's; the two at the edges,
        which hold a neighbour's bytes too, are memory of our own with a copy.
        Not private mappings of the region: until they are written those show
        the region's pages.
        """
        try:
            if size == 0:
                return memoryview(b""), 0
            first = offset // PAGE * PAGE
            end = offset + size
            span = (end - first + PAGE - 1) // PAGE * PAGE
            inner, behind = (offset + PAGE - 1) // PAGE * PAGE, end // PAGE * PAGE
            address, taken = self.place(span)
            kernel.map_memory(span, address)
            if inner < behind:
                kernel.map_over(fd, inner, behind - inner, address + inner - first)
            edges = [(offset, min(inner, end)), (max(behind, inner), end)]
            for begin, stop in edges:
                if begin < stop:
                    kernel.writable_view(address + begin - first, stop - begin)[:] = os.pread(fd, stop - begin, begin)
            kernel.protect(address, span)
            return self.ending(kernel.read_only_view(address, span), address, taken), offset - first
        finally:
            os.close(fd)

    def place(self, size):
        """Addresses for so many bytes: (first, all that is taken).

        A page stays free between two mappings, so that running over the end
        of one is a fault and not its neighbour.
        """
        span = (size + 2 * PAGE - 1) // PAGE * PAGE
        if self.free.get(span):
            return self.free[span].pop(), span
        address = self.next
        self.next = address + span
        return address, span

    def ending(self, view, address, span):
        """Has the mapping end with its view."""
        if sys.modules.get("numpy") is None:
            # What a model has is then parts of the view, which do not hold it.
            self.ends[address] = view
            return view

        def ended(_):
            del self.ends[address]
            kernel.unmap(address, span - PAGE)
            self.free.setdefault(span, []).append(address)

        self.ends[address] = weakref.ref(view, ended)
        return view
