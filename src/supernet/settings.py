"""Models of what params.yaml hands to the code of a stage, and the constrained types that signatures use."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(gt=0)]
Index = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, le=1)]


def _apart(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed that stands twice is the same run twice, and no second sample")
    return seeds


Seeds = Annotated[list[Index], Field(min_length=1), AfterValidator(_apart)]


class Strict(BaseModel):
    """Base of all models: unknown keys are errors, nothing is coerced, nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Precision = Literal["fp32", "bf16"]


class Train(Strict):
    """Settings of the training loop.

    ``epochs`` is the whole run, ``warmup`` its first part without regularisation. ``precision: bf16`` convolves in
    bfloat16; weights, batch-norm's parameters and pooling stay in float32. ``decay_unused`` lets momentum and weight
    decay move operations that a step did not use, as PyTorch before 2.0 did (D07). ``slices``: a step adds up the
    gradients of as many equal parts of its batch, each with its own batch statistics and ranking losses; several
    processes can share them (`supernet.ranks`). What a method learns by itself sees the whole batch.
    ``checkpoint_initial`` keeps the weights before training as well. ``decay_vectors``: whether weight decay is of
    biases and batch-norm's parameters too. ``restarts``: epochs at which the learning rate begins anew and momentum is
    forgotten. No ``epochs``: the net stays as it was initialised, for estimators that need no training.
    """

    epochs: Index
    warmup: Index = 0
    batch: Count
    lr: Positive
    lr_min: NonNegative = 0.0
    momentum: Fraction = 0.9
    nesterov: bool = False
    weight_decay: NonNegative
    clip: Positive = 5.0
    checkpoint_every: Count | None = None
    checkpoint_initial: Annotated[bool, Field(exclude_if=lambda kept: not kept)] = False
    precision: Precision = "fp32"
    decay_unused: bool = False
    decay_vectors: Annotated[bool, Field(exclude_if=lambda decays: decays)] = True
    slices: Annotated[Count, Field(exclude_if=lambda count: count == 1)] = 1  # 1 is in no stamp: older files have none
    restarts: Annotated[list[Count], Field(exclude_if=lambda epochs: not epochs)] = []

    @model_validator(mode="after")
    def _slices_divide_the_batch(self) -> Self:
        if self.batch % self.slices:
            raise ValueError(f"slices: {self.slices} does not divide the batch of {self.batch} images")
        return self

    @model_validator(mode="after")
    def _restarts_rise(self) -> Self:
        ends = [*self.restarts, self.epochs]
        if self.restarts and ends != sorted(set(ends)):
            raise ValueError(f"restarts: {self.restarts}: expected rising epochs, all before epochs = {self.epochs}")
        return self


class StandaloneTruth(Strict):
    """Ground truth from our own stand-alone trainings; the mean over ``seeds``."""

    kind: Literal["standalone"]
    train: Train
    affine: bool = True
    seeds: Seeds
