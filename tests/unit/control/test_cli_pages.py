"""Completion and manual pages have every subcommand and option that --help shows, and their readers
take them."""
import os
import re
import shutil
import subprocess
import unittest

BUILD = os.environ.get("SLUICE_BUILD", "build")
SLUICECTL = os.path.join(BUILD, "control/ctl/sluicectl")
DAEMONS = [os.path.join(BUILD, "control/grpc/sluiced"),
           os.path.join(BUILD, "control/watcher/sluice-watcher")]


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def options_in(help_text):
    """Long options at the beginning of their lines."""
    return set(re.findall(r"^  (?:-\w,)?(--[a-z0-9-]+)", help_text, re.MULTILINE))


def subcommands_in(help_text):
    _, _, rest = help_text.partition("\nSubcommands:\n")
    return re.findall(r"^  ([a-z-]+)", rest, re.MULTILINE)


def tree(*path):
    """{("port", "add"): {"--kind", ...}, ...} as --help says."""
    help_text = output(SLUICECTL, *path, "--help")
    found = {path: options_in(help_text)}
    for name in subcommands_in(help_text):
        found.update(tree(*path, name))
    return found


TREE = tree()


def complete(line):
    """What bash offers behind `line`."""
    script = (f'source <({SLUICECTL} completion bash); COMP_WORDS=({line} ""); '
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sluicectl; printf "%s\\n" "${COMPREPLY[@]}"')
    return set(output("bash", "-c", script).split())


class CompletionTest(unittest.TestCase):
    def test_help_was_understood(self):
        self.assertIn(("port", "add"), TREE)
        self.assertIn("--kind", TREE["port", "add"])
        self.assertIn("--server", TREE[()])

    def test_bash_offers_every_subcommand_and_option(self):
        for path, options in TREE.items():
            offered = complete(" ".join(("sluicectl",) + path))
            below = {longer[-1] for longer in TREE if longer[:-1] == path and longer != path}
            self.assertLessEqual(options | below, offered, path)

    def test_bash_offers_the_values_of_a_choice(self):
        self.assertEqual(complete("sluicectl --output"), {"table", "json"})
        self.assertEqual(complete("sluicectl get ports -o"), {"table", "json"})
        self.assertEqual(complete("sluicectl port add x --role"), {"pod", "uplink", "host", "mirror"})

    def test_shells_parse_them(self):
        for shell in ("bash", "zsh"):
            script = output(SLUICECTL, "completion", shell)
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=script, text=True, check=True)
        self.assertTrue(shutil.which("zsh"), "zsh is not installed")

    def test_another_shell_is_refused(self):
        result = subprocess.run([SLUICECTL, "completion", "fish"], check=False, text=True,
                                stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 2)
        self.assertIn("fish", result.stderr)


class ManPageTest(unittest.TestCase):
    def pages(self):
        return [output(SLUICECTL, "man")] + [output(name, "--print-man") for name in DAEMONS]

    def test_they_have_every_subcommand_and_option(self):
        page = output(SLUICECTL, "man").replace("\\-", "-")
        for path, options in TREE.items():
            heading = f".SS sluicectl {' '.join(path)}\n"
            section = page.partition(heading)[2].partition("\n.SS ")[0] if path else page
            for option in options:
                self.assertRegex(section, rf"\\fB[^\n]*{option}\\fR", path)
        for name in DAEMONS:
            page = output(name, "--print-man").replace("\\-", "-")
            for option in options_in(output(name, "--help")):
                self.assertRegex(page, rf"\\fB[^\n]*{option}\\fR", name)

    def test_mandoc_finds_no_fault(self):
        for page in self.pages():
            result = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page, text=True,
                                    check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_man_shows_them(self):
        for page in self.pages():
            text = subprocess.run(["man", "-l", "-"], input=page, text=True, check=True,
                                  env={"MANPAGER": "cat", "PATH": os.environ["PATH"],
                                       "MANWIDTH": "100"},
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertIn("OPTIONS", text.stdout)


if __name__ == "__main__":
    unittest.main()
