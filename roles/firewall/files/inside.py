"""Refuse when the first argument, an address, is in none of the networks that follow."""  # noqa: INP001 - a script

import ipaddress
import sys

address = ipaddress.ip_address(sys.argv[1].partition("%")[0])
address = getattr(address, "ipv4_mapped", None) or address
if not any(address in ipaddress.ip_network(one, strict=False) for one in sys.argv[2:]):
    sys.exit(
        f"this run comes from {address}, which firewall__administration does not allow: the next one would "
        "be locked out. No rule was changed; add the address, or come from one that is there."
    )
