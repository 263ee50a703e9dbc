"""KMS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Cryptographic operations check the key's state: DisabledException, KMSInvalidStateException.
  https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
- Key policies must be JSON with statements. They must let their writer call PutKeyPolicy again, unless the check is
  bypassed; where the policy delegates to the account, the writer's IAM policies decide, and a key that is being made
  has neither tags nor aliases to them.
  https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
- RotationPeriodInDays is kept; the waiting period is 7 to 30 days; states that exclude each other are refused.
  https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
- Keys behind `alias/aws/…` have KeyManager AWS and the id that ListAliases shows; that prefix is reserved. That of
  Secrets Manager has AWS's policy.
- A key ARN of another account means that account's key.
- PolicyName may be left out. https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
- KeyUsage has a default. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
- A key pending deletion takes no tag, description or alias. Tags are checked.
  https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html (Errors)
- ListGrants and CreateGrant refuse a key that does not exist; moto fails inside.
- GenerateMac and VerifyMac answer with the key's ARN.
- Encrypt knows DryRun.
- Only asymmetric keys have a key pair, which takes 45 ms of processor time to make.
  https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from moto.kms import models as moto_models
from moto.kms import urls as moto_urls
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse
from moto.kms.utils import RESERVED_ALIASE_TARGET_KEY_IDS, AbstractPrivateKey, KeySpec, generate_private_key

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement import identify
from secrets_pipeline.emulator.enforcement.keys import may_put_policy
from secrets_pipeline.emulator.services import key_policies

ROTATION_DAYS = range(90, 2561)
DEFAULT_ROTATION_DAYS = 365
_WAITING_DAYS = range(7, 31)
_DEFAULTS = {"PolicyName": "default", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False}
_TAGS, _TAG_KEY, _TAG_VALUE = 50, 128, 256
_KEY_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):(?P<account>\d{12}):(key|alias)/.+")


def require_usable(key: Key) -> None:
    """Refuse a key that is not enabled.

    Raises:
        Fault: DisabledException or KMSInvalidStateException.
    """
    if key.key_state == "PendingDeletion":
        raise Fault("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_state != "Enabled":
        raise Fault("DisabledException", f"{key.arn} is disabled.")


def key_pair(spec: str) -> AbstractPrivateKey | None:
    """Make the key pair of an asymmetric key; moto makes one of 50 ms for every key."""
    return generate_private_key(spec) if spec in {*KeySpec.rsa_key_specs(), *KeySpec.ecc_key_specs()} else None


def _require_staying(key: Key) -> None:
    if key.key_state == "PendingDeletion":
        raise Fault("KMSInvalidStateException", f"{key.arn} is pending deletion.")


class EmulatedKmsBackend(KmsBackend):
    """Key material and state, with the state respected."""

    def __init__(self, region_name: str, account_id: str | None = None) -> None:
        super().__init__(region_name, account_id)
        self.rotation_days: dict[str, int] = {}

    def _generate_default_keys(self, alias_name: str) -> str | None:
        target = RESERVED_ALIASE_TARGET_KEY_IDS.get(alias_name)
        if target is None:
            return None
        service = alias_name.removeprefix("alias/aws/")
        policy = key_policies.default(service, self.partition, self.region_name, self.account_id)
        key = self.create_key(
            policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", f"Default key that protects {service}", None
        )
        del self.keys[key.id]
        key.arn, key.id, key.key_manager = key.arn.replace(key.id, target), target, "AWS"
        self.keys[key.id] = key
        self.create_alias(key.id, alias_name)
        return target

    def create_key(self, policy: str | None, key_usage: str, *args: Any, **kwargs: Any) -> Key:  # noqa: ANN401 - moto's
        """Create a key that has a usage."""
        return super().create_key(policy, key_usage or "ENCRYPT_DECRYPT", *args, **kwargs)

    def get_public_key(self, key_id: str) -> tuple[Key, bytes]:
        """Refuse a key that has no key pair."""
        key = self.describe_key(key_id)
        if key.private_key is None:
            raise Fault("UnsupportedOperationException", f"{key.arn} is not an asymmetric KMS key.")
        return super().get_public_key(key_id)

    def get_key_id_from_alias(self, alias_name: str) -> str | None:
        """Look through a copy: Secrets Manager asks while KMS writes."""
        for key in list(self.keys.values()):
            if alias_name in key.aliases:
                return str(key.id)
        return self._generate_default_keys(alias_name)

    def encrypt(self, key_id: str, plaintext: bytes, encryption_context: dict[str, str]) -> tuple[bytes, str]:
        """Encrypt, unless the key's state forbids it; data keys come this way too."""
        key = self.keys.get(self.any_id_to_key_id(key_id))
        if key is not None:
            require_usable(key)
        return super().encrypt(key_id, plaintext, encryption_context)

    def decrypt(
        self, ciphertext_blob: bytes, encryption_context: dict[str, str], key_id: str | None = None
    ) -> tuple[bytes, str]:
        """Decrypt, unless the state of the key that encrypted forbids it."""
        key = self.keys.get(ciphertext_blob[:36].decode("ascii", "replace"))
        if key is not None:
            require_usable(key)
            if key_id is not None and self.any_id_to_key_id(key_id) != key.id:
                raise Fault(
                    "IncorrectKeyException", "The key in the request is not the key that encrypted the ciphertext."
                )
        return super().decrypt(ciphertext_blob, encryption_context, key_id)


