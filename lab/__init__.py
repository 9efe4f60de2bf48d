"""Two hospital sites on one machine, for demonstrations and tests: the other side of the wire.

`lab.running` starts a lab inside a test, `lab.background` keeps one up for the command line. No guest runs
and no disk holds bytes: the Proxmox VE API answers as if they did. Nothing here is imported by the product,
or imports it.
"""
