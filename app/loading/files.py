"""The files of an operator: which lists there are, and their entries as written, from YAML or CSV.

A list stands in one file of its name. In CSV the columns are called as the keys in YAML; `price.amount` is the key
`amount` within `price`, an empty cell is a key left out, and a cell in brackets is read as YAML.
"""

import csv
import io
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from satcom.core.errors import Fault, Refused

CATALOGUE_LISTS = (
    "product_categories",
    "product_catalogues",
    "service_categories",
    "service_catalogues",
    "resource_categories",
    "resource_catalogues",
    "resource_specifications",
    "service_specifications",
    "product_specifications",
    "prices",
    "product_offerings",
    "service_candidates",
    "resource_candidates",
)
LISTS = (
    "escalations",
    "suppliers",
    "partners",
    "satellites",
    "beams",
    "transponders",
    "carriers",
    "earth_stations",
    "hubs",
    "constellations",
    "carrier_pools",
    "terminal_types",
    "licences",
    "depots",
    "stock",
    "installers",
    *CATALOGUE_LISTS,
    "customers",
    "sites",
)
OPERATOR, CATALOGUE, ELEMENTS = "operator.yaml", "catalogue.yaml", "elements.tle"
ELEMENT_FILES = (ELEMENTS, *(f"elements.{notation}" for notation in ("csv", "json", "xml", "kvn")))  # a message (OMM)
ORDER = "order.yaml"  # an order lies beside the data, and is placed, not loaded
UNREAD = frozenset({"badYaml", "badCsv", "unreadable"})  # codes of faults
TOO_DEEP = "it is nested too deeply"
MAX_DEPTH = 200  # of what is read fast
Values = dict[str, Any]  # as YAML gives them


