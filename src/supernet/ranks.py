"""The processes of one training, started by torch's own launcher, ``torchrun``: each computes some slices of a batch.

How a batch is cut is a setting (``train.slices``), since it changes numbers: batch-norm and ranking losses see one
slice at a time. Who computes which slice is none; it changes the order of sums alone.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from supernet.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


def launched() -> bool:
    """Whether a launcher started this process."""
    return "RANK" in os.environ


def launch(count: int, command: Sequence[str]) -> int:
    """Run ``command`` as ``count`` processes of this machine, as ``torchrun --standalone`` does; their exit status.

    What a process prints is all there is to see: the launcher's own account of a failed one is a traceback.
    """
    import logging

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    here = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": f"supernet-{os.getpid()}"}
    one_machine = LaunchConfig(min_nodes=1, max_nodes=1, nproc_per_node=count, max_restarts=0, **here)
    try:
        elastic_launch(one_machine, command[0])(*command[1:])
    except ChildFailedError as error:
        return next(iter(error.failures.values())).exitcode
    except SignalException as error:
        return 128 + error.sigval
    return 0


def leads() -> bool:
    """Whether this process is the one that writes; true without a launcher."""
    return os.environ.get("RANK", "0") == "0"


class Ranks:
    """``count`` processes, of which this is number ``index``; alone without a launcher."""

    index, count = 0, 1

    @classmethod
    def join(cls, device: str) -> "Ranks":
        """Meet the other processes of the launcher, if there is one; on ``cuda`` each takes the GPU of its number."""
        self = cls()
        if (count := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
            import torch

            if device == "cuda":
                torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
            if not torch.distributed.is_initialized():
                torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
            self.index, self.count = torch.distributed.get_rank(), count
        return self

    def share(self, slices: int) -> range:
        """Which of ``slices`` are this process's; ``UserError`` if they cannot be shared out evenly."""
        if slices % self.count:
            raise UserError(f"train.slices: {slices} cannot be shared out evenly between {self.count} processes")
        own = slices // self.count
        return range(self.index * own, (self.index + 1) * own)

    def add(self, tensors: Sequence["Tensor"]) -> None:
        """Replace ``tensors``, on one device and of one type, by their sums over all processes; one message."""
        if self.count == 1 or not tensors:
            return
        import torch

        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is true in any process."""
        if self.count == 1:
            return flag
        import torch

        votes = torch.tensor([int(flag)])
        torch.distributed.all_reduce(votes)
        return bool(votes.item())

    @contextlib.contextmanager
    def leader_first(self) -> Iterator[None]:
        """The others enter when the process that writes is through."""
        if self.index:
            self.any(False)
        yield
        if not self.index:
            self.any(False)
