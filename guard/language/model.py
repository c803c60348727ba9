"""The shape of a rules file: which keys it has and what kind of value each takes.

What the texts mean is not decided here; :mod:`guard.language.rulefile` reads them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from guard.language.options import OPTIONS


def _option(word: str) -> Any:
    return Field(default=None, alias=word, description=OPTIONS[word].meaning)


class OptionsModel(BaseModel):
    """The options of a rule as texts, by their words."""

    model_config = ConfigDict(extra="forbid", title="Options")

    over: str | None = _option("over")
    hold: str | None = _option("for")
    surely: str | None = _option("surely")
    after: str | None = _option("after")
    min_requests: str | None = _option("min_requests")
    no_data: str | None = _option("no_data")
    action: str | None = _option("else")


class RuleModel(OptionsModel):
    """The mapping form of a rule."""

    model_config = ConfigDict(extra="forbid", title="Rule")

    check: str = Field(description="what must hold, e.g. p95 of POST /checkout < 500ms")
    name: str | None = Field(default=None, description="what reports call the rule")
    because: str | None = Field(default=None, description="why the rule exists")


def _number(value: object) -> str:
    return ("several", "single")[isinstance(value, str)]


_OneOrMore = Annotated[
    Annotated[str, Tag("single")] | Annotated[list[str], Tag("several")], Discriminator(_number)
]


class DestinationModel(BaseModel):
    """Where messages about a run go."""

    model_config = ConfigDict(extra="forbid", title="Destination")

    to: _OneOrMore = Field(description="an address of Apprise's form, or a list of them")
    on: _OneOrMore = Field(default_factory=list, description="what is told there, or a list of it")


FORMS = ("one-line", "mapping")
"""The two forms of a rule."""


def _form(value: object) -> str:
    return FORMS[isinstance(value, (dict, RuleModel))]


class FileModel(BaseModel):
    """A rules file."""

    model_config = ConfigDict(
        extra="forbid",
        title="Rules file",
        json_schema_extra={"anyOf": [{"required": ["rules"]}, {"required": ["extends"]}]},
    )

    extends: _OneOrMore = Field(
        default_factory=list,
        description="packs by name and files by path, whose rules come before these",
    )
    defaults: OptionsModel = Field(
        default_factory=OptionsModel, description="options for every rule that leaves them out"
    )
    rules: list[
        Annotated[
            Annotated[str, Tag(FORMS[0])] | Annotated[RuleModel, Tag(FORMS[1])],
            Discriminator(_form),
        ]
    ] = Field(default_factory=list, description="the rules, each as one line or as a mapping")
    notify: list[DestinationModel] = Field(
        default_factory=list, description="who is told of the run, and when"
    )
