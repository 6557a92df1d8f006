"""Free ports of the loopback interface, for programs that must be told one."""
import socket

_given = set()


def free_port():
    """One that nobody listens on now and that was not given out before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
