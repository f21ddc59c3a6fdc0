"""The eight ways in which the real service is known, or feared, to misbehave."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


class UnknownSwitchError(ValueError):
    """No such switch, or not a value it takes."""


@dataclass(frozen=True, slots=True)
class Switches:
    """All off by default. Seconds where a duration is meant, else on or off."""

    drop_notification: bool = False
    duplicate_notification: bool = False
    delay_notification: float = 0.0
    bad_gateway: bool = False
    technical_fault: bool = False
    wrong_amount: bool = False
    slow: float = 0.0
    unknown_result: bool = False

    def changed(self, changes: dict[str, object]) -> Switches:
        """A copy with ``changes``; ``UnknownSwitchError`` for what is not a switch."""
        kinds = {field.name: type(field.default) for field in fields(self)}
        values: dict[str, bool | float] = {}
        for name, value in changes.items():
            kind = kinds.get(name)
            if kind is bool and isinstance(value, bool):
                values[name] = value
            elif (
                kind is float
                and isinstance(value, int | float)
                and not isinstance(value, bool)
                and 0 <= value <= MAX_SECONDS
            ):
                values[name] = float(value)
            else:
                message = f"{name}: not a switch, or not its kind of value"
                raise UnknownSwitchError(message)
        return replace(self, **values)  # type: ignore[arg-type]  # each kind was checked above


MAX_SECONDS = 600
LABELS = {
    "drop_notification": "Ne pas envoyer la notification",
    "duplicate_notification": "Envoyer la notification deux fois",
    "delay_notification": "Retarder la notification après le retour du navigateur (secondes)",
    "bad_gateway": "Répondre 502 au service web",
    "technical_fault": "Répondre 500 avec une erreur technique",
    "wrong_amount": "Répondre un montant différent de celui demandé",
    "slow": "Répondre lentement au service web (secondes)",
    "unknown_result": "Répondre un résultat inconnu (lettre hors table)",
}
