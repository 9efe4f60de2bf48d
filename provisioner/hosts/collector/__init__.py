"""The program that looks at a host: sent over stdin to `python3 -`, it only reads, and leaves nothing behind.

Its modules import the standard library and each other, and run on Python 3.9 and later.
`provisioner.hosts.program` joins them to one text.
"""
