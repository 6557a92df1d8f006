"""The demo's table, its expectations, and their sum."""

COLUMNS = [("from", 18), ("to", 15), ("port", 9), ("IP", 3), ("expected", 8), ("seen", 6)]


class Report:
    """Prints as it goes; `failed` holds what did not hold."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self._step = ""

        self._head_due = False

    def step(self, title):
        self._step = title
        self._head_due = True
        print(f"\n{title}", flush=True)

    def attempt(self, cells, decided_by, problems):
        if self._head_due:
            heads = " ".join(f"{name:{width}}" for name, width in COLUMNS)
            print(f"  {heads} decided by")
            self._head_due = False
        row = " ".join(f"{cell:{width}}" for cell, (_, width) in zip(cells, COLUMNS))
        print(f"  {row} {decided_by}", flush=True)
        self._count(" ".join(cells[:4]), problems)

    def expect(self, what, problems):
        """One more expectation: `problems` is empty if it held."""
        print(f"  {'ok' if not problems else 'NOT SO'}: {what}", flush=True)
        self._count(what, problems)

    def note(self, text):
        print(f"  {text}", flush=True)

    def _count(self, name, problems):
        if not problems:
            self.passed += 1
            return
        last_lines = [problem.strip().splitlines()[-1] for problem in problems]
        self.failed.append(f"{self._step.split(':')[0]}: {name}: {'; '.join(last_lines)}")
        for problem in problems:
            print(f"    !! {problem}", flush=True)

    def finish(self):
        for failure in self.failed:
            print(f"failed: {failure}")
        print(f"{self.passed} passed, {len(self.failed)} failed")
        return 0 if self.passed and not self.failed else 1


def decided_by(explanation):
    """The policies that settled it: "egress default/x; ingress default/y ingress[0]"."""
    texts = []
    for direction in ("egress", "ingress"):
        side = explanation.get(direction)
        if not side or not side["policies"]:
            continue
        if explanation["verdict"] == "deny" and side["verdict"] != "deny":
            continue
        names = ", ".join(policy.removeprefix("NetworkPolicy ") for policy in side["policies"])
        texts.append(f"{direction}: {names} {side['rule']}".rstrip())
    return "; ".join(texts) or "no policy"
