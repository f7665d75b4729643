"""Totals against their own history, and who speaks for a month: the order of arrival makes no difference to either."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from conftest import open_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import paper_of
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from contracts.model import all_contracts
from expectations.history import judge_history
from expectations.standing import outstanding, settle_verdicts
from ingest.receive import Handover
from ledger.tables import Base, CheckResult, Delivery, DeliverySlice, FileReceipt
from orchestration import pipeline

CRIME = all_contracts()["crime_mps_borough"]
FIRST_MONTH, FIRST_DAY = date(2015, 1, 1), date(2020, 1, 1)
RECEIVED_AT = datetime(2024, 12, 1, 9, tzinfo=UTC)
BY_ITSELF, RESTATED, FIRST = "value_is_whole_number", "restated_total_plausible", "first_total_plausible"
# The bounds of contracts/returns/crime_mps_borough.yaml, which the edges below must meet to the last digit.
RESTATED_BOUNDS, FIRST_BOUNDS = (0.95, 1.05), (0.50, 1.60)


def month(number: int) -> date:
    return date(FIRST_MONTH.year + number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Sent:
    """A delivery as it is made up here: its date, its first month, and its totals (None: a cell is no number)."""

    name: str
    as_at_on: date
    first: int
    totals: tuple[float | None, ...]

    @property
    def months(self) -> dict[date, float | None]:
        return {month(self.first + number): total for number, total in enumerate(self.totals)}

    @property
    def sound(self) -> dict[date, float]:
        """The months in which every cell is a number."""
        return {period: total for period, total in self.months.items() if total is not None}


@dataclass
class Believed:
    """What is made of some deliveries: the blocked months of each with their reasons, and its verdict."""

    blocked: dict[str, dict[date, set[str]]] = field(default_factory=dict)
    verdicts: dict[str, tuple[str, str | None]] = field(default_factory=dict)


@contextmanager
def ledger_of(sent: Sequence[Sent]) -> Iterator[Session]:
    """A ledger in memory with deliveries that were received in this order and judged by themselves."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for seq, each in enumerate(sent, start=1):
            add(session, each, seq)
        yield session
    engine.dispose()


def add(session: Session, each: Sent, seq: int) -> None:
    session.add(
        Delivery(
            seq=seq,
            delivery_id=each.name,
            return_code=CRIME.return_code,
            table_name=CRIME.table,
            layout="capitals",
            scheme="mps_2024",
            reporting_unit_code="mps",
            file_name=f"{each.name}.csv",
            folder="",
            sender=None,
            sha256=each.name,
            bytes=1,
            declared_as_at_on=each.as_at_on,
            as_at_on=each.as_at_on,
            as_at_source="declared by delivery note",
            revision_mark=0,
            received_at=RECEIVED_AT + timedelta(minutes=seq),
            verdict="received",
            verdict_reason="",
            superseded_by=None,
            suite_fingerprint="judged by itself",
        )
    )
    session.flush()
    for period, total in each.months.items():
        session.add(
            DeliverySlice(
                delivery_id=each.name,
                table_name=CRIME.table,
                slice_period=period,
                reporting_unit_code="mps",
                total=total,
                state="accepted" if total is not None else "blocked",
                blocked_by=[] if total is not None else [BY_ITSELF],
            )
        )
    if None in each.totals:
        session.add(own_failure(each))
    session.flush()


def own_failure(each: Sent) -> CheckResult:
    return CheckResult(
        check_code=BY_ITSELF,
        family="delivery",
        severity="block",
        reach="slice",
        mended_by="sender",
        delivery_id=each.name,
        status="failed",
        failing_count=1,
        message="A figure is none.",
        judged_at=RECEIVED_AT,
    )


def judge(session: Session) -> None:
    judge_history(session, CRIME)
    settle_verdicts(session, CRIME.return_code)
    session.flush()


def judged_in_this_order(sent: Sequence[Sent]) -> Believed:
    with ledger_of(sent) as session:
        judge(session)
        return believed(session)


