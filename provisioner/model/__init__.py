"""Frozen values: what the estate wants, what Proxmox shows, what a plan says. No I/O."""
