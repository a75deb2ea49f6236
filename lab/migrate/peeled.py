"""What a command is without its wrappers, what these become, and why."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """Why a line is not moved as it is: a kind, which the corpus names, and a sentence for a person."""

    kind: str
    text: str


@dataclass
class Peeled:
    """A command without the wrappers that were peeled, and what they become.

    `timeout` and `retry_delay` are in seconds. `lock` is the file of a flock, `wait` how long it waits: 0 not at all,
    None without an end. `timed` says that the time spent waiting for the lock counts against the timeout.
    """

    command: str
    lock: str = ""
    wait: float | None = None
    timeout: float | None = None
    timed: bool = False
    retries: int = 0
    retry_delay: float = 0
    folder: str = ""
    log: str = ""  # the file that its output went to
    env: dict[str, str] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    kept: str = ""  # what stays before the command, such as nice -n 19

    @property
    def strategy(self) -> str:
        """The collision strategy that does what the lock does; empty without a lock."""
        return ("CANCEL_NEW" if self.wait == 0 else "ENQUEUE") if self.lock else ""

    @property
    def parameters(self) -> dict[str, object]:
        """What the peeled command needs as parameters of `run_command`."""
        found: dict[str, object] = {"timeout": self.timeout, "folder": self.folder, "retries": self.retries}
        return {name: value for name, value in found.items() if value} | (
            {"retry_delay": self.retry_delay} if self.retries else {}
        )

    def say(self, kind: str, text: str) -> None:
        """Note a reason, once."""
        if (reason := Reason(kind, text)) not in self.reasons:
            self.reasons.append(reason)
