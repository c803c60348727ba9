"""Ready-made rules, usable by name: ``extends: smoke``.

They are the files of ``rules/``, which the wheel carries as ``guard/rules/``.
"""

from __future__ import annotations

from pathlib import Path

PACKS = {
    "smoke": "a short run shows that everything works at all",
    "ci": "a gate on the final numbers of a run in continuous integration",
    "soak": "a run of hours stays healthy, and ends early when it is hopeless",
    "stress": "load grows until the system breaks, which ends the run and passes it",
    "generator-health": "the load generator itself is fit, so that its numbers can be trusted",
}
"""Every pack by its name, with what it is for."""


def content(name: str) -> bytes:
    """The rules file that the pack is.

    Raises:
        KeyError: There is no such pack.
    """
    if name not in PACKS:
        raise KeyError(name)
    return _folder().joinpath(f"{name}.yaml").read_bytes()


def _folder() -> Path:
    package = Path(__file__).parents[1]
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"
