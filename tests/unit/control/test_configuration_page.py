"""docs/configuration.md names the settings that the programs have, with their defaults: no more, no
fewer, no others."""
import os
import re
import subprocess
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
BUILD = os.environ.get("SLUICE_BUILD", "build")
PROGRAMS = {"sluiced": "control/grpc/sluiced", "sluice-watcher": "control/watcher/sluice-watcher"}


def settings_of(program):
    """{key: default} as --print-config has them; None: no value."""
    text = subprocess.run([os.path.join(BUILD, program), "--print-config"], check=True, text=True,
                          stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}).stdout
    rows = re.findall(r"^(# )?([a-z0-9-]+) = ?(.*)$", text, re.MULTILINE)
    return {key: None if comment else value for comment, key, value in rows}


def section(name):
    with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as file:
        return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", file.read(), re.DOTALL | re.MULTILINE)[1]


def documented(name):
    """{key: (default, unit, meaning)}"""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \| (.*) \|$", section(name), re.MULTILINE)
    return {key: (None if default == "none" else default.strip("`"), unit, meaning)
            for key, default, unit, meaning in rows}


class ConfigurationPageTest(unittest.TestCase):
    def test_keys_and_defaults_are_the_programs(self):
        for name, program in PROGRAMS.items():
            with self.subTest(name):
                page = {key: row[0] for key, row in documented(name).items()}
                self.assertEqual(page, settings_of(program))

    def test_every_key_has_a_unit_and_a_meaning(self):
        for name in PROGRAMS:
            for key, (_, unit, meaning) in documented(name).items():
                self.assertTrue(unit.strip() and meaning.strip(), f"{name}: {key}")


if __name__ == "__main__":
    unittest.main()
