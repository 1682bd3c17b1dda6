"""A network as a function of full-frame images: the warp into it, the forward pass, and the way back to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dlc_core.data.warp import warp_images
from dlc_core.errors import ConfigError, DataError, suggest
from dlc_core.geometry import transform_points
from dlc_core.model.structures import Poses

if TYPE_CHECKING:
    from dlc_core.model.pose_model import PoseModel

ENGINE = "torch"
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Prediction:
    """Poses of a batch of images, in their own pixels.

    Parameters
    ----------
    keypoints : (B, I, K, 2) float32
        Full-frame pixels, NaN where absent.
    likelihood : (B, I, K) float32
        In [0, 1].
    """

    keypoints: NDArray[np.float32]
    likelihood: NDArray[np.float32]


def check_precision(precision: str) -> str:
    """Return `precision` if it is known.

    Raises
    ------
    ConfigError
        It is not.
    """
    if precision not in PRECISIONS:
        raise ConfigError(
            f"precision is {precision!r}. {suggest(precision, PRECISIONS)}Known: {', '.join(PRECISIONS)}."
        )
    return precision


class Predictor:
    """A network on a device, from uint8 images to poses in the pixels of these images.

    Parameters
    ----------
    model : PoseModel
        Moved to the device, in evaluation mode and channels_last.
    device : torch.device
    precision : str
        float32, or bfloat16 or float16 for autocast.

    Raises
    ------
    ConfigError
        The precision is unknown.
    DataError
        The network looks at several cameras together.
    """

    def __init__(self, model: PoseModel, device: torch.device | str = "cpu", precision: str = "float32") -> None:
        if model.head.views > 1:
            raise DataError(
                f"this network looks at {model.head.views} cameras together; a video shows one. "
                "Analyze with a network for one view."
            )
        self.device = torch.device(device)
        self.precision = check_precision(precision)
        self.window: tuple[int, ...] = tuple(model.head.window)
        self._model = model.to(self.device).to(memory_format=torch.channels_last).eval()
        self._preprocessing = model.preprocessing
        self._back = np.linalg.inv(model.preprocessing.matrix()).astype(np.float64)

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the network's input for images of that size."""
        return self._preprocessing.output_size(height, width)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the network's input for one image: the warp of the training without its randomness.

        Parameters
        ----------
        image : (H, W, 3) uint8, RGB

        Returns
        -------
        (h, w, 3) uint8
        """
        height, width = image.shape[:2]
        if self._preprocessing.global_scale == 1:
            return image
        size = self._preprocessing.output_size(height, width)
        warped: NDArray[np.uint8] = warp_images(image[None], self._preprocessing.matrix(), size)[0]
        return warped

    def launch(self, inputs: NDArray[np.uint8]) -> Poses:
        """Return poses in network-input pixels, on the device; on a GPU the work may still be under way.

        Parameters
        ----------
        inputs : (B, h, w, 3) uint8, or (B, T, h, w, 3) for a network with a window of T frames
        """
        images = torch.from_numpy(inputs)
        if self.device.type == "cuda":
            images = images.pin_memory().to(self.device, non_blocking=True)
        else:
            images = images.to(self.device)
        images = images.movedim(-1, -3)  # the bytes stay where they are: this is channels_last already
        if images.ndim == 5:
            images = images[:, None]
        dtype = PRECISIONS[self.precision]
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype or torch.bfloat16, enabled=dtype is not None),
        ):
            poses: Poses = self._model.decode(self._model(images), (inputs.shape[-3], inputs.shape[-2]))
        return poses

    def fetch(self, poses: Poses, offset: NDArray[np.float64] | None = None) -> Prediction:
        """Return poses in the pixels of the image before `prepare`, moved by `offset`, the x, y of a crop's corner."""
        found: NDArray[np.float64] = poses.keypoints.to("cpu", torch.float64).numpy()
        keypoints = transform_points(self._back, found)
        if offset is not None:
            keypoints = keypoints + offset
        return Prediction(keypoints.astype(np.float32), poses.likelihood.to("cpu", torch.float32).numpy())

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """Return the poses of images of one size.

        Parameters
        ----------
        images : (B, H, W, 3) uint8, RGB, or (B, T, H, W, 3) for a network with a window of T frames
        """
        flat = images.reshape(-1, *images.shape[-3:])
        inputs = np.stack([self.prepare(image) for image in flat])
        return self.fetch(self.launch(inputs.reshape(*images.shape[:-3], *inputs.shape[1:])))
