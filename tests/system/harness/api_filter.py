"""Another version's end of sluiced's API: tests/system/api_filter.cc."""
import contextlib
import itertools

from harness.process import Process

_TAGS = itertools.count(1)


@contextlib.contextmanager
def api_filter(lab, forget=(), add=()):
    """The address of one before the lab's switch, until it is left. `forget` takes fields out, `add`
    puts unknown ones into messages: "METHOD/request|response/PATH"."""
    tag = next(_TAGS)
    address = f"unix://{lab.path(f'filter-{tag}.sock')}"
    words = [word for flag, rules in (("--forget", forget), ("--add", add))
             for rule in rules for word in (flag, rule)]
    process = Process([lab.program("tests/system/api_filter"), address, lab.server, *words],
                      lab.path(f"filter-{tag}.log"))
    lab.own(process)
    process.wait_for_log("ready", 20)
    try:
        yield address
    finally:
        process.stop()