class Written(Values):
    """What stands under keys in a file, and in which line; of a table also the columns."""

    line: int
    lines: Mapping[str, int] = MappingProxyType({})
    columns: tuple[str, ...] = ()

    def __init__(self, line: int, columns: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.line, self.columns = line, columns


@dataclass(frozen=True)
class Entry:
    """One entry of a list, as written."""

    file: str
    slug: str
    values: Values

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that it is a row of."""
        return self.values.columns if isinstance(self.values, Written) else ()

    def at(self, key: str = "") -> str:
        """File, entry, line and key, as people are told them; what is left out is where its entry begins."""
        line = self._line_of(key)
        where = f"{self.file}: {self.slug}" + (f" (line {line})" if line is not None else "")
        return f"{where}: {key}" if key else where

    def _line_of(self, key: str) -> int | None:
        line: int | None = None
        part: object = self.values
        for step in ["", *key.split(".")]:
            if isinstance(part, Written):
                line = part.lines.get(step, line or part.line)
            if step and isinstance(part, list):
                part = part[int(step)] if step.isdecimal() and int(step) < len(part) else None
            elif step:
                part = part.get(step) if isinstance(part, dict) and not self.columns else None
        return line


@dataclass
class Files:
    """What was read. `faults` are those of the files themselves."""

    folder: Path = Path()
    lists: dict[str, list[Entry]] = field(default_factory=dict)
    operator: Entry | None = None
    elements: str | None = None
    elements_file: str = ELEMENTS
    faults: list[Fault] = field(default_factory=list)

    @property
    def unread(self) -> bool:
        """Whether a file could not be read, so that what it holds is not known."""
        return any(fault.code in UNREAD for fault in self.faults)

    def beside(self, name: str) -> str:
        """The text of a file that an entry names, from its folder on. Raises `Refused` on `name` when it has none."""
        try:
            return (self.folder / name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise Refused(name, f"it cannot be read: {error}", "unreadable") from error

    def entries(self, name: str) -> list[Entry]:
        return self.lists.get(name, [])


class _Rules(SafeConstructor):
    """YAML in which no key may be given twice, since the first would be lost without a word, and text is text."""

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and any(one == "\0" or "\ud800" <= one <= "\udfff" for one in value):
            raise yaml.MarkedYAMLError(problem="a character that is no text", problem_mark=node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value:
            name = self.construct_object(key)
            if isinstance(name, Hashable) and name in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {name!r} is given twice", problem_mark=key.start_mark)
            if isinstance(name, Hashable):
                seen.add(name)
        return super().construct_mapping(node, deep)


class _Loader(_Rules, yaml.SafeLoader):
    """Tells best what is at fault, and where."""


class _FastLoader(_Rules, yaml.CSafeLoader):
    """Reads eight times as fast. It has no limit to what is nested, so it is given one."""

    _depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError

    def ascend_resolver(self) -> None:
        self._depth -= 1


def _written(loader: _Loader | _FastLoader, node: yaml.MappingNode) -> Iterator[Written]:
    """The keys of a mapping with their lines; filled after it is known, since it may name itself."""
    written = Written(node.start_mark.line + 1)
    yield written
    written.update(loader.construct_mapping(node))  # type: ignore[arg-type]  # `_entry` refuses other keys
    written.lines = {str(loader.construct_object(key)): key.start_mark.line + 1 for key, _ in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _written)
_FastLoader.add_constructor("tag:yaml.org,2002:map", _written)


def _parsed(text: str) -> Any:
    """What the text holds. Whatever is no sound YAML is read again by the loader that tells where and why."""
    try:
        return yaml.load(text, _FastLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return yaml.load(text, _Loader)


def read_folder(folder: Path) -> Files:
    """Everything in `folder`. Files that an operator does not have may be absent."""
    files = Files(folder)
    if not folder.is_dir():
        files.faults.append(Fault(str(folder), "there is no such folder", "notFound"))
        return files
    for path in sorted(folder.iterdir()):
        if path.name in ELEMENT_FILES:
            if files.elements is not None:
                why = f"the elements stand in {files.elements_file} already; they are one file"
                files.faults.append(Fault(path.name, why, "taken"))
            files.elements, files.elements_file = _text(path, files), path.name
        elif path.name == OPERATOR:
            operator = _yaml(path, files)
            files.operator = _entry(OPERATOR, operator, 1, files) if operator is not None else None
        elif path.name == CATALOGUE:
            _read_catalogue(path, files)
        elif path.stem in LISTS and path.suffix in (".yaml", ".csv"):
            read = _yaml(path, files) if path.suffix == ".yaml" else _csv(path, files)
            _keep(files, path.stem, path.name, read)
        elif path.suffix in (".yaml", ".yml", ".csv", ".tle") and not path.name.endswith(ORDER):
            why = f"nothing is loaded from a file of this name; known are {', '.join(LISTS)} as .yaml or .csv"
            files.faults.append(Fault(path.name, f"{why}, {OPERATOR}, {CATALOGUE}, {ELEMENTS}", "unknown"))
    if not files.faults and not files.lists and files.operator is None and files.elements is None:
        files.faults.append(Fault(str(folder), "there is nothing to load in it", "notFound"))
    return files


def read_file(path: Path, kind: str | None) -> Files:
    """One list, the file called after it or, whatever its name, a list of `kind`."""
    files = Files(path.parent)
    name = kind or path.stem
    if name not in LISTS:
        files.faults.append(Fault(path.name, f"there is no list {name!r}", "unknown", ", ".join(LISTS)))
    elif path.suffix not in (".yaml", ".csv"):
        files.faults.append(Fault(path.name, "it is no list", "unknown", "a file in .yaml or .csv"))
    else:
        _keep(files, name, path.name, _yaml(path, files) if path.suffix == ".yaml" else _csv(path, files))
    return files


def read_mapping(path: Path) -> tuple[Values, list[Fault]]:
    """One YAML file that holds one object."""
    files = Files()
    read = _yaml(path, files)
    if isinstance(read, dict):
        return read, []
    return {}, files.faults or [Fault(path.name, "it is no object of keys and values", "wrongType")]


def _read_catalogue(path: Path, files: Files) -> None:
    read = _yaml(path, files)
    if read is None:
        return
    if not isinstance(read, dict):
        files.faults.append(Fault(path.name, f"it holds lists called {', '.join(CATALOGUE_LISTS)}", "wrongType"))
        return
    for name, rows in read.items():
        if name in CATALOGUE_LISTS:
            _keep(files, name, path.name, rows)
        else:
            why = f"there is no such list; known are {', '.join(CATALOGUE_LISTS)}"
            files.faults.append(Fault(f"{path.name}: {name}", why, "unknown"))


def _keep(files: Files, name: str, file: str, rows: object) -> None:
    """Keep the entries of the list `name`, which may stand in one file only."""
    if name in files.lists:
        other = next((one.file for one in files.lists[name]), "another file")
        files.faults.append(Fault(file, f"the list {name} is in {other} already; keep one of them", "duplicate"))
        return
    if rows is not None and not isinstance(rows, list):
        files.faults.append(Fault(f"{file}: {name}", "it is no list", "wrongType"))
    entries: dict[str, Entry] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else [], start=1):
        entry = _entry(file, row, number, files)
        if entry is not None and entry.slug in entries:
            first = entries[entry.slug].at("id")
            files.faults.append(Fault(entry.at("id"), f"two entries have it, the other is {first}", "duplicate"))
        elif entry is not None:
            entries[entry.slug] = entry
    files.lists[name] = list(entries.values())


def _entry(file: str, row: object, number: int, files: Files) -> Entry | None:
    if not isinstance(row, dict):
        files.faults.append(Fault(f"{file}: entry {number}", "it is no object of keys and values", "wrongType"))
        return None
    place = f"line {row.line}" if isinstance(row, Written) else f"entry {number}"
    slug = row.get("id")
    if not isinstance(slug, str) or not slug.strip() or len(slug) > 100:
        why = "missing" if slug is None else "it is no name (1 to 100 characters)"
        files.faults.append(Fault(f"{file}: {place}: id", why, "missing" if slug is None else "invalid"))
        return None
    if any(not isinstance(key, str) for key in row):
        files.faults.append(Fault(f"{file}: {place}", "a key is no text; put it in quotes", "wrongType"))
        return None
    return Entry(file, slug, row)


def _text(path: Path, files: Files) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        files.faults.append(Fault(path.name, f"it cannot be read: {error}", "unreadable"))
        return None


def _yaml(path: Path, files: Files) -> object:
    """The content; `None` for an empty file and, with a fault, for one that is no YAML."""
    text = _text(path, files)
    try:
        return _parsed(text) if text is not None else None
    except yaml.YAMLError as error:
        files.faults.append(_bad_yaml(path.name, error))
    except ValueError as error:  # a day such as 2026-02-30
        files.faults.append(Fault(path.name, f"it holds an impossible value: {error}", "badYaml"))
    except RecursionError:
        files.faults.append(Fault(path.name, TOO_DEEP, "badYaml"))
    return None


def _bad_yaml(name: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line = f": line {mark.line + 1}" if mark is not None else ""
    return Fault(f"{name}{line}", str(getattr(error, "problem", None) or "it is no YAML"), "badYaml")


def _csv(path: Path, files: Files) -> list[Values]:
    text = _text(path, files)
    if text is None:
        return []
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","  # as spreadsheets with a decimal comma write it
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="", skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "id" not in names:
        why = f"the column {twice[0]!r} is there twice" if twice else "the first line has no column 'id'"
        files.faults.append(Fault(f"{path.name}: line 1", why, "badCsv"))
        return []
    rows = []
    for cells in reader:
        line = reader.line_num
        where = f"{path.name}: line {line}"
        if "" in cells:
            files.faults.append(Fault(where, f"there are more cells than the {len(names)} columns", "badCsv"))
        elif any((text or "").strip() for text in cells.values()):
            rows.append(_row(cells, Written(line, tuple(names)), where, files))
    return rows


def _row(cells: Mapping[str, str | None], row: Written, where: str, files: Files) -> Values:
    for name, text in cells.items():
        value = (text or "").strip()
        if not value:
            continue
        *above, last = name.split(".")
        inner: object = row
        for key in above:
            inner = inner.setdefault(key, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and last not in inner:
            inner[last] = _cell(value, f"{where}: {name}", files)
        else:
            files.faults.append(Fault(f"{where}: {name}", "another column holds the whole of it", "badCsv"))
    return row


def _cell(text: str, where: str, files: Files) -> object:
    """A cell stays text: its column knows the type. Only what is in brackets has a structure."""
    if text[0] not in "[{":
        return text
    try:
        return _parsed(text)
    except (yaml.YAMLError, ValueError) as error:
        files.faults.append(Fault(where, f"it is no YAML: {getattr(error, 'problem', None) or error}", "badYaml"))
        return None
    except RecursionError:
        files.faults.append(Fault(where, TOO_DEEP, "badYaml"))
        return None
