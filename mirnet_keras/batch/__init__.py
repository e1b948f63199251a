"""Many picture files: which, with what settings, one after the other, and what became of each."""

from mirnet_keras.batch.errors import BatchError
from mirnet_keras.batch.estimating import Forecast, estimate_all
from mirnet_keras.batch.finding import Job, find_jobs
from mirnet_keras.batch.record import Record
from mirnet_keras.batch.running import Outcome, restore_all
from mirnet_keras.batch.settings import Restorers, Settings
from mirnet_keras.batch.stopping import Stop, StoppedError

__all__ = [
    "BatchError",
    "Forecast",
    "Job",
    "Outcome",
    "Record",
    "Restorers",
    "Settings",
    "Stop",
    "StoppedError",
    "estimate_all",
    "find_jobs",
    "restore_all",
]
