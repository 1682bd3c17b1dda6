"""What a person reads under the table of errors."""

import numpy as np

from dlc_core.evaluation.metrics import score_poses
from dlc_core.evaluation.report import Evaluation, footnotes, table


def evaluation(labelled):
    scores = score_poses(
        np.zeros((2, 1, 1, 2)), np.ones((2, 1, 1)), labelled, names=["a"], pcutoff=0.5, thresholds=[5.0]
    )
    return Evaluation("r", 1, 0, 0.8, "snapshot_1", 1, False, "DLC_x", 0.5, {"train": scores}, {})


def test_an_auroc_that_is_not_defined_is_explained():
    whole = np.zeros((2, 1, 1, 2))
    partly = whole.copy()
    partly[0] = np.nan
    assert table([evaluation(whole)], 5.0)[1].split()[-2:] == ["100.0", "-"]
    assert any(line.startswith("AUROC -: every point is labelled") for line in footnotes([evaluation(whole)], 5.0))
    assert not any(line.startswith("AUROC") for line in footnotes([evaluation(partly)], 5.0))
    assert "at most 5 px off" in footnotes([evaluation(partly)], 5.0)[2]
