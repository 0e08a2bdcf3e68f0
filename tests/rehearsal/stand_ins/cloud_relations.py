"""What a Terraform Cloud workspace has besides states: variables, consumers and run triggers."""

from collections.abc import Callable
from typing import Any, Final

from .cloud_workspace import Document, Workspace, data, new_id, refusal
from .loopback import Request, Response

Handler = Callable[..., Response]
NOT_FOUND: Final = refusal(404, "not found")


def listed(documents: list[Document]) -> Response:
    """Return a list that fits one page."""
    page = {"current-page": 1, "total-pages": 1, "total-count": len(documents)}
    return Response(body={"data": documents, "meta": {"pagination": page}})


class Relations:
    """The endpoints that the tfe provider needs to set a workspace up."""

    def __init__(self, by_id: Callable[[str], Workspace | None]) -> None:
        """Keep no workspaces of its own: ``by_id`` finds them."""
        self._by_id = by_id
        self._triggers: dict[str, tuple[str, str]] = {}
        consumers = "workspaces/([^/]+)/relationships/remote-state-consumers"
        self.routes: dict[str, Handler] = {
            f"GET {consumers}": self._consumers,
            f"POST {consumers}": self._add_consumers,
            f"DELETE {consumers}": self._remove_consumers,
            "POST workspaces/([^/]+)/vars": self._new_variable,
            "GET workspaces/([^/]+)/vars/([^/]+)": self._variable,
            "PATCH workspaces/([^/]+)/vars/([^/]+)": self._change_variable,
            "DELETE workspaces/([^/]+)/vars/([^/]+)": self._delete_variable,
            "POST workspaces/([^/]+)/run-triggers": self._new_trigger,
            "GET run-triggers/([^/]+)": self._trigger,
            "DELETE run-triggers/([^/]+)": self._delete_trigger,
        }

    def triggered_by(self, workspace: Workspace) -> list[Workspace]:
        """Return the workspaces that are to run after this one."""
        found = [
            self._by_id(target)
            for target, source in self._triggers.values()
            if source == workspace.id
        ]
        return [each for each in found if each]

    def _consumers(self, _: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        found = [self._by_id(each) for each in sorted(workspace.consumers)]
        return listed([each.document() for each in found if each])

    def _add_consumers(self, request: Request, workspace_id: str) -> Response:
        return self._change_consumers(workspace_id, set.update, request)

    def _remove_consumers(self, request: Request, workspace_id: str) -> Response:
        return self._change_consumers(workspace_id, set.difference_update, request)

    def _change_consumers(
        self, workspace_id: str, change: Callable[[set[str], set[str]], None], request: Request
    ) -> Response:
        given: Any = request.json["data"]
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        change(workspace.consumers, {each["id"] for each in given})
        return Response(204)

    def _new_variable(self, request: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        given = request.json["data"]["attributes"]
        if any(each["key"] == given["key"] for each in workspace.variables.values()):
            return refusal(422, "invalid attribute", "Key has already been taken")
        variable_id = new_id("var")
        workspace.variables[variable_id] = {"hcl": False, "sensitive": False, **given}
        return self._variable(request, workspace_id, variable_id)

    def _variable(self, _: Request, workspace_id: str, variable_id: str) -> Response:
        workspace = self._by_id(workspace_id)
        if not workspace or variable_id not in workspace.variables:
            return NOT_FOUND
        variable = workspace.variables[variable_id]
        shown = {**variable, "value": None} if variable["sensitive"] else variable
        owner = {"configurable": {"data": {"type": "workspaces", "id": workspace_id}}}
        return Response(body={"data": data("vars", variable_id, shown, owner)})

    def _change_variable(self, request: Request, workspace_id: str, variable_id: str) -> Response:
        workspace = self._by_id(workspace_id)
        if not workspace or variable_id not in workspace.variables:
            return NOT_FOUND
        workspace.variables[variable_id] |= request.json["data"]["attributes"]
        return self._variable(request, workspace_id, variable_id)

    def _delete_variable(self, _: Request, workspace_id: str, variable_id: str) -> Response:
        workspace = self._by_id(workspace_id)
        if not workspace or not workspace.variables.pop(variable_id, None):
            return NOT_FOUND
        return Response(204)

    def _new_trigger(self, request: Request, workspace_id: str) -> Response:
        source = request.json["data"]["relationships"]["sourceable"]["data"]["id"]
        if not self._by_id(workspace_id) or not self._by_id(source):
            return NOT_FOUND
        trigger_id = new_id("rt")
        self._triggers[trigger_id] = (workspace_id, source)
        return self._trigger(request, trigger_id)

    def _trigger(self, _: Request, trigger_id: str) -> Response:
        if trigger_id not in self._triggers:
            return NOT_FOUND
        target, source = self._triggers[trigger_id]
        ends = {
            "workspace": {"data": {"type": "workspaces", "id": target}},
            "sourceable": {"data": {"type": "workspaces", "id": source}},
        }
        return Response(body={"data": data("run-triggers", trigger_id, {}, ends)})

    def _delete_trigger(self, _: Request, trigger_id: str) -> Response:
        return Response(204) if self._triggers.pop(trigger_id, None) else NOT_FOUND
