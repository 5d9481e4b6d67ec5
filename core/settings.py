"""Settings of one installation, from the environment (`SATCOM_...`) or a `.env` file."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SATCOM_", env_file=".env", extra="ignore")

    data_dir: Path = Field(default=Path.home() / ".local" / "share" / "satcom")
    database_url: str | None = Field(default=None, description="PostgreSQL 15 or newer; empty: the embedded server")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = Field(default=4, ge=0, description="orders advanced at once in the server process; 0: none")
    database_connections: int = Field(default=20, ge=2)
    hub_nms_url: str | None = None
    hub_nms_token: str | None = None
    body_limit_bytes: int = 1_000_000
    log_json: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


@lru_cache
def settings() -> Settings:
    return Settings()
