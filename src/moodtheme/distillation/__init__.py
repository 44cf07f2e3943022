"""Distillation: a small network learns to give the scores of a larger bundle, the teacher.

Order of work: `plan` (which windows of which tracks), `labels` (the windows' spectrograms and what
the teacher says of them), `fit` (the student learns them), `quality` (student against teacher on
groups of tracks that were never learned from).
"""
