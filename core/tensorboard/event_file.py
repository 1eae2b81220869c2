"""A TensorBoard event file: scalars, histograms, an image, texts and the graph of one TensorBoard run.

TensorBoard is an extra: this module imports it when a file is opened, and neither torch nor TensorFlow.
"""

from __future__ import annotations

import io
import math
import operator
import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipwatchError
from ..extras import installation
from ..stream.measures import BIN_EDGES, Measure
from .lenet_graph import Node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUCKETS = 64


def require_tensorboard() -> None:
    """Import all that is used of TensorBoard, ClipwatchError, saying how to get it, if that cannot be."""
    for name in ("compat.proto.event_pb2", "compat.proto.graph_pb2", "plugins.text.metadata"):
        _module(name)
    _module("summary.writer.record_writer")


class EventFile:
    """An event file of a TensorBoard run; what has been written is on its way to the disk. OSError if it cannot be.

    Written again it is a new file whose name comes after: a TensorBoard that is open goes on to it, and its beginning
    tells to forget what was read. Times are seconds since 1970. Scalars are 32-bit floats, as TensorBoard keeps them.
    """

    def __init__(self, folder: Path, stem: str, time: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        before = sorted(folder.glob(f"{stem}*"))
        number = max((int(path.suffix[1:]) + 1 for path in before if path.suffix[1:].isdecimal()), default=len(before))
        self._events, self._summaries = _module("compat.proto.event_pb2"), _module("compat.proto.summary_pb2")
        self._file = (folder / f"{stem}.{number:04}").open("xb")
        self._records = _module("summary.writer.record_writer").RecordWriter(self._file)
        # From version 2 on a reader leaves steps that go back in peace, unless it is told that all begins anew.
        self._write(self._events.Event(wall_time=time, file_version="brain.Event:2"))
        if before:
            log = self._events.SessionLog(status=self._events.SessionLog.START)
            self._write(self._events.Event(wall_time=time, session_log=log))
        # A reader who has the last one open must still find it, to come to its end.
        for path in before[-1:]:
            os.truncate(path, 0)
        for path in before[:-1]:
            path.unlink(missing_ok=True)

    def scalars(self, step: int, time: float, values: Mapping[str, float]) -> None:
        """One number a tag."""
        self._add(step, time, [self._value(tag, simple_value=value) for tag, value in values.items()])

    def histograms(self, step: int, time: float, values: Mapping[str, NDArray[np.float32]]) -> None:
        """One histogram a tag, of all numbers of an array."""
        self._add(step, time, [self._value(tag, histo=self._histogram(array)) for tag, array in values.items()])

    def counted(self, step: int, time: float, tag: str, measure: Measure) -> None:
        """The histogram of a gradient's |g| as it was counted; its sum is that of the bins' middles."""
        histogram = measure.histogram
        buckets = [histogram.zero + histogram.under, *histogram.counts, histogram.over]
        limits = [*BIN_EDGES, sys.float_info.max]
        filled = [place for place, count in enumerate(buckets) if count]
        middles = [0.0, *(math.sqrt(low * high) for low, high in pairwise(BIN_EDGES)), BIN_EDGES[-1]]
        proto = self._summaries.HistogramProto(
            min=[0.0, *BIN_EDGES][filled[0]] if filled else 0.0,
            max=limits[filled[-1]] if filled else 0.0,
            num=histogram.finite,
            sum=sum(map(operator.mul, buckets, middles)),
            sum_squares=measure.norm**2,
            bucket=buckets,
            bucket_limit=limits,
        )
        self._add(step, time, [self._value(tag, histo=proto)])

    def image(self, step: int, time: float, tag: str, values: NDArray[np.float32]) -> None:
        """A matrix as a gray image, scaled so that its smallest number is black (0) and its largest white (1)."""
        height, width = values.shape
        image = self._summaries.Summary.Image(
            height=height, width=width, colorspace=1, encoded_image_string=_png(_scaled(values))
        )
        self._add(step, time, [self._value(tag, image=image)])

    def text(self, step: int, time: float, tag: str, text: str) -> None:
        """A text, shown as Markdown."""
        tensors, types = _module("compat.proto.tensor_pb2"), _module("compat.proto.types_pb2")
        shape = _module("compat.proto.tensor_shape_pb2").TensorShapeProto(dim=[{"size": 1}])
        tensor = tensors.TensorProto(dtype=types.DT_STRING, string_val=[text.encode()], tensor_shape=shape)
        metadata = _module("plugins.text.metadata").create_summary_metadata(display_name="", description="")
        self._add(step, time, [self._value(tag, tensor=tensor, metadata=metadata)])

    def graph(self, time: float, nodes: Iterable[Node]) -> None:
        """The graph of the TensorBoard run."""
        graph = _module("compat.proto.graph_pb2").GraphDef(node=[_node(node) for node in nodes])
        self._write(self._events.Event(wall_time=time, graph_def=graph.SerializeToString()))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _value(self, tag: str, **value: object) -> Any:
        return self._summaries.Summary.Value(tag=tag, **value)

    def _add(self, step: int, time: float, values: list[Any]) -> None:
        summary = self._summaries.Summary(value=values)
        self._write(self._events.Event(wall_time=time, step=step, summary=summary))

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())
        self._file.flush()

    def _histogram(self, array: NDArray[np.float32]) -> Any:
        """Buckets of one width from the smallest number to the largest; a limit is where its bucket ends."""
        import numpy as np

        exact = array.astype(np.float64).ravel()
        low, high = exact.min(), exact.max()
        counts, edges = np.histogram(exact, _BUCKETS, (low, high)) if low < high else ([exact.size], [low, high])
        return self._summaries.HistogramProto(
            min=low,
            max=high,
            num=exact.size,
            sum=exact.sum(),
            # Not as a product of vectors, for which numpy may wake threads that the lanes need.
            sum_squares=np.square(exact).sum(),
            bucket=counts,
            bucket_limit=edges[1:],
        )


def _module(name: str) -> Any:
    try:
        return import_module(f"tensorboard.{name}")
    except ImportError as error:
        raise ClipwatchError(f"TensorBoard cannot be used ({error}): {installation('tensorboard')}") from error


def _node(node: Node) -> Any:
    attributes, definitions = _module("compat.proto.attr_value_pb2"), _module("compat.proto.node_def_pb2")
    shape = _module("compat.proto.tensor_shape_pb2").TensorShapeProto(dim=[{"size": size} for size in node.shape])
    described = {name: attributes.AttrValue(s=text.encode()) for name, text in node.details.items()}
    described["_output_shapes"] = attributes.AttrValue(list=attributes.AttrValue.ListValue(shape=[shape]))
    return definitions.NodeDef(name=node.name, op=node.op, input=node.inputs, attr=described)


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 0 for the smallest number to 1 for the largest; 0 where all are equal."""
    low, width = values.min(), values.max() - values.min()
    return (values - low) / (width if width > 0 else 1)


def _png(values: NDArray[np.float32]) -> bytes:
    """A matrix of numbers in [0, 1] as a gray image of as many pixels."""
    # TensorBoard itself requires Pillow.
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray((values * 255).round().astype("uint8")).save(content, "png")
    return content.getvalue()
