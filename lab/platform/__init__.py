"""The patient platform of the lab: a small clinic's software, so that later work moves real rows.

`dpi` is the application itself; it runs in the guests on Debian's own packages and imports nothing of the
lab. `roles` and `seeds` say what each guest installs and write the cloud-init document that does it. All
patients are invented.
"""
