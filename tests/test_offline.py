"""A stand-in says what it is, and the class bundle carries the whole course to a machine without network."""

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

from engine import bundle, docker, images
from engine.core import ROOT, UserError

INSIDE = Path(__file__).with_name("without-network.sh")
DOCKERFILES = subprocess.check_output(["git", "ls-files", "Dockerfile", "*/Dockerfile"], cwd=ROOT, text=True).split()


def pip_without_hashes(dockerfile: str) -> list[str]:
    """What pip installs in an image without a look at its hashes, and not from the image itself."""
    lines = dockerfile.replace("\\\n", " ").splitlines()
    found = [part for line in lines for part in re.findall(r"\bpip\S* install\b[^&;|]*", line)]
    return [part for part in found if "--require-hashes" not in part and "--no-index" not in part]


@pytest.mark.parametrize("file", DOCKERFILES)
def test_what_pip_installs_in_an_image_has_hashes(file: str) -> None:
    assert not pip_without_hashes((ROOT / file).read_text())


def test_a_package_without_hashes_is_seen() -> None:
    assert pip_without_hashes("RUN apt-get update \\\n    && pip install \\\n -r requirements.txt && true\n")
    assert pip_without_hashes("RUN /opt/tools/bin/pip install dlt==1.31.0\n")
    assert not pip_without_hashes("RUN python -m pip install --no-deps --require-hashes -r requirements.lock\n")


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
    manifest = {
        "wheels": [bundle.machine()],
        "images": {"amd64": {}},
        "sha256": {"site/index.html": hashlib.sha256(page).hexdigest()},
    } | changes
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
    small_bundle(tmp_path / "other.tar", wheels=["Python 3.99 on Plan9 vax"])
    reasons = {
        "missing.tar": "there is no bundle at .*: BUNDLE=.* make unbundle",
        "cut.tar": "damaged .*: copy it again",
        "headless.tar": "damaged .*: copy it again",
        "text.tar": "damaged .*: copy it again",
        "empty.tar": "damaged .*: copy it again",
        "changed.tar": "damaged .*checksum of site/index.html.*: copy it again",
        "short.tar": "damaged .*: copy it again",
        "escape.tar": "damaged .*would leave.*",
        "other.tar": "has no wheels for Python 3.* on .*: make one on such a machine",
    }
    for name, reason in reasons.items():
        with pytest.raises(UserError) as trouble:
            bundle.unpack(tmp_path / name)
        line = str(trouble.value)
        assert re.search(reason, line) and "\n" not in line, (name, line)
    assert not (tmp_path / "escaped").exists()


def test_images_are_for_an_architecture_and_wheels_for_a_platform(tmp_path: Path, unpacked: Path) -> None:
    """A bundle made on Linux serves a Mac with the same processor; one for another processor is refused there."""
    made_on_linux = small_bundle(tmp_path / "linux.tar", images={"arm64": {}})
    bundle.unpack(made_on_linux, "arm64")
    with pytest.raises(
        UserError, match=r"has images for arm64, and this engine is amd64: take the bundle for amd64, or"
    ):
        bundle.unpack(made_on_linux, "amd64")
    bundle.unpack(made_on_linux, "")  # without an engine, the pages and `lab` are all that is wanted


def test_wheels_are_brought_for_every_platform_but_this_one() -> None:
    others = bundle.other_machines()
    assert len({*others, bundle.machine()}) == len(bundle.PLATFORMS) * len(bundle.PYTHONS)
    assert bundle.machine() not in others and "--platform=macosx_14_0_arm64" in others["Python 3.13 on Darwin arm64"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("name", "label", "command"),
    [
        (images.PYTHON, "built from Debian (trixie) packages", "cat /etc/os-release"),
        (images.POSTGRES, f"Debian trixie's (PostgreSQL) (17) .*, for {images.POSTGRES}", "postgres --version"),
        (
            images.CLICKHOUSE,
            rf"Debian bookworm's (ClickHouse) (18\.16), for {re.escape(images.CLICKHOUSE)}",
            "clickhouse-client --version",
        ),
        (images.RABBITMQ, rf"Debian trixie's RabbitMQ (4\.0), for {re.escape(images.RABBITMQ)}", "rabbitmqctl version"),
        (images.MARIADB, rf"Debian trixie's (MariaDB) (11\.8), for {re.escape(images.MARIADB)}", "mariadbd --version"),
        (images.REDIS, rf"Debian trixie's (Redis) (8\.0), for {re.escape(images.REDIS)}", "redis-server --version"),
    ],
)
def test_a_stand_in_says_what_it_is(name: str, label: str, command: str) -> None:
    inspected = images.stand_in(name)
    if not inspected:
        assert docker.has_image(name)
        pytest.skip(f"a registry answers here: {name} is the official image")
    said = re.fullmatch(label, inspected)
    assert said, inspected
    run = ["docker", "run", "--rm", name, *command.split()]
    output = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    for word in said.groups():  # what the label says is what the program says
        assert re.search(rf"\b{re.escape(word)}\b", output), output


@pytest.mark.stack
@pytest.mark.timeout(1200)
def test_the_course_runs_from_its_bundle_without_network(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("dockerd"):
        pytest.skip("needs root, unshare and dockerd to make a machine without network")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "LAB_"))}
    tar = tmp_path / "beyond-cron-bundle.tar"
    subprocess.run(["make", "bundle", f"BUNDLE={tar}"], cwd=ROOT, env=env, check=True)

    clone = tmp_path / "clone"
    shutil.copytree(
        ROOT, clone, ignore=shutil.ignore_patterns(".git", ".venv", ".local", ".cache", ".*_cache", "dist", "site")
    )

    # Its own network with loopback only, its own mounts and processes: whatever it starts ends with it.
    alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*alone, "bash", INSIDE, clone, tar, tmp_path / "docker"],
        cwd=clone, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    shutil.rmtree(tmp_path / "docker", ignore_errors=True)
    tar.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    start, _, edited = done.stdout.partition("== an edited lesson")
    assert edited and not re.search("pulling|building", start), done.stdout
