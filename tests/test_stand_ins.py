"""The databases of the course are started as their official images are: same variables, scripts, refusals and stops.

Whichever is here is tested, the official image or the stand-in of `offline/`: a lesson must not see a difference.
"""

import base64
import gzip
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.engine import tried as docker
from support.warehouse import drop_in

from engine.images import ALERTMANAGER, CLICKHOUSE, GRAFANA, MARIADB, POSTGRES, PROMETHEUS, RABBITMQ, REDIS

pytestmark = pytest.mark.stack
NAME = f"stand-in-{os.getpid()}"  # of the container and of its volume
PASSWORD = 'beyond "cron" \'é $1'


@pytest.fixture(autouse=True)
def leave_nothing() -> Iterator[None]:
    yield
    docker("rm", "--force", "--volumes", NAME)
    docker("volume", "rm", "--force", NAME)


def start(
    image: str,
    *command: str,
    volume: str = "",
    scripts: Path | None = None,
    files: dict[Path, str] | None = None,
    **env: str,
) -> None:
    """Start `image`, after removing the container before it. To connect to `server` is to come in by the network."""
    options = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
    options += ["--volume", f"{NAME}:{volume}"] if volume else []
    options += ["--volume", f"{scripts}:/docker-entrypoint-initdb.d:ro"] if scripts else []
    options += [word for file, path in (files or {}).items() for word in ("--volume", f"{file}:{path}:ro")]
    docker("rm", "--force", "--volumes", NAME)
    run = docker("run", "--detach", "--name", NAME, "--hostname", "server", *options, image, *command)
    assert run.returncode == 0, run.stdout


def logs() -> str:
    return docker("logs", NAME).stdout


def inside(*command: str) -> str:
    """Exit code and output of a command in the container: "0 " and what it printed, when all went well."""
    done = docker("exec", NAME, *command)
    return f"{done.returncode} {done.stdout}".strip()


def wait_for(*command: str) -> None:
    """Repeat a command in the container until it succeeds."""
    deadline = time.monotonic() + 120
    while not inside(*command).startswith("0"):
        running = docker("inspect", "--format", "{{.State.Running}}", NAME).stdout.strip()
        assert running == "true" and time.monotonic() < deadline, logs()
        time.sleep(0.1)


def exit_code() -> int:
    """The exit code of a container that is expected to end by itself."""
    waited = subprocess.run(["docker", "wait", NAME], capture_output=True, text=True, check=True, timeout=30)
    return int(waited.stdout)


@contextmanager
def connected(*client: str, ask: str = "") -> Iterator[None]:
    """A client in the container that stays connected, after one question, and its answer, where there is one."""
    command = ["docker", "exec", "--interactive", NAME, *client]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as session:
        assert session.stdin and session.stdout
        if ask:
            session.stdin.write(f"{ask}\n".encode())
            session.stdin.flush()
            assert session.stdout.readline()
        yield
        session.stdin.close()


def assert_stops() -> None:
    """As by `docker compose down`: in under 3 seconds, and because it was asked to, not killed."""
    began = time.monotonic()
    docker("stop", NAME)
    assert time.monotonic() - began < 3
    assert docker("inspect", "--format", "{{.State.ExitCode}}", NAME).stdout.strip() in {"0", "143"}, logs()


def is_root(pid: int = 1) -> bool:
    """Whether a process of the container, the server unless told otherwise, belongs to root."""
    return inside("stat", "--format", "%u", f"/proc/{pid}") == "0 0"


def first_start(folder: Path, create: str, last: str, table: str = "numbers") -> Path:
    """Scripts for the first start, one of each kind, that put 1, 2 and 3 into a table; the third one is `last`."""
    (folder / "1.sql").write_text(f"{create};\nINSERT INTO {table} VALUES (1);\n")
    (folder / "2.sql.gz").write_bytes(gzip.compress(f"INSERT INTO {table} VALUES (2);\n".encode()))
    (folder / "3.sh").write_text(last)
    folder.chmod(0o755)
    return folder


def psql(query: str, password: str = PASSWORD) -> str:
    return inside("env", f"PGPASSWORD={password}", "psql", "-h", "server", "-U", "shop", "-d", "orders", "-Atc", query)


