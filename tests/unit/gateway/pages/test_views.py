"""What pages show, worked out without any service."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from gateway.activity_names import name_activities, short_name
from gateway.citizen.account import device_of
from gateway.citizen.basket_view import page_numbers
from gateway.citizen.bulk_form import BulkForm
from gateway.citizen.calendar_view import month_weeks
from gateway.citizen.dates import read_day
from gateway.citizen.desk import Query
from gateway.citizen.names import Child, Names
from gateway.formatting import Formatter, add_months, month_bounds
from gateway.lexicon import glued, lexicon, unglued
from gateway.resume import form_page, keep, kept, way_back
from gateway.words import sentence_for
from identity_svc.domain.passwords import LENGTH_WITHOUT_VARIETY, MINIMUM_LENGTH, REQUIRED_CLASSES
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau_chassis.wire import date_to_wire
from preau_kernel.money import Money

from tests.unit.gateway.pages.catalogue import SOURCE

SEVEN = [
    "Accueil périscolaire matin",
    "Restauration scolaire",
    "Accueil périscolaire midi",
    "Accueil périscolaire soir",
    "Centre de loisirs - Restauration mercredi",
    "Garderie soir du centre de loisirs mercredi",
    "Centre de loisirs du mercredi",
]
FRENCH = Formatter("fr", ZoneInfo("America/Martinique"))
NAMES = Names(
    {"c1": Child("c1", "Maëlle", "Démo"), "c2": Child("c2", "Timéo", "Démo")},
    {
        item.id: item
        for item in name_activities(
            [agenda.Activity(id=f"a{n}", name=name, position=n) for n, name in enumerate(SEVEN)]
        )
    },
)


@pytest.mark.parametrize(
    ("current", "last", "numbers"),
    [
        (1, 8, [1, 2, 3, 4, 5, 0, 8]),
        (1, 1, [1]),
        (3, 6, [1, 2, 3, 4, 5, 6]),
        (5, 8, [1, 0, 3, 4, 5, 6, 7, 8]),
        (8, 8, [1, 0, 4, 5, 6, 7, 8]),
        (10, 20, [1, 0, 8, 9, 10, 11, 12, 0, 20]),
    ],
)
def test_the_pager_shows_five_pages_an_ellipsis_and_the_last(current: int, last: int, numbers: list[int]) -> None:
    assert page_numbers(current, last) == numbers


def test_short_names_tell_the_documents_activities_apart() -> None:
    assert [short_name(name, SEVEN) for name in SEVEN] == [
        "Matin",
        "Restauration",
        "Midi",
        "Soir",
        "Restauration mercredi",
        "Garderie",
        "Centre de loisirs",
    ]


@pytest.mark.parametrize(
    "typed", ["01/09/2025", "1/9/25", "2025-09-01", "1.9.2025", " 01-09-2025 ", "01092025", "010925"]
)
def test_a_day_is_read_as_people_type_it(typed: str) -> None:
    assert read_day(typed) == date(2025, 9, 1)


@pytest.mark.parametrize(
    "typed", ["", "31/02/2025", "2025-13-01", "demain", "1/9", "0000-01-01", "٠١/٠٩/٢٠٢٥", "1092025"]
)
def test_what_is_no_day_is_not_read(typed: str) -> None:
    assert read_day(typed) is None


def test_days_hours_and_amounts_read_as_the_town_writes_them() -> None:
    noon = datetime(2025, 8, 28, 16, 0, tzinfo=UTC)
    assert FRENCH.long_day(date(2025, 9, 2)) == "mardi 2 septembre 2025"
    assert FRENCH.day_month(date(2025, 9, 1)) == "lundi 1er septembre"
    assert FRENCH.instant(noon) == "jeudi 28 août à 12\u00a0h\u00a000"
    assert FRENCH.instant(noon, noon) == "12\u00a0h\u00a000"
    assert FRENCH.money(Money(5400)) == "54,00\u00a0€"
    assert FRENCH.euros(Money(5400)) == "54,00 euros"
    assert FRENCH.remaining(noon, noon - timedelta(days=3)) == "dans 3 jours"
    assert FRENCH.remaining(noon, noon - timedelta(minutes=45)) == "dans 45 minutes"
    assert FRENCH.remaining(noon, noon) == ""


def test_months_follow_each_other_over_the_year() -> None:
    assert add_months(date(2025, 12, 31), 1) == date(2026, 1, 1)
    assert add_months(date(2025, 1, 15), -1) == date(2024, 12, 1)
    assert month_bounds(date(2024, 2, 10)) == (date(2024, 2, 1), date(2024, 2, 29))


def test_the_month_has_whole_weeks_and_says_each_day_in_words() -> None:
    reservation = agenda.Reservation(activity_id="a1", status=agenda.RESERVATION_STATUS_HELD)
    day = agenda.ChildDay(
        day=date_to_wire(date(2025, 9, 2)), child_id="c1", state=agenda.DAY_STATE_BOOKABLE, reservations=[reservation]
    )
    closed = agenda.ChildDay(
        day=date_to_wire(date(2025, 9, 25)), child_id="c1", state=agenda.DAY_STATE_CLOSED, closure_label="Grève"
    )
    weeks = month_weeks(date(2025, 9, 1), [day, closed], NAMES, date(2025, 8, 20), FRENCH, lexicon("fr"))
    assert [len(week.cells) for week in weeks] == [7] * 5
    cells = {cell.day: cell for week in weeks for cell in week.days}
    assert len(cells) == 30
    second = cells[date(2025, 9, 2)]
    assert second.label == "mardi 2 septembre, réservable, Maëlle : Restauration (en attente de paiement)"
    assert second.can_open
    assert cells[date(2025, 9, 25)].label == "jeudi 25 septembre, fermé, Grève"
    assert not cells[date(2025, 9, 25)].can_open


def test_a_day_is_bookable_when_one_child_can_book() -> None:
    days = [
        agenda.ChildDay(day=date_to_wire(date(2025, 9, 2)), child_id="c1", state=agenda.DAY_STATE_FULL),
        agenda.ChildDay(day=date_to_wire(date(2025, 9, 2)), child_id="c2", state=agenda.DAY_STATE_BOOKABLE),
    ]
    weeks = month_weeks(date(2025, 9, 1), days, NAMES, date(2025, 8, 20), FRENCH, lexicon("fr"))
    assert weeks[0].days[1].state.key == "bookable"


def test_a_fully_booked_day_looks_unpaid_until_it_is_paid() -> None:
    def key(status: agenda.ReservationStatus.ValueType) -> str:
        day = agenda.ChildDay(
            day=date_to_wire(date(2025, 9, 2)),
            child_id="c1",
            state=agenda.DAY_STATE_BOOKED,
            reservations=[agenda.Reservation(activity_id="a1", status=status)],
        )
        weeks = month_weeks(date(2025, 9, 1), [day], NAMES, date(2025, 8, 20), FRENCH, lexicon("fr"))
        return weeks[0].days[1].state.key

    assert key(agenda.RESERVATION_STATUS_HELD) == "held"
    assert key(agenda.RESERVATION_STATUS_CONFIRMED) == "booked"


def test_a_bulk_form_names_each_missing_field_and_keeps_the_rest() -> None:
    form = BulkForm.of(Query([("usagers", "inconnu"), ("du", "30/09/2025"), ("au", "01/09/2025")]))
    assert list(form.errors(NAMES, lexicon("fr"))) == ["usagers", "action", "au", "activites"]
    assert form.first == "30/09/2025"


@pytest.mark.parametrize(
    ("first", "last", "is_too_long"),
    [
        ("01/09/2025", "30/09/2026", False),
        ("01/09/2025", "01/10/2026", True),
        ("31/01/2025", "27/02/2026", False),
        ("31/01/2025", "28/02/2026", True),
        ("01/12/9999", "31/12/9999", False),
    ],
)
def test_a_period_lasts_thirteen_months_at_most(first: str, last: str, *, is_too_long: bool) -> None:
    pairs = [("usagers", "tous"), ("action", "creer"), ("du", first), ("au", last), ("activites", "a1")]
    assert bool(BulkForm.of(Query(pairs)).errors(NAMES, lexicon("fr"))) is is_too_long


def test_an_empty_choice_of_weekdays_means_every_open_day() -> None:
    pairs = [("usagers", "tous"), ("action", "creer"), ("du", "1/9/25"), ("au", "30/9/25"), ("activites", "a1")]
    entry = BulkForm.of(Query(pairs)).entry(NAMES)
    assert list(entry.child_ids) == ["c1", "c2"]
    assert list(entry.weekdays) == []
    assert entry.periodicity == agenda.PERIODICITY_NONE


def test_a_form_comes_back_on_its_own_page_after_sign_in() -> None:
    fields = [("jour", "2025-09-02"), ("activites", "c1:a1"), ("request_id", "x"), ("filtre", "")]
    assert way_back("/agenda/jour", fields) == "/agenda/jour?jour=2025-09-02&activites=c1%3Aa1"
    assert way_back("/paiement/facture", [("montant", "5400")]) == "/paiement"
    assert way_back("/agenda?mois=2025-09", []) == "/agenda?mois=2025-09"
    assert kept(keep(fields)) == fields


def test_what_was_to_be_undone_or_closed_leads_to_a_page_that_opens() -> None:
    assert way_back("/agenda/saisie-groupee/annulation", [("saisie", "e")]) == "/agenda"
    assert form_page("/compte/sessions/s/fermeture", []) == "/compte"
    assert form_page("/connexion", [("identifiant", "p"), ("suite", "/agenda")]) == "/connexion?suite=%2Fagenda"
    assert form_page("/langue", [("langue", "en")]) == "/"


@pytest.mark.parametrize("path", ["https://ailleurs.example", "//ailleurs.example", "/\\ailleurs", "/connexion", ""])
def test_after_sign_in_nobody_is_sent_elsewhere(path: str) -> None:
    assert way_back(path, []) == "/"


def test_a_refusal_says_its_facts_when_they_are_known_and_stays_a_sentence_when_not() -> None:
    facts = {"expired_at": "2025-09-01T14:30:00+00:00", "expired_count": "4", "free_count": "3"}
    known = sentence_for("HOLD_EXPIRED", facts, None, "fr")
    assert known == (
        "Vos places n'étaient plus gardées depuis 16\u00a0h\u00a030. 3 sur 4 sont encore libres\u00a0: les reprendre\u00a0?"
    )
    assert "{" not in sentence_for("HOLD_EXPIRED", {}, None, "fr")
    assert sentence_for("BASKET_CHANGED", {"expected_minor": "5400", "actual_minor": "5325"}, None, "fr") == (
        "Votre panier a changé depuis l'affichage\u00a0: 54,00\u00a0€ → 53,25\u00a0€. Vérifiez puis confirmez."
    )
    assert "référence abc" in sentence_for("INTERNAL", {"trace_id": "abc"}, None, "fr")
    assert sentence_for("NOBODY_KNOWS_THIS", {}, None, "fr").endswith("Rechargez la page.")


def test_places_held_or_lost_on_another_day_are_said_with_their_day() -> None:
    now = datetime(2025, 9, 3, 12, 0, tzinfo=UTC)
    lost = {"expired_at": "2025-09-01T14:30:00+00:00", "expired_count": "4", "free_count": "3"}
    assert "depuis lundi 1er septembre à 16\u00a0h\u00a030" in sentence_for("HOLD_EXPIRED", lost, None, "fr", now)
    for day, said in ((3, "jusqu'à 16\u00a0h\u00a030."), (4, "jusqu'à jeudi 4 septembre à 16\u00a0h\u00a030.")):
        kept_until = {"payable_until": f"2025-09-0{day}T14:30:00+00:00"}
        assert sentence_for("PROVIDER_UNAVAILABLE", kept_until, None, "fr", now).endswith(said)


def test_a_device_is_named_in_words() -> None:
    assert device_of("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0") == "Firefox, Windows"
    on_a_telephone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/138.0 Safari/604.1"
    )
    assert device_of(on_a_telephone) == "Chrome, iPhone"
    assert device_of("curl/8") == ""


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("too_short", "12 caractères"),
        ("too_simple", "trois sortes parmi minuscules, majuscules, chiffres et signes"),
        ("contains_username", "nom d'utilisateur"),
        ("too_common", "parmi les plus devinés"),
        ("too_long", "256 caractères"),
        ("", "au moins 12 caractères de trois sortes"),
    ],
)
def test_a_weak_password_is_told_what_it_lacks(problem: str, words: str) -> None:
    assert words in sentence_for("PASSWORD_TOO_WEAK", {"problem": problem}, None, "fr")


def test_the_password_rule_on_the_pages_is_the_rule_of_identity() -> None:
    for template in ("account/account.html", "session/new_password.html"):
        text = (SOURCE / "web" / "templates" / template).read_text()
        assert f"Au moins {MINIMUM_LENGTH} caractères de trois sortes" in text
        assert f"ou au moins {LENGTH_WITHOUT_VARIETY} de votre choix" in text
    assert REQUIRED_CLASSES == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [("PAID", "déjà réglée"), ("CANCELLED", "vous ne devez rien"), ("HOLD_EXPIRED", "plus gardées")],
)
def test_an_invoice_that_cannot_be_paid_says_why(status: str, words: str) -> None:
    assert words in sentence_for("INVOICE_NOT_PAYABLE", {"status": status}, None, "fr")


def test_high_signs_and_quotation_marks_never_part_from_their_words() -> None:
    assert lexicon("fr").say("Mot de passe oublié ?") == "Mot de passe oublié\u00a0?"
    assert glued("« Payer » : oui") == "«\u00a0Payer\u00a0»\u00a0: oui"
    assert unglued("«\u00a0Payer\u00a0»\u00a0: 54,00\u00a0€") == "« Payer » : 54,00\u00a0€"


def test_past_days_without_anything_take_no_room_in_the_list() -> None:
    weeks = month_weeks(date(2025, 8, 1), [
        agenda.ChildDay(day=date_to_wire(date(2025, 8, day)), child_id="c1", state=agenda.DAY_STATE_TOO_LATE) for day in (4, 27)
    ], NAMES, date(2025, 8, 20), FRENCH, lexicon("fr"))  # fmt: skip
    shown = {cell.day.day for week in weeks for cell in week.list_days}
    assert 4 not in shown
    assert 27 in shown


@pytest.mark.parametrize(("count", "text"), [(45, "45 minutes"), (60, "1 heure"), (120, "2 heures"), (90, "1 h 30")])
def test_a_length_of_time_reads_in_hours_and_minutes(count: int, text: str) -> None:
    assert FRENCH.minutes(count).replace("\u00a0", " ") == text
