"""Read and write Parameter Store: what a stack publishes (GetParametersByPath, PutParameter), and what it refers to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, cast

from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.names import stack_folder, store_place
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.cached import Cached, Once
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.references.resolve import Plain, Secret

_AT_ONCE: Final = 10
"""Names that GetParameters takes.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
"""
_FILTERED = 50
"""Names that one filter takes."""


class Parameters:
    """Reads and writes the parameters of one stack, as they are, whoever wrote them.

    Args:
        account: whose AWS.
        stack: logical stack name.
        referred: names of parameters that values of the stack are made of.
        tags: of parameters that are made.

    Attributes:
        folder: what the names of all that the stack publishes begin with, without the slash behind it.
        note: name of the parameter that says whose repository all of it is.
        store_note: name of the parameter that says whose stack's the outputs beside and below it are, where Atmos looks
            for them; None where that is the folder itself, or no name of a parameter.
    """

    def __init__(
        self,
        account: AwsAccount,
        stack: str,
        referred: Collection[str] = (),
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._tags = tags
        self.folder = stack_folder(stack)
        self.note = f"{self.folder}/repository"
        place = store_place(stack)
        self.store_note = None if place == f"{self.folder}/stack" else place
        self._account = account
        self._referred = sorted(referred)
        self._together: Once[Mapping[str, str | None]] = Once()
        self._published: Cached[str, Mapping[str, str]] = Cached()
        self._holder: Cached[str, str] = Cached()
        self._taken: Cached[str, None] = Cached()
        self._existing: Cached[tuple[str, ...], frozenset[str]] = Cached()
        self._versions: Cached[str, str | None] = Cached()

    def published(self) -> Mapping[str, str]:
        """Read every parameter in the folder by GetParametersByPath, by name; once a run, and again after a write.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        return self._published.get(self.folder, lambda: parameters_below(self._account, self.folder))

    def in_store(self) -> Mapping[str, str]:
        """Read every parameter where Atmos looks for the stack's outputs, as `published` does; none if in the folder.

        Those of stacks with a longer name are among them.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        if self.store_note is None:
            return {}
        folder = self.store_note.rpartition("/")[0]
        return self._published.get(folder, lambda: parameters_below(self._account, folder))

    def holder(self) -> str:
        """Read the id of the repository that the note names; empty where there is no note.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        return self._holder.get(self.note, lambda: self.published().get(self.note, ""))

    def take(self, repository: str) -> None:
        """Write the note of the repository by PutParameter; once a run, though threads ask for it at once.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        self._taken.get(repository, lambda: self._take(repository))

    def _take(self, repository: str) -> None:
        self.put(self.note, repository)
        # Not read again: other threads are writing in this folder.
        self._holder.learn(self.note, repository)

    def put(self, name: str, text: str) -> None:
        """Write one parameter by PutParameter; nothing in it is secret.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        self._forget(name)
        if self._tags and self._made_with_tags(name, text):
            return
        with calling("PutParameter", name):
            self._account.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)

    def _made_with_tags(self, name: str, text: str) -> bool:
        """Make a parameter with its tags; False if it exists: one call cannot both tag and overwrite.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
        """
        client, tags = self._account.client("ssm"), cast("Any", tag_list(self._tags))
        with calling("PutParameter", name):
            try:
                client.put_parameter(Name=name, Value=text, Type="String", Tags=tags)
            except client.exceptions.ParameterAlreadyExists:
                return False
        return True

    def delete(self, name: str) -> None:
        """Delete one parameter by DeleteParameter; it may be gone already.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        client = self._account.client("ssm")
        self._forget(name)
        with calling("DeleteParameter", name):
            try:
                client.delete_parameter(Name=name)
            except client.exceptions.ParameterNotFound:
                return

    def value_now(self, name: str) -> Plain | Secret | None:
        """Read any parameter by GetParameter now, secret if it is a SecureString; None where there is none.

        Raises:
            AwsError: if Parameter Store or KMS refuses.
        """
        client = self._account.client("ssm")
        with calling("GetParameter", name):
            try:
                parameter = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
            except client.exceptions.ParameterNotFound:
                return None
        value = parameter["Value"]
        return Secret(SecretStr(value)) if parameter["Type"] == "SecureString" else Plain(value)

    def version(self, name: str) -> str | None:
        """Read the version number of any parameter, without decrypting it, once a run; None where there is none.

        Those that the stack refers to are read ten a call (GetParameters); what is read of a SecureString is its
        ciphertext, which is dropped.

        Raises:
            AwsError: if Parameter Store refuses.
        """
        if name in self._referred:
            together = self._together.get(self._read_together)
            if name in together:
                return together[name]
        return self._versions.get(name, lambda: self._read_version(name))

    def existing(self, names: Iterable[str]) -> frozenset[str]:
        """Find which parameters exist, by DescribeParameters, once a run: no value is read, not even encrypted.

        Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html

        Raises:
            AwsError: if Parameter Store refuses.
        """
        wanted = tuple(sorted(set(names)))
        return self._existing.get(wanted, lambda: self._described(wanted))

    def _described(self, names: Sequence[str]) -> frozenset[str]:
        client, found = self._account.client("ssm"), set[str]()
        with calling("DescribeParameters", "declared secrets"):
            for first in range(0, len(names), _FILTERED):
                some = names[first : first + _FILTERED]
                filters = [{"Key": "Name", "Option": "Equals", "Values": list(some)}]
                found |= {one["Name"] for one in pages(client, "describe_parameters", ParameterFilters=filters)}
        return frozenset(found)

    def _forget(self, name: str) -> None:
        in_folder = name.startswith(f"{self.folder}/") or self.store_note is None
        self._published.forget(self.folder if in_folder else str(self.store_note).rpartition("/")[0])

    def _read_together(self) -> Mapping[str, str | None]:
        """The versions of all that the stack refers to; without those that may only be read one by one."""
        found: dict[str, str | None] = {}
        for first in range(0, len(self._referred), _AT_ONCE):
            names = self._referred[first : first + _AT_ONCE]
            with suppress(AwsError), calling("GetParameters", ", ".join(names)):
                answer = self._account.client("ssm").get_parameters(Names=names, WithDecryption=False)
                found |= dict.fromkeys(answer["InvalidParameters"])
                for one in answer["Parameters"]:
                    named = {one["Name"], f"{one['Name']}{one.get('Selector', '')}", one.get("ARN", "")}
                    found |= dict.fromkeys(named.intersection(names), str(one["Version"]))
        return found

    def _read_version(self, name: str) -> str | None:
        client = self._account.client("ssm")
        with calling("GetParameter", name):
            try:
                return str(client.get_parameter(Name=name, WithDecryption=False)["Parameter"]["Version"])
            except client.exceptions.ParameterNotFound:
                return None


def parameters_below(account: AwsAccount, folder: str) -> Mapping[str, str]:
    """Read every parameter in a folder by GetParametersByPath, by name, without decrypting it.

    Raises:
        AwsError: if Parameter Store refuses.
    """
    path = f"{folder}/"
    with calling("GetParametersByPath", path):
        found = pages(account.client("ssm"), "get_parameters_by_path", Path=path, Recursive=True)
        return {parameter["Name"]: parameter["Value"] for parameter in found}
