"""The incident API. Below BASE it has the shape of the public one; below /admin it obeys and tells.

Start it by hand: uvicorn --app-dir api --port 8004 app:app
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

import city
from faults import Fault, Faults, instead, spoilt

BASE = "/v2/adm_cor_comando"
app = FastAPI()
faults = Faults()
began = time.time()
frozen_at: float | None = None  # the city's clock stands still: for whoever compares


def now() -> float:
    return frozen_at or time.time()


def events() -> list[city.Event]:
    return list(city.events(began, now(), faults.tricks()))


@app.middleware("http")
async def answer(request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Response:
    """Let each request below BASE meet the faults, and keep a record of it."""
    if not request.url.path.startswith(BASE):
        return await call_next(request)
    name = request.url.path.removeprefix(BASE).strip("/")
    fault = faults.draw(name)
    async with faults.watch():
        response = await instead(fault)
        if response is None:
            real = await call_next(request)
            body = b"".join([piece async for piece in real.body_iterator])
            response = Response(spoilt(body, fault), real.status_code, media_type="application/json")
    faults.answers[f"{name} {fault.kind if fault and response.status_code == 200 else response.status_code}"] += 1
    return response


@app.get(BASE + "/ocorrencias_abertas/")
def open_incidents() -> dict[str, Any]:
    return {"eventos": [event for event in events() if event["status"] == "ABERTO"]}


@app.get(BASE + "/ocorrencias/")
def incidents_since(inicio: str) -> dict[str, Any]:
    """Open or closed, those that began at `inicio` or later."""
    since = datetime.strptime(inicio, "%Y-%m-%d %H:%M:%S.%f").strftime("%Y-%m-%d %H:%M:%S.0")
    return {"eventos": [event for event in events() if event["inicio"] >= since]}


@app.get(BASE + "/pops/")
def pops() -> dict[str, Any]:
    return {"retorno": "OK", "objeto": [{"id": pop, "titulo": city.title(pop)} for pop in range(1, city.POPS + 1)]}


@app.get(BASE + "/procedimento_operacional_padrao_orgaos_responsaveis/")
def agencies(popId: int) -> dict[str, Any]:
    if not 1 <= popId <= city.POPS:
        raise HTTPException(404, "no such POP")
    return {"pop": city.title(popId), "atividades": [{"sigla": agency} for agency in city.agencies(popId)]}


@app.post("/admin/faults")
def set_faults(wanted: list[Fault]) -> list[Fault]:
    """From now on these faults, and no other; [] heals. The record begins anew."""
    faults.on, faults.most_at_once = wanted, 0
    faults.answers.clear()
    return faults.on


@app.post("/admin/freeze")
def freeze(on: bool = True) -> dict[str, bool]:
    global frozen_at
    frozen_at = time.time() if on else None
    return {"frozen": on}


@app.get("/admin/record")
def record() -> dict[str, Any]:
    return {"answers": dict(sorted(faults.answers.items())), "most_at_once": faults.most_at_once}


@app.get("/admin/truth")
def truth(agency: str = "CET-RIO") -> dict[str, Any]:
    """What a collector has to have by now: each readable incident of an agency, and how many incidents are unreadable."""
    good = {event["id"]: event for event in events() if city.readable(event)}
    rejects = {str(event) for event in events() if not city.readable(event)}  # an id may be what is missing
    ours = [event for event in good.values() if agency in city.agencies(event["pop_id"])]
    return {"rows": {event["id"]: event for event in ours}, "rejects": len(rejects)}
