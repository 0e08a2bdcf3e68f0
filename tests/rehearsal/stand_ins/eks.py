"""EKS as a stateful echo: what is asked for exists at once, and is told back as EKS tells it."""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

from . import eks_documents
from .eks_errors import (
    EksError,
    InUseError,
    NotFoundError,
    ScalingError,
    UnsupportedVersionError,
)
from .faults import Faults
from .loopback import Loopback, Request, Response

Document = dict[str, Any]

# How long what was deleted is still seen leaving. Longer than a client needs to look once.
LEAVING_SECONDS: Final = 1.0

# By the path below a cluster: what one is called, what holds the list, how one is made.
CHILDREN: Final[Mapping[str, tuple[str, str, Callable[[Document, Document], Document]]]] = (
    MappingProxyType(
        {
            "node-groups": ("nodegroup", "nodegroups", eks_documents.node_group),
            "addons": ("addon", "addons", eks_documents.addon),
            "access-entries": ("accessEntry", "accessEntries", eks_documents.access_entry),
        }
    )
)
TOKEN: Final = "clientRequestToken"  # noqa: S105 - of a request, not a secret
NAMES: Final = ("nodegroupName", "addonName", "principalArn")


class Eks(Loopback):
    """The EKS API; ``endpoint`` and ``ca_data`` (base64) are those of all its clusters.

    While ``slow`` is set, clusters are still being made.
    """

    def __init__(
        self,
        endpoint: str = "https://127.0.0.1:1",
        ca_data: str = "bm9uZQ==",
        security_group: str = "sg-0123456789abcdef0",
        vpc: str = "vpc-0123456789abcdef0",
    ) -> None:
        """Start with no cluster."""
        super().__init__()
        self.endpoint = endpoint
        self.ca_data = ca_data
        self._security_group = security_group
        self._vpc = vpc
        # Keys are what comes after /clusters/: ("langfuse",), ("langfuse", "addons", "coredns").
        self._documents: dict[tuple[str, ...], Document] = {}
        self._tokens: dict[tuple[str, ...], str | None] = {}
        self._policies: dict[tuple[str, ...], dict[str, Document]] = {}
        self._updates: dict[str, Document] = {}
        self._gone_at: dict[tuple[str, ...], float] = {}
        self.faults = Faults()
        self.slow = False
        routes: dict[str, Callable[..., Document]] = {
            "clusters": self._clusters,
            "clusters/([^/]+)": self._cluster,
            "clusters/([^/]+)/updates/([^/]+)": self._describe_update,
            "clusters/([^/]+)/(updates|update-config)": self._update,
            f"clusters/([^/]+)/({'|'.join(CHILDREN)})": self._children,
            f"clusters/([^/]+)/({'|'.join(CHILDREN)})/([^/]+)": self._child,
            "clusters/([^/]+)/(node-groups|addons)/([^/]+)/(update[a-z-]*)": self._update_child,
            "clusters/([^/]+)/access-entries/([^/]+)/access-policies(?:/(.+))?": self._policy,
            "addons/supported-versions": self._addon_versions,
            "cluster-versions": self._cluster_versions,
            "tags/(.+)": self._tags,
        }
        self._routes = {re.compile(route): handler for route, handler in routes.items()}

    def resources(self) -> list[str]:
        """Name everything that exists and is not on its way out."""
        with self.lock:
            self._let_go()
            left = [key for key in self._documents if key not in self._gone_at]
            return ["eks " + "/".join(("clusters", *key)) for key in sorted(left)]

    def fail_next(self, times: int, status: int, code: str, matching: str = "") -> None:
        """Refuse the next ``times`` requests, if like ``matching``: ``"POST /clusters$"``, say."""
        self.faults.plan(times, status, code, matching)

    def answer(self, request: Request) -> Response:
        """Answer as the REST API of EKS does."""
        try:
            self._let_go()
            fault = self.faults.meet(f"{request.method} {unquote(request.path)}")
            if fault:
                raise EksError(fault.status, fault.code, "The rehearsal wants it so.")  # noqa: TRY301
            return Response(body=self._dispatch(request))
        except EksError as error:
            body = {"message": str(error), "__type": error.code}
            return Response(error.status, body, {"x-amzn-ErrorType": error.code})

    def _let_go(self) -> None:
        now = time.monotonic()
        for key in [key for key, gone_at in self._gone_at.items() if gone_at <= now]:
            del self._gone_at[key]
            self._documents.pop(key, None)
            self._policies.pop(key, None)

    def _dispatch(self, request: Request) -> Document:
        for route, handler in self._routes.items():
            # Percent-encoded still: the slashes of an ARN are no part of the path.
            if found := route.fullmatch(request.path.strip("/")):
                return handler(request, *(unquote(group or "") for group in found.groups()))
        raise EksError(404, "UnknownOperationException", f"{request.method} {request.path}")

    def _get(self, key: tuple[str, ...]) -> Document:
        if key not in self._documents:
            raise NotFoundError("/".join(key))
        return self._documents[key]

    def _add(self, key: tuple[str, ...], document: Document, token: str | None) -> Document:
        """Keep a document; the same request a second time, by its token, is answered as the first.

        The SDK sends it again where a connection broke before the answer came.
        """
        if key not in self._documents:
            self._documents[key] = document
            self._tokens[key] = token
        elif token is None or self._tokens[key] != token:
            raise InUseError("/".join(key))
        return self._documents[key]

    def _below(self, prefix: tuple[str, ...]) -> list[tuple[str, ...]]:
        length = len(prefix)
        return [key for key in self._documents if len(key) > length and key[:length] == prefix]

    def _clusters(self, request: Request) -> Document:
        if request.method == "GET":
            return {"clusters": [key[0] for key in self._documents if len(key) == 1]}
        given = request.json
        version = given.get("version")
        if version and version not in {each[0] for each in eks_documents.CLUSTER_VERSIONS}:
            raise UnsupportedVersionError(version)
        document = eks_documents.cluster(
            given, self.endpoint, self.ca_data, self._security_group, self._vpc
        )
        return {"cluster": self._add((given["name"],), document, given.get(TOKEN))}

    def _cluster(self, request: Request, name: str) -> Document:
        cluster = self._one(request, name)
        return {"cluster": {**cluster, "status": "CREATING"} if self.slow else cluster}

    def _one(self, request: Request, *key: str) -> Document:
        document = self._get(key)
        if request.method == "DELETE":
            below = self._below(key)
            for each in below:
                if len(key) == 1 and each[1] == "node-groups":
                    raise InUseError("/".join(each))
            for each in (key, *below):
                self._gone_at.setdefault(each, time.monotonic() + LEAVING_SECONDS)
            document["status"] = "DELETING"
        return document

    def _children(self, request: Request, name: str, kind: str) -> Document:
        parent = self._get((name,))
        one, many, make = CHILDREN[kind]
        if request.method == "GET":
            return {many: [key[-1] for key in self._below((name, kind))]}
        given = request.json
        child = next(given[each] for each in NAMES if each in given)
        return {one: self._add((name, kind, child), make(given, parent), given.get(TOKEN))}

    def _child(self, request: Request, *key: str) -> Document:
        document = self._get(key)
        if key[1] == "access-entries":
            if request.method == "POST":
                document.update(request.json, modifiedAt=time.time())
            elif request.method == "DELETE":  # gone at once, without a status to be seen
                self._gone_at[key] = 0
                return {}
        else:
            document = self._one(request, *key)
        return {CHILDREN[key[1]][0]: document}

    def _update(self, request: Request, name: str, what: str) -> Document:
        return self._change(request, (name,), what)

    def _update_child(self, request: Request, *path: str) -> Document:
        return self._change(request, path[:3], path[3])

    def _describe_update(self, _: Request, __: str, update_id: str) -> Document:
        return {"update": self._updates[update_id]}

    def _change(self, request: Request, key: tuple[str, ...], what: str) -> Document:
        document = self._get(key)
        size = request.json.get("scalingConfig")
        if size:
            size = document["scalingConfig"] | size
            if not 0 <= size["minSize"] <= size["desiredSize"] <= size["maxSize"] != 0:
                raise ScalingError(size)
        eks_documents.change(document, request.json)
        update: Document = {"id": str(uuid.uuid4()), "status": "Successful", "errors": []}
        update |= {"type": what, "params": [], "createdAt": time.time()}
        self._updates[update["id"]] = update
        return {"update": update}

    def _addon_versions(self, request: Request) -> Document:
        query = {name: values[0] for name, values in request.query.items()}
        names = [query["addonName"]] if "addonName" in query else eks_documents.ADDON_VERSIONS
        version = query.get("kubernetesVersion", eks_documents.CLUSTER_VERSIONS[0][0])
        return {"addons": [eks_documents.addon_versions(name, version) for name in names]}

    def _cluster_versions(self, request: Request) -> Document:
        asked = request.query.get("clusterVersions")
        found = eks_documents.cluster_versions()
        if asked:
            found = [each for each in found if each["clusterVersion"] in asked]
        return {"clusterVersions": found}

    def _policy(self, request: Request, name: str, principal: str, policy: str) -> Document:
        key = (name, "access-entries", principal)
        self._get(key)
        names = {"clusterName": name, "principalArn": principal}
        policies = self._policies.setdefault(key, {})
        if request.method == "GET":
            return {**names, "associatedAccessPolicies": list(policies.values())}
        if request.method == "DELETE":
            if policies.pop(policy, None) is None:
                raise NotFoundError(policy)
            return {}
        now = time.time()
        given = request.json
        policies[given["policyArn"]] = {**given, "associatedAt": now, "modifiedAt": now}
        return {**names, "associatedAccessPolicy": policies[given["policyArn"]]}

    def _tags(self, request: Request, arn: str) -> Document:
        arns = {"arn", "nodegroupArn", "addonArn", "accessEntryArn"}
        found = [each for each in self._documents.values() if arn in {each.get(a) for a in arns}]
        if not found:
            raise NotFoundError(arn)
        tags: dict[str, str] = found[0]["tags"]
        if request.method == "GET":
            return {"tags": tags}
        if request.method == "POST":
            tags |= request.json["tags"]
        for name in request.query.get("tagKeys", []):
            tags.pop(name, None)
        return {}
