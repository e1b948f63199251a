"""From a recipe to a trained model, through `model.fit`."""

from mirnet_keras.training.adversarial import AdversarialModel, adversarial_optimizer
from mirnet_keras.training.checkpoints import CheckpointError
from mirnet_keras.training.devices import join_hosts
from mirnet_keras.training.finetune import FineTuning, finetune
from mirnet_keras.training.reference import Check, check_run
from mirnet_keras.training.report import Report
from mirnet_keras.training.resuming import Checkpoint
from mirnet_keras.training.train import compile_model, train

__all__ = [
    "AdversarialModel",
    "Check",
    "Checkpoint",
    "CheckpointError",
    "FineTuning",
    "Report",
    "adversarial_optimizer",
    "check_run",
    "compile_model",
    "finetune",
    "join_hosts",
    "train",
]
