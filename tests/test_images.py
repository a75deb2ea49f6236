"""One table names every image: what a Dockerfile, a compose file or a tool takes from a registry is in it, pinned."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from engine import images
from engine.core import ROOT
from engine.docker import size

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}")


def as_started(name: str) -> str:
    """The name of an image without anything in the environment: of `${CLICKHOUSE:-26.8}` that is 26.8."""
    return VARIABLE.sub(lambda found: found["default"] or "", name)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.check_output(("git", "ls-files", "-co", "--exclude-standard", *patterns), cwd=ROOT, text=True)
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


def compose_files() -> list[Path]:
    return [file for file in tracked("*.yml") if re.search("^services:", file.read_text(), re.M)]


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `!reset` and `!override` are its own."""


Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def services(file: Path) -> dict[str, dict[str, object]]:
    return yaml.load(file.read_text(), Loader)["services"] or {}


def named() -> Iterator[tuple[str, str]]:
    """Each file that names an image from elsewhere, and the name in it."""
    every = [service for file in compose_files() for service in services(file).values()]
    own = {service.get("image") for service in every if "build" in service}  # built by one service, used by others too
    for file in tracked("*Dockerfile*"):
        yield from ((str(file.relative_to(ROOT)), name) for name in images.base_images(file) if name not in own)
    for file in compose_files():
        for service in services(file).values():
            if "image" in service and service["image"] not in own:
                yield str(file.relative_to(ROOT)), str(service["image"])


@pytest.fixture(autouse=True)
def plain_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for image in images.IMAGES:
        monkeypatch.delenv(image.variable or "NONE", raising=False)


def repository(name: str) -> str:
    """The name of an image without its tag."""
    return name.partition(":")[0]


def strangers(found: dict[str, str]) -> dict[str, str]:
    return {
        file: name for file, name in found.items() if as_started(name) not in {image.name for image in images.IMAGES}
    }


def test_every_image_of_a_dockerfile_and_a_compose_file_is_in_the_table() -> None:
    found = list(named())
    assert {"Dockerfile", "bench/Dockerfile", "03-prefect/scale-out.yml"} <= {file for file, _ in found}
    assert [pair for pair in found if strangers(dict([pair]))] == []
    taken = {as_started(name) for _, name in found}
    assert {image.name for image in images.IMAGES} == taken, "an image of the table that nothing uses"


def test_an_unknown_image_and_an_unknown_tag_are_seen() -> None:
    assert strangers({"a.yml": "mongo:8"}) and strangers({"a.yml": "postgres:18"}) and strangers({"a.yml": "postgres"})
    assert not strangers({"a.yml": "clickhouse/clickhouse-server:${CLICKHOUSE:-26.8}"})
    assert strangers({"a.yml": "clickhouse/clickhouse-server:${CLICKHOUSE:-26.9}"})


def test_no_tool_and_no_test_names_another_tag() -> None:
    """A name that is left behind would be pulled beside the one of the table, or be missing without a network.

    Four digits are a port, as in rabbitmq:5672.
    """
    repositories = "|".join(re.escape(image.repository) for image in images.IMAGES)
    name = re.compile(rf"(?<![\w/.-])(?:{repositories}):(?:v?\d(?!\d{{3}})|latest|\$|trixie|bookworm)[\w.{{}}$:-]*")
    known = {f"{image.repository}:{tag}" for image in images.IMAGES for tag in (image.tag, image.older)}
    wrong = [
        f"{file.relative_to(ROOT)}: {found}"
        for file in tracked("*.py", "*.sh", "*.yml", "*.md", "*Dockerfile*", "Makefile")
        if file != Path(__file__) and "results" not in file.parts
        for found in name.findall(file.read_text())
        if as_started(found).rstrip(":.-") not in known
    ]
    assert wrong == []


@pytest.mark.parametrize("image", images.IMAGES, ids=lambda image: image.name)
def test_a_tag_is_pinned_to_a_release_with_fixes_only(image: images.Image) -> None:
    """PostgreSQL counts its releases by one number, others by two or three; Debian has names."""
    parts = {"postgres": 1, **dict.fromkeys(map(repository, images.MONITORING), 3)}.get(image.repository, 2)
    number = "v?" * (parts == 3) + r"\.".join([r"\d+"] * parts)
    assert re.fullmatch(r"trixie-slim" if image.repository == "debian" else rf"{number}(-slim)?(-[a-z]+)?", image.tag)
    assert image.architectures == ("amd64", "arm64") and set(image.processor) <= set(image.architectures)


def test_a_variable_names_another_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    [warehouse] = [image for image in images.IMAGES if image.variable]
    assert warehouse.name == "clickhouse/clickhouse-server:26.8"
    monkeypatch.setenv("CLICKHOUSE", warehouse.older)
    assert warehouse.name == "clickhouse/clickhouse-server:26.3"
    monkeypatch.setenv("CLICKHOUSE", "")
    assert warehouse.name == "clickhouse/clickhouse-server:26.8"


@pytest.mark.parametrize("image", images.IMAGES, ids=lambda image: image.name)
def test_every_image_has_the_recipe_of_its_stand_in(image: images.Image) -> None:
    recipe = ROOT / "offline" / image.recipe
    script = recipe / "build.sh"
    assert script.exists() or images.base_images(recipe / "Dockerfile") == [images.DEBIAN]
    text = (script if script.exists() else recipe / "Dockerfile").read_text()
    assert f"# Stands in for the official {image.name}: " in text


def test_the_stages_of_a_dockerfile_are_no_base_images(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {images.PYTHON} AS built\nRUN true\nFROM {images.DEBIAN}\nFROM built\n")
    assert images.base_images(tmp_path / "Dockerfile") == [images.PYTHON, images.DEBIAN]


def test_the_page_for_instructors_has_the_table() -> None:
    page = (ROOT / "docs/en/instructor.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| about (\d+) MB \|", page, re.M)
    assert rows == [(image.name, str(image.megabytes)) for image in images.IMAGES if image.name in images.BASES]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("12.5MiB / 1GiB 0.1%", 12.5 * 2**20),
        ("1.2GiB", 1.2 * 2**30),
        ("13.1MB / 33GB", 13.1e6),
        ("812kB", 812e3),
        ("0B", 0),
    ],
)
def test_sizes_of_docker_and_of_podman(text: str, seen: float) -> None:
    assert size(text) == seen


def test_the_nightly_run_is_make_real_on_each_architecture() -> None:
    """What it calls is there, on a runner for each architecture, and its one action is pinned by its hash."""
    text = (ROOT / ".github/workflows/official-images.yml").read_text()
    job = yaml.safe_load(text)["jobs"]["real"]
    runners = job["strategy"]["matrix"]["runner"]
    assert {"arm64" if name.endswith("-arm") else "amd64" for name in runners} == set(images.IMAGES[1].architectures)
    assert job["runs-on"] == "${{ matrix.runner }}" and re.search(r"^  schedule: .*cron", text, re.M)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    called = [word for step in job["steps"] for word in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))]
    assert called == ["real"] and "real" in targets
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in job["steps"] if "uses" in step)
