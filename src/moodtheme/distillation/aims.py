"""What a student that goes on is to say: all that stays fixed of its loss.

`Itself` is what it said before. A `Reading` is something else that is known of the windows and has
to be in the embedding: of what teachers say that it has not learned from yet, or of anything that
is a row of numbers a window. The loss of a batch is the sum of theirs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from moodtheme.distillation.combination import label_readings
from moodtheme.distillation.fit import Student
from moodtheme.distillation.teachers import Columns

_LEAST_SPREAD = 0.05
_ALIKE = 3.0  # weight of two hearings' tags being alike
_AS_IT_WAS = 1.0  # weight of the embedding's fit to what it was
_AS_IT_WAS_READ = 0.1  # the same where it has to take in something new
_HIDDEN = 0.5  # of a teacher's activations, where its logits have 1
_RIDGE = 100.0  # of the reading that begins


class Itself:
    """What the student said of each window; two hearings of it are to say that, and the same.

    Parameters
    ----------
    student
        Before it goes on.
    wanted
        Its embeddings ``(windows, 512)``.
    takes_in
        Whether there are readings besides, for which the embedding has to give way.
    """

    def __init__(self, student: Student, wanted: Tensor, *, takes_in: bool) -> None:
        self._wanted = wanted
        self._spread = wanted.std(dim=0) + _LEAST_SPREAD
        self._own = _AS_IT_WAS_READ if takes_in else _AS_IT_WAS
        self._n_logits = student.columns.n_logits
        with torch.no_grad():
            self._said = student.labels(wanted)
        self._read = torch.from_numpy(label_readings(student.columns)).float().T
        tags = self._said[:, : self._n_logits] @ self._read
        self._tag_spread = tags.std(dim=0).clamp(min=1e-3)

    def loss(self, student: Student, pairs: Tensor, rows: Sequence[int]) -> Tensor:
        """Of two hearings' embeddings ``(rows, 2, 512)`` of each of the windows `rows`."""
        away = (pairs - self._wanted[rows][:, None]) / self._spread
        off = student.labels(pairs) - self._said[rows][:, None]
        tags = (off[..., : self._n_logits] @ self._read) / self._tag_spread
        loss: Tensor = self._own * (away**2).mean() + _apart(away) + 0.5 * (off**2).mean()
        loss = loss + 0.5 * (tags**2).mean() + _ALIKE * _apart(tags)
        return loss


class Reading(nn.Module):
    """A linear reading of something known of the windows, each column in units of its own spread.

    It begins as a ridge regression, learns with the student and is thrown away at the end: what
    counts is that it can be read.

    Parameters
    ----------
    embeddings
        The student's, ``(windows, 512)``, before it goes on.
    known
        ``(windows, columns)``.
    shares
        How much each column counts, in all 1.
    """

    def __init__(self, embeddings: Tensor, known: Tensor, shares: Tensor) -> None:
        super().__init__()
        centred = (known - known.mean(dim=0)) / known.std(dim=0).clamp(min=1e-3)
        self._wanted = centred.clamp(-8, 8)
        self._shares = shares
        mean, spread = embeddings.mean(dim=0), embeddings.std(dim=0) + _LEAST_SPREAD
        x = ((embeddings - mean) / spread).double()
        gram = x.T @ x + _RIDGE * torch.eye(x.shape[1], dtype=torch.double)
        solved = torch.linalg.solve(gram, x.T @ self._wanted.double()).float() / spread[:, None]
        self.linear = nn.Linear(*solved.shape)
        with torch.no_grad():
            self.linear.weight.copy_(solved.T)
            self.linear.bias.copy_(-(mean @ solved))

    def loss(self, pairs: Tensor, rows: Sequence[int]) -> Tensor:
        """Mean squared error of two hearings ``(rows, 2, 512)`` of each of the windows `rows`."""
        off = self.linear(pairs) - self._wanted[rows][:, None]
        loss: Tensor = (off**2 * self._shares).sum(dim=-1).mean()
        return loss


def teachers_shares(columns: Columns) -> Tensor:
    """Shares of teachers' answers: all count the same, activations half of what logits do."""
    shares = torch.zeros(columns.n)
    for weight, parts in ((1.0, columns.logits), (_HIDDEN, columns.hidden)):
        for part in parts.values():
            shares[part] = weight / (part.stop - part.start)
    return shares / shares.sum()


def _apart(pairs: Tensor) -> Tensor:
    """Mean square of what lies between the two of each pair ``(n, 2, …)``."""
    return ((pairs[:, 0] - pairs[:, 1]) ** 2).mean()
