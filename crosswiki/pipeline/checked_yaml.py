"""YAML files as typed, frozen objects; an error in a file is reported in one line before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from crosswiki.pipeline.errors import UserError

Checked = TypeVar("Checked", bound=BaseModel)


class Section(BaseModel):
    """A part of a YAML file: unknown keys and implicit conversions are errors, and the object cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def as_tuple(values: Any, key: str) -> Any:
    """A section's values with one list as a tuple: YAML has only lists, and strict types do not convert them."""
    if isinstance(values, dict) and isinstance(values.get(key), list):
        return {**values, key: tuple(values[key])}
    return values


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping (where 1e-5 is a number, as DVC writes it).

    Raises:
        UserError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: a mapping of keys to values is expected, found {type(content).__name__}")
    return content


def check(
    model: type[Checked], content: dict[str, Any], path: Path, renamed: Mapping[str, str] = MappingProxyType({})
) -> Checked:
    """Turn a mapping into a typed object.

    Args:
        model: the type.
        content: what `read_yaml` returned.
        path: of the file, for the message.
        renamed: old names of keys, with the new ones.

    Raises:
        UserError: one line with the first wrong key, the value found and the values allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_problem(model, error, renamed)}") from error


def _first_problem(model: type[BaseModel], error: ValidationError, renamed: Mapping[str, str]) -> str:
    # An old name is an unknown key, and the new name is missing: the unknown key comes first, as it says more.
    problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in problem["loc"])
    if key in renamed:
        return f"{key}: is called {renamed[key]} now"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; allowed here: {', '.join(_allowed(model, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"{key}: missing"
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # values that do not go together
        return f"{key or 'the file'}: {message}"
    return f"{key or 'the file'}: found {problem['input']!r}; {message[0].lower()}{message[1:]}"


def _allowed(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    inner: Any = model
    for part in place:
        is_section = isinstance(inner, type) and issubclass(inner, BaseModel)
        inner = inner.model_fields[str(part)].annotation if is_section else get_args(inner)[-1]  # of a list or mapping
        optional = [choice for choice in get_args(inner) if choice is not NoneType]
        inner = optional[0] if NoneType in get_args(inner) else inner
    return sorted(inner.model_fields)
