"""What an ONNX graph from a stranger may hold, looked at before any runtime sees it.

A graph of a bundle is a finite chain of standard operations whose cost the samples do not decide.
Refused are: loops, branches and whatever else carries a graph inside; operations of other domains
and functions; data in other files; operations that draw random numbers, and those whose output's
size depends on the values they are given. Only the parts of the file's encoding that say so are
read, by number, as in ``onnx.proto``.
"""

from collections.abc import Iterator

from moodtheme.protobuf import NoMessageError, content, fields

# Field numbers of ONNX's messages.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATION, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_OPSET_DOMAIN = 1
_SPARSE_PARTS = (1, 2)

_STANDARD = ("", "ai.onnx")
_REFUSED = frozenset(
    {
        *("If", "Loop", "Scan", "SequenceMap", "Optional", "NonZero", "Compress", "Unique"),
        *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli"),
        *("Multinomial", "NonMaxSuppression", "ImageDecoder", "StringSplit", "StringNormalizer"),
    }
)


def objection(graph: bytes) -> str | None:
    """What is wrong with a graph, as a clause; None for nothing.

    Parameters
    ----------
    graph
        Content of an ``.onnx`` file.
    """
    try:
        return next(_objections(memoryview(graph)), None)
    except NoMessageError:
        return "it is no ONNX graph"


def _objections(model: memoryview) -> Iterator[str]:
    for number, value in fields(model):
        if number in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
            yield "it defines functions of its own"
        elif number == _MODEL_OPSET:
            for part, domain in fields(content(value)):
                if part == _OPSET_DOMAIN and _text(domain) not in _STANDARD:
                    yield f"it uses operations of {_text(domain)!r}, which are not standard"
        elif number == _MODEL_GRAPH:
            yield from _in_graph(content(value))


def _in_graph(graph: memoryview) -> Iterator[str]:
    for number, value in fields(graph):
        if number == _GRAPH_NODE:
            yield from _in_node(content(value))
        elif number == _GRAPH_INITIALIZER:
            yield from _in_tensor(content(value))
        elif number == _GRAPH_SPARSE:
            yield from _in_sparse(content(value))


def _in_node(node: memoryview) -> Iterator[str]:
    for number, value in fields(node):
        if number == _NODE_OPERATION and _text(value) in _REFUSED:
            yield f"it has the operation {_text(value)}, which a bundle's graph must not"
        elif number == _NODE_DOMAIN and _text(value) not in _STANDARD:
            yield f"it uses operations of {_text(value)!r}, which are not standard"
        elif number == _NODE_ATTRIBUTE:
            for part, held in fields(content(value)):
                if part in _ATTRIBUTE_GRAPHS:
                    yield "it has a graph inside an operation, as loops and branches do"
                elif part in _ATTRIBUTE_TENSORS:
                    yield from _in_tensor(content(held))
                elif part in _ATTRIBUTE_SPARSE:
                    yield from _in_sparse(content(held))


def _in_sparse(tensor: memoryview) -> Iterator[str]:
    for number, value in fields(tensor):
        if number in _SPARSE_PARTS:
            yield from _in_tensor(content(value))


def _in_tensor(tensor: memoryview) -> Iterator[str]:
    for number, value in fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            yield "it keeps data in other files"


def _text(value: int | memoryview) -> str:
    return bytes(content(value)).decode("utf-8", "replace")
