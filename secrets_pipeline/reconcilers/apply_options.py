"""Hold what only an operator may ask of a run: to adopt things by their names, and to prune."""

from __future__ import annotations

import fnmatch
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.engine.only import Only

_FUNCTION: Final = "function:"


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What only an operator may ask for.

    Attributes:
        adopt: globs on names of what is taken over although it carries no mark of ours, or that of a stack which has
            left it, and whole names of what is another repository's: secrets, databases, aliases of keys, parts of the
            way of events, `/secrets-pipeline/<stack>` for the stack's parameters; with `function:` in front a rotation
            function, its role and its log group.
        prune: delete, with the recovery window, what left the YAML.
        deep: also read what a list does not show and a mark vouches for: policies, key policies, replicas, consumers.
        wait_seconds: how long to wait for databases that are being made, or whose password is being set; 0 for the few
            seconds that every run waits.
        only: what the run is restricted to: the changes that were approved, the resources that were named.
        reads_back: the checks also read what the run itself wrote, as in a verification; so they do in a deep run.
    """

    adopt: tuple[str, ...] = ()
    prune: bool = False
    deep: bool = False
    wait_seconds: float = 0.0
    only: tuple[Only, ...] = ()
    reads_back: bool = False

    def adopts(self, name: str, *, of_another: bool = False) -> bool:
        """Whether the operator takes over the thing of that name; of a rotation function `adopts_function` says it.

        Args:
            name: of the thing.
            of_another: whether its mark or note names another repository. A glob takes over no such thing: the operator
                has to write its whole name.
        """
        return name in self.adopt if of_another else any(fnmatch.fnmatchcase(name, glob) for glob in self.adopt)

    def adopts_function(self, name: str, *, of_another: bool = False) -> bool:
        """Whether the operator takes over a rotation function of that name, its role and log group with it."""
        globs = [one.removeprefix(_FUNCTION) for one in self.adopt if one.startswith(_FUNCTION)]
        return name in globs if of_another else any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def pruning(spec: StackSpec, options: ApplyOptions, name: str = "NAME", *, named: bool = True) -> str:
    """Write what deletes something that is not declared any more, as the subject of a sentence and its verb.

    Args:
        spec: of the stack that it belonged to.
        options: of the run; where it prunes a retired stack, nobody has to be told how.
        name: of the thing.
        named: whether its mark names the repository; without that it is deleted only where it is also adopted by name.
    """
    if spec.retired and options.prune and named:
        return "it is deleted"
    adopt = "" if named else f" --adopt {name}"
    # Of many alike one sentence is told.
    command = "orphans --prune NAME" if spec.retired else "apply --prune"
    return f"`{command}{adopt}` deletes it"


def adoption(stack: str, name: str) -> str:
    """Write the command that takes one thing over, for the text that refuses it without; see `function_named`."""
    return f"`apply -s {shlex.quote(stack)} --adopt {shlex.quote(name)}`"


def function_named(name: str) -> str:
    """Write what `--adopt` calls a rotation function: whoever writes YAML may give it the name of another thing."""
    return f"{_FUNCTION}{name}"
