"""The mappings, lists and texts of a test file, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.language.document import Document, Location
from guard.language.draft import told
from guard.language.environment import Expanded
from guard.language.errors import Complaint, did_you_mean, one_of


class Outline:
    """Reads pieces of a document and collects complaints, each at its place.

    Attributes:
        doc: The document.
        problems: What is wrong with it.
    """

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.problems = doc.problems

    def mapping(
        self,
        value: object,
        location: Location,
        legal: Sequence[str],
        needed: Sequence[str] = (),
        instead: str = "",
    ) -> dict[str, Any] | None:
        """The mapping that the value there is; None if it is none.

        Args:
            value: The value.
            location: Where it is.
            legal: The keys that it may have.
            needed: Those that it must have.
            instead: What to write where there is no mapping.
        """
        if not isinstance(value, dict):
            self.complain(location, instead or f"{location[-1]!r} takes a mapping")
            return None
        unknown = [key for key in value if key not in legal]
        for key in unknown:
            near = did_you_mean(key, legal) or ";"
            message = f"unknown key {key!r}{near} keys are {one_of(legal)}"
            self.complain_of_key((*location, key), message)
        for key in needed:
            misspelt = any(did_you_mean(other, [key]) for other in unknown)
            if key not in value and not misspelt:
                self.complain(location, f"the key {key!r} is missing")
        return value

    def items(self, above: dict[str, Any], location: Location, empty: str) -> list[Any]:
        """The list at that key of the mapping above.

        Args:
            above: The mapping.
            location: Where the list is.
            empty: What to say of one without anything in it.
        """
        key = location[-1]
        found = above.get(str(key), [])
        if not isinstance(found, list):
            self.complain(location, f"{key!r} takes a list; each item begins with '- '")
            return []
        if not found and key in above:
            self.complain(location, empty)
        return found

    def text(self, above: dict[str, Any], location: Location) -> Expanded | None:
        """The text at that key of the mapping above; None if there is none, or if it is at
        fault."""
        key = location[-1]
        if key in above and not isinstance(above[str(key)], str):
            self.complain(location, f"{key!r} takes a single text")
            return None
        return self.doc.text(location)

    def complain(self, location: Location, message: str, offset: int | None = None) -> None:
        """Note a fault of the value there, or in it so many characters on."""
        about = self._about(location)
        self.problems.append(self.doc.problem(location, about + message, offset))

    def complain_of_key(self, location: Location, message: str) -> None:
        """Note a fault of the key there."""
        about = self._about(location)
        self.problems.append(self.doc.problem_of_key(location, about + message))

    def complain_of_text(
        self, location: Location, complaint: Complaint, takes: str, about: str = ""
    ) -> None:
        """Note what is wrong with the text there, which takes something else."""
        expanded = self.doc.text(location)
        assert expanded is not None
        complaint.expected = takes
        self.complain(location, about + told(complaint, expanded), complaint.start)

    def _about(self, location: Location) -> str:
        """``test "checkout": `` for what is in a test, by its name or its number."""
        if len(location) < 2 or location[0] != "tests":
            return ""
        index = location[1]
        assert isinstance(index, int)
        test = self.doc.data["tests"][index]
        name = test.get("name") if isinstance(test, dict) else None
        if not isinstance(name, str) or not name.strip():
            return f"test {index + 1}: "
        return f'test "{self.doc.written(("tests", index, "name"))}": '
