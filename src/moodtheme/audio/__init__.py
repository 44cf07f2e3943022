"""Audio in: any file to mono float32 samples at the rate a model wants.

``open_audio`` streams, ``read_audio`` and ``read_excerpt`` return arrays, ``find_audio_files``
turns paths and folders into a list of files, ``audio_identity`` tells which audio a file holds.
Mono is the mean of all channels, or the loudest where they cancel out, formed before resampling.
"""

from moodtheme.audio.files import (
    AUDIO_EXTENSIONS,
    ScanAccount,
    find_audio_files,
    iter_audio_files,
)
from moodtheme.audio.identity import audio_beginning, audio_identity
from moodtheme.audio.known_files import KnownFiles
from moodtheme.audio.mono import SILENCE_PEAK, mono_of_array, to_mono, varies
from moodtheme.audio.reading import (
    Audio,
    ExcerptPolicy,
    open_audio,
    probe,
    read_audio,
    read_excerpt,
)
from moodtheme.audio.resample import MARGIN_S, ResampleQuality, Resampler, resample
from moodtheme.audio.sources import HIGHEST_RATE, LOWEST_RATE, SHORTFALL_S, AudioInfo, Decoder
from moodtheme.audio.stream import AudioStream

__all__ = [
    "AUDIO_EXTENSIONS",
    "HIGHEST_RATE",
    "LOWEST_RATE",
    "MARGIN_S",
    "SHORTFALL_S",
    "SILENCE_PEAK",
    "Audio",
    "AudioInfo",
    "AudioStream",
    "Decoder",
    "ExcerptPolicy",
    "KnownFiles",
    "ResampleQuality",
    "Resampler",
    "ScanAccount",
    "audio_beginning",
    "audio_identity",
    "find_audio_files",
    "iter_audio_files",
    "mono_of_array",
    "open_audio",
    "probe",
    "read_audio",
    "read_excerpt",
    "resample",
    "to_mono",
    "varies",
]
