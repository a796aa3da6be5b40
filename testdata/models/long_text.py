# verdict: invalid-result
# source: model
# exit: 1
# reason: longer than 1048576 bytes: return numpy.frombuffer
def model():
    # Escaped for a report, this would be six times as long.
    return "\0" * (16 << 20)
