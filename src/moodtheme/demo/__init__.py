"""The project's own music: composed from moods by published findings, played by synthesis."""

from moodtheme.demo.corpus import make_demo_corpus
from moodtheme.demo.moods import Mood
from moodtheme.demo.pieces import (
    DemoPiece,
    compose_and_render,
    demo_pieces,
    write_demo_pieces,
)

__all__ = [
    "DemoPiece",
    "Mood",
    "compose_and_render",
    "demo_pieces",
    "make_demo_corpus",
    "write_demo_pieces",
]
