"""Read Lambda functions by GetFunctionConfiguration, GetFunction, GetPolicy and ListTags, once a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

from secrets_pipeline.access.evaluator import UnreadPolicies
from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.cached import Cached
from secrets_pipeline.reconcilers.observed.function_state import FunctionState

Policy: TypeAlias = Mapping[str, Any] | UnreadPolicies | None

Read = TypeVar("Read")


class Functions:
    """Reads the functions that are reached from one account and region, by name or ARN.

    A refusal of access is kept like an answer: many secrets may have one function that hides itself.

    Args:
        account: whose AWS.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._configurations: Cached[str, Mapping[str, Any] | AwsError | None] = Cached()
        self._functions: Cached[str, FunctionState | AwsError | None] = Cached()
        self._policies: Cached[str, Policy] = Cached()

    def configuration(self, function: str) -> Mapping[str, Any] | None:
        """Call GetFunctionConfiguration, once a run; None where there is no such function.

        Raises:
            AwsError: if Lambda refuses.
        """
        return self._kept(self._configurations, function, self._get_configuration)

    def configuration_now(self, function: str) -> Mapping[str, Any] | None:
        """Call GetFunctionConfiguration now; None where there is no such function.

        Raises:
            AwsError: if Lambda refuses.
        """
        self._configurations.forget(self._key(function))
        return self.configuration(function)

    def function(self, function: str) -> FunctionState | None:
        """Read a function with its tags (GetFunction, ListTags), once a run; return None if it does not exist.

        Raises:
            AwsError: if Lambda refuses the function. If Lambda denies its tags alone, `FunctionState.tags` raises.
        """
        return self._kept(self._functions, function, self._get_function)

    def function_now(self, function: str) -> FunctionState | None:
        """Read a function with its tags (GetFunction, ListTags) now; return None if it does not exist.

        Raises:
            AwsError: as `function`.
        """
        self.forget(function)
        return self.function(function)

    def policy(self, function: str) -> Policy:
        """Read a function's own policy by GetPolicy, once a run; None where it has none.

        Returns:
            UnreadPolicies where it is hidden from us.

        Raises:
            AwsError: if Lambda refuses for another reason than access.
        """
        return self._policies.get(self._key(function), partial(self._get_policy, function))

    def tags_now(self, function: str) -> Mapping[str, str] | None:
        """Read a function's tags by ListTags now; None where there is no such function.

        Raises:
            AwsError: if Lambda refuses.
        """
        # Not kept: who asks whose a function is asks long before anybody plans by what is in it.
        configuration = self._get_configuration(function)
        if configuration is None:
            return None
        return self._list_tags(function, configuration)

    def forget(self, function: str) -> None:
        """Read a function's configuration and tags again next time."""
        self._configurations.forget(self._key(function))
        self._functions.forget(self._key(function))

    def forget_policy(self, function: str) -> None:
        """Read a function's policy again next time."""
        self._policies.forget(self._key(function))

    def _kept(self, cached: Cached[str, Read | AwsError], function: str, read: Callable[[str], Read]) -> Read:
        found = cached.get(self._key(function), lambda: _or_refusal(read, function))
        if isinstance(found, AwsError):
            raise found
        return found

    def _key(self, function: str) -> str:
        """Its name alone, however a function of our own account and region is spelled."""
        return function.removeprefix(self._account.function_arn(""))

    def _get_configuration(self, function: str) -> Mapping[str, Any] | None:
        client = self._account.client("lambda")
        with calling("GetFunctionConfiguration", function):
            try:
                return client.get_function_configuration(FunctionName=function)
            except client.exceptions.ResourceNotFoundException:
                return None

    def _get_function(self, function: str) -> FunctionState | None:
        client = self._account.client("lambda")
        with calling("GetFunction", function):
            try:
                answer = client.get_function(FunctionName=function)
            except client.exceptions.ResourceNotFoundException:
                return None
        # GetFunction has no Tags if the function has none, if the caller lacks lambda:ListTags, and beside TagsError.
        # ListTags tells these apart, so that a denied read is an error and never looks like somebody else's function.
        # https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
        configuration, tags = answer["Configuration"], answer.get("Tags")
        if tags:
            return FunctionState(configuration, tags)
        return FunctionState(
            configuration, _or_refusal(partial(self._list_tags, configuration=configuration), function)
        )

    def _list_tags(self, function: str, configuration: Mapping[str, Any]) -> Mapping[str, str]:
        # A version or an alias has no tags of its own.
        arn = str(Arn.parse(configuration["FunctionArn"]).unqualified)
        with calling("ListTags", function):
            return self._account.client("lambda").list_tags(Resource=arn).get("Tags", {})

    def _get_policy(self, function: str) -> Policy:
        client = self._account.client("lambda")
        try:
            with calling("GetPolicy", function):
                try:
                    document: Mapping[str, Any] = json.loads(client.get_policy(FunctionName=function)["Policy"])
                except client.exceptions.ResourceNotFoundException:
                    return None
        except AwsError as error:
            # A function of another account hides its policy, and works all the same.
            if error.denied:
                return UnreadPolicies(error.message)
            raise
        return document


def _or_refusal(read: Callable[[str], Read], function: str) -> Read | AwsError:
    try:
        return read(function)
    except AwsError as error:
        if error.denied:
            return error
        raise
