"""The page of commands: every command with every option, as this version of the program has them."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.app.the_command_line import commands

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = "docs/cli.md"
TITLE: Final = "satcom on the command line"
ARGUMENTS: Final = ("satcom.app.cli", "utils", "docs", "--name", "satcom", "--title", TITLE, "--output")
STALE: Final = (
    f"{PAGE} is out of date. Type: .venv/bin/typer {' '.join(ARGUMENTS[:5])} --title '{TITLE}' --output {PAGE}"
)


def test_the_page_is_what_the_program_says_of_itself(tmp_path: Path) -> None:
    written = tmp_path / "cli.md"
    command = [str(Path(sys.executable).with_name("typer")), *ARGUMENTS, str(written)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=120)
    assert written.read_text(encoding="utf-8") == (ROOT / PAGE).read_text(encoding="utf-8"), STALE


def test_every_command_and_option_stands_on_the_page() -> None:
    sections = (ROOT / PAGE).read_text(encoding="utf-8").split("\n## ")
    found = 0
    for words, command in commands():
        (own,) = [one for one in sections if one.startswith(f"`satcom {words[0]}`")]
        heading = f"`satcom {' '.join(words)}`"
        assert heading in own
        part = own[own.index(heading) + len(heading) :].partition("\n### ")[0]
        options = [option for each in command.params for option in each.opts if option.startswith("--")]
        assert [option for option in options if option not in part] == [], heading
        found += 1
    assert found > 20
