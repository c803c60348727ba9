"""What the Locust door makes of options, as far as no process is needed."""

from __future__ import annotations

import pytest

from guard import plugin


@pytest.mark.parametrize(
    ("locustfile", "title"),
    [
        ("locustfile.py", "locustfile.py"),
        ("load/shop.py, load/search.py", "shop.py, search.py"),
        ("shop.py,", "shop.py"),
        (".", "load tests"),
        ("https://files.example/shop.py?token=s3cr3t#x", "shop.py"),
        ("what?.py", "what?.py"),
    ],
)
def test_the_title_is_what_the_locustfiles_are_called(tmp_path, monkeypatch, locustfile, title):
    (tmp_path / "load tests").mkdir()
    monkeypatch.chdir(tmp_path / "load tests")
    assert plugin._title_of(locustfile) == title