def believed(session: Session) -> Believed:
    found = Believed()
    for delivery in session.scalars(select(Delivery)):
        found.blocked[delivery.delivery_id] = {}
        found.verdicts[delivery.delivery_id] = (delivery.verdict, delivery.superseded_by)
    for each in session.scalars(select(DeliverySlice).where(DeliverySlice.state == "blocked")):
        found.blocked[each.delivery_id][each.slice_period] = set(each.blocked_by)
    return found


def expected(sent: Sequence[Sent]) -> Believed:
    """The rule written once more, from the design: in `as_at_on` order, ties by receipt; what is blocked teaches
    nothing; a month that is new is held against the median of the twelve before it, in its file, in files of the same
    day, or known before."""
    found, known = Believed(), dict[date, float]()
    ranked = [each for _, _, each in sorted((each.as_at_on, seq, each) for seq, each in enumerate(sent))]
    for each in ranked:
        blocked = {period: {BY_ITSELF} for period, total in each.months.items() if total is None}
        around = dict(known)
        for beside in (*(other for other in ranked if other.as_at_on == each.as_at_on), each):
            around |= beside.sound
        for period, total in each.sound.items():
            if code := _implausible(period, total, known, around):
                blocked[period] = {code}
        found.blocked[each.name] = blocked
        known |= {period: total for period, total in each.sound.items() if period not in blocked}
    _settle(found, ranked)
    return found


def _implausible(period: date, total: float, known: dict[date, float], around: dict[date, float]) -> str | None:
    code, (least, most), reference = RESTATED, RESTATED_BOUNDS, known.get(period)
    if reference is None:
        number = (period.year - FIRST_MONTH.year) * 12 + period.month - 1
        before = [around.get(month(number - back)) for back in range(1, 13)]
        if None in before:
            return None
        code, (least, most), reference = FIRST, FIRST_BOUNDS, median(total for total in before if total is not None)
    return None if reference == 0 or least <= total / reference <= most else code


def _settle(found: Believed, ranked: Sequence[Sent]) -> None:
    speaks = {period: each for each in ranked for period in each.months if period not in found.blocked[each.name]}
    place = {each.name: number for number, each in enumerate(ranked)}
    for each in ranked:
        speakers = [speaks.get(period) for period in each.months]
        overtaking = [by for by in speakers if by is not None and place[by.name] > place[each.name]]
        is_owing = any(
            speaks.get(period) is None or place[speaks[period].name] < place[each.name]
            for period in found.blocked[each.name]
        )
        if len(overtaking) == len(speakers):
            last = max(overtaking, key=lambda by: place[by.name])
            found.verdicts[each.name] = ("superseded", last.name)
        else:
            found.verdicts[each.name] = ("quarantined" if is_owing else "accepted", None)


wild = st.sampled_from([950.0, 1050.0, 949.0, 1051.0, 500.0, 1600.0, 450.0, 1700.0, 0.0, None])


@st.composite
def totals(draw: st.DrawFn) -> tuple[float | None, ...]:
    """Up to twenty months of a thousand, some of which are not."""
    count = draw(st.integers(1, 20))
    strange = draw(st.dictionaries(st.integers(0, count - 1), wild, max_size=4))
    return tuple(strange.get(number, 1000.0) for number in range(count))


@st.composite
def deliveries(draw: st.DrawFn, same_day: bool = False) -> list[Sent]:
    """Some deliveries of months that overlap, each of another day unless they may be of the same."""
    count = draw(st.integers(2, 5))
    days = draw(st.lists(st.integers(0, 1 if same_day else 400), min_size=count, max_size=count, unique=not same_day))
    return [
        Sent(f"delivery-{number}", FIRST_DAY + timedelta(days=day), draw(st.integers(0, 12)), draw(totals()))
        for number, day in enumerate(days)
    ]


slow = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(deliveries(), st.data())
def test_any_order_of_arrival_ends_in_the_same_belief(sent: list[Sent], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(sent))
    wanted = expected(sent)
    assert judged_in_this_order(sent) == wanted
    assert judged_in_this_order(shuffled) == wanted


@slow
@given(deliveries(), st.data())
def test_judging_after_each_arrival_ends_in_the_same_belief_too(sent: list[Sent], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(sent))
    with ledger_of([]) as session:
        for seq, each in enumerate(shuffled, start=1):
            add(session, each, seq)
            judge(session)
        assert believed(session) == expected(sent)


