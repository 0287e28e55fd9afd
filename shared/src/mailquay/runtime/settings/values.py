"""What the groups of settings are made of."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["KIB", "MIB", "Group", "Port"]

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: A TCP port to listen on; 0 takes a free one, ``none`` does not serve it.
Port = Annotated[int, Field(ge=0, le=65535)]


class Group(BaseModel):
    """One level of the tree: frozen, and nothing in it that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
