"""Incidents of a city that is made up: the same for the same seed, and one more every few seconds.

Incident number n begins at n × PACE seconds after 1970, wherever and whenever this runs, so a restart changes nothing.
Its fields have the names and the formats of the public API of Rio de Janeiro's operations centre:
https://api.dados.rio/v2/adm_cor_comando/
"""

import os
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Sao_Paulo")  # of all times; the API writes them without it
SEED = os.environ.get("SEED", "1")
PACE = 3 * float(os.environ.get("EVERY", "20"))  # seconds: twenty new incidents between two runs
POPS = int(os.environ.get("POPS", "40"))
HISTORY = int(os.environ.get("HISTORY", "300"))  # incidents that began before the service did
AGENCIES = ("CET-RIO", "COMLURB", "GM-RIO", "DEFESA CIVIL", "CBMERJ", "RIOLUZ")
TITLES = ("Acidente com vítima", "Enguiço", "Semáforo apagado", "Bolsão d'água", "Queda de árvore", "Obra na via")
PLACES = ("Centro", "Tijuca", "Copacabana", "Barra da Tijuca", "Madureira", "Bangu", "Realengo", "Botafogo")
BROKEN: tuple[dict[str, Any], ...] = ({"latitude": "n/a"}, {"inicio": "ontem"}, {"id": None}, {"pop_id": 99_999})

Event = dict[str, Any]


def title(pop: int) -> str:
    return f"{TITLES[pop % len(TITLES)]}, nível {pop}"


def agencies(pop: int) -> list[str]:
    """Who is responsible for a class of incident (POP): one to three agencies; CET-RIO for about a third."""
    draw = random.Random(f"{SEED} pop {pop}")
    return draw.sample(AGENCIES, draw.randint(1, 3))


def local(seconds: float) -> str:
    """A moment as the API writes it: `2026-11-21 10:20:00.0`, local and without a zone."""
    return f"{datetime.fromtimestamp(seconds, ZONE):%Y-%m-%d %H:%M:%S}.0"


def event(number: int, now: float) -> Event:
    draw = random.Random(f"{SEED} event {number}")
    begins = int(number * PACE)
    ends = begins + int(PACE * draw.randint(5, 60))
    pop = draw.randint(1, POPS)
    return {
        "id": number,
        "pop_id": pop,
        "tipo": "PRIMARIO",
        "titulo": title(pop),
        "descricao": f"{title(pop)}, faixa {draw.randint(1, 4)}",
        "bairro": draw.choice(PLACES),
        "latitude": round(-22.9 + draw.uniform(-0.1, 0.1), 6),
        "longitude": round(-43.3 + draw.uniform(-0.2, 0.2), 6),
        "inicio": local(begins),
        "fim": local(ends) if ends <= now else None,
        "prazo": "CURTO",
        "gravidade": draw.choice(("BAIXO", "MEDIO", "ALTO")),
        "status": "FECHADO" if ends <= now else "ABERTO",
    }


def readable(event: Event) -> bool:
    return not any(event[name] == value for fields in BROKEN for name, value in fields.items())


def events(since: float, now: float, tricks: set[str]) -> Iterator[Event]:
    """All incidents that are known at `now` to one who began to watch at `since`; `tricks` are faults of the data."""
    for number in range(int(since / PACE) - HISTORY, int(now / PACE) + 1):
        one = event(number, now)
        if "late" in tricks and number % 5 == 0:
            continue  # it will be reported when the fault is over
        if "corrected" in tricks and number % 7 == 0:
            one |= {"bairro": "Vila Isabel", "gravidade": "CRITICO"}
        if "broken" in tricks and number % 11 == 0:
            one |= BROKEN[number % len(BROKEN)]
        yield one
        if "duplicates" in tricks:
            yield dict(one)
