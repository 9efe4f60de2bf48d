"""Proxmox VE's commands, as a node of the lab has them: their words become calls of the node's own API.

This package is copied to the nodes and runs there with their Python alone: it imports the standard library
and itself, nothing else.
"""
