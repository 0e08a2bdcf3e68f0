"""Stages of kwok, which simulates the machines and the EBS driver.

Whatever Kubernetes does itself (binding, protecting and releasing volumes, counting pods) is left
to its controllers.
"""

from typing import Any, Final

ALIVE: Final = ".metadata.deletionTimestamp == null"
NODE_UNREADY: Final = 'any(.status.conditions[]?; .type == "Ready" and .status == "True") | not'
# Pods get the pull secrets of their service account. A pod with this one runs until a test ends it.
HELD: Final = "rehearsal-held"
RUNNING_JOB: Final = f"""
.status.phase == "Running" and any(.metadata.ownerReferences[]?; .kind == "Job")
and (any(.spec.imagePullSecrets[]?; .name == "{HELD}") | not)
"""
PLACED_CLAIM: Final = """
.spec.volumeName == null
and .metadata.annotations["volume.kubernetes.io/selected-node"] != null
and .metadata.annotations["volume.kubernetes.io/storage-provisioner"] == "ebs.csi.aws.com"
"""
UNUSED_VOLUME: Final = (
    '.status.phase == "Released" and .spec.persistentVolumeReclaimPolicy == "Delete"'
)
NODE_READY: Final = """
conditions:
- {type: Ready, status: "True", lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
"""
POD_READY: Final = """
phase: Running
startTime: {{ Now | Quote }}
conditions:
{{ range list "Initialized" "ContainersReady" "Ready" }}
- {type: {{ . }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ first . }}
podIPs: [{ip: {{ first . }}}]
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: {{ if eq (default "" .restartPolicy) "Always" }}{running: {}}{{ else }}{terminated: {exitCode: 0}}{{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0, state: {running: {}}}
{{ end }}
"""
POD_SUCCEEDED: Final = """
phase: Succeeded
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  restartCount: 0
  state: {terminated: {exitCode: 0, reason: Completed}}
{{ end }}
"""
VOLUME: Final = """
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
  annotations: {pv.kubernetes.io/provisioned-by: ebs.csi.aws.com}
spec:
  accessModes: {{ .spec.accessModes | toJson }}
  capacity: {{ .spec.resources.requests | toJson }}
  storageClassName: {{ .spec.storageClassName }}
  persistentVolumeReclaimPolicy: Delete
  claimRef:
    apiVersion: v1
    kind: PersistentVolumeClaim
    namespace: {{ .metadata.namespace }}
    name: {{ .metadata.name }}
    uid: {{ .metadata.uid }}
  csi: {driver: ebs.csi.aws.com, fsType: ext4, volumeHandle: vol-{{ .metadata.uid | replace "-" "" | trunc 17 }}}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions:
        - key: topology.kubernetes.io/zone
          operator: In
          values: [{{ index (splitList "." (index .metadata.annotations "volume.kubernetes.io/selected-node")) 1 }}]
"""


def _stage(name: str, kind: str, when: str, step: dict[str, Any]) -> dict[str, Any]:
    condition = {"key": when, "operator": "In", "values": ["true"]}
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": [{"jq": condition}]},
            "steps": [step],
        },
    }


def _status(template: str) -> dict[str, Any]:
    return {"patch": {"root": "status", "subresource": "status", "template": template}}


def kwok_stages() -> list[dict[str, Any]]:
    """Return all stages: which object changes, when, and how.

    Claims are recognised by the provisioner their class names, as the driver does, so any class
    name will do. The volume lands in the zone of the node that the scheduler chose, which is the
    second part of that node's name.
    """
    return [
        _stage("node-ready", "Node", NODE_UNREADY, _status(NODE_READY)),
        _stage("pod-ready", "Pod", f'{ALIVE} and .status.phase == "Pending"', _status(POD_READY)),
        _stage("job-complete", "Pod", f"{ALIVE} and {RUNNING_JOB}", _status(POD_SUCCEEDED)),
        _stage("pod-delete", "Pod", f"{ALIVE} | not", {"delete": True}),
        _stage(
            "claim-provision",
            "PersistentVolumeClaim",
            f"{ALIVE} and {PLACED_CLAIM}",
            {"apply": {"template": VOLUME}},
        ),
        _stage(
            "volume-delete", "PersistentVolume", f"{ALIVE} and {UNUSED_VOLUME}", {"delete": True}
        ),
    ]
