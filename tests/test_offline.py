"""Every base image has a recipe, and the class bundle carries the whole course to a machine without network."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.engine import ROOT, Trouble
from offline import bundle, images

INSIDE = Path(__file__).with_name("without-network.sh")


def named_images() -> dict[str, str]:
    """Every image that the course gets from elsewhere → a file that names it."""
    found: dict[str, str] = {}
    built: set[str] = set()  # by one service, and used by others
    for file in [ROOT / "Dockerfile", *ROOT.glob("0*-*/**/Dockerfile*"), *ROOT.glob("contrast/**/Dockerfile*")]:
        found |= dict.fromkeys(images.base_images(file), str(file.relative_to(ROOT)))
    for file in [*ROOT.glob("*.yml"), *ROOT.glob("0*-*/**/*.yml"), *ROOT.glob("contrast/**/*.yml")]:
        services = file.name != "mkdocs.yml" and yaml.safe_load(file.read_text()).get("services")
        for service in (services or {}).values():
            if "build" in service:
                built.add(service.get("image"))
            elif "image" in service:
                found[service["image"]] = str(file.relative_to(ROOT))
    return {name: file for name, file in found.items() if name not in built}


def test_every_base_image_has_a_recipe() -> None:
    named = named_images()
    assert "python:3.13-slim" in named
    assert {name: file for name, file in named.items() if name not in images.RECIPES} == {}
    for name, folder in images.RECIPES.items():
        recipe = ROOT / "offline" / folder
        script = recipe / "build.sh"
        assert script.exists() or images.base_images(recipe / "Dockerfile") == ["debian:trixie-slim"], name
        text = (script if script.exists() else recipe / "Dockerfile").read_text()
        assert f"# Stands in for the official {name}: " in text


def test_the_stages_of_a_dockerfile_are_no_base_images(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.13-slim AS built\nRUN true\nFROM debian:trixie-slim\nFROM built\n"
    )
    assert images.base_images(tmp_path / "Dockerfile") == ["python:3.13-slim", "debian:trixie-slim"]


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "crontab.txt").write_text("* * * * * true\n")
    before = images.fingerprint(tmp_path)
    assert images.fingerprint(tmp_path) == before
    (tmp_path / "crontab.txt").write_text("0 * * * * true\n")
    assert images.fingerprint(tmp_path) != before


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bundle, "UNPACKED", tmp_path / "unpacked")
    return tmp_path / "unpacked"


def small_bundle(path: Path, content: bytes = b"<h1>Beyond Cron</h1>", **changes: Any) -> Path:
    """A bundle of one page, like a real one but for `changes` to its manifest."""
    page = b"<h1>Beyond Cron</h1>"
    manifest = {"made for": bundle.machine(), "sha256": {"site/index.html": hashlib.sha256(page).hexdigest()}} | changes
    with tarfile.open(path, "w") as tar:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), "site/index.html": content}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_a_good_bundle_is_unpacked(tmp_path: Path, unpacked: Path) -> None:
    bundle.unpack(small_bundle(tmp_path / "good.tar"))
    assert (unpacked / "site/index.html").read_text() == "<h1>Beyond Cron</h1>"


def test_a_bad_bundle_is_refused_in_one_line(tmp_path: Path, unpacked: Path) -> None:
    good = small_bundle(tmp_path / "good.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(good[:1600])
    (tmp_path / "headless.tar").write_bytes(good[:700])
    (tmp_path / "text.tar").write_text("this is no tar")
    (tmp_path / "empty.tar").write_bytes(b"")
    small_bundle(tmp_path / "changed.tar", b"<h1>Beyond Corn</h1>")
    small_bundle(tmp_path / "short.tar", sha256={"site/index.html": "0", "images.tar": "0"})
    small_bundle(tmp_path / "escape.tar", sha256={"../escaped": "0"})
    other: dict[str, Any] = {"made for": "Python 3.99 on Plan9 vax"}
    small_bundle(tmp_path / "other.tar", **other)
    reasons = {
        "missing.tar": "there is no bundle at .*: BUNDLE=.* make unbundle",
        "cut.tar": "damaged .*: copy it again",
        "headless.tar": "damaged .*: copy it again",
        "text.tar": "damaged .*: copy it again",
        "empty.tar": "damaged .*: copy it again",
        "changed.tar": "damaged .*checksum of site/index.html.*: copy it again",
        "short.tar": "damaged .*: copy it again",
        "escape.tar": "damaged .*would leave.*",
        "other.tar": "is for Python 3.99 on Plan9 vax, not Python 3.*",
    }
    for name, reason in reasons.items():
        with pytest.raises(Trouble) as trouble:
            bundle.unpack(tmp_path / name)
        line = str(trouble.value)
        assert re.search(reason, line) and "\n" not in line, (name, line)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.stack
@pytest.mark.parametrize(
    ("name", "label", "command"),
    [
        ("python:3.13-slim", "built from Debian (trixie) packages", "cat /etc/os-release"),
        ("postgres:17", "Debian trixie's (PostgreSQL) (17) .*, for postgres:17", "postgres --version"),
        (
            "clickhouse/clickhouse-server:26.8",
            r"Debian bookworm's (ClickHouse) (18\.16), for clickhouse/clickhouse-server:26\.8",
            "clickhouse-client --version",
        ),
        ("redis:7", r"Debian trixie's (Redis) (8\.0), for redis:7", "redis-server --version"),
    ],
)
def test_a_stand_in_says_what_it_is(name: str, label: str, command: str) -> None:
    template = '{{with .Config.Labels}}{{index . "beyond-cron.stand-in"}}{{end}}'
    inspect = ["docker", "image", "inspect", "--format", template, name]
    inspected = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    if not inspected:
        pytest.skip(f"a registry answers here: {name} is the official image")
    said = re.fullmatch(label, inspected)
    assert said, inspected
    run = ["docker", "run", "--rm", name, *command.split()]
    output = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    for word in said.groups():  # what the label says is what the program says
        assert re.search(rf"\b{re.escape(word)}\b", output), output


@pytest.mark.stack
def test_the_course_runs_from_its_bundle_without_network(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("dockerd"):
        pytest.skip("needs root, unshare and dockerd to make a machine without network")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "LAB_"))}
    tar = tmp_path / "beyond-cron-bundle.tar"
    subprocess.run(["make", "bundle", f"BUNDLE={tar}"], cwd=ROOT, env=env, check=True)

    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", "dist", "site"))

    # Its own network with loopback only, its own mounts and processes: whatever it starts ends with it.
    alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*alone, "bash", INSIDE, clone, tar, tmp_path / "docker"],
        cwd=clone, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    shutil.rmtree(tmp_path / "docker", ignore_errors=True)
    tar.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    start, _, edited = done.stdout.partition("== an edited lesson")
    assert edited and not re.search("pulling|building", start), done.stdout
