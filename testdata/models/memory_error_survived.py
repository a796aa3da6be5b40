# run: --memory 100M
# exit: 0
# value: result "went on"
def model():
    try:
        bytes(200 << 20)
    except MemoryError:
        return "went on"
