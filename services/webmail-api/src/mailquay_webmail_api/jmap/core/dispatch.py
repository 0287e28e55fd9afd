"""Runs a request's calls in their order, and answers each (RFC 8620 §3.2 to §3.7)."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from mailquay.blobs import BlobUnavailable
from mailquay.delivery import Unavailable
from mailquay.runtime import metrics
from mailquay.store import Forgotten, StoreUnavailable
from mailquay_webmail_api.jmap.core.context import Context, JsonObject, Method
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.core.ijson import holds_nul
from mailquay_webmail_api.jmap.core.references import resolve_references
from mailquay_webmail_api.jmap.core.request import Request

__all__ = ["Dispatcher"]

_LOG: Final = logging.getLogger(__name__)
#: The one method without an account (RFC 8620 §4).
_ECHO: Final = "Core/echo"

Response = tuple[str, JsonObject, str]


class Dispatcher:
    """Knows the methods of each capability."""

    def __init__(self, capabilities: Mapping[str, Mapping[str, Method]]) -> None:
        self._capabilities = capabilities
        #: Where the time of each known method is counted.
        self._seconds = {
            name: metrics.JMAP_SECONDS.labels(name)
            for methods in capabilities.values()
            for name in methods
        }

    async def run(self, request: Request, context: Context) -> JsonObject:
        """Run all calls; one that fails does not keep the later ones from running."""
        methods: dict[str, Method] = {}
        for capability in request.using:
            methods |= self._capabilities[capability]
        if request.created_ids is not None:
            context.created_ids |= request.created_ids
        responses: list[Response] = []
        for call in request.calls:
            name, arguments = await self._call(
                methods, call.name, call.arguments, context, responses
            )
            responses.append((name, arguments, call.call_id))
            # What a method wants called after it is answered under its own call id.
            while context.follow_ups:
                following = context.follow_ups.pop(0)
                name, arguments = await self._call(
                    self._all(), following.method, following.arguments, context, responses
                )
                responses.append((name, arguments, call.call_id))
        answer: JsonObject = {"methodResponses": responses}
        if request.created_ids is not None:
            answer["createdIds"] = context.created_ids
        return answer

    def _all(self) -> dict[str, Method]:
        """A follow-up's capability need not be in ``using``: the client has not called it."""
        return {
            name: method
            for methods in self._capabilities.values()
            for name, method in methods.items()
        }

    async def _call(
        self,
        methods: Mapping[str, Method],
        name: str,
        arguments: JsonObject,
        context: Context,
        responses: list[Response],
    ) -> tuple[str, JsonObject]:
        begun = time.perf_counter()
        label = name if name in self._seconds else "unknown"
        try:
            method = methods.get(name)
            if method is None:
                raise MethodError("unknownMethod")
            arguments = resolve_references(arguments, responses)
            if name != _ECHO:
                _check_account(arguments, context)
                if holds_nul(arguments):
                    raise MethodError.invalid_arguments("a string holds U+0000")
            answer = await method(context, arguments)
        except MethodError as error:
            result, outcome, answer = "error", str(error.response["type"]), error.response
        except Forgotten as error:  # RFC 8620 §5.2, §5.6
            outcome = "cannotCalculateChanges"
            result, answer = "error", {"type": outcome, "description": str(error)}
        except (StoreUnavailable, BlobUnavailable, Unavailable) as error:
            _LOG.warning("%s: not answered: %s", label, error)
            outcome = "serverUnavailable"
            result, answer = "error", {"type": outcome, "description": "try again in a moment"}
        except Exception:
            _LOG.exception("%s failed", label)
            outcome = "serverFail"
            result, answer = "error", {"type": outcome, "description": "something went wrong here"}
        else:
            result, outcome = name, "ok"
        if result == "error":
            context.follow_ups.clear()
        metrics.JMAP_CALLS.labels(label, outcome).inc()
        if label == name:
            self._seconds[name].observe(time.perf_counter() - begun)
        return result, answer


def _check_account(arguments: dict[str, Any], context: Context) -> None:
    given = arguments.get("accountId")
    if not isinstance(given, str):
        raise MethodError.invalid_arguments("accountId is missing or not a string")
    if given != account_id(context.account.id):
        raise MethodError("accountNotFound")
