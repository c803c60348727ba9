"""Where the characters of a YAML text stand in its file."""

from __future__ import annotations

import pytest
import yaml

from guard.language.scalar import position


def only_value(text):
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    ((_, value),) = root.value
    return value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: one § two", id="plain"),
        pytest.param("a: 'it''s § two'", id="single quotes"),
        pytest.param(r'a: "\"\x41\u0042 § two"', id="double quotes"),
        pytest.param("a: &anchor !!str one § two", id="behind an anchor and a tag"),
        pytest.param("a: {b: 1}\n".replace("{b: 1}", "'§'"), id="the only character"),
    ],
)
def test_characters_on_one_line(text):
    node = only_value(text)
    assert position(node, node.value.index("§")) == (1, text.index("§") + 1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: |\n  cost $1\n  and §2 $3\n", id="a block"),
        pytest.param("a: >-\n\n  cost $1\n\n  and §2\n", id="a folded block"),
        pytest.param("a: 'cost $1\n  it''s §2'", id="single quotes"),
        pytest.param('a: "cost \\\n  $1 \\" §2"', id="double quotes"),
        pytest.param("a: cost $1\r\n  and §2", id="plain, with line ends of Windows"),
    ],
)
def test_dollars_on_several_lines(text):
    """Only those can be told apart; ``§`` stands for the one that is meant."""
    meant = text.index("§")
    text = text.replace("§", "$")
    node = only_value(text)
    offset = [i for i, character in enumerate(node.value) if character == "$"][1]
    line = text.count("\n", 0, meant) + 1
    assert position(node, offset) == (line, meant - text.rfind("\n", 0, meant))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('a: "\\x24 $\n  b"', id="a dollar as an escape"),
        pytest.param("a: | # $\n  $\n", id="a dollar in a comment"),
        pytest.param("a: |\n  b\n", id="another character"),
    ],
)
def test_what_cannot_be_told_is_where_the_text_begins(text):
    assert position(only_value(text), 0) == (1, 4)
