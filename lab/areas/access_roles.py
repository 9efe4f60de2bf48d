"""The privileges and built-in roles of Proxmox VE 9 and 8 (pve-access-control, PVE/AccessControl.pm)."""

from collections.abc import Mapping
from functools import cache

GUEST_AGENT = ("Audit", "FileRead", "FileSystemMgmt", "FileWrite", "Unrestricted")
VM_CONFIG = ("CDROM", "CPU", "Cloudinit", "Disk", "HWType", "Memory", "Network", "Options")
VM = ("Allocate", "Audit", "Backup", "Clone", "Console", "Migrate", "PowerMgmt", "Replicate", "Snapshot")

_AGENT = {f"VM.GuestAgent.{name}" for name in GUEST_AGENT}
_VM_ADMIN = {
    *(f"VM.{name}" for name in VM),
    *(f"VM.Config.{name}" for name in VM_CONFIG),
    "VM.Snapshot.Rollback",
    *_AGENT,
}
_VM_USER = {
    *("VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt"),
    *(_AGENT - {"VM.GuestAgent.Unrestricted"}),
}
_DATASTORE_USER = {"Datastore.AllocateSpace", "Datastore.Audit"}
_DATASTORE = _DATASTORE_USER | {"Datastore.Allocate", "Datastore.AllocateTemplate"}
_POOL = {"Pool.Allocate", "Pool.Audit"}
_SDN_USER = {"SDN.Audit", "SDN.Use"}
_SDN = _SDN_USER | {"SDN.Allocate"}
_SYS = {"Sys.Audit", "Sys.Console", "Sys.Syslog"}
_USERS = {"Group.Allocate", "Realm.AllocateUser", "User.Modify"}
_MAPPING_USER = {"Mapping.Audit", "Mapping.Use"}
_ADMIN = _VM_ADMIN | _DATASTORE | _POOL | _SDN | _SYS | _USERS | _MAPPING_USER
_ROOT_ONLY = {
    *("Mapping.Modify", "Permissions.Modify", "Realm.Allocate"),
    *("Sys.AccessNetwork", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt"),
}
_AUDIT = {
    *("Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"),
    "VM.GuestAgent.Audit",
}

_BUILT_IN = {
    "Administrator": _ADMIN | _ROOT_ONLY,
    "NoAccess": set[str](),
    "PVEAdmin": _ADMIN,
    "PVEAuditor": _AUDIT,
    "PVEDatastoreAdmin": _DATASTORE,
    "PVEDatastoreUser": _DATASTORE_USER,
    "PVEMappingAdmin": _MAPPING_USER | {"Mapping.Modify"},
    "PVEMappingUser": _MAPPING_USER,
    "PVEPoolAdmin": _POOL,
    "PVEPoolUser": {"Pool.Audit"},
    "PVESDNAdmin": _SDN,
    "PVESDNUser": _SDN_USER,
    "PVESysAdmin": _SYS,
    "PVETemplateUser": {"VM.Audit", "VM.Clone"},
    "PVEUserAdmin": _USERS,
    "PVEVMAdmin": _VM_ADMIN,
    "PVEVMUser": _VM_USER,
}


def _as_in_8(privileges: set[str]) -> set[str]:
    """The same role before 9: VM.Monitor stood where VM.Replicate and the agent's privileges stand now."""
    older = privileges - _AGENT - {"VM.Replicate"}
    return older | {"VM.Monitor"} if "VM.Replicate" in privileges else older


@cache
def built_in_roles(major: int) -> Mapping[str, tuple[str, ...]]:
    """Roles that cannot be changed, with their sorted privileges, of Proxmox VE `major` (8 or 9)."""
    return {
        role: tuple(sorted(privileges if major >= 9 else _as_in_8(privileges)))  # noqa: PLR2004  # the release
        for role, privileges in _BUILT_IN.items()
    }


def all_privileges(major: int) -> tuple[str, ...]:
    """Every privilege that Proxmox VE `major` knows, sorted."""
    return built_in_roles(major)["Administrator"]
