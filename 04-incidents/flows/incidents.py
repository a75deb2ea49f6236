"""What an answer of the API has to look like, and what becomes a row: pydantic reads, and says what is wrong.

An answer of another shape raises ValidationError: nothing in it would be right, so nothing of it is written. A single
incident of another shape is a reject.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

ZONE = ZoneInfo("America/Sao_Paulo")  # the API writes local times, without a zone: 2026-11-21 10:20:00.0


def with_zone(text: Any) -> datetime:
    return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=ZONE)


Time = Annotated[datetime, BeforeValidator(with_zone)]


class Incident(BaseModel):
    """An incident in our words; the aliases are those of the API."""

    id: int
    pop: int = Field(alias="pop_id")
    title: str = Field(alias="titulo")
    district: str = Field(alias="bairro")
    latitude: float
    longitude: float
    begins: Time = Field(alias="inicio")
    ends: Time | None = Field(alias="fim")
    severity: str = Field(alias="gravidade")
    status: Literal["ABERTO", "FECHADO"]

    def row(self) -> list[str]:
        values = self.model_dump(mode="json").values()
        return ["" if value is None else str(value) for value in values]


class Pop(BaseModel):
    """A class of incident, with its standard operating procedure."""

    id: int
    titulo: str


class Activity(BaseModel):
    sigla: str


HEADER = list(Incident.model_fields)
REJECTS = ["id", "reason", "answer"]


class Events(BaseModel):
    eventos: list[dict[str, Any]]


class Pops(BaseModel):
    retorno: Literal["OK"]
    objeto: list[Pop] = Field(min_length=1)


class Agencies(BaseModel):
    pop: str
    atividades: list[Activity]


def since(now: datetime, oldest_open: str | None) -> str:
    """From when on to ask: a day back, for what arrives late; and as far back as what is still open, to see it close."""
    start = now - timedelta(days=1)
    if oldest_open:
        start = min(start, datetime.fromisoformat(oldest_open))
    return f"{start.astimezone(ZONE):%Y-%m-%d %H:%M:%S}.0"


def sort_out(
    events: Iterable[dict[str, Any]], pops: Collection[int]
) -> tuple[dict[int, Incident], dict[str, list[str]]]:
    """Incidents by id, the one told last wins; and rows of REJECTS."""
    good: dict[int, Incident] = {}
    bad: dict[str, list[str]] = {}
    for event in events:
        try:
            incident = Incident.model_validate(event)
            reason = "" if incident.pop in pops else f"pop_id: there is no POP {incident.pop}"
        except ValidationError as error:
            reason = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        if not reason:
            good[incident.id] = incident
            continue
        where = (event.get(name) for name in ("inicio", "latitude", "longitude"))  # what a correction leaves as it is
        key = str(event.get("id") or " ".join(map(str, where)))
        bad[key] = [key, reason, str(event)]
    return good, bad
