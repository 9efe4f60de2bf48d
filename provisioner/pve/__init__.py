"""The only room that talks to the Proxmox VE API."""
