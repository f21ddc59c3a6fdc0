from __future__ import annotations

import pytest

from tests.unit.payment.world import World


@pytest.fixture
def world() -> World:
    return World()
