"""The revisions of the database are one line: two that follow the same one would leave nobody able to upgrade."""

import shutil
from pathlib import Path

from alembic.script import ScriptDirectory

from satcom.core import migration

REVISION = 'revision = "{}"\ndown_revision = "{}"\n\n\ndef upgrade() -> None: ...\n\n\ndef downgrade() -> None: ...\n'


def broken_line(folder: Path) -> list[str]:
    """What is wrong with the revisions below `folder`: another than one head, a gap, a file of another number."""
    scripts = ScriptDirectory(str(folder))
    heads = scripts.get_heads()
    faults = [] if len(heads) == 1 else [f"heads: {', '.join(sorted(heads))}"]
    for one in scripts.walk_revisions("base", "heads"):
        before = f"{int(one.revision) - 1:04}" if int(one.revision) > 1 else None
        if one.down_revision != before:
            faults.append(f"{one.revision} follows {one.down_revision}")
        if not Path(one.path).name.startswith(f"{one.revision}_"):
            faults.append(f"{Path(one.path).name} is {one.revision}")
    return sorted(faults)


def test_the_revisions_have_exactly_one_head_and_no_gap() -> None:
    assert broken_line(migration.FOLDER) == []


def test_a_second_head_a_gap_and_a_misnamed_file_are_seen(tmp_path: Path) -> None:
    folder = shutil.copytree(migration.FOLDER, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    newest = migration.head()
    assert newest is not None
    number = int(newest)
    (folder / "versions" / f"{number + 1:04}_one.py").write_text(REVISION.format(f"{number + 1:04}", newest))
    (folder / "versions" / f"{number + 2:04}_other.py").write_text(REVISION.format(f"{number + 2:04}", newest))
    (folder / "versions" / "0001_again.py").write_text(REVISION.format(f"{number + 3:04}", f"{number + 2:04}"))
    assert broken_line(folder) == [
        f"0001_again.py is {number + 3:04}",
        f"{number + 2:04} follows {newest}",
        f"heads: {number + 1:04}, {number + 3:04}",
    ]
