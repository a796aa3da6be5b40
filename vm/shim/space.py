"""The granted addresses: regions of the supervisor mapped for the model.

A region that the model may see all of is mapped whole and kept, by its number,
for later calls. A part of one is granted exactly, before any user byte is read.
"""

import errno
import os
import sys
from _weakref import ref as weak

from _hotcell import arrays, kernel, wire

PAGE = os.sysconf("SC_PAGE_SIZE")

# How many arrays of calls are known at a time.
MAX_MAKERS = 256


class Inputs:
    """Inputs by name, with objects of its own for each call: a model may sort a list or reshape an array in place."""

    def __init__(self, base=None):
        self.values = dict(base.values) if base else {}
        self.makers = dict(base.makers) if base else {}

    def add(self, name, value, make=None):
        self.values[name] = value
        self.makers.pop(name, None)
        if make is not None:
            self.makers[name] = make
        elif type(value) in (list, dict):
            self.makers[name] = lambda: renew(value)

    def give(self):
        inputs = self.values.copy()
        for name, make in self.makers.items():
            inputs[name] = make()
        return inputs


def renew(value):
    """A copy of a list or a dict and of those in it."""
    if type(value) is list:
        return [renew(v) for v in value]
    if type(value) is dict:
        return {k: renew(v) for k, v in value.items()}
    return value


class Space:
    """The granted address range: mappings go up from its base.

    The filter refuses to mremap anything in it, so that no mapping of a
    region grows over bytes that were not granted.

    A mapping ends with the last array on it, which may be long after the
    call: a model may keep what it got. Its addresses are then used again.
    """

    def __init__(self, base):
        self.next = base
        self.free = {}  # size of a span: addresses of such
        self.regions = {}  # number: view of a whole region, None if it could not be mapped
        self.ends = {}  # address: weak reference to what ends with the mapping
        self.makers = {}  # of the arrays of earlier calls, by region and reference

    def take(self, regions, fds):
        """Maps the regions that came with a frame: all, even if the call fails, as they do not come again."""
        failed = None
        for region in regions:
            if region.passed:
                self.makers.clear()
                self.regions[region.id] = None
                try:
                    self.regions[region.id] = self.map(first(fds), region.size, False)
                except (OSError, MemoryError) as e:
                    failed = e
        if failed:
            raise failed

    def forget(self, numbers):
        if numbers:
            self.makers.clear()
        for number in numbers:
            self.regions.pop(number, None)

    def view(self, region):
        try:
            view = self.regions[region.id]
        except KeyError:
            raise wire.WireError(f"region {region.id} was never passed") from None
        if view is None:
            raise MemoryError("there was no memory to map an array when it first came")
        return view

    def maker(self, region, ref):
        """As arrays.maker has it, for an array that mostly was in an earlier call too."""
        make = self.makers.get((region.id, ref))
        if make is None:
            if len(self.makers) == MAX_MAKERS:
                self.makers.clear()
            make = self.makers[region.id, ref] = arrays.maker(self.view(region), ref, ref.offset)
        return make

    def arguments(self, args, regions, bound=None):
        """The inputs of a Call and those bound. Whole regions only: what a descriptor shows, the model may see."""
        inputs, left = Inputs(bound), iter(regions)
        for name, value in args:
            if type(value) is wire.Ref:
                inputs.add(name, None, self.maker(next(left), value))
            else:
                inputs.add(name, value)
        return inputs

    def bind(self, args, regions, fds):
        """The inputs of Load, where a part of a region is granted exactly."""
        inputs, left = Inputs(), iter(regions)
        for name, value in args:
            if type(value) is not wire.Ref:
                inputs.add(name, value)
                continue
            region, offset = next(left), 0
            size = arrays.nbytes(arrays.parse_dtype(value.descr), value.shape)
            if value.offset == 0 and size == region.size:
                self.take([region], fds)
                view = self.view(region)
            else:
                view, offset = self.exact(first(fds), value.offset, size)
            inputs.add(name, None, arrays.maker(view, value, offset))
        return inputs

    def map(self, fd, size, writable):
        """Maps size bytes of a region and closes its descriptor."""
        try:
            if size == 0:
                return memoryview(bytearray() if writable else b"")
            return self.place(size, writable, lambda address: kernel.map_region(fd, size, writable, address))
        finally:
            os.close(fd)

    def exact(self, fd, offset, size):
        """Maps size bytes at an offset of a region, and no byte more; closes its descriptor.

        (view, offset in it). Whole pages are the region's; the two at the edges,
        which hold a neighbour's bytes too, are memory of our own with a copy.
        Not private mappings of the region: until they are written those show
        the region's pages.
        """
        begin, end = offset // PAGE * PAGE, offset + size
        pages = (end - begin + PAGE - 1) // PAGE * PAGE
        inner, behind = (offset + PAGE - 1) // PAGE * PAGE, end // PAGE * PAGE

        def fill(address):
            kernel.map_memory(pages, address)
            if inner < behind:
                kernel.map_over(fd, inner, behind - inner, address + inner - begin)
            for start, stop in (offset, min(inner, end)), (max(inner, behind), end):
                if start < stop:
                    kernel.writable_view(address + start - begin, stop - start)[:] = os.pread(fd, stop - start, start)
            kernel.protect(address, pages)

        try:
            if size == 0:
                return memoryview(b""), 0
            return self.place(pages, False, fill), offset - begin
        finally:
            os.close(fd)

    def place(self, size, writable, fill):
        """A view of so many bytes, which fill maps at the address that it gets."""
        taken = span(size)
        free = self.free.get(taken)
        if free:
            address = free.pop()
        else:
            address = self.next
            self.next += taken
        try:
            fill(address)
            view, holder = visible(address, size, writable)
        except BaseException as e:
            # Where the model itself has mapped something, nothing is tried again.
            if getattr(e, "errno", 0) != errno.EEXIST:
                self.ended(address, size, taken)
            raise
        if holder is not None:
            self.ends[address] = weak(holder, lambda _: self.ended(address, size, taken))
        return view

    def ended(self, address, size, taken):
        self.ends.pop(address, None)
        kernel.unmap(address, size)
        self.free.setdefault(taken, []).append(address)


def first(fds):
    if not fds:
        raise wire.WireError("a frame without the descriptor of a region that it passes")
    return fds.pop(0)


def span(size):
    """What so many bytes take of the range.

    A page stays free behind them, so that running over the end of one mapping
    is a fault and not its neighbour. All is rounded up, by an eighth at most:
    arrays of ever new lengths then soon lie where others lay.
    """
    size += PAGE
    unit = max(PAGE, 1 << (size.bit_length() - 4))
    return (size + unit - 1) // unit * unit


def visible(address, size, writable):
    """A view of a mapping, and what lives as long as any array on it, or None if that is not known."""
    known = sys.implementation.name == "cpython"
    if not writable and known and sys.modules.get("numpy") is not None:
        view = kernel.read_only_view(address, size)
        return view, view  # behind this view is nothing else that an ndarray could hold
    view = kernel.writable_view(address, size)
    if not writable:
        view = view.toreadonly()
    # Parts of a view do not hold it, but what it was made of.
    return view, view.obj if known else None
