"""A network of its own: a loopback interface that nobody else has, with resolv.conf and hosts of the test, and dnsmasq."""

import os

SET_UP = """\
ip link set lo up &&
mount --bind {folder}/resolv.conf /etc/resolv.conf &&
mount --bind {folder}/hosts /etc/hosts &&
echo ready && exec sleep infinity
"""


class Network:
    """A network namespace that all is started in that the place starts from now on."""

    def __init__(self, place, resolv_conf, hosts="127.0.0.1 localhost\n"):
        self.resolv_conf = place.folder / "resolv.conf"
        self.resolv_conf.write_text(resolv_conf)
        (place.folder / "hosts").write_text(hosts)
        # Whoever is not root is it in there.
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", "--net", "--mount", *user, "sh", "-c", SET_UP.format(folder=place.folder)]
        holder = place.start("network", command)
        holder.wait_for("ready", 5)
        entered = ["--user", "--preserve-credentials"] if user else []
        place.within = ["nsenter", "--target", str(holder.child.pid), "--net", "--mount", *entered, "--"]


class Dnsmasq:
    """A DNS server at port 53 of an address, which knows the records of the test and nobody else."""

    def __init__(self, place, address, *records, name="dnsmasq"):
        self.process = place.start(
            name,
            ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-queries", "--conf-file=/dev/null"]
            + ["--no-resolv", "--no-hosts", "--user=root", "--group=root", "--pid-file=", "--bind-interfaces"]
            + [f"--listen-address={address}", "--local=/test/", *records],
        )
        self.process.wait_for("started", 5)
