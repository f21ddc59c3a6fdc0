"""What pages make once and show hundreds of times."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.assets import Assets
from gateway.directory import Directory
from gateway.rendering import make_environment
from preau.agenda.v1.agenda_service_pb2 import Activity, ListActivitiesResponse


def test_a_sign_is_the_same_markup_each_time_and_escapes_its_name(tmp_path: Path) -> None:
    environment = make_environment(Assets(tmp_path), is_development=False)
    template = environment.from_string(
        '{% import "ui.html" as ui with context %}{{ ui.icon("plus") }}|{{ ui.icon(name, "spin") }}'
    )

    for _ in range(2):
        plain, spinning = template.render(name='"><b>').split("|")
        assert plain == '<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-plus"/></svg>'
        assert 'class="icon spin"' in spinning
        assert "<b>" not in spinning


async def test_a_towns_activities_are_named_once_for_all_its_families() -> None:
    calls = 0

    async def list_activities(_token: str, _request: Any) -> ListActivitiesResponse:
        nonlocal calls
        calls += 1
        names = ("Accueil périscolaire soir", "Accueil périscolaire matin")
        activities = [Activity(id=str(n), name=name, position=9 - n) for n, name in enumerate(names)]
        return ListActivitiesResponse(activities=activities)

    agenda = SimpleNamespace(list_activities=list_activities)
    directory = Directory(SimpleNamespace(agenda=agenda))  # type: ignore[arg-type]
    town: Any = SimpleNamespace(number=1)

    first = await directory.catalogue(town, SimpleNamespace(token="one"))  # type: ignore[arg-type]
    second = await directory.catalogue(town, SimpleNamespace(token="two"))  # type: ignore[arg-type]

    assert calls == 1
    assert first is second
    assert [(each.id, each.short) for each in first.names.values()] == [("1", "Matin"), ("0", "Soir")]
