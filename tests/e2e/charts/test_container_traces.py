"""The pods' spans are those that `preau trace` shows of one machine: the very same tests, on what the charts configured."""

from __future__ import annotations

import pytest

from tests.e2e.charts.podman import missing
from tests.e2e.platform import test_traces

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(bool(missing()), reason=missing())]

traces = test_traces.traces
test_the_click_that_books = test_traces.test_the_click_that_books_reaches_billing_through_outbox_and_bus
test_the_click_that_pays = test_traces.test_the_click_that_pays_runs_through_every_service
test_the_notification = test_traces.test_the_notification_settles_and_confirms_in_one_trace
test_every_span_is_a_documented_one = test_traces.test_every_span_is_a_documented_one_and_carries_that_ones_attributes
