"""Ansible's own order of work, through Mitogen where that is installed and known to fit.

Mitogen keeps one interpreter open on each host instead of starting one for each task: the same tasks, the
same outcomes, a third of the time. `BASTIDE_MITOGEN=0` does without it; so does an ansible-core that it was
not tried with here.
"""

from __future__ import annotations

import importlib.util
import os

from ansible.plugins.strategy import linear
from ansible.release import __version__

DOCUMENTATION = """
    name: bastide
    short_description: task by task over all hosts, by Mitogen where it is installed
    description:
        - The order of the strategy C(linear). With Mitogen tasks take a third of the time.
    author: Bastide
"""
TRIED = (2, 19)
"""The newest ansible-core that Bastide's own tests ran with Mitogen."""


def with_mitogen() -> bool:
    """Whether Mitogen is there, wanted, and fits this ansible-core."""
    here = tuple(int(part) for part in __version__.split(".")[:2])
    wanted = os.environ.get("BASTIDE_MITOGEN", "1") != "0"
    return wanted and here <= TRIED and importlib.util.find_spec("ansible_mitogen") is not None


if with_mitogen():
    import ansible_mitogen.loaders
    import ansible_mitogen.strategy

    _Linear = ansible_mitogen.loaders.strategy_loader.get("linear", class_only=True)

    class StrategyModule(ansible_mitogen.strategy.StrategyMixin, _Linear):  # type: ignore[misc,valid-type]  # no types
        """The linear strategy over Mitogen's connections."""

else:

    class StrategyModule(linear.StrategyModule):  # type: ignore[misc,no-redef]  # Ansible ships no types
        """The linear strategy as it is."""
