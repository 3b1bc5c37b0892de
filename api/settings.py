"""Settings of the service, from the command line or the environment (EFFSPINE_...): files, address and limits."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.logs import LogFormat
from api.loopback import DEFAULT_HOST, DEFAULT_PORT, is_loopback
from nas_controller.exports.files import LIMIT_BYTES
from nas_controller.store.database_url import sqlite_url
from nas_controller.supervision.cluster_node import LOCAL
from nas_controller.supervision.outward import Outward
from nas_controller.supervision.runner_protocol import LEASE_SECONDS
from nas_controller.supervision.supervisor import CAMPAIGNS_AT_ONCE
from search_space.data_dir import default_data_dir

DATABASE_FILE = "effspine.db"

_ROOT_PATH = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*")


class Settings(BaseSettings):
    """Settings of the service; the environment variable of each is EFFSPINE_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="EFFSPINE_", env_ignore_empty=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: str = Field("", repr=False)  # it may have a password
    host: str = DEFAULT_HOST
    port: int = Field(DEFAULT_PORT, ge=1, le=65535)
    allowed_hosts: str = ""
    """Further host names of the service, comma-separated, without ports."""
    trusted_proxies: str = ""
    """Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted,
    comma-separated; `*` for all.
    """
    root_path: str = ""
    """Path prefix under which a reverse proxy shows the service, such as `/effspine`; empty for none."""
    body_limit_bytes: int = Field(2**20, ge=1_024)
    requests_per_second: float = Field(200.0, ge=0.0, le=1e6)
    requests_burst: int = Field(1_000, ge=1, le=10**6)
    failures_per_minute: float = Field(10.0, gt=0.0, le=1e6)
    log_format: LogFormat = "text"
    session_hours: float = Field(12.0, gt=0.0, le=24 * 365)
    ray_address: str = ""
    """Head of the Ray cluster that trains trials: `host:port`, `auto` for the cluster of this machine, empty for this
    machine only.
    """
    campaigns_at_once: int = Field(CAMPAIGNS_AT_ONCE, ge=1, le=1_000)
    max_parallelism: int | None = Field(None, ge=1, le=100_000)
    """Maximum number of trials in training, over all campaigns."""
    lease_seconds: float = Field(LEASE_SECONDS, ge=5.0, le=3_600.0)
    """Seconds until the lease of a runner expires that does not renew it."""
    exports_gib: float = Field(LIMIT_BYTES / 2**30, ge=0.0, le=1e6)
    """Size of the files of exports, in GiB, above which those that were used longest ago are removed."""

    public_url: str = ""
    """URL under which people reach the service; the links in messages to webhooks begin with it."""
    webhook_hosts: str = ""
    """Hosts that webhooks may be on, comma-separated; `*.example.org` for all below a domain, empty for any."""
    tensorboard_dir: Path | None = None
    """Directory of TensorBoard event files of all campaigns; none are written without it."""
    mlflow_tracking_uri: str = Field("", repr=False)  # it may have a password
    """Address of MLflow, which gets a run of each campaign; empty for none."""

    @field_validator("ray_address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if address not in ("", LOCAL) and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise ValueError(f"give host:port of the head, such as 10.0.0.5:6379, or '{LOCAL}'")
        return address

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: str) -> str:
        for proxy in filter(None, (each.strip() for each in proxies.split(","))):
            try:
                if proxy != "*":
                    ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return proxies

    @field_validator("root_path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        path = path.removesuffix("/")
        if not _ROOT_PATH.fullmatch(path):
            raise ValueError("give a path such as /effspine: it begins with / and has only letters, digits and -._~")
        return path

    @field_validator("public_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("give a URL such as https://search.example.org/effspine")
        return url.removesuffix("/")

    @field_validator("data_dir", "tensorboard_dir")
    @classmethod
    def _is_absolute(cls, directory: Path | None) -> Path | None:
        try:
            return None if directory is None else directory.expanduser().absolute()
        except RuntimeError as error:  # there is no such user
            raise ValueError("there is no such home directory") from error

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        self.database_url = self.database_url or sqlite_url(self.data_dir / DATABASE_FILE)
        return self

    @property
    def hosts(self) -> tuple[str, ...]:
        """Allowed host names in addition to the loopback ones; the wildcard addresses are not names."""
        names = [name.strip().strip("[]").lower() for name in (self.host, *self.allowed_hosts.split(","))]
        return tuple(name for name in names if name not in ("", "0.0.0.0", "::"))

    @property
    def proxies(self) -> str:
        """`trusted_proxies`, those of IPv4 also as a socket that listens on `::` names them (`::ffff:10.0.0.5`)."""
        given = [each for each in (each.strip() for each in self.trusted_proxies.split(",")) if each]
        networks = [ipaddress.ip_network(each) for each in given if each != "*"]
        mapped = [f"::ffff:{each.network_address}/{96 + each.prefixlen}" for each in networks if each.version == 4]
        return ",".join([*given, *mapped])

    @property
    def outward(self) -> Outward:
        """What the supervisor tells webhooks and sinks."""
        return Outward(
            self.public_url or self.root_path,
            self.allowed_webhook_hosts,
            self.tensorboard_dir,
            self.mlflow_tracking_uri or None,
        )

    @property
    def allowed_webhook_hosts(self) -> tuple[str, ...]:
        """The hosts that webhooks may be on; any without one."""
        return tuple(filter(None, (host.strip().lower() for host in self.webhook_hosts.split(","))))

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the service, according to the settings."""
        return is_loopback(self.host) and not self.allowed_hosts.strip()

    @property
    def url(self) -> str:
        """The URL of the service, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.root_path}"
