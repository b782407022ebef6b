"""What a parameter of params.yaml may be."""

from typing import Annotated, Literal, get_args

from pydantic import Field

Role = Literal["source", "target", "test"]
ROLES: tuple[Role, ...] = get_args(Role)
ClassWeights = Literal["none", "balanced"]
Teacher = Literal["adapted", "neighbours", "glossed"]

FOLDS = 5  # of the cross-validation by which the baselines choose their penalty

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Below1 = Annotated[float, Field(ge=0, lt=1)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]+)*$")]
