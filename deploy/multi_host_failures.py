"""Multi-host failure test: the service of docker-compose.yml on several hosts (network namespaces of this machine), of
which some fail.

    python deploy/multi_host_failures.py [--image ROOT] [--trials N] [--head-too]

Database, API and supervisor share a host; Ray's head and two workers have one each. Commands, environment and health
checks are those of `docker compose config`; with `--image`, the root file system of the built image, so are users,
read-only root file systems and tmpfs. During a campaign one worker host is cut off for a minute and the other is killed
and restarted. Afterwards every trial must have exactly one reward, and the replay must be exact.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from compose_project import missing_program
from network_hosts import missing_requirement
from service_hosts import HOSTS, HostTestFailedError, ServiceHosts, wait_for

CUT_OFF_SECONDS = 60.0
DOWN_SECONDS = 10.0
STUCK_SECONDS = 300.0
TRIAL_SECONDS = 1.0
TRIALS_BETWEEN = 30
SKIPPED = 77


def main() -> int:
    """Runs the test and prints a report. Returns 0, 1 on failure, or 77 where this machine cannot run it."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--image", type=Path, help="root file system of the built image; default: this machine's own")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--head-too", action="store_true", help="kill Ray's head as well")
    parser.add_argument("--keep", action="store_true", help="keep data and logs")
    options = parser.parse_args()
    reason = missing_requirement() or missing_program()
    if reason is not None:
        print(f"skipped: {reason}", file=sys.stderr)
        return SKIPPED
    directory = Path(tempfile.mkdtemp(prefix="effspine-hosts-"))
    directory.chmod(0o755)
    try:
        MultiHostTest(ServiceHosts(directory, options.image), options.trials, options.head_too).run()
    except (HostTestFailedError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"failed: {error}\nlogs are in {directory}", file=sys.stderr)
        return 1
    if options.keep:
        print(f"data and logs are in {directory}")
    else:
        shutil.rmtree(directory)
    return 0


