"""What becomes of NAME=value in a crontab: the environment of the jobs below it, a mail, or nothing."""

from lab.cron.crontab import Setting, printable
from lab.migrate.peeled import Reason

MAIL = ("MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING")
SCHEDULER = ("CRON_TZ", "START_HOURS_RANGE", "RANDOM_DELAY")
Outcome = tuple[str, str, list[Reason]]  # fate, what it becomes, reasons


def job_environment(settings: dict[str, str]) -> dict[str, str]:
    """The settings that the jobs have in their environment."""
    return {name: value for name, value in settings.items() if name and name not in (*MAIL, *SCHEDULER)}


def setting_fate(setting: Setting, below: int) -> Outcome:
    """The fate of a setting with so many jobs below it."""
    name, value = setting.name, setting.value
    if name == "CRON_TZ":
        reason = "Debian's cron ignores CRON_TZ: the jobs below keep the machine's zone; name it with --tz"
        return "refused", "", [Reason("cron-tz", reason)]
    if not name:
        return "refused", "", [Reason("no-name", "a setting without a name: nothing can hold its value")]
    if name == "MAILTO":
        return mail_fate(value, below)
    if name in MAIL:
        return "changed", "", [Reason("mail-to", "how cron writes its mail: set it in the notification block")]
    if name == "START_HOURS_RANGE":
        return (
            "changed",
            "the hour of the schedules",
            [Reason("anacron", f"the hours {printable(value)}: the first counts")],
        )
    if name == "RANDOM_DELAY":
        return "changed", "", [Reason("jitter", "anacron spreads its starts; here each job has its own minute")]
    jobs = f"environment of {below} job{'' if below == 1 else 's'}"
    reasons = []
    if name == "TZ":
        reasons.append(Reason("tz", "TZ changes what a job prints, not when it starts, under cron as here"))
    if "$" in value:
        reasons.append(Reason("not-expanded", f"cron expands nothing here: {printable(name)} holds the $ as it stands"))
    if name == "HOME":
        reasons.append(Reason("home", "jobs start in it; Prefect looks for its own settings there too"))
    return "moved", jobs if below else "nothing: no job is below it", reasons


def mail_fate(value: str, below: int) -> Outcome:
    """The fate of MAILTO."""
    if not below:
        return "moved", "nothing: no job is below it", []
    if not value:
        return "moved", "no mail, no automation", []
    said = "cron mails whatever a job prints; an automation tells of runs that failed or crashed"
    return "changed", "automations.yaml", [Reason("mail-to", said)]
