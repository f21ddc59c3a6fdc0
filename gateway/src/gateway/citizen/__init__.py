"""The pages families use."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from gateway.citizen.account import AccountController
from gateway.citizen.agenda import AgendaController
from gateway.citizen.basket import BasketController
from gateway.citizen.bulk_entry import BulkEntryController
from gateway.citizen.cancellation import CancellationController
from gateway.citizen.day import DayController
from gateway.citizen.desk import provide_desk
from gateway.citizen.home import HomeController
from gateway.citizen.household import HouseholdController
from gateway.citizen.information import InformationController
from gateway.citizen.invoices import InvoiceController
from gateway.citizen.password import PasswordController
from gateway.citizen.payment import InvoicePaymentController, PaymentController
from gateway.citizen.session import SessionController

route_handlers = [
    Router(
        path="/",
        dependencies={"desk": Provide(provide_desk)},
        include_in_schema=False,
        route_handlers=[
            HomeController,
            SessionController,
            PasswordController,
            AgendaController,
            DayController,
            BulkEntryController,
            CancellationController,
            BasketController,
            PaymentController,
            InvoicePaymentController,
            InvoiceController,
            HouseholdController,
            AccountController,
            InformationController,
        ],
    )
]

__all__ = ["route_handlers"]
