"""A system in training as Lightning sees it: its batches, its loss, its steps."""

import warnings
from typing import Any, Protocol, Self

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from moodtheme.arrays import FloatArray
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.recipes import Optimiser, Schedule, Stage
from moodtheme.training.batches import (
    EvaluationBatches,
    Purpose,
    TrainingBatches,
    loading,
    torch_seed,
)
from moodtheme.training.examples import (
    EvaluationBatch,
    EvaluationTracks,
    ScoreSums,
    TrackSet,
    TrainingBatch,
    TrainingTracks,
    score_inputs,
    shown,
)

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
    training, validation
        The tracks.
    seed, first_epoch
        What order, examples and dropout depend on, besides process and step.
    epoch
        The epoch of this stage that comes first, from 0.
    table
        Inputs of all tracks, kept on the device, of which batches name rows; None where batches
        bring them.
    workers
        Processes that read examples; 0 reads in this one.

    Attributes
    ----------
    validation_scores
        Scores of the last validation, float32 (tracks, tags + dimensions), the same in every
        process; a dimension's is a share of its scale.
    validation_roc_auc
        Macro ROC-AUC of the tags' scores; NaN where the training has diverged.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        schedule: Schedule,
        stage: Stage,
        training: TrackSet,
        validation: TrackSet,
        seed: int,
        first_epoch: int,
        epoch: int = 0,
        table: Tensor | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("table", table, persistent=False)
        self._shape = validation.targets.shape
        self.validation_scores: FloatArray = np.zeros(self._shape, np.float32)
        self.validation_roc_auc = float("nan")
        self._schedule = schedule
        self._stage = stage
        self._training, self._validation = training, validation
        self._seed = seed
        self._first_epoch, self._epoch = first_epoch, epoch
        self._loading = loading(workers)
        self._frozen = network.pretrained_part if stage.frozen else None
        if isinstance(self._frozen, nn.Module):
            self._frozen.requires_grad_(False)
        self.register_buffer(
            "positive_weights",
            balancing_weights(training) if schedule.positive_weights else None,
            persistent=False,
        )
        self._sums = ScoreSums(self._shape)
        self.train()

    def train_dataloader(self) -> DataLoader[Any]:
        """Training batches of this process."""
        batches = TrainingBatches(
            len(self._training.labels),
            batch_size=self._schedule.batch_size,
            seed=self._seed,
            first_epoch=self._first_epoch,
            epoch=self._epoch,
            process=self.trainer.global_rank,
            processes=self.trainer.world_size,
        )
        tracks = TrainingTracks(self._training, seed=self._seed)
        return DataLoader(tracks, batch_sampler=batches, **self._loading)

    def val_dataloader(self) -> DataLoader[Any]:
        """Validation batches of this process."""
        batches = EvaluationBatches(
            len(self._validation.labels),
            batch_size=self._schedule.batch_size,
            process=self.trainer.global_rank,
            processes=self.trainer.world_size,
        )
        tracks = EvaluationTracks(self._validation)
        return DataLoader(tracks, batch_sampler=batches, **self._loading)

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
        logits = self.network(self._inputs(batch), batch.seeds).float()
        loss = tagging_loss(
            logits,
            batch.targets,
            n_tags=self._validation.labels.shape[1],
            positive_weights=self.positive_weights,  # type: ignore[arg-type]
            focal_gamma=self._schedule.focal_gamma,
        )
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def _inputs(self, batch: TrainingBatch | EvaluationBatch) -> Tensor:
        """What the network is shown, on the device."""
        if self.table is None:
            return shown(batch.inputs, batch.scales)
        kept: Tensor = self.table[batch.inputs]  # type: ignore[index]
        return kept

    def on_validation_epoch_start(self) -> None:
        """Forget the validation before."""
        self._sums = ScoreSums(self._shape)

    def validation_step(self, batch: EvaluationBatch, batch_idx: int) -> None:
        """Gather scores; the metric needs all of them."""
        if len(batch.inputs):
            inputs, at_once = self._inputs(batch), self._schedule.batch_size
            scores = score_inputs(self.network, inputs, at_once=at_once)
            self._sums.add(batch, scores)

    def on_validation_epoch_end(self) -> None:
        """Log macro ROC-AUC of the whole validation set, over all processes."""
        self._sums.gather()
        self.validation_scores = self._sums.means()
        if not np.isfinite(self.validation_scores).all():  # the keeper ends the training
            self.validation_roc_auc = float("nan")
            self.log("validation_roc_auc", self.validation_roc_auc)
            return
        with warnings.catch_warnings():
            # Tags without figures are named once, before training.
            warnings.simplefilter("ignore", EvaluationWarning)
            tags = self._validation.labels.shape[1]
            areas = roc_auc(self._validation.labels, self.validation_scores[:, :tags])
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


def tagging_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    n_tags: int | None = None,
    positive_weights: Tensor | None = None,
    focal_gamma: float | None = None,
) -> Tensor:
    """Mean binary cross-entropy over tracks and tags, and over the ratings that there are.

    A rating is a share of its scale; cross-entropy with a share is least where the score is that
    share, with the same slope (Papke and Wooldridge 1996, fractional logit).

    Parameters
    ----------
    logits, targets
        Float ``(batch, tags + dimensions)``; targets are 0 or 1 for tags and shares or NaN for
        dimensions.
    n_tags
        How many columns are tags; None for all.
    positive_weights
        What a positive counts, ``(tags + dimensions,)``; 1 where None.
    focal_gamma
        Exponent of the focal loss (Lin et al. 2017), which weighs each term by the probability of
        the wrong answer to this power; None leaves all terms alike.
    """
    rated = ~torch.isnan(targets)
    terms = F.binary_cross_entropy_with_logits(
        logits, torch.where(rated, targets, 0), pos_weight=positive_weights, reduction="none"
    )
    tags = terms[:, :n_tags]
    if focal_gamma is not None:
        wrong = torch.sigmoid(torch.where(targets > 0.5, -logits, logits))[:, :n_tags]
        tags = tags * wrong**focal_gamma
    if n_tags is None or n_tags == targets.shape[1]:
        return tags.mean()
    ratings = (terms * rated)[:, n_tags:]
    return tags.mean() + ratings.sum() / rated[:, n_tags:].sum().clamp(min=1)


def balancing_weights(tracks: TrackSet) -> Tensor:
    """For each tag its negatives over its positives, so that both sides weigh the same.

    A tag without positives gets 1: nothing can be weighed. So does a dimension.
    """
    labels = tracks.labels
    positives = labels.sum(axis=0)
    weights = np.where(positives, (len(labels) - positives) / np.maximum(positives, 1), 1.0)
    others = np.ones(tracks.targets.shape[1] - len(weights))
    return torch.from_numpy(np.concatenate([weights, others]).astype(np.float32))
