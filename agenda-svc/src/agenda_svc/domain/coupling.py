"""Activities that stand or fall together: a meal cannot stand without the midday care it requires."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from agenda_svc.domain.rules import TownRules


def coupled(rules: TownRules, leaving: Collection[int], present: Collection[int]) -> frozenset[int]:
    """The activities among ``present`` that go when ``leaving`` go, themselves included.

    Deleting one of a pair deletes both, whichever of the two requires the other. What several activities require
    stays as long as one of them does.
    """
    gone = set(leaving)
    waiting = list(leaving)
    while waiting:
        key = waiting.pop()
        activity = rules.by_key.get(key)
        if activity is None:
            continue
        for other in rules.required_by[key]:
            if other in present and other not in gone:
                gone.add(other)
                waiting.append(other)
        for other in activity.requires:
            if other in present and other not in gone and _nobody_needs(rules, other, present, gone):
                gone.add(other)
                waiting.append(other)
    return frozenset(gone)


def _nobody_needs(rules: TownRules, key: int, present: Collection[int], gone: Collection[int]) -> bool:
    return not any(other in present and other not in gone for other in rules.required_by.get(key, ()))


def needing(rules: TownRules, keys: Iterable[int], present: Collection[int]) -> frozenset[int]:
    """``keys`` and the activities among ``present`` that cannot stand without one of them."""
    found = set(keys)
    waiting = list(found)
    while waiting:
        for other in rules.required_by.get(waiting.pop(), ()):
            if other in present and other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found)


def brought_by(rules: TownRules, chosen: Collection[int]) -> list[int]:
    """What booking ``chosen`` books too, without what is chosen already."""
    found: list[int] = []
    waiting = list(chosen)
    while waiting:
        for other in rules.by_key[waiting.pop()].brings:
            if other not in chosen and other not in found:
                found.append(other)
                waiting.append(other)
    return found
