"""One file per kind of Proxmox object."""
