"""Files of towns that tests may change, the command that applies them, and the letters of their families."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "town.toml"


def town_file(folder: Path, slug: str, *changes: tuple[str, str]) -> Path:
    """The example's town as ``slug``, with each text replaced once by the other; the text must be there."""
    text = EXAMPLE.read_text().replace("val-des-tilleuls", slug)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = folder / f"{slug}.toml"
    file.write_text(text)
    return file


def preau_town(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "preau_stack.cli", "town", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)


def reset_link(mail: Path, to: str) -> str:
    """The link in the letter for a new password, waited for."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for file in mail.glob("*.eml"):
            letter = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = letter.get_body(("plain",))
            found = re.search(r"http\S+token=\S+", str(body.get_content())) if body is not None else None
            if to in str(letter["To"]) and found:
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no letter to {to}")
