"""Integer arrays in PostgreSQL's binary form."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preau_chassis.arrays import INTEGER_ARRAYS

INT4, INT8 = INTEGER_ARRAYS
BIGINTS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(BIGINTS))
def test_what_was_packed_comes_back(values: list[int | None]) -> None:
    assert INT8.decode(INT8.encode(values)) == values


def test_the_form_is_postgresql_s_own() -> None:
    header = struct.pack(">iiiii", 1, 0, 23, 2, 1)

    assert INT4.encode([1, -2]) == header + struct.pack(">iiii", 4, 1, 4, -2)
    assert INT4.encode(()) == struct.pack(">iii", 0, 0, 23)
    assert INT4.decode(struct.pack(">iii", 0, 0, 23)) == []


@pytest.mark.parametrize("values", [[2**31], ["1"], [1.5], [[1], [2]]])
def test_what_is_no_integer_in_range_is_refused(values: list[int]) -> None:
    with pytest.raises(struct.error):
        INT4.encode(values)


def test_arrays_of_arrays_are_refused_and_not_flattened() -> None:
    with pytest.raises(ValueError, match="arrays of arrays"):
        INT4.decode(struct.pack(">iiiiiii", 2, 0, 23, 1, 1, 1, 1) + struct.pack(">ii", 4, 7))
