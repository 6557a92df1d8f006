"""A dnsmasq in a pod's namespace that knows every name, and dig to ask it."""

ADDRESS = "192.0.2.1"


def start_dnsmasq(lab, pod):
    """Answers ADDRESS to every question for an address, from now until the lab ends."""
    lab.own(pod.start(lab.path(f"dnsmasq-{pod.port}"), "/usr/sbin/dnsmasq", "--keep-in-foreground",
                      "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file",
                      "--log-facility=-", f"--address=/#/{ADDRESS}"))
    lab.wait_until(lambda: dig(pod, "127.0.0.1", "any.test") == ADDRESS,
                   f"dnsmasq of {pod.name} serves", 20)


def dig(pod, server, name, *more):
    """The address that `server` says `name` has, or None: it says nothing within a second."""
    answer = pod.run("dig", "+short", "+time=1", "+tries=1", f"@{server}", *more, name, "A",
                     check=False, timeout=20)
    return answer.stdout.strip() if answer.returncode == 0 else None
