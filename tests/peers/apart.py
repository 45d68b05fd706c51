"""Two machines and a cable between them, in network namespaces: the registrar at one end, the softphone at the other."""

import subprocess

from process import Failed, expect

PBX, PHONE = "10.99.0.1", "10.99.0.2"


class Cable:
    """What the place starts from now on is at one end of it: first at the registrar's."""

    def __init__(self, place):
        self.place = place
        self.ends = {}
        # Namespaces are the superuser's, or of one who may have users of his own: the second is made within the first.
        user = [] if may_administer() else ["--user", "--map-root-user"]
        for name in "pbx", "phone":
            holder = place.start(f"{name}-network", ["unshare", *user, "--net", "sh", "-c", "echo ready && exec sleep infinity"])
            try:
                holder.wait_for("ready", 5)
            except Failed as failure:
                raise Failed(f"no network namespaces here (CAP_NET_ADMIN is needed): {holder.text().strip()}") from failure
            entered = ["--user", "--preserve-credentials"] if user else []
            self.ends[name] = ["nsenter", "--target", str(holder.child.pid), *entered, "--net", "--"]
            place.within, user = self.ends[name], []
        self.phone_holder = holder
        self.at("pbx", f"ip link set lo up; ip link add pbx type veth peer name phone netns {holder.child.pid}")
        self.at("pbx", f"ip addr add {PBX}/24 dev pbx; ip link set pbx up")
        self.at("phone", f"ip link set lo up; ip addr add {PHONE}/24 dev phone; ip link set phone up")
        place.within = self.ends["pbx"]

    def at(self, end, commands):
        """Runs commands at an end, and fails with what they say."""
        ran = subprocess.run(
            [*self.ends[end], "sh", "-ec", commands], capture_output=True, text=True, timeout=10, check=False
        )
        expect(ran.returncode == 0, f"{commands}: {ran.stderr.strip()}")

    def loses(self, percent):
        """Loses packets of both directions from now on. Returns by what: a kernel without netem has nftables."""
        netem = f"tc qdisc replace dev {{0}} root netem loss {percent}%"
        rule = f"iifname {{0}} meta l4proto udp numgen random mod 100 < {percent} drop"
        nft = f"nft 'table inet loss {{{{ chain incoming {{{{ type filter hook input priority 0; {rule}; }}}}; }}}}'"
        for name, command in ("netem", netem), ("nftables", nft):
            try:
                for end in "pbx", "phone":
                    self.at(end, command.format(end))
            except Failed as failure:
                failed = failure
            else:
                return name
        raise failed


def may_administer():
    """Whether network namespaces can be made without a namespace of users."""
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, timeout=10, check=False)
    return tried.returncode == 0
