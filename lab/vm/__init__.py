"""A real virtual machine, for what a container cannot show: kernel settings, modules, AppArmor, auditing.

Debian's own kernel under QEMU, with KVM where the processor has it. It is booted once and kept as a snapshot,
so that each later start costs seconds also where QEMU has to translate every instruction. Needs root.
"""
