"""The two demo towns. Case-Pilote follows the source document; Saint-Aubin is invented and differs wherever towns may differ."""

from __future__ import annotations

from preau_stack.demo_data import DemoActivity, DemoChild, DemoCutoff, DemoGuardian, DemoTown

_SCHOOL_DAYS = (1, 2, 4, 5)
_WEDNESDAY = (3,)
_PASSWORD = "Cantine-Demo-2025"  # noqa: S105 - published on purpose, with the demo accounts

_CP_SCHOOL = "Groupe scolaire de Case-Pilote"
_CP_CENTRE = "Centre de loisirs de Case-Pilote"

CASEPILOTE = DemoTown(
    slug="casepilote",
    name="Case-Pilote",
    time_zone="America/Martinique",
    calendar_zone="Martinique",
    holiday_subdivision="MQ",
    primary="#00607a",
    accent="#a63c14",
    office="Service scolaire",
    phone="05 36 49 10 10",
    email="scolaire@casepilote.example",
    hours="Du lundi au vendredi, de 7 h 30 à 13 h 00",
    address="Mairie, 97222 Case-Pilote",
    news=(
        "Bienvenue sur le portail de démonstration de Case-Pilote : les familles, les prix et les paiements y sont fictifs.\n\n"
        "Les réservations de l'année scolaire sont ouvertes. Lorsque vous réservez la restauration scolaire, "
        "réservez aussi l'accueil périscolaire du midi.\n\n"
        "Les vacances 2026-2027 affichées ici sont un calendrier de démonstration, sans valeur officielle."
    ),
    till_code="CP",
    till_name="Régie scolaire de Case-Pilote (démonstration)",
    payfip_client="100001",
    password=_PASSWORD,
    household_ref="demo-casepilote-1",
    home=("12 rue des Gommiers", "97222", "Case-Pilote"),
    guardians=(
        DemoGuardian(
            "Élodie", "Marie-Rose", "parent.demo@casepilote.example", "06 39 98 10 01", "parent.demo", is_payer=True
        ),
        DemoGuardian("Fabrice", "Marie-Rose", "parent2.demo@casepilote.example", "06 39 98 10 02", "parent2.demo"),
    ),
    children=(
        DemoChild("Maëlle", "Marie-Rose", "2017-03-12", _CP_SCHOOL, "CE2"),
        DemoChild("Timéo", "Marie-Rose", "2019-11-04", _CP_SCHOOL, "CP"),
    ),
    # Names and order are the document's. No cut-off, no capacity: it mentions neither.
    activities=(
        DemoActivity("matin", "Accueil périscolaire matin", "childcare", _SCHOOL_DAYS, _CP_SCHOOL, 45, 60),
        DemoActivity(
            "restauration", "Restauration scolaire", "meal", _SCHOOL_DAYS, _CP_SCHOOL, 160, 240, requires=("midi",)
        ),
        DemoActivity("midi", "Accueil périscolaire midi", "childcare", _SCHOOL_DAYS, _CP_SCHOOL, 35, 50),
        DemoActivity("soir", "Accueil périscolaire soir", "childcare", _SCHOOL_DAYS, _CP_SCHOOL, 60, 80),
        DemoActivity(
            "mercredi-restauration",
            "Centre de loisirs - Restauration mercredi",
            "meal",
            _WEDNESDAY,
            _CP_CENTRE,
            160,
            240,
        ),
        DemoActivity(
            "mercredi-garderie-soir",
            "Garderie soir du centre de loisirs mercredi",
            "childcare",
            _WEDNESDAY,
            _CP_CENTRE,
            80,
            110,
        ),
        DemoActivity("mercredi-centre", "Centre de loisirs du mercredi", "childcare", _WEDNESDAY, _CP_CENTRE, 420, 600),
    ),
)

_SA_SCHOOL = "École des Tilleuls"
_SA_CENTRE = "Centre de loisirs du Moulin"
_TWO_DAYS_BEFORE = DemoCutoff(days_before=2, hour=12, minute=0, counting="skip_weekends")

SAINT_AUBIN = DemoTown(
    slug="saint-aubin",
    name="Saint-Aubin",
    time_zone="Europe/Paris",
    calendar_zone="Zone A",
    holiday_subdivision="",
    primary="#5b2a86",
    accent="#1f6b3a",
    office="Pôle enfance",
    phone="01 99 00 20 20",
    email="enfance@saint-aubin.example",
    hours="Lundi, mardi, jeudi et vendredi, de 8 h 30 à 17 h 00",
    address="1 place de la Mairie, Saint-Aubin",
    news=(
        "Saint-Aubin est une commune imaginaire : ce portail sert de démonstration.\n\n"
        "Réservez ou annulez au plus tard deux jours avant, à 12 h 00, sans compter le week-end. "
        "Le centre de loisirs du mercredi accueille 40 enfants.\n\n"
        "Les vacances 2026-2027 affichées ici sont un calendrier de démonstration, sans valeur officielle."
    ),
    till_code="SA",
    till_name="Régie enfance de Saint-Aubin (démonstration)",
    payfip_client="100002",
    password=_PASSWORD,
    household_ref="demo-saint-aubin-1",
    home=("4 chemin du Moulin", "69000", "Saint-Aubin"),
    guardians=(
        DemoGuardian(
            "Nadia", "Ferrand", "parent.demo@saint-aubin.example", "06 39 98 20 01", "parent.demo", is_payer=True
        ),
        DemoGuardian("Julien", "Ferrand", "parent2.demo@saint-aubin.example", "06 39 98 20 02", "parent2.demo"),
    ),
    children=(
        DemoChild("Inès", "Ferrand", "2016-06-21", _SA_SCHOOL, "CM1"),
        DemoChild("Gabriel", "Ferrand", "2020-01-15", _SA_SCHOOL, "Grande section"),
    ),
    activities=(
        DemoActivity(
            "matin", "Accueil du matin", "childcare", _SCHOOL_DAYS, _SA_SCHOOL, 110, 150, cutoff=_TWO_DAYS_BEFORE
        ),
        DemoActivity("cantine", "Cantine", "meal", _SCHOOL_DAYS, _SA_SCHOOL, 345, 520, cutoff=_TWO_DAYS_BEFORE),
        DemoActivity(
            "soir", "Accueil du soir", "childcare", _SCHOOL_DAYS, _SA_SCHOOL, 185, 240, cutoff=_TWO_DAYS_BEFORE
        ),
        DemoActivity(
            "mercredi",
            "Centre de loisirs du mercredi",
            "childcare",
            _WEDNESDAY,
            _SA_CENTRE,
            980,
            1450,
            cutoff=_TWO_DAYS_BEFORE,
            capacity=40,
        ),
    ),
)

TOWNS = (CASEPILOTE, SAINT_AUBIN)
