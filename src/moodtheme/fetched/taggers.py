"""Eight trained music taggers, to learn from when a model is distilled.

Won, Ferraro, Bogdanov and Serra, "Evaluation of CNN-based automatic music tagging models", SMC
2020: three networks, trained on the 50 commonest tags of three collections. Each file is a PyTorch
state dict. Of the nine, Million Song's musicnn is not among them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from moodtheme.fetched.weights import Address, PublishedWeights

_BASE = "https://raw.githubusercontent.com/minzwon/sota-music-tagging-models/master/models"
_COLLECTIONS = {
    "jamendo": "MTG-Jamendo, split 0",
    "msd": "the Million Song Dataset",
    "mtat": "MagnaTagATune",
}
_SHA256 = {
    "jamendo-fcn": "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b",
    "jamendo-crnn": "0a558989c0793f488cb677d188464c91f47c007f7c70473230e55537ca598215",
    "jamendo-musicnn": "66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
    "msd-fcn": "6012aa7eecf864a8081faedca56af054521e8dfb9c5c98659a3dd5d3e1e66f21",
    "msd-crnn": "ebb99855ed0c83f38845db9cfb383dd6fc70938bc58701dcb66e18af9ee7fbea",
    "mtat-fcn": "e89d751202d38c3ae69855782bc27010f87051958dbec64f5aa762364dbac271",
    "mtat-crnn": "cd22fc70cafd06f8f2bfc7dd795abccb1f4b50d5b09094c39ad100baf87475a3",
    "mtat-musicnn": "690ace3bb5d49d90dd38fe3ec05a1185350b3bc3742bd7ee941f56b649b2c893",
}


def _tagger(name: str, sha256: str) -> PublishedWeights:
    collection, _, network = name.partition("-")
    return PublishedWeights(
        file=f"tagger-{name}.pth",
        source=Address(f"{_BASE}/{collection}/{network}/best_model.pth"),
        sha256=sha256,
        licence="MIT",
        origin=(
            f"{network} trained on {_COLLECTIONS[collection]}, Won et al. 2020, Music Technology "
            "Group, UPF"
        ),
    )


TAGGERS: Mapping[str, PublishedWeights] = MappingProxyType(
    {name: _tagger(name, sha256) for name, sha256 in _SHA256.items()}
)
"""By ``COLLECTION-NETWORK``: jamendo, msd, mtat; fcn, crnn, musicnn."""