def test_postgres(tmp_path: Path) -> None:
    # The server of the first start is not yet to be reached by the network.
    last = "if pg_isready -h server; then exit 1; fi; psql -U shop -d orders -c 'INSERT INTO numbers VALUES (3)'\n"
    scripts = first_start(tmp_path, "CREATE TABLE numbers (n int)", last)
    volume = "/var/lib/postgresql/data"
    env: dict[str, Any] = {"POSTGRES_USER": "shop", "POSTGRES_DB": "orders"}
    start(POSTGRES, "-c", "max_connections=20", volume=volume, scripts=scripts, POSTGRES_PASSWORD=PASSWORD, **env)
    wait_for("pg_isready", "-h", "server")
    assert psql("SELECT array_agg(n ORDER BY n) FROM numbers") == "0 {1,2,3}"
    assert psql("SHOW max_connections") == "0 20"
    assert psql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "0 t"
    assert psql("SELECT datcollate, pg_encoding_to_char(encoding) FROM pg_database LIMIT 1") == "0 en_US.utf8|UTF8"
    assert "password authentication failed" in psql("SELECT 1", password="wrong")
    assert not is_root()
    with connected("psql", "-U", "shop", "orders", ask="SELECT 1;"):
        assert_stops()

    # Another container on the same volume: the data is there, and nothing is run a second time.
    start(POSTGRES, "postgres", "-c", "work_mem=5MB", volume=volume, scripts=scripts, POSTGRES_PASSWORD="other", **env)
    wait_for("pg_isready", "-h", "server")
    assert psql("SELECT array_agg(n ORDER BY n) FROM numbers") == "0 {1,2,3}"
    assert psql("SHOW work_mem") == "0 5MB"
    assert "password authentication failed" in psql("SELECT 1", password="other")


def test_postgres_wants_a_password() -> None:
    start(POSTGRES)
    assert exit_code() == 1
    assert "Error: " in logs() and "POSTGRES_PASSWORD" in logs()


def test_postgres_ends_when_a_script_fails(tmp_path: Path) -> None:
    start(POSTGRES, scripts=first_start(tmp_path, "CREATE TABBLE numbers (n int)", ""), POSTGRES_PASSWORD=PASSWORD)
    assert exit_code() != 0
    assert 'syntax error at or near "TABBLE"' in logs()


def test_postgres_takes_its_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "password").chmod(0o600)
    tmp_path.chmod(0o755)
    # The folder of the scripts carries the secret too: a file of no known kind is left alone.
    secret = "/docker-entrypoint-initdb.d/password"
    start(POSTGRES, scripts=tmp_path, POSTGRES_USER="shop", POSTGRES_DB="orders", POSTGRES_PASSWORD_FILE=secret)
    wait_for("pg_isready", "-h", "server")
    assert psql("SELECT 1") == "0 1"
    assert psql("SELECT 1", password="").startswith("2 ")


def test_postgres_without_passwords_when_told_to_trust() -> None:
    arguments = "--data-checksums --locale=C"
    start(POSTGRES, POSTGRES_HOST_AUTH_METHOD="trust", POSTGRES_INITDB_ARGS=arguments, POSTGRES_USER="shop")
    wait_for("pg_isready", "-h", "server")
    assert inside("psql", "-h", "server", "-U", "shop", "-Atc", "SELECT datcollate FROM pg_database LIMIT 1") == "0 C"
    assert inside("psql", "-h", "server", "-U", "shop", "-Atc", "SHOW data_checksums") == "0 on"


def test_one_shot_commands_need_no_database() -> None:
    for image, *command in (
        [POSTGRES, "postgres", "--version"], [POSTGRES, "psql", "--version"], [REDIS, "id", "-u"],
        [MARIADB, "mariadbd", "--version"], [RABBITMQ, "id", "-u"],
    ):  # fmt: skip
        assert docker("run", "--rm", image, *command).returncode == 0, command


def clickhouse(query: str, *options: str) -> str:
    """What the client says to a query, over the native protocol."""
    return inside("clickhouse-client", "--host", "server", *options, "--query", query)


