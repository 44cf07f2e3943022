"""A system in training, as Lightning sees it."""

import warnings
from collections.abc import Callable
from typing import Protocol, Self

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.recipes import Optimiser, Schedule, Stage
from moodtheme.training.examples import BoolArray, EvaluationBatch, TrainingBatch
from moodtheme.training.losses import balancing_weights, tagging_loss
from moodtheme.training.randomness import Purpose, torch_seed

FloatArray = npt.NDArray[np.float32]

# The MediaEval baseline's code, its only user.
_SGD_MOMENTUM = 0.9
_SGD_WEIGHT_DECAY = 1e-4


class Network(Protocol):
    """What can be trained: inputs, and in training seeds of their augmentation, to logits."""

    def __call__(self, inputs: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Logits ``(batch, tags)``."""
        ...

    @property
    def pretrained_part(self) -> nn.Module | None:
        """The layers that a frozen stage leaves alone."""
        ...


class SystemModule(L.LightningModule):
    """Training and validation steps of one stage.

    Parameters
    ----------
    network
        A module that is a `Network`.
    schedule, stage
        From the recipe.
    training_labels, validation_labels
        Truth, bool (tracks, tags).
    seed, first_epoch
        What dropout depends on, besides process and step.

    Attributes
    ----------
    validation_scores
        Scores of the last validation, float32 (tracks, tags), the same in every process.
    validation_roc_auc
        Their macro ROC-AUC.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        schedule: Schedule,
        stage: Stage,
        training_labels: BoolArray,
        validation_labels: BoolArray,
        seed: int,
        first_epoch: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.validation_scores: FloatArray = np.zeros(validation_labels.shape, np.float32)
        self.validation_roc_auc = float("nan")
        self._schedule = schedule
        self._stage = stage
        self._validation_labels = validation_labels
        self._seed = seed
        self._first_epoch = first_epoch
        self._frozen = network.pretrained_part if stage.frozen else None
        if isinstance(self._frozen, nn.Module):
            self._frozen.requires_grad_(False)
        self.register_buffer(
            "positive_weights",
            balancing_weights(training_labels) if schedule.positive_weights else None,
            persistent=False,
        )
        self._sums = ScoreSums(validation_labels.shape)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Frozen layers stay in evaluation mode, so their running statistics stay too."""
        super().train(mode)
        if isinstance(self._frozen, nn.Module):
            self._frozen.eval()
        return self

    def on_train_batch_start(self, batch: TrainingBatch, batch_idx: int) -> None:
        """Make what dropout draws a function of seed, epoch, step and process."""
        epoch = self._first_epoch + self.current_epoch
        torch.manual_seed(
            torch_seed(self._seed, Purpose.DROPOUT, epoch, batch_idx, self.global_rank)
        )

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Loss of a batch."""
        logits = self.network(batch.inputs, batch.seeds).float()
        loss = tagging_loss(
            logits,
            batch.labels,
            positive_weights=self.positive_weights,  # type: ignore[arg-type]
            focal_gamma=self._schedule.focal_gamma,
        )
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the validation before."""
        self._sums = ScoreSums(self._validation_labels.shape)

    def validation_step(self, batch: EvaluationBatch, batch_idx: int) -> None:
        """Gather scores; the metric needs all of them."""
        if len(batch.inputs):
            scores = score_inputs(self.network, batch.inputs, at_once=self._schedule.batch_size)
            self._sums.add(batch, scores)

    def on_validation_epoch_end(self) -> None:
        """Log macro ROC-AUC of the whole validation set, over all processes."""
        self._sums.gather()
        self.validation_scores = self._sums.means()
        with warnings.catch_warnings():
            # Tags without figures are named once, before training.
            warnings.simplefilter("ignore", EvaluationWarning)
            areas = roc_auc(self._validation_labels, self.validation_scores)
        self.validation_roc_auc = float(macro(areas))
        self.log("validation_roc_auc", self.validation_roc_auc)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The stage's optimiser, with nothing remembered from the stage before.

        PyTorch's RMSprop, like Keras 2.2's, adds epsilon to the root of the mean square, not under
        it; so with the same constants it is the same rule.
        """
        values = [value for value in self.network.parameters() if value.requires_grad]
        rate = self._stage.learning_rate
        match self._stage.optimiser:
            case Optimiser.ADAM:
                return torch.optim.Adam(values, lr=rate)
            case Optimiser.SGD:
                return torch.optim.SGD(
                    values,
                    lr=rate,
                    momentum=_SGD_MOMENTUM,
                    weight_decay=_SGD_WEIGHT_DECAY,
                    nesterov=True,
                )
            case Optimiser.RMSPROP:
                return torch.optim.RMSprop(
                    values, lr=rate, alpha=self._schedule.rho, eps=self._schedule.epsilon
                )


class ScoreSums:
    """Each track's weighted mean of scores, gathered batch by batch and over processes."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sums = np.zeros(shape)
        self._weights = np.zeros((shape[0], 1))

    def add(self, batch: EvaluationBatch, scores: FloatArray) -> None:
        """Add scores ``(n, tags)`` of a batch's inputs."""
        rows = batch.rows.cpu().numpy()
        weights = batch.weights.cpu().numpy().astype(np.float64)[:, None]
        np.add.at(self._sums, rows, weights * scores)
        np.add.at(self._weights, rows, weights)

    def gather(self) -> None:
        """Add up what all processes have; each track was scored by one of them."""
        if not (dist.is_available() and dist.is_initialized()):
            return
        parts: list[tuple[FloatArray, FloatArray] | None] = [None] * dist.get_world_size()
        dist.all_gather_object(parts, (self._sums, self._weights))
        there = [part for part in parts if part is not None]
        self._sums = np.sum([sums for sums, _ in there], axis=0)
        self._weights = np.sum([weights for _, weights in there], axis=0)

    def means(self) -> FloatArray:
        """Scores, float32 (tracks, tags)."""
        return (self._sums / self._weights).astype(np.float32)


def score_inputs(
    network: nn.Module | Callable[[Tensor], Tensor], inputs: Tensor, *, at_once: int
) -> FloatArray:
    """Scores ``(n, tags)`` of inputs ``(n, ...)``, at most `at_once` together."""
    scores = [torch.sigmoid(network(part).float()) for part in torch.split(inputs, at_once)]
    return np.asarray(torch.cat(scores).cpu().numpy(), dtype=np.float32)
