"""What the pages can say: every sentence of the templates and the code, as gettext sees them."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

SOURCE = Path(__file__).resolve().parents[4] / "gateway" / "src" / "gateway"
Message = str | tuple[str, ...]


def messages() -> dict[Message, set[str]]:
    """Every message and where it is said."""
    found: dict[Message, set[str]] = {}
    rows = extract_from_dir(
        SOURCE,
        method_map=[("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")],
        options_map={
            "**/templates/**.html": {
                "extensions": "jinja2.ext.i18n",
                "newstyle_gettext": "true",
                "silent": "false",
                "trimmed": "true",
            }
        },
        keywords={
            "_": None,
            "gettext": None,
            "ngettext": (1, 2),
            "say": None,
            "mark": None,
            "count": (1, 2),
            "mark_count": (1, 2),
        },
    )
    for name, _, message, _, _ in rows:
        key: Message = tuple(message) if isinstance(message, (tuple, list)) else message
        if key and all(key if isinstance(key, tuple) else (key,)):
            found.setdefault(key, set()).add(name)
    return found