def test_clickhouse(tmp_path: Path) -> None:
    """Scripts run in the database `default`, whatever CLICKHOUSE_DB is."""
    insert = "clickhouse-client -q 'INSERT INTO shop.numbers VALUES (3)'"
    last = f"if wget -qO- http://server:8123/ping; then exit 1; fi; {insert}\n"
    create = "CREATE TABLE here (n Int32) ENGINE = Log;\nCREATE TABLE shop.numbers (n Int32) ENGINE = Log"
    scripts = first_start(tmp_path, create, last, "shop.numbers")
    volume = "/var/lib/clickhouse"
    env: dict[str, Any] = {
        "CLICKHOUSE_USER": "etl",
        "CLICKHOUSE_DB": "shop",
        "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
    }
    start(CLICKHOUSE, volume=volume, scripts=scripts, files=drop_in(), CLICKHOUSE_PASSWORD=PASSWORD, **env)
    wait_for("wget", "-qO-", "http://server:8123/ping")
    numbers = "SELECT arraySort(groupArray(n)) FROM shop.numbers"
    assert clickhouse(numbers) == "0 [1,2,3]"  # as the user that the environment names
    assert clickhouse(numbers, "--user", "etl", "--password", PASSWORD) == "0 [1,2,3]"
    assert clickhouse("EXISTS TABLE default.here") == "0 1"
    assert clickhouse("SELECT toString(toDateTime(1700000000))") == "0 2023-11-14 22:13:20"  # that is UTC
    for wrong in (["--user", "etl", "--password", "wrong"], ["--user", "default", "--password", ""]):
        assert "DB::Exception" in clickhouse("SELECT 1", *wrong)
    assert not is_root()

    url = "http://server:8123/?query=SELECT+sum(n)+FROM+shop.numbers"
    key = f"--header=X-ClickHouse-Key: {PASSWORD}"
    assert inside("wget", "-qO-", "--header=X-ClickHouse-User: etl", key, url) == "0 6"
    assert not inside("wget", "-qO-", "--header=X-ClickHouse-User: etl", url).startswith("0")
    assert not inside("wget", "-qO-", url).startswith("0")

    connections = "SELECT value FROM system.metrics WHERE metric = 'TCPConnection'"
    with connected("clickhouse-client"):
        deadline = time.monotonic() + 10
        while clickhouse(connections) != "0 2":  # its own and the idle one
            assert time.monotonic() < deadline
        assert_stops()

    start(CLICKHOUSE, volume=volume, scripts=scripts, CLICKHOUSE_PASSWORD="other", **env)
    wait_for("wget", "-qO-", "http://server:8123/ping")
    assert inside("clickhouse", "client", "--query", numbers) == "0 [1,2,3]"
    assert "DB::Exception" in clickhouse(numbers, "--user", "etl", "--password", PASSWORD)


def telemetry() -> str:
    """How many tables with notes about itself the server has, after something that is worth a note."""
    for query in (
        "CREATE TABLE IF NOT EXISTS noted (n Int32) ENGINE = MergeTree ORDER BY n",
        "INSERT INTO noted SELECT 1",
        "SYSTEM FLUSH LOGS",
    ):
        assert clickhouse(query) == "0", query
    return clickhouse("SELECT count() FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'")


def test_clickhouse_with_the_files_of_lesson_03_keeps_no_notes_about_itself() -> None:
    start(CLICKHOUSE, CLICKHOUSE_USER="etl", CLICKHOUSE_PASSWORD="x")
    wait_for("wget", "-qO-", "http://server:8123/ping")
    assert telemetry() != "0 0"
    assert inside("ls", "/var/log/clickhouse-server") != "0"
    start(CLICKHOUSE, files=drop_in(), CLICKHOUSE_USER="etl", CLICKHOUSE_PASSWORD="x")
    wait_for("wget", "-qO-", "http://server:8123/ping")
    assert telemetry() == "0 0"
    assert inside("ls", "/var/log/clickhouse-server") == "0"
    settings = "'http_receive_timeout', 'poll_interval', 'async_insert'"  # 18.16 has no queue for inserts to be put in
    changed = clickhouse(f"SELECT name, value FROM system.settings WHERE name IN ({settings}) ORDER BY name")
    assert changed.removeprefix("0 ").split()[-4:] == ["http_receive_timeout", "1800", "poll_interval", "1"]
    assert "async_insert\t1" not in changed


