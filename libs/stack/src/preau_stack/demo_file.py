"""A demo town as the file that a town's operator would write."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from preau_stack.demo_data import DemoActivity, DemoTown
from preau_stack.school_calendar import school_years
from preau_stack.town_file import TownFile


def demo_file(town: DemoTown, simulator: str) -> TownFile:
    """``town`` with the PayFiP simulator at ``simulator`` as its provider."""
    street, postal_code, city = town.home
    return TownFile.model_validate(
        {
            "slug": town.slug,
            "name": town.name,
            "time_zone": town.time_zone,
            "is_production": False,
            "hosts": list(town.hosts),
            "news": town.news,
            "theme": {"primary": town.primary, "accent": town.accent},
            "contact": {
                "office_name": town.office,
                "phone": town.phone,
                "email": town.email,
                "hours": town.hours,
                "address": town.address,
            },
            "school_calendar": {
                "zone": town.calendar_zone,
                "public_holiday_subdivision": town.holiday_subdivision,
            },
            "till": {
                "code": town.till_code,
                "name": town.till_name,
                "siret": "00000000000000",
                "vat_mention": "TVA non applicable, article 256 B du code général des impôts",
            },
            "payfip": {
                "client_number": town.payfip_client,
                "mode": "T",
                "service_url": f"{simulator}/tpa/services/securite",
                "page_url": f"{simulator}/tpa/paiementws.web",
            },
            "activities": [_activity(each, town) for each in town.activities],
            "households": [
                {
                    "external_ref": town.household_ref,
                    "is_resident": True,
                    "address": {"line1": street, "postal_code": postal_code, "city": city},
                    "guardians": [asdict(each) for each in town.guardians],
                    "children": [
                        {**asdict(each), "born_on": date.fromisoformat(each.born_on)} for each in town.children
                    ],
                }
            ],
        }
    )


def _activity(activity: DemoActivity, town: DemoTown) -> dict[str, object]:
    cutoff = activity.cutoff and {
        "days_before": activity.cutoff.days_before,
        "at": f"{activity.cutoff.hour:02}:{activity.cutoff.minute:02}",
        "counting": activity.cutoff.counting,
    }
    tariff = {
        "valid_from": school_years(town.calendar_zone)[0][0],
        "resident": _amount(activity.resident_cents),
        "non_resident": _amount(activity.non_resident_cents),
    }
    return {
        "code": activity.code,
        "name": activity.name,
        "kind": activity.kind,
        "weekdays": list(activity.weekdays),
        "site": activity.site,
        "requires": list(activity.requires),
        "booking_cutoff": cutoff,
        "cancellation_cutoff": cutoff,
        "capacity": activity.capacity,
        "tariffs": [tariff],
    }


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
