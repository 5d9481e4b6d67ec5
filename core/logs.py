"""Structured logs: one line an event, JSON for machines, with the order's reference wherever one is known.

Lines go through the standard library's logging, so that whoever embeds a part of the program decides what is shown.
`order` is bound by the engine for as long as it works on an order, and passed by the change log.
"""

import logging
import sys

import structlog

from satcom.core.traces import with_trace

SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    with_trace,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
NOISY = ("httpx", "httpcore", "procrastinate", "uvicorn.access")

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


def set_up_logs(as_json: bool, level: str = "INFO") -> None:
    """Send our lines and those of the libraries to standard error in one form."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=SHARED, processor=renderer))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if level == "DEBUG":
        root.setLevel(logging.INFO)
        logging.getLogger("satcom").setLevel(logging.DEBUG)  # ours; the libraries would drown them


def tell(module: str, event: str, **details: str | int) -> None:
    """A line for whoever looks closely, in the log of the module that it is about. Costs nothing when nobody does."""
    if logging.getLogger(module).isEnabledFor(logging.DEBUG):
        structlog.get_logger(module).debug(event, **details)
