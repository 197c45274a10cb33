"""Where the bars, lines and cells of charts stand, and what is told beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from listkeeper.web.studio import charts
from listkeeper.web.studio.charts import Cell, Told

TOLD = Told("Title", "What it shows.", ["Month", "People"], [["May", "3"]])


def _share(written: str) -> float:
    assert written.endswith("%")
    return float(written[:-1])


def test_bars_begin_at_nothing_and_losses_run_the_other_way() -> None:
    drawn = charts.bars(TOLD, [("a", 300, "300"), ("b", -100, "-100"), ("c", 0, "0")])
    assert drawn.zero == "25%"
    assert [(bar.left, bar.wide, bar.loss) for bar in drawn.bars] == [
        ("25%", "75%", False), ("0%", "25%", True), ("25%", "0%", False),
    ]  # fmt: skip
    assert charts.bars(TOLD, [("a", 1, "1"), ("b", 3, "3")]).zero is None
    assert charts.bars(TOLD, []).bars == []


@given(st.lists(st.integers(-(10**15), 10**15), max_size=8))
def test_no_bar_leaves_the_drawing(numbers: list[int]) -> None:
    drawn = charts.bars(TOLD, [("x", number, str(number)) for number in numbers])
    for bar in drawn.bars:
        assert 0 <= _share(bar.left) <= 100
        assert _share(bar.left) + _share(bar.wide) <= 100.02


def test_lines_are_parted_where_nothing_is_known() -> None:
    drawn = charts.lines(TOLD, ["a", "b", "c", "d", "e"], [("x", [0, 5, None, 10, 10]), ("y", [1, 1, 1, 1, 1])])
    assert [line.pieces for line in drawn.lines] == [
        ["0,1000 250,500", "750,0 1000,0"],
        ["0,900 250,900 500,900 750,900 1000,900"],
    ]
    assert [mark.words for mark in drawn.levels] == ["10", "5", "0"]
    assert [(mark.words, mark.side) for mark in drawn.steps][0::3] == [("a", "start"), ("e", "end")]
    assert [line.look for line in drawn.lines] == [1, 2]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**12)), max_size=40), st.one_of(st.none(), st.integers(1, 100)))
def test_no_line_leaves_the_drawing(numbers: list[int | None], top: int | None) -> None:
    drawn = charts.lines(TOLD, [str(step) for step in range(len(numbers))], [("x", numbers)], top=top)
    for line in drawn.lines:
        for piece in line.pieces:
            for point in piece.split():
                across, down = (int(part) for part in point.split(","))
                assert 0 <= across <= 1000
                assert 0 <= down <= 1000
    assert len(drawn.steps) <= 4
    assert {mark.side for mark in drawn.steps} <= {"start", "middle", "end"}


def test_cells_are_shaded_by_their_share_and_say_their_number() -> None:
    drawn = charts.grid(
        TOLD, ["0", "1"], [("May", [Cell("100", 1000), Cell("50", 500)]), ("June", [Cell("3/4", 0), None])]
    )
    assert [[(cell.said, cell.shade) for cell in row.cells] for row in drawn.rows] == [
        [("100", 5), ("50", 3)], [("3/4", 0)],
    ]  # fmt: skip
    assert [charts.shade(share) for share in (0, 1, 200, 201, 999, 1000)] == [0, 1, 1, 2, 5, 5]
    # Where nobody lost much, small differences are seen.
    assert [charts.shade(share, 900) for share in (900, 919, 950, 1000)] == [1, 1, 3, 5]
    assert charts.shade(1000, 1000) in range(1, 6)
    assert _share(drawn.rows[0].cells[-1].across) + _share(drawn.rows[0].cells[-1].wide) == 100
