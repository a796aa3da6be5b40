# verdict: exception
# source: model
# exit: 1
import signal


def model():
    signal.raise_signal(signal.SIGINT)  ### "^KeyboardInterrupt: $"