@slow
@given(deliveries(same_day=True))
def test_of_deliveries_of_one_day_the_one_received_last_speaks(sent: list[Sent]) -> None:
    assert judged_in_this_order(sent) == expected(sent)


@slow
@given(deliveries())
def test_judging_twice_changes_nothing(sent: list[Sent]) -> None:
    with ledger_of(sent) as session:
        judge(session)
        once, results = believed(session), number_of_results(session)
        judge(session)
        assert believed(session) == once
        assert number_of_results(session) == results


def number_of_results(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(CheckResult)).one()


def flat(name: str, day: int, *totals: float | None, first: int = 0) -> Sent:
    return Sent(name, FIRST_DAY + timedelta(days=day), first, totals)


YEAR = (1000.0,) * 12


@pytest.mark.parametrize(
    ("total", "is_plausible"),
    [(950, True), (949, False), (1050, True), (1051, False), (1000, True), (0, False)],
)
def test_a_restated_total_may_reach_its_bounds_and_not_pass_them(total: float, is_plausible: bool) -> None:
    after = judged_in_this_order([flat("before", 1, 1000), flat("after", 2, total)])
    assert after.blocked["after"] == ({} if is_plausible else {month(0): {RESTATED}})


@pytest.mark.parametrize(
    ("total", "is_plausible"),
    [(500, True), (499, False), (1600, True), (1601, False), (1000, True), (0, False)],
)
@pytest.mark.parametrize("in_one_file", [True, False])
def test_a_first_total_may_reach_its_bounds_and_not_pass_them(
    total: float, is_plausible: bool, in_one_file: bool
) -> None:
    together = [flat("after", 1, *YEAR, total)]
    apart = [flat("before", 1, *YEAR), flat("after", 2, total, first=12)]
    after = judged_in_this_order(together if in_one_file else apart)
    assert after.blocked["after"] == ({} if is_plausible else {month(12): {FIRST}})


def test_a_first_total_is_held_against_the_median_and_not_the_mean_of_the_twelve_before() -> None:
    """Mean 1,500, median 1,000: 1,700 is within 1.6 of the one and not of the other; a 13th month counts no more."""
    before = (9000, *(1000,) * 8, *(2500,) * 4)
    assert median(before[1:]) == 1000
    after = judged_in_this_order([flat("after", 1, *map(float, before), 1700.0)])
    assert after.blocked["after"][month(13)] == {FIRST}


@pytest.mark.parametrize("recent_first", [True, False])
@pytest.mark.parametrize(("total", "is_plausible"), [(1600, True), (1601, False)])
def test_files_of_one_extract_are_held_against_each_other_in_either_order(
    total: float, is_plausible: bool, recent_first: bool
) -> None:
    """An extract of a historical file and a recent one: the recent one's first month follows the other's last."""
    historical, recent = flat("historical", 1, *YEAR), flat("recent", 1, total, first=12)
    after = judged_in_this_order([recent, historical] if recent_first else [historical, recent])
    assert after.blocked["recent"] == ({} if is_plausible else {month(12): {FIRST}})


def test_a_month_with_fewer_than_twelve_known_before_it_is_held_against_nothing() -> None:
    after = judged_in_this_order([flat("before", 1, *YEAR[1:]), flat("after", 2, 9000, first=11)])
    assert after.blocked["after"] == {}


def test_a_blocked_month_teaches_nothing() -> None:
    """Half as many again is blocked; sent again it is still held against what was believed before."""
    sent = [flat("good", 1, 1000), flat("wild", 2, 1500), flat("as wild", 3, 1500), flat("sound", 4, 1050)]
    after = judged_in_this_order(sent)
    assert [bool(after.blocked[each.name]) for each in sent] == [False, True, True, False]


def test_a_small_step_at_a_time_is_held_against_the_last_belief() -> None:
    after = judged_in_this_order([flat("one", 1, 1000), flat("two", 2, 1045), flat("three", 3, 1090)])
    assert after.blocked == {"one": {}, "two": {}, "three": {}}
    assert after.verdicts == {
        "one": ("superseded", "three"),
        "two": ("superseded", "three"),
        "three": ("accepted", None),
    }


