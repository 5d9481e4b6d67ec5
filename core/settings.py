"""Settings of one installation, from the environment (`SATCOM_...`) or a `.env` file."""

from functools import lru_cache
from importlib import metadata
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SATCOM_", env_file=".env", extra="ignore")

    data_dir: Path = Field(default=Path.home() / ".local" / "share" / "satcom")
    database_url: str | None = Field(default=None, description="PostgreSQL 15 or newer; empty: the embedded server")
    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="of the API behind a proxy")
    workers: int = Field(default=4, ge=0, description="orders advanced at once in the server process; 0: none")
    worker_metrics_host: str = "127.0.0.1"
    worker_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="where `satcom worker` serves its metrics; 0: any; empty: nowhere"
    )
    database_connections: int = Field(default=20, ge=2)
    hub_nms_url: str | None = None
    hub_nms_token: str | None = None
    partner_tokens: dict[str, SecretStr] = Field(default_factory=dict, description="by the address of a partner's API")
    partner_limit_s: float = Field(default=2.0, gt=0, description="for what is asked of partners by a qualification")
    body_limit_bytes: int = 1_000_000
    event_deliveries: int = Field(default=8, ge=0, description="listeners told at once by this process; 0: none")
    event_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    event_patience_hours: float = Field(default=72, gt=0, description="after which a dead listener is parked")
    clock_ahead_hours: float = Field(default=0, ge=0, le=200_000, description="of the business clock, for trials")
    log_json: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("event_networks", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        """Networks as they are written in the environment: with commas between."""
        return [one.strip() for one in given.split(",") if one.strip()] if isinstance(given, str) else given


@lru_cache
def settings() -> Settings:
    return Settings()


def version() -> str:
    """The installed version of the program."""
    return metadata.version("satcom")
