import numpy as np

from supernet import checkpoints

VALUES = {
    "5/w": np.float32([0, 3]), "10/w": np.float32([1, 0]), "15/w": np.float32([5, 3]),
    "5/n": np.int64(5), "10/n": np.int64(10), "15/n": np.int64(15), "momentum/w": np.float32([9, 9]),
}  # fmt: skip


def test_the_mean_of_the_last_checkpoints():
    assert checkpoints.epochs(VALUES) == [5, 10, 15]
    for epoch, count, expected in ((15, 1, [5, 3]), (15, 3, [2, 2]), (15, 2, [3, 1.5]), (10, 3, [0.5, 1.5])):
        found = checkpoints.averaged(VALUES, epoch, count)
        assert found.keys() == {"w", "n"} and found["w"].dtype == np.float32
        assert found["w"].tolist() == expected and found["n"] == epoch
