"""The command line of `lab`: which commands there are; each wing has its own."""

import typer

from lab import trigger, up
from lab.audit import command as audit
from lab.checks import command as checks
from lab.console import Commands
from lab.cron import command as cron
from lab.cron.lint import lint
from lab.doctor import command as doctor
from lab.evidence import command as evidence
from lab.faults import command as faults
from lab.migrate import command as migrate
from lab.oncall import command as oncall
from lab.policy import command as policy
from lab.progress import command as progress
from lab.progress import watch
from lab.why import command as why

app = typer.Typer(
    cls=Commands,
    help="The learner's tool of Beyond Cron.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("check")(checks.check)
app.command("reset")(checks.reset)
app.command("list")(progress.list_)
app.command("next")(progress.next_)
app.command("watch")(watch.command(checks.check))
app.command()(evidence.export)
app.command("verify")(evidence.verify_)
app.command("class")(evidence.class_)
app.command()(audit.audit)
app.add_typer(cron.app, name="cron")
app.add_typer(migrate.app, name="migrate")
app.add_typer(policy.app, name="policy")
app.command()(doctor.doctor)
app.command()(up.up)
app.command()(up.down)
app.command("break")(faults.break_)
app.command("fix")(faults.fix)
app.command("why")(why.command(lint))
app.command("oncall")(oncall.oncall)
app.command("trigger", context_settings=trigger.PASSED_ON, add_help_option=False)(trigger.trigger)
app.command("mend", hidden=True)(faults.fix)  # as it was called at first
