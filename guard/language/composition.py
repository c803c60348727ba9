"""A rules file together with all that it extends: packs and other files."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from guard.destination import Destination
from guard.language import document, draft, packs
from guard.language.document import Allowance
from guard.language.draft import Draft, Extension, Part
from guard.language.errors import Problem, RulesError, did_you_mean, one_of
from guard.language.nodes import Unreadable
from guard.rule import Place

MAX_DEPTH = 10
"""How many files may extend each other in a row."""

MAX_FILES = 50
"""How many packs and files may be read in all."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is read, or a pack.

    Attributes:
        path: Where it is; None for a pack.
        shown: What messages call it. Variables are not filled in there.
        identity: The same for two ways to one file.
    """

    path: Path | None
    shown: str
    identity: str


class Composition(NamedTuple):
    """What several files say together.

    Attributes:
        drafts: Their rules.
        destinations: Who they want to have told of the run.
    """

    drafts: tuple[Draft, ...]
    destinations: tuple[Destination, ...]


def compose(content: bytes, file: str, environment: Mapping[str, str]) -> Composition:
    """What a file says after what those say that it extends, in order.

    Args:
        content: Content of the file.
        file: Its path, which the paths in it are relative to, as messages shall show it.
        environment: The value of each variable.

    Raises:
        RulesError: It, or something that it extends, has faults; all of them are in the error.
    """
    composer = _Composer(environment, Allowance())
    with suppress(_GivenUp):
        composer.read(content, _file(Path(file), file))
    if composer.problems:
        raise RulesError(composer.problems)
    return Composition(tuple(composer.drafts), tuple(composer.destinations))


def compose_part(
    part: Part, file: str, environment: Mapping[str, str], allowance: Allowance
) -> tuple[Draft, ...]:
    """The rules that a part of a file says, after those that it extends.

    Args:
        part: What is read already, and has no faults.
        file: The path of its file, as messages shall show it.
        environment: The value of each variable.
        allowance: What may be read of the files that it extends.

    Raises:
        RulesError: Something that it extends has faults; all of them are in the error.
    """
    composer = _Composer(environment, allowance)
    with suppress(_GivenUp):
        composer.take_in(part, _file(Path(file), file))
    if composer.problems:
        raise RulesError(composer.problems)
    return tuple(composer.drafts)


def content_of(path: Path) -> bytes:
    """The content of a file, or enough of it to see that it is too large.

    Raises:
        OSError: It can't be read; ``strerror`` says why.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "it is not a file")
        with path.open("rb") as file:
            return file.read(document.MAX_BYTES + 1)
    except ValueError:
        raise OSError(0, "its name holds characters that no file can have") from None


class _GivenUp(Exception):
    """What is wrong is such that nothing further is read."""


class _Composer:
    """Reads files depth first and collects their rules and what is wrong with them."""

    def __init__(self, environment: Mapping[str, str], allowance: Allowance) -> None:
        self.drafts: list[Draft] = []
        self.destinations: list[Destination] = []
        self.problems: list[Problem] = []
        self._environment = environment
        self._allowance = allowance
        self._chain: list[_File] = []
        self._seen: set[str] = set()

    def read(self, content: bytes, file: _File) -> None:
        try:
            doc = document.read(content, file.shown, self._environment, self._allowance)
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            raise _GivenUp from None
        self.take_in(draft.read(doc), file)

    def take_in(self, part: Part, file: _File) -> None:
        self._seen.add(file.identity)
        self.problems += part.problems
        self._chain.append(file)
        self._extend(part.extends)
        self._chain.pop()
        self.drafts += part.drafts
        self.destinations += part.destinations

    def _extend(self, extends: tuple[Extension, ...]) -> None:
        first_of: dict[str, Place] = {}
        for extension in extends:
            file = self._found(extension)
            if file is None:
                continue
            first = first_of.setdefault(file.identity, extension.place)
            if first is not extension.place:
                self._complain(extension, f"this is given twice; the first is in line {first.line}")
            elif circle := self._circle(file):
                self._complain(extension, f"{circle} is a circle; leave one of them out")
            elif file.identity not in self._seen:
                self._follow(extension, file)

    def _found(self, extension: Extension) -> _File | None:
        name = extension.name
        if "/" in name or name.endswith((".yaml", ".yml")):
            path, shown = _beside(self._chain[-1], extension)
            return _file(path, shown)
        if name in packs.PACKS:
            return _File(None, f"{name}.yaml (pack)", f"pack {name}")
        legal = f"packs are {one_of(list(packs.PACKS))}; a file ends in .yaml or has a /"
        near = ";" if name != extension.written else did_you_mean(name, list(packs.PACKS)) or ";"
        self._complain(extension, f"there is no pack {extension.written!r}{near} {legal}")
        return None

    def _circle(self, file: _File) -> str | None:
        """The chain of files that comes back to the file: ``a.yaml -> b.yaml -> a.yaml``."""
        identities = [link.identity for link in self._chain]
        if file.identity not in identities:
            return None
        links = self._chain[identities.index(file.identity) :]
        return " -> ".join(link.shown for link in (*links, links[0]))

    def _follow(self, extension: Extension, file: _File) -> None:
        if len(self._chain) > MAX_DEPTH:
            self._complain(extension, f"more than {MAX_DEPTH} files extend each other in a row")
            raise _GivenUp
        if len(self._seen) > MAX_FILES:
            self._complain(extension, f"more than {MAX_FILES} files and packs are extended")
            raise _GivenUp
        try:
            content = content_of(file.path) if file.path else packs.content(extension.name)
        except OSError as error:
            self._complain(extension, f"can't read {file.shown}: {error.strerror or error}")
            return
        self.read(content, file)

    def _complain(self, extension: Extension, message: str) -> None:
        self.problems.append(Problem(extension.place, f"{extension.key}: {message}"))


def _file(path: Path, shown: str) -> _File:
    return _File(path, shown, _identity(path))


def _identity(path: Path | str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # what is wrong shows when it is read
        return str(path)


def _beside(file: _File, extension: Extension) -> tuple[Path, str]:
    """Path of what a file extends, and how it is shown: short, but no value of a variable."""
    path = (file.path or Path()).parent / extension.name
    shown = Path(file.shown).parent / extension.written
    if shown != path:
        absolute = Path(extension.name).is_absolute()
        return path, extension.written if absolute else str(shown)
    normal = os.path.normpath(path)
    same = _identity(normal) == _identity(path)  # a link may lead elsewhere before a ..
    return path, normal if same else str(path)
