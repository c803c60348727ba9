"""Files that extend packs and other files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from guard.language.composition import MAX_DEPTH, MAX_FILES
from guard.language.errors import RulesError
from guard.language.rulefile import load_rules
from guard.rule import Place


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files):
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)


def names(file="rules.yaml", environment=None):
    return [rule.name for rule in load_rules(file, environment or {})]


def problems(file="rules.yaml"):
    with pytest.raises(RulesError) as error:
        load_rules(file, {})
    return [str(problem) for problem in error.value.problems]


pytestmark = pytest.mark.usefixtures("folder")


def test_extended_rules_come_first_in_order():
    write(
        {
            "rules.yaml": "extends: [one.yaml, more/two.yml]\nrules: [rps > 5]",
            "one.yaml": "rules: [rps > 1, rps > 2]",
            "more/two.yml": "extends: ./three.yaml\nrules: [rps > 4]",
            "more/three.yaml": "rules: [rps > 3]",
        }
    )
    assert names() == [f"rps > {n}/s" for n in (1, 2, 3, 4, 5)]


def test_paths_are_relative_to_the_file_that_they_stand_in():
    write(
        {
            "a/b/rules.yaml": "extends: ../c/one.yaml\nrules: [rps > 2]",
            "a/c/one.yaml": "rules: [rps > 1]",
        }
    )
    one, two = load_rules("a/b/rules.yaml", {})
    assert one.place == Place("a/c/one.yaml", 1, 9)
    assert two.place == Place("a/b/rules.yaml", 2, 9)


def test_a_file_can_be_named_by_its_whole_path(tmp_path):
    write({"rules.yaml": f"extends: {tmp_path}/one.yaml", "one.yaml": "rules: [rps > 1]"})
    assert load_rules("rules.yaml", {})[0].place.file == str(tmp_path / "one.yaml")


def test_defaults_apply_to_the_rules_of_their_own_file_only():
    write(
        {
            "rules.yaml": "extends: one.yaml\ndefaults: {over: 1m}\nrules: [p95 < 1s, p50 < 1s]",
            "one.yaml": "defaults: {for: 5s}\nrules: [p99 < 1s]",
        }
    )
    assert [(rule.over, rule.hold) for rule in load_rules("rules.yaml", {})] == [
        (None, 5.0),
        (60.0, 0.0),
        (60.0, 0.0),
    ]


@pytest.mark.parametrize("link", [False, True], ids=["the same path", "another path to it"])
def test_the_rules_of_a_file_extended_twice_count_once(link):
    write(
        {
            "rules.yaml": "extends: [left.yaml, right.yaml]\nrules: [rps > 4]",
            "left.yaml": "extends: base.yaml\nrules: [rps > 2]",
            "right.yaml": f"extends: {'link' if link else 'base'}.yaml\nrules: [rps > 3]",
            "base.yaml": "rules: [rps > 1]",
        }
    )
    Path("link.yaml").symlink_to("base.yaml")
    assert names() == [f"rps > {n}/s" for n in (1, 2, 3, 4)]


def test_a_pack_extended_twice_counts_once():
    write({"rules.yaml": "extends: [generator-health, one.yaml]", "one.yaml": "extends: soak"})
    assert names() == names_of_pack("soak")


def names_of_pack(pack):
    write({f"{pack}-only.yaml": f"extends: {pack}"})
    return names(f"{pack}-only.yaml")


def test_a_rule_without_a_name_is_called_by_its_whole_line_where_another_file_has_its_check():
    write(
        {
            "rules.yaml": "extends: one.yaml\nrules: [p95 < 1s over 10s]",
            "one.yaml": "rules: [p95 < 1s]",
        }
    )
    assert names() == ["p95 < 1s", "p95 < 1s over 10s"]


def test_all_problems_of_all_files_are_told_each_in_its_own_file():
    write(
        {
            "rules.yaml": "extends: [a/one.yaml, gone.yaml, none]\nrules: [p95 < 5%]",
            "a/one.yaml": "rules: [rps < 1s]",
        }
    )
    assert [problem.partition(" ")[0] for problem in problems()] == [
        "a/one.yaml:1:15:",
        "rules.yaml:1:23:",
        "rules.yaml:1:34:",
        "rules.yaml:2:15:",
    ]


def test_a_circle_is_shown_as_a_chain():
    write(
        {
            "rules.yaml": "extends: a.yaml\nrules: [rps > 1]",
            "a.yaml": "rules: [rps > 2]\nextends:\n  - x/b.yaml",
            "x/b.yaml": "extends: ['../a.yaml']",
        }
    )
    assert problems() == [
        "x/b.yaml:1:11: extends: a.yaml -> x/b.yaml -> a.yaml is a circle; leave one of them out"
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("gone.yaml", "No such file or directory", id="a missing file"),
        pytest.param("folder.yaml", "it is not a file", id="a folder"),
        pytest.param("pipe.yaml", "it is not a file", id="a pipe, which nobody writes to"),
        pytest.param("/dev/zero", "it is not a file", id="a device without end"),
        pytest.param("self.yaml", "levels of symbolic links", id="a link to itself"),
        pytest.param("a" * 300 + ".yaml", "File name too long", id="a name too long"),
        pytest.param("rules.yaml/x", "Not a directory", id="a file as a folder"),
        pytest.param(r"\0.yaml", "its name holds characters that no file can have", id="NUL"),
    ],
)
def test_files_that_cannot_be_read(name, why):
    Path("folder.yaml").mkdir()
    os.mkfifo("pipe.yaml")
    Path("self.yaml").symlink_to("self.yaml")
    write({"rules.yaml": f'rules: [rps > 1]\nextends: ["{name}"]'})
    (problem,) = problems()
    assert problem.startswith("rules.yaml:2:11: extends: can't read ")
    assert why in problem


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("gone.yaml", "No such file or directory", id="a missing file"),
        pytest.param(".", "it is not a file", id="a folder"),
        pytest.param("/dev/null/x", "Not a directory", id="a file as a folder"),
        pytest.param("nul\0", "its name holds characters that no file can have", id="NUL"),
    ],
)
def test_a_rules_file_that_cannot_be_read(path, why):
    assert problems(path) == [f"{path}:1:1: can't be read: {why}"]


def test_a_link_before_dots_is_followed_as_everywhere():
    """What is shown is then the path as written, because the short one is another file."""
    write(
        {
            "real/sub/rules.yaml": "rules: [rps > 1]",
            "real/one.yaml": "rules: [rps > 2]",
            "one.yaml": "rules: [rps > 3]",
            "rules.yaml": "extends: link/../one.yaml",
        }
    )
    Path("link").symlink_to("real/sub")
    (rule,) = load_rules("rules.yaml", {})
    assert (rule.name, rule.place.file) == ("rps > 2/s", "link/../one.yaml")


def test_a_row_of_files_is_limited():
    last = MAX_DEPTH + 1
    write({f"{n}.yaml": f"extends: {n + 1}.yaml" for n in range(last)})
    write({f"{last}.yaml": "rules: [rps > 1]"})
    assert names("1.yaml") == ["rps > 1/s"]
    assert problems("0.yaml") == [
        f"{MAX_DEPTH}.yaml:1:10: extends: more than 10 files extend each other in a row"
    ]


def test_the_number_of_files_is_limited():
    write({f"{n}.yaml": f"rules: [rps > {n}]" for n in range(MAX_FILES + 1)})
    for count in (MAX_FILES, MAX_FILES + 1):
        items = ", ".join(f"{n}.yaml" for n in range(count))
        write({f"all-{count}.yaml": f"extends: [{items}]"})
    assert len(names(f"all-{MAX_FILES}.yaml")) == MAX_FILES
    (problem,) = problems(f"all-{MAX_FILES + 1}.yaml")
    assert problem.endswith("extends: more than 50 files and packs are extended")


def test_the_size_of_all_files_together_is_limited():
    write({f"{n}.yaml": f"rules: [rps > {n}]\n" + "#" * 15_000 for n in range(4)})
    write({"rules.yaml": "extends: [0.yaml, 1.yaml, 2.yaml, 3.yaml]"})
    (problem,) = problems()
    assert problem.startswith("3.yaml:1:1: too large for a rules file, which has up to 50000 bytes")


def many_each_extending_all(count):
    everyone = ", ".join(f"{n}.yaml" for n in range(count))
    return {f"{n}.yaml": f"extends: [{everyone}]" for n in range(count)}


def many_broken(count):
    everyone = ", ".join(f"{n}.yaml" for n in range(count))
    files = {f"{n}.yaml": "rules: " + "[" * 1000 for n in range(1, count)}
    return files | {"0.yaml": f"extends: [{everyone}]"}


def many_aliases(count):
    everyone = ", ".join(f"{n}.yaml" for n in range(1, count))
    many = ", ".join(["*a"] * 100)
    bomb = f"a: &a [{', '.join('x' * 90)}]\nrules: [{many}]"
    return {f"{n}.yaml": bomb for n in range(1, count)} | {"0.yaml": f"extends: [{everyone}]"}


@pytest.mark.parametrize("files", [many_each_extending_all, many_broken, many_aliases])
def test_files_made_to_take_long_are_given_up_on(files):
    write(files(100))
    began = time.process_time()
    assert problems("0.yaml")
    assert time.process_time() - began < 1
