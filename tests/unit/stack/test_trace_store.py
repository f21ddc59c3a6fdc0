from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from preau_stack.trace_store import Span, TraceStore


def make_span(span_id: str, parent_id: str = "", *, trace_id: str = "t1", start: int = 0, end: int = 10) -> Span:
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=f"span {span_id}",
        kind="server",
        service="agenda",
        start_ns=start * 1_000_000,
        end_ns=end * 1_000_000,
        is_error=False,
    )


def test_a_waterfall_puts_children_under_their_parents_in_order_of_time(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "spans.jsonl")
    store.add([make_span("late", "root", start=60, end=90), make_span("leaf", "early", start=20, end=40)])
    store.add([make_span("root", start=0, end=100), make_span("early", "root", start=10, end=50)])
    trace = store.get("t1")
    assert trace is not None
    rows = [(row.span.span_id, row.depth, row.offset, row.width) for row in trace.rows()]
    assert rows == [("root", 0, 0, 100), ("early", 1, 10, 40), ("leaf", 2, 20, 20), ("late", 1, 60, 30)]
    assert trace.root.span_id == "root"


def test_a_span_whose_parent_never_came_is_shown_all_the_same(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "spans.jsonl")
    store.add([make_span("orphan", "gone", start=5, end=6)])
    trace = store.get("t1")
    assert trace is not None
    assert [row.depth for row in trace.rows()] == [0]


def test_only_the_last_traces_are_kept(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "spans.jsonl", most=3)
    store.add([make_span("a", trace_id=f"t{number}") for number in range(5)])
    assert [trace.trace_id for trace in store.latest()] == ["t4", "t3", "t2"]


def test_a_restart_reads_the_traces_back_even_when_the_file_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    TraceStore(path).add([replace(make_span("a"), attributes={"preau.tenant": "casepilote"}, links=("b",))])
    with path.open("a") as file:
        file.write('{"trace_id": "t2", "spa')
    trace = TraceStore(path).get("t1")
    assert trace is not None
    assert trace.spans[0].attributes == {"preau.tenant": "casepilote"}
    assert trace.spans[0].links == ("b",)


def test_errors_and_words_can_be_looked_for(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "spans.jsonl")
    store.add([replace(make_span("a", trace_id="fine"), attributes={"preau.tenant": "saint-aubin"})])
    store.add([replace(make_span("b", trace_id="broken"), is_error=True)])
    assert [trace.trace_id for trace in store.latest(errors_only=True)] == ["broken"]
    assert [trace.trace_id for trace in store.latest(text="Saint-Aubin")] == ["fine"]
