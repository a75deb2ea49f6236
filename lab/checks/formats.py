"""Outcomes of `lab check` for programs: JSON, and JUnit XML, which every CI reads."""

import json
import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.core import ROOT
from lab.checks.registry import Check, Outcome

FORMAT, VERSION = "beyond-cron check", 1
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Outcomes = list[tuple[Check, Outcome]]


def as_json(outcomes: Outcomes, seconds: float) -> str:
    """The outcomes as a JSON object; seconds are those of the whole run, since checks run side by side."""
    exercises = [
        {
            "id": check.id,
            "file": str(check.path.relative_to(ROOT)),
            "verdict": "passed" if outcome.passed else "failed",
            "expected": outcome.expected,
            "seen": outcome.seen,
            "hint": "" if outcome.passed else check.advice.diagnose(outcome.seen).hint,
        }
        for check, outcome in outcomes
    ]
    passed = sum(outcome.passed for _, outcome in outcomes)
    counts = {"passed": passed, "failed": len(outcomes) - passed, "seconds": round(seconds, 3)}
    return json.dumps({"format": FORMAT, "version": VERSION, **counts, "exercises": exercises}, indent=1)


def as_junit(outcomes: Outcomes, seconds: float) -> str:
    """The outcomes as JUnit XML: a test case for each exercise, with its lesson as the class."""
    failed = [check.id for check, outcome in outcomes if not outcome.passed]
    counts = {"tests": f"{len(outcomes)}", "failures": f"{len(failed)}", "errors": "0", "time": f"{seconds:.3f}"}
    root = Element("testsuites", counts)
    suite = SubElement(root, "testsuite", {"name": "lab check", **counts})
    for check, outcome in outcomes:
        case = SubElement(suite, "testcase", {"classname": check.lesson, "name": check.id.split("/")[1]})
        if not outcome.passed:
            failure = SubElement(case, "failure", {"message": _xml(outcome.seen)})
            failure.text = _xml(
                f"expected: {outcome.expected}\nseen: {outcome.seen}\nhint: {check.advice.diagnose(outcome.seen).hint}"
            )
    indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{tostring(root, encoding='unicode')}\n"


def _xml(text: str) -> str:
    """A text without the characters that XML cannot hold, such as the colours that a program printed."""
    return _NOT_XML.sub("\ufffd", text)
