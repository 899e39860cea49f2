"""Models of what params.yaml hands to the code of a stage, and the constrained types that signatures use."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
Index = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Base of all models: unknown keys are errors, nothing is coerced, nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Train(Strict):
    """Settings of the training loop; ``epochs`` is the whole run, ``warmup`` its first part without regularisation."""

    epochs: Count
    warmup: Index = 0
    batch: Count
    lr: Positive
    lr_min: NonNegative = 0.0
    momentum: Fraction = 0.9
    nesterov: bool = False
    weight_decay: NonNegative
    clip: Positive = 5.0
    checkpoint_every: Count | None = None


class StandaloneTruth(Strict):
    """Ground truth from our own stand-alone trainings; the mean over ``seeds``."""

    kind: Literal["standalone"]
    train: Train
    affine: bool = True
    seeds: Annotated[list[Index], Field(min_length=1)]