def test_clickhouse_does_not_make_up_for_a_first_start_that_was_killed(tmp_path: Path) -> None:
    """Nor does it say so: what the first start was to make is not there, and the server is well."""
    (tmp_path / "1.sh").write_text("touch /tmp/began; sleep infinity\n")
    tmp_path.chmod(0o755)
    env: dict[str, Any] = {"CLICKHOUSE_USER": "etl", "CLICKHOUSE_PASSWORD": "x", "CLICKHOUSE_DB": "shop"}
    start(CLICKHOUSE, volume="/var/lib/clickhouse", scripts=tmp_path, **env)
    wait_for("test", "-e", "/tmp/began")
    docker("kill", NAME)
    start(CLICKHOUSE, volume="/var/lib/clickhouse", scripts=first_start(tmp_path, "CREATE TABLE numbers", ""), **env)
    wait_for("wget", "-qO-", "http://server:8123/ping")
    assert clickhouse("EXISTS TABLE numbers") == "0 0"


def test_clickhouse_without_a_password_serves_its_own_machine_only() -> None:
    start(CLICKHOUSE)
    wait_for("wget", "-qO-", "http://server:8123/ping")
    assert inside("clickhouse-client", "--query", "SELECT 1") == "0 1"
    assert "DB::Exception" in clickhouse("SELECT 1")


@pytest.mark.parametrize(("create", "database"), [("CREATE TABBLE numbers (n Int32)", "shop"), ("", "my-shop")])
def test_clickhouse_ends_when_its_first_start_fails(tmp_path: Path, create: str, database: str) -> None:
    """In a script, or since the name of the database is not a word of SQL: it is not quoted."""
    start(CLICKHOUSE, scripts=first_start(tmp_path, create, ""), CLICKHOUSE_PASSWORD="x", CLICKHOUSE_DB=database)
    assert exit_code() != 0
    assert "Syntax error" in logs()


def test_redis() -> None:
    def redis(*words: str, password: str = "beyond-cron") -> str:
        return inside("redis-cli", "--no-auth-warning", "-h", "server", "-a", password, *words)

    command = ("redis-server", "--appendonly", "yes", "--requirepass", "beyond-cron")
    start(REDIS, *command, volume="/data")
    wait_for("redis-cli", "-h", "server", "PING")
    assert redis("SET", "course", "beyond cron") == "0 OK"
    assert "NOAUTH" in inside("redis-cli", "-h", "server", "GET", "course")
    assert "NOAUTH" in redis("GET", "course", password="wrong")
    assert not is_root()
    with connected("redis-cli", "-a", "beyond-cron", ask="PING"):
        assert_stops()

    start(REDIS, volume="/data")  # with neither a password nor `appendonly`: reachable, and the snapshot is there
    wait_for("redis-cli", "-h", "server", "PING")
    assert inside("redis-cli", "-h", "server", "GET", "course") == "0 beyond cron"


def mariadb(query: str, password: str = PASSWORD, user: str = "shop") -> str:
    """What the client says to a query that comes by the network."""
    login = ("-h", "server", "-u", user, f"--password={password}")
    return inside("mariadb", *login, "--batch", "--skip-column-names", "--execute", query)


