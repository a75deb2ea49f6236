"""A shift: which fault a seed picks, what has happened since, and when the shift is over."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core import UserError, uninterrupted
from lab.faults import catalogue
from lab.faults.fault import Act
from lab.faults.stack import PREFECT, Stack, find, start_command
from lab.oncall import databases, looks
from lab.oncall.databases import Orders, Watermarks
from lab.oncall.looks import Looks
from lab.oncall.pager import Pager, Sight, look

POLL = 2.0  # seconds from look to look


@dataclass(frozen=True)
class Draw:
    """What a seed picks: a fault of the catalogue, and after how many seconds it comes."""

    seed: int
    fault: str
    delay: float

    @property
    def act(self) -> Act:
        """How the fault is switched on and off."""
        return catalogue.surprises(PREFECT)[self.fault]


def draw(seed: int, within: float) -> Draw:
    """The fault of a seed, the same each time, and a moment in the next `within` seconds."""
    dice = random.Random(seed)
    return Draw(seed, dice.choice(sorted(catalogue.surprises(PREFECT))), dice.random() * within)


@dataclass
class Shift:
    """A shift from its beginning to its end. All times are seconds since 1970.

    `say` prints what the learner may know, with its time; `pressed` waits so many seconds for Enter, and says whether
    it came. `events` is the timeline, `touched` has what was changed and had not been broken, with the words for it.
    """

    drawn: Draw
    interval: float  # of the schedule, in seconds
    say: Callable[[float, str], None]
    pressed: Callable[[float], bool]
    on_page: Callable[[], None]
    events: list[tuple[float, str]] = field(default_factory=list)
    touched: dict[str, str] = field(default_factory=dict)
    watermarks: Watermarks = field(default_factory=set)
    orders: Orders = frozenset()
    injected: float = 0  # when it was begun to switch the fault on; `broken` is when that was done
    broken: float = 0
    paged: float | None = None
    noticed: float | None = None
    gone: float | None = None  # since when the fault is off; only what comes after it proves that the service works
    repaired: float | None = None
    around: str = ""  # a run that was Completed while the fault was still on

    def note(self, text: str, at: float | None = None, *, aloud: bool = True) -> float:
        """Put something into the timeline, and say it unless it would give the fault away; return its time."""
        at = time.time() if at is None else at
        self.events.append((at, text))
        if aloud:
            self.say(at, text)
        return at

    def wait(self, seconds: float) -> None:
        """Wait, and note each Enter. The first one after the fault counts; one before it was a false alarm."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.pressed(left):
                at = self.note("you: noticed")
                self.noticed = self.noticed or (at if self.injected else None)

    def run(self, minutes: float) -> None:
        """Go through the shift, until the fault is repaired or the time is over. Raises UserError when it cannot begin."""
        self.note(f"the shift begins; it ends after {minutes:g} minutes, Enter says that you have noticed something")
        self.wait(self.drawn.delay)
        before = self.break_it()
        broken = previous = self.snapshot(before)
        of_fault = set(looks.differences(before, broken))
        pager = Pager(self.injected, self.interval)
        while time.time() < self.injected + minutes * 60:
            previous = self.look(pager, broken, previous, of_fault)
            if self.repaired:
                return
            self.wait(POLL)

    def break_it(self) -> Looks:
        """Switch the fault on, and return what the stack looked like before."""
        stack = find(PREFECT)
        if not stack:
            raise UserError(f"{PREFECT} does not run any more: {start_command(PREFECT)}")
        before = looks.of(stack, {})
        self.orders, self.watermarks = databases.orders(stack), databases.watermarks(stack)
        with uninterrupted():
            self.injected = self.note(f"the fault: {self.drawn.fault}", aloud=False)
            self.drawn.act.switch_on(stack)
            self.broken = time.time()
        return before

    def snapshot(self, last: Looks) -> Looks:
        """What the stack looks like now; of what cannot be asked, the last that was seen."""
        try:
            stack = find(PREFECT)
        except UserError:  # a container has gone between two questions
            return last
        return looks.of(stack, last) if stack else {}

    def look(self, pager: Pager, broken: Looks, previous: Looks, of_fault: set[str]) -> Looks:
        """Look once at all there is; return what the stack looks like."""
        try:
            stack = find(PREFECT)
        except UserError:  # a container has gone between two questions: the next look sees what became of it
            return previous
        if not stack:
            if previous:
                self.note("seen: the stack is gone")
            return {}
        on = self.fault_is_on(stack)
        now = looks.of(stack, previous or broken)
        for thing, words in looks.differences(previous or broken, now).items():
            self.note(f"seen: {thing} {words}")
        others = {thing: how for thing, how in looks.differences(broken, now).items() if thing not in of_fault}
        self.touched |= others
        sight = look(stack, self.injected)
        self.watermarks |= sight.watermarks
        if not self.paged and (symptom := pager.symptom(sight)):
            self.paged = self.note(f"pager: {symptom}")
            self.on_page()
        self.judge(on, sight)
        return now

    def fault_is_on(self, stack: Stack) -> bool | None:
        """Whether the fault is on; None when that cannot be asked. Notes when it is gone, and when it is back."""
        try:
            on = catalogue.is_on(stack, self.drawn.act)
        except UserError:
            return None
        if on and self.gone:
            self.gone = None
            self.note("the fault is on again", aloud=False)
        elif not on and not self.gone:
            self.gone = self.note("the fault is gone", aloud=False)
        return on

    def judge(self, on: bool | None, sight: Sight) -> None:
        """Note a run that proves the repair, or one that went round the fault."""
        for run in sight.completed:
            if self.gone and run.end > self.gone:
                self.repaired = self.note(f"repaired: the run {run.name} is {run.state}")
                return
            if on and run.start > self.broken and not self.around:
                self.around = run.name
                self.note(f"the run {run.name} is {run.state}, with the fault still on", aloud=False)
