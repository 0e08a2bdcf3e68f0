"""The Kubernetes API as our jobs use it: Deployments, their scales and their pods."""

import json
import re
import time
from typing import Final

from .loopback import Loopback, Request, Response

SCALE: Final = re.compile(r"/apis/apps/v1/namespaces/langfuse/deployments/([\w-]+?)(/scale)?")
PODS: Final = "/api/v1/namespaces/langfuse/pods"


class Deployments(Loopback):
    """Deployments by name; a pod is gone after ``ending`` more looks, at a time in ``gone``."""

    def __init__(self, ending: int = 2) -> None:
        """Have web and worker run."""
        super().__init__()
        self.replicas = {"langfuse-web": 1, "langfuse-worker": 1}
        self.changes: list[tuple[float, str, int]] = []
        self.gone: dict[str, float] = {}
        self.variables: dict[str, str] = {}
        """Environment of the containers."""
        self._ending = ending
        self._looks: dict[str, int] = {}

    def answer(self, request: Request) -> Response:
        """Answer for a scale, or list pods."""
        if request.method == "GET" and request.path == PODS:
            return Response(200, {"items": self._pods(request.query["labelSelector"][0])})
        found = SCALE.fullmatch(request.path)
        if not found or found[1] not in self.replicas:
            return Response(404, {"message": "not found"})
        name = found[1]
        if request.method == "PATCH":
            self.replicas[name] = json.loads(request.body)["spec"]["replicas"]
            self.changes.append((time.time(), name, self.replicas[name]))
            self._looks[name] = self._ending
        number = self.replicas[name]
        if found[2] is None:
            variables = [{"name": key, "value": value} for key, value in self.variables.items()]
            template = {"spec": {"containers": [{"env": variables}]}}
            return Response(200, {"spec": {"replicas": number, "template": template}})
        # The status leaves out pods that are ending.
        return Response(
            200,
            {"spec": {"replicas": number}, "status": {"selector": f"app={name}", "replicas": 0}},
        )

    def _pods(self, selector: str) -> list[dict[str, str]]:
        name = selector.removeprefix("app=")
        if self.replicas[name] or self._looks[name] <= 0:
            self.gone[name] = time.time()
            return [{}] * self.replicas[name]
        self._looks[name] -= 1
        return [{}]
