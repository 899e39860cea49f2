"""Two-level fractional factorials: several switches asked about at once, each of them by all runs.

A factor has two levels: 0 as the base entry has it, 1 with the factor's changes. A *generated* factor adds no runs:
its level follows from those of others (Box, Hunter and Hunter, *Statistics for Experimenters*, ch. 6), so that five
switches take 16 methods and not 32, and each effect is still told from the others and from interactions of two.
"""

import itertools
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from supernet.settings import Strict

Levels = tuple[int, ...]  # 0 or 1 a factor, in their order


class Factorial(Strict):
    """The entry ``base`` of methods, with the admissible combinations of ``factors``.

    ``factors``: what level 1 merges over the base, by name. ``generators``: by the name of a generated factor those
    that it follows; it is at level 1 where an odd number of them is. ``once_a_seed``: the factors whose levels stand
    for something that all runs of a seed at that level share, as a warm-up or a draw of landmarks: the whole plots of a
    split-plot design, of which there are only as many as seeds.
    """

    base: str
    factors: Annotated[dict[str, dict[str, Any]], Field(min_length=2)]
    generators: dict[str, Annotated[list[str], Field(min_length=2)]] = {}
    once_a_seed: list[str] = []

    @model_validator(mode="after")
    def _generated_by_free_ones(self) -> Self:
        for name, parents in self.generators.items():
            if name not in self.factors or len(set(parents)) != len(parents):
                raise ValueError(f"generators.{name}: expected a factor, and distinct ones that it follows")
            for one in parents:
                if one not in self.factors or one in self.generators:
                    raise ValueError(f"generators.{name}: {one!r} is not a factor, or is generated itself")
        for one in self.once_a_seed:
            if one not in self.factors:
                raise ValueError(f"once_a_seed: {one!r} is not a factor")
        return self

    def methods(self, name: str) -> dict[str, Levels]:
        """The levels of every method by its name, as ``name-01001``; the base itself comes first."""
        free = [factor for factor in self.factors if factor not in self.generators]
        found = {}
        for chosen in itertools.product((0, 1), repeat=len(free)):
            level = dict(zip(free, chosen, strict=True))
            level |= {factor: sum(level[p] for p in parents) % 2 for factor, parents in self.generators.items()}
            levels = tuple(level[factor] for factor in self.factors)
            found[f"{name}-{''.join(map(str, levels))}" if any(levels) else self.base] = levels
        return found