class EmulatedKmsResponse(KmsResponse):
    """Checks state and policies before moto's operations run."""

    @property
    def kms_backend(self) -> KmsBackend:
        """The backend of the account that the KeyId names, the caller's otherwise."""
        match = _KEY_ARN.fullmatch(str(self._get_param("KeyId") or ""))
        account = match["account"] if match else self.current_account
        return kms_backends[account][self.region]

    def _validate_key_policy(self, key_id: str, action: str) -> None:
        """Nothing: who may call is judged before, conditions included."""

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Parameters that may be left out have AWS's defaults."""
        return super()._get_param(param_name, _DEFAULTS.get(param_name, if_none))

    def _key(self) -> Key:
        key_id = str(self._get_param("KeyId"))
        self._validate_key_id(key_id)
        key: Key = self.kms_backend.keys[self.kms_backend.any_id_to_key_id(key_id)]
        return key

    def encrypt(self) -> str:
        """Encrypt; a dry run answers with the error that means yes.

        https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
        """
        if self._get_param("DryRun"):
            require_usable(self._key())
            raise Fault(
                "DryRunOperationException", "The request would have succeeded, but the DryRun option is set.", 412
            )
        return super().encrypt()

    def create_key(self) -> str:
        """Create a key under a policy that is well-formed and leaves its writer in."""
        self._check_policy(None)
        self._check_tags({})
        return super().create_key()

    def put_key_policy(self) -> str:
        """Replace the policy by one that is well-formed and leaves its writer in."""
        self._check_policy(self._key())
        return super().put_key_policy()

    def _check_policy(self, key: Key | None) -> None:
        """Check the policy for a key, or for one that is being made."""
        policy, bypassed = self._get_param("Policy"), self._get_param("BypassPolicyLockoutSafetyCheck")
        client = identify(self.current_account, self.access_key, self.region)
        if policy is not None:
            key_policies.check(
                str(policy), lambda text: bool(bypassed) or may_put_policy(text, client, self.region, key)
            )

    def _check_tags(self, present: Mapping[str, str]) -> None:
        """https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html."""
        asked: Sequence[Mapping[str, str]] = self._get_param("Tags") or ()
        keys = [one["TagKey"] for one in asked]
        for index, one in enumerate(asked, start=1):
            for name, most in (("TagKey", _TAG_KEY), ("TagValue", _TAG_VALUE)):
                if len(value := one.get(name) or "") > most:
                    member = f"tags.{index}.member.{name[0].lower()}{name[1:]}"
                    raise Fault(
                        "ValidationException",
                        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
                        f"Member must have length less than or equal to {most}",
                    )
        if any(one.lower().startswith("aws:") for one in keys):
            raise Fault("TagException", "Tags beginning with aws: are reserved")
        if len(set(keys)) < len(keys):
            raise Fault("TagException", "Duplicate tag keys")
        if len({*present, *keys}) > _TAGS:
            raise Fault("TagException", "Too many tags")

    def list_grants(self) -> str:
        """List the grants of a key that exists."""
        self._key()
        return super().list_grants()

    def create_grant(self) -> str:
        """Grant the use of a key that exists."""
        self._key()
        return super().create_grant()

    def generate_mac(self) -> str:
        """Compute a MAC with a key that is enabled and made for it."""
        key = self._key()
        if key.key_usage != "GENERATE_VERIFY_MAC":
            raise Fault(
                "InvalidKeyUsageException",
                f"{key.arn} key usage is {key.key_usage} which is not valid for GenerateMac.",
            )
        return self._with_arn(super().generate_mac)

    def verify_mac(self) -> str:
        """Verify a MAC with a key that is enabled."""
        return self._with_arn(super().verify_mac)

    def sign(self) -> str:
        """Sign with a key that is enabled."""
        return self._with_arn(super().sign)

    def verify(self) -> str:
        """Verify with a key that is enabled."""
        return self._with_arn(super().verify)

    def _with_arn(self, operation: Any) -> str:  # noqa: ANN401 - a bound method of moto's
        key = self._key()
        require_usable(key)
        return json.dumps({**json.loads(operation()), "KeyId": key.arn})

    def enable_key_rotation(self) -> str:
        """Keep the period, 90 to 2,560 days."""
        key, days = self._key(), int(self._get_param("RotationPeriodInDays") or DEFAULT_ROTATION_DAYS)
        require_usable(key)
        if days not in ROTATION_DAYS:
            raise Fault("ValidationException", "RotationPeriodInDays must be between 90 and 2560.")
        _backend(self.kms_backend).rotation_days[key.id] = days
        return super().enable_key_rotation()

    def get_key_rotation_status(self) -> str:
        """Tell the period too."""
        key, status = self._key(), json.loads(super().get_key_rotation_status())
        status["KeyId"] = key.arn
        if status["KeyRotationEnabled"]:
            status["RotationPeriodInDays"] = _backend(self.kms_backend).rotation_days[key.id]
        return json.dumps(status)

    def disable_key(self) -> str:
        """Disable by id or ARN."""
        return self._change_state(enabled=False)

    def enable_key(self) -> str:
        """Enable by id or ARN."""
        return self._change_state(enabled=True)

    def _change_state(self, *, enabled: bool) -> str:
        key = self._key()
        _require_staying(key)
        key.enabled, key.key_state = enabled, "Enabled" if enabled else "Disabled"
        return "{}"

    def update_key_description(self) -> str:
        """Describe a key that stays."""
        _require_staying(self._key())
        return super().update_key_description()

    def tag_resource(self) -> str:
        """Tag a key that stays."""
        key = self._key()
        _require_staying(key)
        self._check_tags(self.kms_backend.tagger.get_tag_dict_for_resource(key.id))
        return super().tag_resource()

    def untag_resource(self) -> str:
        """Untag a key that stays."""
        _require_staying(self._key())
        return super().untag_resource()

    def schedule_key_deletion(self) -> str:
        """Schedule by id or ARN, 7 to 30 days ahead."""
        key, days = self._key(), int(self._get_param("PendingWindowInDays") or 30)
        if days not in _WAITING_DAYS:
            raise Fault("ValidationException", "PendingWindowInDays must be between 7 and 30.")
        _require_staying(key)
        date = self.kms_backend.schedule_key_deletion(key.id, days)
        return json.dumps(
            {"KeyId": key.arn, "DeletionDate": date, "KeyState": key.key_state, "PendingWindowInDays": days}
        )

    def cancel_key_deletion(self) -> str:
        """Cancel by id or ARN; the key is then disabled."""
        key = self._key()
        if key.key_state != "PendingDeletion":
            raise Fault("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        self.kms_backend.cancel_key_deletion(key.id)
        return json.dumps({"KeyId": key.arn})

    def _set_alias(self, update: bool = False) -> str:
        name = str(self._get_param("AliasName"))
        if name.startswith("alias/aws/"):
            raise Fault("NotAuthorizedException", "The alias prefix alias/aws/ is reserved.")
        target = self.kms_backend.keys.get(self.kms_backend.any_id_to_key_id(str(self._get_param("TargetKeyId"))))
        if target is not None:
            _require_staying(target)
        return super()._set_alias(update)


def _backend(backend: KmsBackend) -> EmulatedKmsBackend:
    if not isinstance(backend, EmulatedKmsBackend):
        raise TypeError(backend)
    return backend


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    kms_backends.backend = EmulatedKmsBackend
    moto_models.generate_private_key = key_pair  # type: ignore[assignment,attr-defined] # no export
    moto_urls.url_paths = {"{0}/$": EmulatedKmsResponse.dispatch}