def test_a_delivery_is_superseded_once_every_month_of_it_is_overtaken() -> None:
    old = flat("old", 1, 1000, 1000, 1000)
    part = flat("part", 2, 1000, 1000)
    rest = flat("rest", 3, 1000, first=2)
    assert judged_in_this_order([old, part]).verdicts["old"] == ("accepted", None)
    assert judged_in_this_order([old, part, rest]).verdicts["old"] == ("superseded", "rest")
    assert judged_in_this_order([rest, old, part]).verdicts["old"] == ("superseded", "rest")


def test_a_blocked_month_holds_until_a_better_delivery_speaks_for_it() -> None:
    good, bad = flat("good", 1, 1000, 1000), flat("bad", 2, None, 1000)
    better = flat("better", 3, 1000)
    with ledger_of([good, bad]) as session:
        judge(session)
        held = outstanding(session, CRIME.return_code)
        assert [(delivery.delivery_id, [s.slice_period for s in slices]) for delivery, slices in held] == [
            ("bad", [month(0)])
        ]
        # What was known before stands for the blocked month, and is overtaken for the other.
        assert believed(session).verdicts["good"] == ("accepted", None)
        add(session, better, 3)
        judge(session)
        assert outstanding(session, CRIME.return_code) == []
        assert believed(session).verdicts == {
            "good": ("superseded", "better"),
            "bad": ("accepted", None),
            "better": ("accepted", None),
        }


def test_an_earlier_extract_that_comes_late_does_not_mend_a_blocked_month() -> None:
    with ledger_of([flat("bad", 2, None), flat("late", 1, 1000)]) as session:
        judge(session)
        assert [delivery.delivery_id for delivery, _ in outstanding(session, CRIME.return_code)] == ["bad"]
        assert believed(session).verdicts["late"] == ("accepted", None)


def test_an_old_extract_that_comes_late_was_accepted_all_the_same() -> None:
    """It is superseded as a delivery; whoever handed the file in reads that it was accepted."""
    with ledger_of([flat("new", 2, 1000), flat("old", 1, 1000)]) as session:
        session.add(
            FileReceipt(
                received_at=RECEIVED_AT,
                file_name="old.csv",
                folder="",
                verdict="received",
                reason="",
                delivery_id="old",
            )
        )
        judge(session)
        assert believed(session).verdicts["old"] == ("superseded", "new")
        assert session.scalars(select(FileReceipt.verdict)).all() == ["accepted"]


def test_a_message_names_the_delivery_that_was_known_before_and_both_totals() -> None:
    with ledger_of([flat("before", 1, 12000), flat("after", 2, 15000)]) as session:
        judge(session)
        said = session.scalars(
            select(CheckResult.message).where(CheckResult.delivery_id == "after", CheckResult.check_code == RESTATED)
        ).one()
    assert said.startswith(
        "January 2015: found a total of 15,000, 125% of the 12,000 known before from delivery before;"
    )


def states_of(context: pipeline.Context) -> set[tuple[str, date, str]]:
    with context.ledger.look() as session:
        slices: Iterable[DeliverySlice] = session.scalars(select(DeliverySlice)).all()
    return {(each.delivery_id, each.slice_period, each.state) for each in slices}


def test_a_month_that_history_blocks_stays_blocked_when_its_delivery_is_read_anew(
    sample_folder: Path, tmp_path: Path
) -> None:
    """As after a loss of `read/`, which can always be made again from `raw/`."""
    context = open_context(tmp_path / "home")
    wild = paper_of(sample_folder, "june")
    wild.scale(20, 2)
    (tmp_path / "wild.csv").write_bytes(wild.data())
    pipeline.receive(context, [tmp_path / "wild.csv"], Handover(wild.as_at_on))
    before = states_of(context)
    assert [period for _, period, state in before if state == "blocked"] == [date(2019, 10, 1)]
    for path in context.home.read.rglob("*.parquet"):
        path.unlink()
    pipeline.judge_deliveries(context)
    assert states_of(context) == before
