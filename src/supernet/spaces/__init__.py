"""Search spaces: one file each, which exports ``SPACE``. A file's name is the space's name.

`SearchSpace` is what the rest of the project asks of one; generic operations on architectures are in `supernet.arch`.
"""

from typing import TYPE_CHECKING, Literal, Protocol

from supernet import plugins
from supernet.arch import Arch, Choice

if TYPE_CHECKING:
    from supernet.nets.supernet import SuperNet


class SearchSpace(Protocol):
    """A set of architectures and the super-net that contains them.

    ``arcs`` are pairs ``(i, j)`` of positions: choice ``j`` reads what choice ``i`` puts out. Position -1 is the cell's
    input, ``len(choices)`` its output.
    """

    name: str
    choices: tuple[Choice, ...]
    arcs: tuple[tuple[int, int], ...]

    def is_valid(self, arch: Arch) -> bool:
        """Whether ``arch`` belongs to the space."""

    def canonical(self, arch: Arch, reduction: Literal["nasbench201", "functional"] = "functional") -> Arch:
        """The representative of the architectures that compute the same function for some weights.

        ``reduction``: which of them are found; see `supernet.spaces.nasbench201`, the one space where it matters.
        """

    def parse(self, text: str) -> Arch:
        """Architecture of the field's native string; raises ``UserError`` if it is malformed."""

    def format(self, arch: Arch) -> str:
        """Native string of an architecture; inverse of ``parse``."""

    def parameters(self, arch: Arch, *, width: int, cells: int, classes: int) -> int:
        """Number of parameters of the stand-alone net, with affine batch-norm."""

    def build(
        self,
        *,
        width: int,
        cells: int,
        classes: int,
        sharing: str = "one_shot",
        edge: int | None = None,
        affine: bool = False,
        parts: int = 1,
        track: bool = False,
        extra_1x1: str = "none",
        blocks: int = 1,
        seed: int = 0,
    ) -> "SuperNet":
        """The super-net, initialised from ``seed``; ``width`` channels in the first stage, ``cells`` a stage.

        ``sharing``, ``edge``: see `supernet.nets.sharing.make`.
        ``parts``: in how many the channels are divided for its operations (PC-DARTS).
        ``blocks``: how many to choose from with ``sharing: global_blocks`` (`supernet.nets.closenet`).
        ``extra_1x1``: which operations get a 1x1 convolution more, see `supernet.sections.Net`.
        """


def size(space: SearchSpace, arch: Arch) -> int:
    """Parameters of a small stand-alone net: the zero-cost order of architectures, whatever a task's width."""
    return space.parameters(arch, width=16, cells=1, classes=1)


def load(name: str) -> SearchSpace:
    """The space called ``name``; raises ``UserError`` for an unknown one."""
    return plugins.load("spaces", name).SPACE
