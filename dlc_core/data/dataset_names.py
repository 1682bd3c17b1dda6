"""Where DeepLabCut keeps the files of a dataset, and where we note that a command is changing them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlc_core.data.training_set import percent


@dataclass(frozen=True)
class DatasetNames:
    """The files of a dataset.

    Parameters
    ----------
    folder : Path
        ``training-datasets/iteration-N/UnaugmentedDataSet_<Task><date>``.
    task, date, scorer : str
        As in config.yaml.
    """

    folder: Path
    task: str
    date: str
    scorer: str

    def mat(self, fraction: float, shuffle: int) -> Path:
        """Return the .mat file of a shuffle."""
        return self.folder / f"{self.task}_{self.scorer}{percent(fraction)}shuffle{shuffle}.mat"

    def documentation(self, fraction: float, shuffle: int) -> Path:
        """Return the documentation pickle of a shuffle."""
        return self.folder / f"Documentation_data-{self.task}_{percent(fraction)}shuffle{shuffle}.pickle"

    def own_file(self, documentation: str) -> Path:
        """Return our own training set of the shuffle that a documentation pickle of that file name is about."""
        fraction_and_shuffle = documentation.removesuffix(".pickle").rpartition("_")[2]
        return self.unfinished.with_name(f"shuffle-trainset{fraction_and_shuffle}.json")

    def documentations(self) -> list[Path]:
        """Return the documentation pickles that are there, sorted."""
        return sorted(self.folder.glob("Documentation_data-*shuffle*.pickle"))

    def labels(self, suffix: str) -> Path:
        """Return the merged label table, ``.csv`` or ``.h5``."""
        return self.folder / f"CollectedData_{self.scorer}{suffix}"

    @property
    def metadata(self) -> Path:
        """The list of shuffles."""
        return self.folder / "metadata.yaml"

    @property
    def unfinished(self) -> Path:
        """Our note of what the files mean while they are being changed; it is there only after an interruption."""
        return self.folder / "dlc-core" / "unfinished.json"
