# exit: 0
# value: result 15
import os
import signal


def model():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.kill(os.getpid(), signal.SIGTERM)
    return int(signal.sigwait([signal.SIGTERM]))
