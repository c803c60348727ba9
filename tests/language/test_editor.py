"""A real editor's language server completes, explains and checks a rules file by the schema."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from dataclasses import dataclass, field

import pytest

from guard.engine.metrics import METRICS
from guard.language.options import ACTIONS, OPTIONS
from guard.language.schema import EXAMPLES, rules_schema

SERVER = "yaml-language-server@2.0.0"
MODELINE = "# yaml-language-server: $schema=rules.schema.json\n"
CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "hover": {},
        "publishDiagnostics": {},
    },
    "workspace": {"configuration": True},
}
SETTINGS = {"schemaStore": {"enable": False}, "completion": True, "hover": True, "validate": True}


@dataclass
class Editor:
    """The client's side of the Language Server Protocol, as far as these tests need it."""

    server: subprocess.Popen[bytes]
    folder: str
    diagnostics: dict[str, list[str]] = field(default_factory=dict)
    asked: int = 0

    def tell(self, method, **params):
        self._send({"method": method, "params": params})

    def ask(self, method, **params):
        self.asked += 1
        self._send({"id": self.asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self.asked and "method" not in message:
                return message["result"]

    def open(self, name, text):
        """Show a file that has these rules; ``|`` is the cursor. Gives what a question about it
        needs."""
        uri, before = f"{self.folder}/{name}.yaml", text.partition("|")[0]
        text = MODELINE + text.replace("|", "", 1)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        cursor = {"line": 1 + before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return {"textDocument": {"uri": uri}, "position": cursor}

    def completions(self, name, text):
        """What may follow at the cursor, with its description."""
        found = self.ask("textDocument/completion", **self.open(name, text))
        return {item["insertText"].strip(): item.get("documentation") for item in found["items"]}

    def complaints(self, name, text):
        uri = self.open(name, text)["textDocument"]["uri"]
        while uri not in self.diagnostics:
            self._receive()
        return self.diagnostics[uri]

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def _receive(self):
        length = 0
        while line := self.server.stdout.readline().strip():
            key, _, value = line.partition(b":")
            length = int(value) if key.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message = json.loads(self.server.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]
            self.diagnostics[found["uri"]] = [found["message"] for found in found["diagnostics"]]
        elif "method" in message and "id" in message:
            sections = message["params"].get("items", []) if message.get("params") else []
            answer = [SETTINGS if item.get("section") == "yaml" else {} for item in sections]
            self._send({"id": message["id"], "result": answer})
        return message


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("the YAML language server needs Node.js and npm (Debian: nodejs, npm)")
    folder = tmp_path_factory.mktemp("editor")
    install = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", SERVER]
    installed = subprocess.run(install, capture_output=True, text=True, timeout=120)
    if installed.returncode:
        pytest.skip(f"{SERVER} can't be installed: {installed.stderr.strip()[-200:]}")
    (folder / "rules.schema.json").write_text(json.dumps(rules_schema()))
    program = folder / "node_modules" / ".bin" / "yaml-language-server"
    command = [node, program, "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        watchdog = threading.Timer(60, server.kill)  # a server that says nothing fails the test
        watchdog.start()
        editor = Editor(server, folder.as_uri())
        editor.ask("initialize", processId=None, rootUri=editor.folder, capabilities=CAPABILITIES)
        editor.tell("initialized")
        yield editor
        watchdog.cancel()
        server.kill()


# One test, because each process that runs tests would have to install the server.
def test_an_editor_completes_explains_and_checks(editor):
    at_the_top = editor.completions("top", "|")
    assert any(text.startswith("rules:") for text in at_the_top)
    assert any(text.startswith("defaults:") for text in at_the_top)

    rule = editor.completions("rule", "rules:\n  - |")
    assert set(EXAMPLES.values()) <= set(rule)
    for name, metric in METRICS.items():
        assert rule[EXAMPLES[name]] == metric.meaning
    assert "check:" in rule

    keys = editor.completions("keys", "rules:\n  - check: p95 < 1s\n    |")
    for word, option in OPTIONS.items():
        assert keys[f"{word}:"].startswith(option.meaning)

    actions = editor.completions("action", "rules:\n  - check: p95 < 1s\n    else: |")
    assert set(actions) == set(ACTIONS)
    assert actions["void"] == "go on: the run can't be trusted, so it is inconclusive"
    assert set(EXAMPLES.values()) <= set(editor.completions("check", "rules:\n  - check: |"))
    assert "10s" in editor.completions("over", "rules:\n  - check: p95 < 1s\n    over: |")

    place = editor.open("hover", "rules:\n  - check: p95 < 1s\n    ov|er: 10s\n")
    assert OPTIONS["over"].meaning in str(editor.ask("textDocument/hover", **place)["contents"])

    good = "rules:\n  - p95 < 1s\n  - {check: avg < 1s, min_requests: 50, name: 5, else: stop}\n"
    assert editor.complaints("good", good) == []
    bad = "rules:\n  - p955 < 1s\n  - {check: avg < 1s, ovr: 10s, else: stopp}\n"
    said = "\n".join(editor.complaints("bad", bad))
    assert "a check begins with a metric, such as p95 or fail_ratio" in said
    assert "Property ovr is not allowed" in said
    assert '"stop"' in said
