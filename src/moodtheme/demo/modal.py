"""Sums of damped sinusoids, the one synthesis method behind all pitched instruments.

A struck bar, a plucked string, an organ pipe or a bowed ensemble is here a set of modes, each
with a frequency, an amplitude and a decay. A mode is the geometric sequence exp(s·n); writing
n = block·m + b splits it into exp(s·block·m) · exp(s·b), so that the sum over modes is a matrix
product: a note of two seconds with sixty modes takes about a millisecond. No mode lies above the
band limit, so nothing aliases.
"""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

BAND_LIMIT = 0.45  # of the sample rate; leaves room for resamplers' transition bands
_BLOCK = 128
# A matrix library starts its threads above some 64³ multiplications; for products as small as
# these, waiting for threads takes several times longer than the work itself.
_THREAD_FREE = 64**3


def damped_modes(
    frequencies: Values,
    decays: Values,
    amplitudes: Values,
    phases: Values,
    *,
    samples: int,
    sample_rate: int,
) -> Samples:
    """Sum damped sines.

    Parameters
    ----------
    frequencies
        Hz, (modes,); modes above the band limit are left out.
    decays
        Decay rates, 1/s, (modes,); 0 is a steady tone.
    amplitudes, phases
        Linear gain and radians (0 starts at zero, rising), (modes,).

    Returns
    -------
    float32 (samples,)
    """
    kept = (frequencies < BAND_LIMIT * sample_rate) & (amplitudes != 0.0)
    if not kept.any():
        return np.zeros(samples, dtype=np.float32)
    poles = (-decays[kept] + 2j * np.pi * frequencies[kept]) / sample_rate
    weights = amplitudes[kept] * np.exp(1j * (phases[kept] - np.pi / 2))
    rows = max(2, _THREAD_FREE // (_BLOCK * 2 * len(poles)))
    stacks = -(-samples // (_BLOCK * rows))
    coarse = weights * _powers(_BLOCK * poles, stacks * rows)
    fine = _powers(poles, _BLOCK).T
    left = np.concatenate([coarse.real, -coarse.imag], axis=1).astype(np.float32)
    right = np.concatenate([fine.real, fine.imag], axis=0).astype(np.float32)
    product = left.reshape(stacks, rows, -1) @ right
    return np.asarray(product.reshape(-1)[:samples], dtype=np.float32)


def _powers(poles: npt.NDArray[np.complex128], count: int) -> npt.NDArray[np.complex128]:
    """exp(poles·n) for n below count, (count, modes); products of two short tables are cheaper."""
    short = 16
    near = np.exp(np.arange(short)[:, None] * poles)
    far = np.exp(np.arange(-(-count // short))[:, None] * (short * poles))
    products: npt.NDArray[np.complex128] = far[:, None, :] * near[None, :, :]
    return products.reshape(-1, len(poles))[:count]


def shaped_noise(
    samples: int, sample_rate: int, low: float, high: float, rng: np.random.Generator
) -> Samples:
    """White noise between two frequencies (Hz) and below the band limit, RMS 1.

    The edges of the pass band fall off within half an octave.
    """
    high = min(high, BAND_LIMIT * sample_rate / np.sqrt(2))
    low = min(low, high / 2)
    size = 1 << (samples - 1).bit_length()  # powers of two transform fastest
    spectrum = np.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1.0))
    rising = np.clip((octaves - np.log2(low)) * 2 + 1, 0, 1)
    falling = np.clip((np.log2(high) - octaves) * 2 + 1, 0, 1)
    noise = np.fft.irfft(spectrum * rising * falling, size)[:samples]
    return np.asarray(noise / max(float(np.sqrt(np.mean(noise**2))), 1e-9), dtype=np.float32)


def seconds(samples: int, sample_rate: int) -> Values:
    """Time of each sample, float64 (samples,)."""
    return np.arange(samples) / sample_rate
