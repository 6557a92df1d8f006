"""sluicectl against one daemon, and the questions tests ask it."""
import json
import subprocess


class CtlError(Exception):
    """sluicectl said no: `code` is its exit code, `message` what it wrote to standard error."""

    def __init__(self, arguments, code, message):
        super().__init__(f"sluicectl {' '.join(arguments)}: exit code {code}: {message.strip()}")
        self.code = code
        self.message = message


class Ctl:
    def __init__(self, program, server):
        self._program = program
        self._server = server
        self.timeout = 30  # seconds for each command

    def run(self, *arguments, stdin=None, timeout=None):
        """Standard output as text. Raises CtlError for any exit code but 0."""
        command = [self._program, "--server", self._server, *arguments]
        result = subprocess.run(command, input=stdin, text=True, capture_output=True,
                                timeout=timeout or self.timeout, check=False,
                                stdin=subprocess.DEVNULL if stdin is None else None)
        if result.returncode != 0:
            raise CtlError(arguments, result.returncode, result.stderr)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.run("-o", "json", *arguments))

    def apply(self, *files):
        self.run("apply", *(word for file in files for word in ("-f", file)))

    def delete(self, *files):
        self.run("delete", *(word for file in files for word in ("-f", file)))

    def add_port(self, name, kind, path=None, pod=None, mac=None, addresses=(), more=()):
        words = ["port", "add", name, "--kind", kind]
        for flag, value in (("--path", path), ("--pod", pod), ("--mac", mac)):
            words += [flag, value] if value else []
        for address in addresses:
            words += ["--ip", address]
        self.run(*words, *more)

    def delete_port(self, name):
        self.run("port", "del", name)

    def ports(self):
        """{name: PortStatus}, counters as numbers."""
        ports = self.json("port", "list")["ports"]
        return {port["spec"]["name"]: _with_numbers(port) for port in ports}

    def drops(self):
        """{(port, reason): packets} of what died, without zeros."""
        sums = {}
        for drop in self.json("drops")["drops"]:
            if not drop["observed"] and not drop["audited"]:
                key = drop["port"], drop["reason"]
                sums[key] = sums.get(key, 0) + int(drop["packets"])
        return sums

    def explain(self, source, destination, what, family=4):
        return self.json("explain", source, destination, what, "--family", str(family))

    def status(self):
        return self.json("status")


def _with_numbers(message):
    """protobuf's JSON has 64-bit numbers as text."""
    return {key: int(value) if isinstance(value, str) and value.isdigit() else value
            for key, value in message.items()}
