# run: --recursion 1000000
# verdict: crash
# source: kernel
# exit: 139
# reason: recursion in C code that ran out of stack
def model():
    # Each level of a nested property goes through C code.
    class Deep:
        def __getattr__(self, name):
            return getattr(self, name)

    Deep().x
