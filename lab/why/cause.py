"""What `lab why` says: a cause, what was seen of it, the command that shows it, and the paragraph to read."""

from dataclasses import dataclass, field

# Every cause that is known → the paragraph of docs/en that tells how to remove it.
READ = {
    "no worker": "prefect-operating.md#a-run-is-late-and-does-not-start",
    "queue that nobody polls": "why.md#nobody-polls-the-queue",
    "pool limit": "why.md#limits",
    "queue limit": "why.md#limits",
    "worker limit": "why.md#limits",
    "deployment limit": "prefect-operating.md#a-run-is-awaitingconcurrencyslot-for-ever",
    "tag limit": "why.md#limits",
    "zombie run": "prefect-operating.md#zombies",
    "paused pool": "why.md#paused",
    "paused queue": "why.md#paused",
    "paused deployment": "why.md#paused",
    "paused schedule": "why.md#paused",
    "no scheduled runs": "prefect-operating.md#everything-is-healthy-and-nothing-is-scheduled",
    "nothing deployed": "why.md#nothing-deployed",
    "flow file missing": "prefect-operating.md#the-worker-does-not-find-the-file",
    "wrong API address": "why.md#wrong-address",
    "wrong API password": "prefect-operating.md#401",
    "no server": "why.md#containers",
    "database away": "why.md#database-away",
    "killed for memory": "troubleshooting.md#exit-code-137",
    "port taken": "why.md#port-taken",
    "container paused": "why.md#containers",
    "container stopped": "why.md#containers",
    "container restarts": "why.md#containers",
    "container unhealthy": "why.md#containers",
    "cron not running": "troubleshooting.md#exits-at-once",
    "no crontab": "why.md#no-crontab",
    "CRLF in a crontab": "troubleshooting.md#windows-line-ends",
    "no newline at the end": "troubleshooting.md#missing-newline",
    "crontab refused": "why.md#crontab-refused",
    "job broken": "troubleshooting.md#ask-first",
    "job file missing": "why.md#job-file-missing",
    "unknown": "why.md#unknown",
}


@dataclass(frozen=True)
class Cause:
    """A reason for which nothing runs.

    `name` is one of READ, `seen` says what was seen and where, `show` is the command that shows it again.
    """

    name: str
    seen: str
    show: str

    @property
    def read(self) -> str:
        """The paragraph that tells how to remove it, from the folder of the course."""
        return f"docs/en/{READ[self.name]}"


@dataclass
class Look:
    """What was found in one place, the stack of a lesson or its host mode.

    `looked` names what was looked at, `notes` what is worth a word and keeps nothing from running.
    """

    place: str
    causes: list[Cause] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of these causes was found."""
        return any(cause.name in names for cause in self.causes)
