"""What a flow tells those who gave it to the engine: it goes on, ends, is undone, or needs a person."""

from dataclasses import dataclass

from satcom.orchestration.plan import ProcessFlow, TaskFlow


@dataclass(frozen=True)
class FlowAdvanced:
    """A wave is done, and the finish is expected at another time."""

    flow: ProcessFlow


@dataclass(frozen=True)
class FlowCompleted:
    flow: ProcessFlow


@dataclass(frozen=True)
class FlowUndone:
    flow: ProcessFlow


@dataclass(frozen=True)
class FlowNeedsPerson:
    """A task is held: `task.fault` says why."""

    flow: ProcessFlow
    task: TaskFlow