class MultiHostTest:
    """One run: start the service, check its access control, run a campaign with failures, check the database."""

    def __init__(self, service: ServiceHosts, trials: int, head_too: bool) -> None:
        self._service = service
        self._trials = trials
        self._head_too = head_too
        self._began = time.monotonic()

    def run(self) -> None:
        """Raises HostTestFailedError where the service misbehaves, and RuntimeError or SubprocessError where a command
        fails or takes too long.
        """
        with self._service.created():
            self._service.start()
            self._report("all health checks succeed")
            self._check_access()
            campaign = self._create_campaign()
            self._fail_hosts(campaign)
            self._finish(campaign)
            self._check_database(campaign)
            self._check_backup(campaign)

    def _check_access(self) -> None:
        """Ray and the API must refuse callers without the secret."""
        service = self._service
        container = service.container("worker", "worker-1-once")
        check = replace(container, host="worker-1", command=service.services["head"]["healthcheck"]["test"][1:])
        check.run(service.network)
        wrong = {**container.environment, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        for caller, environment in (("a wrong token", wrong), ("no token", {"RAY_AUTH_MODE": "disabled"})):
            try:
                replace(check, environment=environment).run(service.network)
            except RuntimeError:
                self._report(f"Ray's head refuses {caller}")
            else:
                raise HostTestFailedError(f"Ray's head answers a caller with {caller}")
        try:
            service.run("api", ["effspine", "campaign", "list"], with_key=False)
        except RuntimeError:
            self._report("the API refuses requests without a key")
        else:
            raise HostTestFailedError("the API answers a request without a key")
        for host in HOSTS:
            self._report(f"{host} listens on: {', '.join(service.network.listeners(host))}")

    def _create_campaign(self) -> str:
        document = {
            "name": "hosts",
            "trials": self._trials,
            "seed": 1,
            "parallelism": 4,
            "controller": {"policy": "factorised"},
            "proxy_task": {"profile": "synthetic", "seconds": TRIAL_SECONDS},
        }
        command = ["effspine", "campaign", "create", "--file", "-", "--json"]
        return str(json.loads(self._service.run("api", command, stdin=json.dumps(document)))["id"])

    def _fail_hosts(self, campaign: str) -> None:
        """Cuts one worker host off for a while, then kills the other one and, if asked to, Ray's head."""
        network = self._service.network
        self._wait_trials(campaign, TRIALS_BETWEEN)
        self._report(f"worker-1 is cut off for {CUT_OFF_SECONDS:.0f} s after {self._finished(campaign)} trials")
        network.disconnect("worker-1")
        time.sleep(CUT_OFF_SECONDS)
        network.reconnect("worker-1")
        reconnected_at = self._finished(campaign)
        self._report(f"worker-1 is back after {reconnected_at} trials")
        self._wait_trials(campaign, reconnected_at + TRIALS_BETWEEN)
        self._kill_and_restart("worker-2", "worker-2", campaign)
        if self._head_too:
            self._wait_trials(campaign, self._finished(campaign) + TRIALS_BETWEEN)
            self._kill_and_restart("head", "Ray's head", campaign)

    def _kill_and_restart(self, name: str, title: str, campaign: str) -> None:
        self._report(f"{title} is killed after {self._finished(campaign)} trials")
        self._service.containers[name].kill()
        time.sleep(DOWN_SECONDS)
        self._service.containers[name].start()
        self._report(f"{title} starts again after {self._finished(campaign)} trials")

    def _finish(self, campaign: str) -> None:
        if self._finished(campaign) >= self._trials:
            raise HostTestFailedError("the campaign ended before all hosts had failed; raise --trials")
        timeout_seconds = STUCK_SECONDS + 2 * self._trials
        wait_for(lambda: self._state(campaign) != "running", timeout_seconds, "the campaign does not end")
        self._report(f"the campaign is {self._state(campaign)}")

    def _check_database(self, campaign: str) -> None:
        """Every trial has one reward of one accepted attempt, and the replay is exact."""
        sql = self._service.sql
        sums = sql(
            f"SELECT count(*), count(reward), count(DISTINCT number), sum((state = 'completed')::int) FROM trials "
            f"WHERE campaign_id = '{campaign}'"
        )
        if sums != [[str(self._trials)] * 4]:
            raise HostTestFailedError(
                f"{self._trials} trials, but the database has {sums} (rows, rewards, numbers, completed)"
            )
        several = sql(
            "SELECT t.number FROM trials t LEFT JOIN attempts a ON a.campaign_id = t.campaign_id AND "
            f"a.trial = t.number AND a.state = 'accepted' WHERE t.campaign_id = '{campaign}' AND t.reused_from IS NULL "
            "GROUP BY t.number HAVING count(a.number) <> 1"
        )
        if several:
            raise HostTestFailedError(f"trials without exactly one accepted attempt: {several}")
        self._report(f"{self._trials} trials, each with one reward from one accepted attempt")
        for state, kind, count in sql(
            "SELECT state, coalesce(error_kind, '-'), count(*) FROM attempts "
            f"WHERE campaign_id = '{campaign}' GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            self._report(f"attempts {state} ({kind}): {count}")
        gap = sql(
            "SELECT round(extract(epoch FROM max(gap))::numeric, 1) FROM (SELECT finished_at - lag(finished_at) OVER "
            f"(ORDER BY finished_at) AS gap FROM trials WHERE campaign_id = '{campaign}') AS gaps"
        )
        self._report(f"longest time without a finished trial: {gap[0][0]} s")
        size = sql("SELECT pg_size_pretty(pg_database_size(current_database()))")[0][0]
        self._report(f"the database takes {size}")
        for name, container in self._service.containers.items():
            self._report(f"{name} was started {container.starts} times")
        self._report(self._service.run("api", ["effspine", "campaign", "verify", campaign]).strip())

    def _check_backup(self, campaign: str) -> None:
        """The backup commands of docs/operations.md, restored into a second database."""
        config = self._service.services["postgres"]["environment"]
        options = f"--host postgres --username {config['POSTGRES_USER']}"
        script = (
            f"pg_dump {options} --format custom {config['POSTGRES_DB']} >/tmp/dump\n"
            f"createdb {options} restored\n"
            f"pg_restore {options} --dbname restored --exit-on-error --single-transaction /tmp/dump\n"
        )
        self._service.run_postgresql(["sh", "-euc", script])
        url = self._service.services["api"]["environment"]["EFFSPINE_DATABASE_URL"].rsplit("/", 1)[0] + "/restored"
        verify = ["effspine", "campaign", "verify", campaign, "--database-url", url]
        self._report(f"from a backup: {self._service.run('api', verify).strip()}")

    def _finished(self, campaign: str) -> int:
        return int(self._service.sql(f"SELECT trials_finished FROM campaigns WHERE id = '{campaign}'")[0][0])

    def _state(self, campaign: str) -> str:
        state = self._service.sql(f"SELECT state FROM campaigns WHERE id = '{campaign}'")[0][0]
        return "running" if state == "pending" else state

    def _wait_trials(self, campaign: str, count: int) -> None:
        if count >= self._trials:
            raise HostTestFailedError("the campaign would end before all hosts had failed; raise --trials")
        failure = f"the campaign does not reach {count} trials"
        wait_for(lambda: self._finished(campaign) >= count, STUCK_SECONDS, failure)

    def _report(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
