"""Features of tracks, computed once and kept: extractors, stores, and how stores are filled.

Reading a store needs NumPy alone; computing Deep Spectrum features needs PyTorch, openSMILE's
descriptors the package of that name.
"""

from moodtheme.feature_store.extraction import build_features
from moodtheme.feature_store.extractor import (
    Extractor,
    ExtractorInfo,
    describe_extractor,
    make_extractor,
)
from moodtheme.feature_store.store import (
    FeatureStore,
    feature_statistics,
    find_stores,
    statistics_of,
)

__all__ = [
    "Extractor",
    "ExtractorInfo",
    "FeatureStore",
    "build_features",
    "describe_extractor",
    "feature_statistics",
    "find_stores",
    "make_extractor",
    "statistics_of",
]
