"""Train, find, register and serve models in an Atelier workspace.

    from atelier import Workspace

    ws = Workspace.from_config()
    job = ws.jobs.create("job.yml")
    ws.jobs.stream(job.name)
    best = ws.runs.list(experiment="diabetes", order_by="metrics.rmse ASC")[0]

    with ws.start_run(experiment="diabetes") as run:
        run.log_metric("loss", 0.5)

Nothing here touches the network before the first call of a verb. Every error
is an AtelierError; `atelier._errors` draws their tree.
"""

from ._batch import BatchDeployment, BatchEndpoint
from ._computes import Compute
from ._data import DataAsset, Datastore, DataVersion
from ._endpoints import Credentials, OnlineDeployment, OnlineEndpoint
from ._environments import Build, Environment
from ._errors import (
    AtelierError,
    ConflictError,
    DeploymentFailedError,
    ExhaustedError,
    ForbiddenError,
    InternalError,
    InvalidError,
    JobFailedError,
    NotFoundError,
    NotOfferedError,
    PreconditionError,
    SnapshotTooLargeError,
    UnauthenticatedError,
    UnavailableError,
    WaitTimeoutError,
)
from ._experiments import Experiment, Kept, Purged, Storage, StorageUse
from ._jobs import CommandJob, Job, JobUsage, JobWait
from ._logging import ActiveRun, Delivery
from ._models import Model, ModelVersion
from ._runs import Artifact, Metric, MetricPoint, MetricSeries, Run
from ._secrets import Secret
from ._workspace import Workspace, start_run

run = start_run

__all__ = [
    "ActiveRun",
    "Artifact",
    "AtelierError",
    "BatchDeployment",
    "BatchEndpoint",
    "Build",
    "CommandJob",
    "Compute",
    "ConflictError",
    "Credentials",
    "DataAsset",
    "DataVersion",
    "Datastore",
    "Delivery",
    "DeploymentFailedError",
    "Environment",
    "ExhaustedError",
    "Experiment",
    "ForbiddenError",
    "InternalError",
    "InvalidError",
    "Job",
    "JobFailedError",
    "JobUsage",
    "JobWait",
    "Kept",
    "Metric",
    "MetricPoint",
    "MetricSeries",
    "Model",
    "ModelVersion",
    "NotFoundError",
    "NotOfferedError",
    "OnlineDeployment",
    "OnlineEndpoint",
    "PreconditionError",
    "Purged",
    "Run",
    "Secret",
    "SnapshotTooLargeError",
    "Storage",
    "StorageUse",
    "UnauthenticatedError",
    "UnavailableError",
    "WaitTimeoutError",
    "Workspace",
    "run",
    "start_run",
]
