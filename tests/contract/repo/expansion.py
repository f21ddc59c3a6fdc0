"""What a migration may not do while the release before it still runs: take away, rename, or refuse what old code writes.

A migration that must is marked `contract: <release>` in a comment: that release, and all after it, no longer use what is taken away.
"""

from __future__ import annotations

import re
from pathlib import Path

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)
_MARK = re.compile(r"contract:\s*(?P<release>\d+\.\d+\.\d+)")
_CREATED = re.compile(r"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>\w+)", re.IGNORECASE)
_RULES = {
    "drops what old code may use": r"\bDROP\s+(?!NOT\s+NULL\b)\w+|\bop\.drop_\w+",
    "renames what old code may use": r"\bRENAME\b|\bop\.rename_\w+|\bnew_column_name\s*=",
    "changes a type": r"\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b|\btype_\s*=",
    "demands a value that old code does not write": (
        r"\bSET\s+NOT\s+NULL\b|\bnullable\s*=\s*False\b(?![^)]*server_default)"
        r"|\bADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?!CONSTRAINT\b)\w+\s+(?:(?!\bDEFAULT\b|\bGENERATED\b)[^,;])*?\bNOT\s+NULL\b"
        r"(?!(?:(?!,)[^;])*\b(?:DEFAULT|GENERATED)\b)"
    ),
    "refuses rows that old code may write": (
        r"\bADD\s+(?:CONSTRAINT\s+\w+\s+)?(?:CHECK|UNIQUE|FOREIGN\s+KEY|EXCLUDE|PRIMARY\s+KEY)\b|\bCREATE\s+TRIGGER\b"
        r"|\bop\.create_(?:unique|check|exclude)_constraint|\bop\.create_foreign_key"
    ),
    "takes a right away": r"\bREVOKE\b",
    "empties a table": r"\bTRUNCATE\b",
}
_ON_TABLE = {
    "holds up who writes while it is built (migrations/indexes.sql is for that)": (
        r"\bCREATE\s+INDEX\b[^;]*?\bON\s+(?:ONLY\s+)?(?P<table>\w+)"
    ),
    "refuses rows that old code may write": r"\bCREATE\s+UNIQUE\s+INDEX\b[^;]*?\bON\s+(?:ONLY\s+)?(?P<table>\w+)",
}


def harms(script: str, releases: set[str]) -> list[str]:
    """What in the text of a migration would harm the release before it, in words."""
    mark = _MARK.search(script)
    if mark and mark["release"] in releases:
        return []
    text = _COMMENT.sub("", script)
    found = [f"{what}: {match[0]}" for what, rule in _RULES.items() for match in re.finditer(rule, text, re.IGNORECASE)]
    own = {match["table"].lower() for match in _CREATED.finditer(text)}
    for what, rule in _ON_TABLE.items():
        found += [
            f"{what}: {match[0]}"
            for match in re.finditer(rule, text, re.IGNORECASE)
            if match["table"].lower() not in own
        ]
    return found


def later_than_first(root: Path) -> list[Path]:
    """The migrations after each service's first, and the SQL they load, which carries their number."""
    return sorted(
        path
        for path in root.glob("*-svc/migrations/*/*")
        if path.suffix in {".py", ".sql"} and re.match(r"\d{4}_", path.name) and not path.name.startswith("0001")
    )