def test_mariadb(tmp_path: Path) -> None:
    # The server of the first start is not yet to be reached by the network, and its healthcheck says so.
    last = "if healthcheck.sh --connect; then exit 1; fi; echo 'INSERT INTO numbers VALUES (3)' >/tmp/3.sql\n"
    last += 'mariadb --user root --password="$MARIADB_ROOT_PASSWORD" --database my_orders </tmp/3.sql\n'
    scripts = first_start(tmp_path, "CREATE TABLE numbers (n INT)", last)
    volume = "/var/lib/mysql"
    env: dict[str, Any] = {"MARIADB_USER": "shop", "MARIADB_DATABASE": "my_orders", "MARIADB_ROOT_PASSWORD": "root's"}
    start(MARIADB, "--max-connections=20", volume=volume, scripts=scripts, MARIADB_PASSWORD=PASSWORD, **env)
    wait_for("healthcheck.sh", "--connect", "--innodb_initialized")
    numbers = "SELECT GROUP_CONCAT(n ORDER BY n) FROM my_orders.numbers"
    assert mariadb(numbers) == "0 1,2,3"
    assert mariadb(numbers, "root's", "root") == "0 1,2,3"
    settings = "@@max_connections, @@skip_name_resolve, @@character_set_server, @@hostname"
    assert mariadb(f"SELECT CONCAT_WS(' ', {settings})") == "0 20 ON utf8mb4 server"
    assert mariadb("SELECT CONVERT_TZ('2026-01-01 12:00', 'UTC', 'America/Sao_Paulo')") == "0 2026-01-01 09:00:00"
    assert "Access denied" in mariadb("SELECT 1", "wrong")
    assert "Access denied" in mariadb("CREATE DATABASE other")
    assert not inside("mysql", "--version").startswith("0")
    assert not is_root()
    with connected("mariadb", "-u", "shop", f"--password={PASSWORD}", "--batch", "--unbuffered", ask="SELECT 1;"):
        assert_stops()

    start(MARIADB, volume=volume, scripts=scripts, MARIADB_PASSWORD="other", **env)
    wait_for("healthcheck.sh", "--connect", "--innodb_initialized")
    assert mariadb(numbers) == "0 1,2,3"
    assert "Access denied" in mariadb("SELECT 1", "other")


def test_mariadb_wants_a_password() -> None:
    start(MARIADB)
    assert exit_code() == 1
    assert "MARIADB_ROOT_PASSWORD" in logs()


def test_mariadb_ends_when_a_script_fails(tmp_path: Path) -> None:
    scripts = first_start(tmp_path, "CREATE TABBLE numbers (n INT)", "")
    start(MARIADB, scripts=scripts, MARIADB_ROOT_PASSWORD=PASSWORD, MARIADB_DATABASE="shop")
    assert exit_code() != 0
    assert "error in your SQL syntax" in logs()


def management(path: str, user: str) -> str:
    """How the management plugin answers, in one line; by bash, since the official image has no curl."""
    login = base64.b64encode(user.encode()).decode()
    words = f"GET /api/{path} HTTP/1.0\\r\\nAuthorization: Basic {login}\\r\\n\\r\\n"
    return inside("bash", "-c", f"exec 3<>/dev/tcp/server/15672; printf '{words}' >&3; head -n 1 <&3")


def test_rabbitmq() -> None:
    volume = "/var/lib/rabbitmq"
    env: dict[str, Any] = {"RABBITMQ_DEFAULT_USER": "shop", "RABBITMQ_DEFAULT_PASS": "beyond cron $1"}
    start(RABBITMQ, volume=volume, RABBITMQ_DEFAULT_VHOST="orders", **env)
    for port in (5672, 15672, 15692):  # queues, management, metrics for Prometheus
        wait_for("bash", "-c", f"</dev/tcp/server/{port}")
    assert not is_root()
    assert inside("rabbitmqctl", "--quiet", "list_users", "--no-table-headers") == "0 shop\t[administrator]"
    assert inside("rabbitmqctl", "--quiet", "list_vhosts", "--no-table-headers") == "0 orders"
    assert " 401 " in management("whoami", "guest:guest")
    assert " 200 " in management("overview", f"shop:{env['RABBITMQ_DEFAULT_PASS']}")
    declare = """
        rabbit_amqqueue:declare({resource, <<"orders">>, queue, <<"%s">>}, %s, false, [], none, <<"test">>)"""
    assert "{new," in inside("rabbitmqctl", "eval", declare % ("kept", "true") + ".")
    refused = inside("rabbitmqctl", "eval", declare % ("passing", "false") + ".")
    assert "transient_nonexcl_queues" in refused or "not permitted" in refused, refused
    assert_stops_in_time()

    start(RABBITMQ, volume=volume, **env)  # the same name of the host: the queue is there
    wait_for("bash", "-c", "</dev/tcp/server/5672")
    assert inside("rabbitmqctl", "--quiet", "list_queues", "--no-table-headers", "-p", "orders", "name") == "0 kept"


