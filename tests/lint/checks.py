"""Holds the files of a tree against tests/lint/rules.py. Each check returns a list of findings,
"file:line: what: which rule"; an empty list is a pass.

A tree is a directory and the list of its files: `git ls-files` for the repository, a temporary
directory in the self-tests.
"""
import dataclasses
import os
import re
import subprocess

import rules

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
_IMPORT = re.compile(r'^\s*import\s+(?:public\s+)?"([^"]+)"')
_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_MAKE = re.compile(r"\bmake ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)")
_PROGRAM = re.compile(r"\bbuild/bin/([\w-]+)")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.S)


@dataclasses.dataclass
class Tree:
    root: str
    files: list

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def named(self, *suffixes):
        return [name for name in self.files if name.endswith(suffixes)]


def repository(root):
    """The tracked files; in a tree without git (a tarball, an image), all but build directories."""
    if os.path.exists(os.path.join(root, ".git")):
        # The clone may belong to another user than root, who runs the tests.
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        names = [name for name in listing.split("\0") if name]
        return Tree(root, [name for name in names if os.path.exists(os.path.join(root, name))])
    names = []
    for directory, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(("build", ".", "__pycache__"))]
        names += [os.path.relpath(os.path.join(directory, file), root) for file in files]
    return Tree(root, names)


def include_layers(tree):
    findings = []
    for name in tree.named(".h", ".cc"):
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            match = _INCLUDE.match(line)
            if match:
                quoted, header = match.group(1) == '"', match.group(2)
                why = _include_error(name, header, quoted)
                if why:
                    findings.append(f"{name}:{number}: includes {header}: {why}")
    for name in tree.named(".proto"):
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            match = _IMPORT.match(line)
            if match and not match.group(1).startswith(tuple(rules.PROTO_IMPORTS)):
                findings.append(f"{name}:{number}: imports {match.group(1)}: "
                                f"proto/ imports only {', '.join(rules.PROTO_IMPORTS)}")
    return findings


def _include_error(name, header, quoted):
    """Why `name` may not include `header`, or None."""
    for prefix, why in rules.FORBIDDEN_INCLUDES.items():
        if header.startswith(prefix):
            return why
    folder = max((p for p in rules.INCLUDES if name.startswith(p)), key=len, default=None)
    if folder is None:
        return "the file is in no folder of tests/lint/rules.py"
    own, libraries = rules.INCLUDES[folder]
    if quoted:
        return None if header.startswith(tuple(own)) else f"{folder} may include {', '.join(own)}"
    if header.startswith(tuple(libraries)):
        return None
    if header.startswith(tuple(rules.LIBRARY_PREFIXES)):
        return f"{folder} may use {', '.join(libraries)}"
    if "/" in header and not header.startswith(tuple(rules.SYSTEM_DIRECTORIES)):
        return "neither a system header nor a library of tests/lint/rules.py"
    for prefix, forbidden in rules.FORBIDDEN_SYSTEM.items():
        if name.startswith(prefix) and header in forbidden:
            return f"{prefix} is pure: no threads, clocks, files or sockets"
    return None


def header_guards(tree):
    return [f"{name}:1: has no #pragma once" for name in tree.named(".h")
            if "\n#pragma once\n" not in "\n" + tree.read(name)]


def hot_path(tree, files=None):
    """`files` stands in for rules.HOT_PATH in self-tests."""
    findings, used = [], set()
    for name in rules.HOT_PATH if files is None else files:
        if name not in tree.files:
            findings.append(f"{name}:1: named in HOT_PATH of tests/lint/rules.py, but not there")
            continue
        code = _NOISE.sub(_keep_lines, tree.read(name))
        for pattern, why in rules.HOT_PATH_FORBIDDEN.items():
            for match in re.finditer(pattern, code):
                if (name, match.group(0)) in rules.HOT_PATH_EXCEPTIONS:
                    used.add((name, match.group(0)))
                    continue
                number = code.count("\n", 0, match.start()) + 1
                findings.append(f"{name}:{number}: {match.group(0)}: {why}; not on the hot path")
    if files is None:
        findings += [f"{name}:1: {text}: an exception of tests/lint/rules.py that nobody needs"
                     for name, text in rules.HOT_PATH_EXCEPTIONS if (name, text) not in used]
    return findings


def _keep_lines(match):
    return '""' + "\n" * match.group(0).count("\n")


def machine_paths(tree):
    findings = []
    for name in tree.files:
        if name.startswith("tests/lint/") or name.endswith((".pcap", ".bin")):
            continue
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            for pattern, why in rules.FORBIDDEN_TEXT.items():
                if re.search(pattern, line):
                    findings.append(f"{name}:{number}: {why}: {line.strip()[:60]}")
    return findings


def doc_links(tree):
    """Every relative link of a Markdown file leads to a file, and its #anchor to a heading."""
    findings = []
    for name in tree.named(".md"):
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            for target in _LINK.findall(line):
                why = _link_error(tree, name, target)
                if why:
                    findings.append(f"{name}:{number}: link {target}: {why}")
    return findings


def _link_error(tree, name, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    page = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
    if page.startswith("..") or not os.path.exists(os.path.join(tree.root, page)):
        return "leads nowhere"
    if anchor and anchor not in _anchors(tree.read(page)):
        return "no such heading"
    return None


def _anchors(text):
    headings = re.findall(r"^#+ +(.*?)\s*$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def timeouts(tree):
    """docs/operations.md gives each connection state the timeout that the code does."""
    code = re.findall(r'X\(k\w+, "(\w+)", ([\d\']+)\)', tree.read("dataplane/connection_state.h"))
    code = {name: int(ms.replace("'", "")) for name, ms in code}
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", tree.read("docs/operations.md"), re.M)
    docs = {name: int(seconds) * 1000 for name, seconds in rows}
    return [f"docs/operations.md: state {name}: {docs.get(name)} ms, the code says {code.get(name)}"
            for name in sorted(code.keys() | docs.keys()) if code.get(name) != docs.get(name)]


def doc_commands(tree):
    """`make X` and build/bin/X in documentation exist in the Makefile."""
    makefile = tree.read("Makefile")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.M))
    declared = re.search(r"^PROGRAMS := (.*)$", makefile, re.M)
    programs = {os.path.basename(p) for p in declared.group(1).split()} if declared else set()
    findings = []
    for name in tree.named(".md"):
        text = tree.read(name)
        for code in _CODE.finditer(text):
            number = text.count("\n", 0, code.start()) + 1
            wanted = [w for m in _MAKE.findall(code.group(0)) for w in m.split()[:1]]
            findings += [f"{name}:{number}: make {w}: no such target in the Makefile"
                         for w in wanted if w not in targets]
            findings += [f"{name}:{number}: build/bin/{p}: not a program of the Makefile"
                         for p in _PROGRAM.findall(code.group(0)) if p not in programs]
    return findings
