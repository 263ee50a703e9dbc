"""Find what a reading saw otherwise than a commit has it."""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable, Iterator, Mapping

from secrets_pipeline.operations.revision.commits import Commit
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.readable import relative, tracks, within

_OTHER_KIND = "missing, or of another kind"
_MOST_LINKS = 40  # that lead to each other, as in Linux


def differences(seen: disk.Seen, commit: Commit, top: str) -> Mapping[str, str]:
    """Find what a reading saw otherwise than a commit has it: files that it read, missed, or did not find tracked.

    What nobody asked for may differ. Files from outside of the clone are in no commit.

    Args:
        seen: by the reading.
        commit: of the clone.
        top: the clone's folder, without links.

    Returns:
        Path → digest of its content, or what is the matter with it.

    Raises:
        UnreadableCommitError: if the commit cannot be read.
    """
    found: dict[str, str] = {}
    for path, content in list(seen.contents.items()):
        inside = within(path, top)
        known = commit.find(relative(path, top)) if inside else None
        if known is None or known.digest != content.digest:
            found[relative(path, top) if inside else path] = content.digest
    for (question, about), answer in list(seen.answers.items()):
        found.update(_otherwise(question, about, answer, commit, top))
    return found


def _otherwise(
    question: object, about: Hashable, answer: object, commit: Commit, top: str
) -> Iterator[tuple[str, str]]:
    if question is tracks and isinstance(about, tuple):
        name = relative(os.path.join(*about), top)  # noqa: PTH118 - names may be no UTF-8
        if answer is not True and commit.find(name) is not None:
            yield name, "not tracked"
    if not isinstance(about, str) or not within(about, top):
        return
    name = relative(about, top)
    if question is disk.listing and isinstance(answer, tuple):
        listed: dict[str, disk.Entry] = {entry.name: entry for entry in answer}
        for below, mode in commit.kinds(name).items():
            entry = listed.get(below)
            if below[:1] != "." and (entry is None or not (entry.is_link or _is_folder(mode) == entry.is_folder)):
                yield f"{name}/{below}".lstrip("/"), _OTHER_KIND
    elif question in (os.path.isfile, os.path.isdir) and name:
        if _is_another(about, name, commit, is_it=bool(answer), folder=question is os.path.isdir):
            yield name, _OTHER_KIND
    elif question is disk.links_followed and answer != about:
        yield from _links(about, commit, top)


def _is_another(path: str, name: str, commit: Commit, *, is_it: bool, folder: bool) -> bool:
    """Whether a path is a file, or a folder, where the commit has none, or the reverse."""
    known = commit.find(name)
    if known is not None:
        return not known.is_link and is_it != (known.is_folder == folder)
    above, _, last = name.rpartition("/")
    # A link that leads there is compared itself; a submodule that nobody fetched is an empty folder.
    return is_it and disk.links_followed(path) == path and last not in commit.kinds(above)


def _is_folder(mode: int) -> bool:
    """Whether an entry of a tree is a folder; a submodule is one on disk."""
    return stat.S_ISDIR(mode) or not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def _links(path: str, commit: Commit, top: str) -> Iterator[tuple[str, str]]:
    """Links on the way to a path, each that the commit has not, or leads elsewhere."""
    for _ in range(_MOST_LINKS):
        if not within(path, top):
            return
        parts = relative(path, top).split("/")
        for count in range(1, len(parts) + 1):
            name = "/".join(parts[:count])
            place = os.path.join(top, name)  # noqa: PTH118 - names may be no UTF-8
            if os.path.islink(place):  # noqa: PTH114 - the same
                target = os.readlink(place)  # noqa: PTH115 - the same
                known = commit.find(name)
                if known is None or not known.is_link or known.content != os.fsencode(target):
                    yield name, disk.digest_of(os.fsencode(target))
                rest = parts[count:]
                path = os.path.normpath(os.path.join(os.path.dirname(place), target, *rest))  # noqa: PTH118, PTH120 - the same
                break
        else:
            return