def assert_stops_in_time() -> None:
    """Because it was asked to, within the ten seconds that Docker gives."""
    docker("stop", NAME)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", NAME).stdout.strip() in {"0", "143"}, logs()


def test_rabbitmq_refuses_a_variable_that_it_no_longer_reads() -> None:
    start(RABBITMQ, RABBITMQ_VM_MEMORY_HIGH_WATERMARK="0.5")
    assert exit_code() == 1
    assert "error: " in logs() and "RABBITMQ_VM_MEMORY_HIGH_WATERMARK" in logs()


def wget(address: str) -> str:
    return inside("wget", "-q", "-O", "-", f"http://127.0.0.1:{address}")


def test_prometheus(tmp_path: Path) -> None:
    """Started as the image does it by itself, as nobody, on a volume that the next container finds."""
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: always, rules: [{alert: Watchdog, expr: vector(1)}]}]\n")
    settings = tmp_path / "prometheus.yml"
    settings.write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
                        "scrape_configs: [{job_name: own, static_configs: [{targets: ['localhost:9090']}]}]\n")  # fmt: skip
    files = {file: f"/etc/prometheus/{file.name}" for file in (rules, settings)}
    start(PROMETHEUS, volume="/prometheus", files=files)
    wait_for("wget", "-q", "-O", "-", "http://127.0.0.1:9090/-/ready")
    assert inside("id", "-u") == inside("stat", "--format", "%u", "/proc/1") == "0 65534"
    wait_for("sh", "-c", "wget -q -O - 'http://127.0.0.1:9090/api/v1/query?query=up' | grep -q '\"1\"'")
    wait_for("sh", "-c", "wget -q -O - http://127.0.0.1:9090/api/v1/alerts | grep -q Watchdog")
    assert inside("promtool", "check", "config", "/etc/prometheus/prometheus.yml").startswith("0")
    assert_stops()

    start(PROMETHEUS, volume="/prometheus", files={})  # its own settings, and the samples of before
    wait_for("wget", "-q", "-O", "-", "http://127.0.0.1:9090/-/ready")
    assert "own" in wget("9090/api/v1/label/job/values")


def test_alertmanager(tmp_path: Path) -> None:
    start(ALERTMANAGER, volume="/alertmanager")
    wait_for("wget", "-q", "-O", "-", "http://127.0.0.1:9093/-/ready")
    assert inside("stat", "--format", "%u", "/proc/1") == "0 65534"
    assert inside("amtool", "--alertmanager.url=http://localhost:9093", "alert", "add", "late", "flow=probe") == "0"
    assert "probe" in wget("9093/api/v2/alerts")
    assert_stops()


DASHBOARD = (
    """{"uid": "one", "title": "One panel", "refresh": "5s", "time": {"from": "now-5m", "to": "now"}, "panels": []}"""
)
PROVIDER = "apiVersion: 1\nproviders: [{name: a, type: file, options: {path: /etc/grafana/provisioning/dashboards}}]\n"


def test_grafana(tmp_path: Path) -> None:
    """It has what is provisioned, and shows it without a login where it is told so."""
    files = {"dashboards/a.yml": PROVIDER, "dashboards/one.json": DASHBOARD}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    tmp_path.chmod(0o755)
    mounted = {tmp_path / "dashboards": "/etc/grafana/provisioning/dashboards"}
    start(GRAFANA, files=mounted, GF_AUTH_ANONYMOUS_ENABLED="true", GF_PLUGINS_PREINSTALL_DISABLED="true")
    wait_for("wget", "-q", "-O", "-", "http://127.0.0.1:3000/api/health")
    wait_for("sh", "-c", "wget -q -O - http://127.0.0.1:3000/api/search | grep -q 'One panel'")
    assert '"refresh": "5s"' in wget("3000/api/dashboards/uid/one").replace('":"', '": "')
    assert wget("3000/d/one").startswith("0")
    assert inside("stat", "--format", "%u", "/proc/1") == "0 472"
    assert_stops_in_time()
