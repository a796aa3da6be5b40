# run: --memory 64M --max-output 512M --timeout 5s
# verdict: memory-limit
# source: kernel
# exit: 137
# stdout: (?m)^touching$
"""The output region is the model's memory too once it is written."""

import hotcell


def model():
    output = hotcell.empty.__self__.view
    print("touching", flush=True)
    for at in range(0, len(output), 4096):
        output[at] = 1
