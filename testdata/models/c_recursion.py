# run: --recursion 1000000
# python: 3.9-3.11
# verdict: recursion-limit
# source: kernel
# exit: 4
# reason: recursion in native code used up the stack of 8M
def model():
    # Each level of a nested property goes through C code.
    class Deep:
        def __getattr__(self, name):
            return getattr(self, name)

    Deep().x
