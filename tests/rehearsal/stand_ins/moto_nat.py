"""Patches of moto for NAT: gateways and instances that go, other routes, lifetimes."""

# ruff: noqa: SLF001 - the patched members are private

from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route
from moto.kms.models import kms_backends


def apply() -> None:
    """Apply all patches of NAT."""
    _patch_gateway_deletion()
    _patch_instance_termination()
    _patch_default_key()
    _patch_routes_to_interfaces()
    _patch_routes_to_endpoints()
    _patch_instance_lifetime()


def _patch_gateway_deletion() -> None:
    """Delete the network interface of a deleted gateway, and free its address; moto keeps both."""
    original = EC2Backend.delete_nat_gateway

    def delete(self: EC2Backend, nat_gateway_id: str) -> NatGateway:
        gateway = original(self, nat_gateway_id)
        for address in self.describe_addresses():
            if address.eni is gateway._eni:
                self.disassociate_address(association_id=address.association_id)
        self.delete_network_interface(gateway._eni.id)
        return gateway

    EC2Backend.delete_nat_gateway = delete  # type: ignore[method-assign, assignment]


def _patch_instance_termination() -> None:
    """Delete the interfaces that came with an instance, as EC2 does; moto keeps them."""
    original = Instance.terminate

    def terminate(self: Instance) -> InstanceState:
        came_with_it = [each.id for each in self.nics.values() if each.device_index == 0]
        state = original(self)
        for interface in came_with_it:
            self.ec2_backend.enis.pop(interface, None)
        return state

    Instance.terminate = terminate  # type: ignore[method-assign]


def _patch_default_key() -> None:
    """Have AWS manage the key ``aws/ebs`` of encrypted volumes; moto makes it the customer's."""
    original = EC2Backend._create_default_encryption_key

    def create(self: EC2Backend) -> str:
        key_id = original(self)
        kms_backends[self.account_id][self.region_name].describe_key(key_id).key_manager = "AWS"
        return key_id

    EC2Backend._create_default_encryption_key = create  # type: ignore[method-assign, assignment]


def _patch_routes_to_interfaces() -> None:
    """Have a replaced route lead to the given interface, or to none; moto keeps the one before."""
    original = EC2Backend.replace_route

    def replace(self: EC2Backend, *given: Any, **named: Any) -> Route:  # noqa: ANN401
        route = original(self, *given, **named)
        interface = named.get("interface_id")
        route.interface = self.get_network_interface(interface) if interface else None
        return route

    EC2Backend.replace_route = replace  # type: ignore[method-assign, assignment]


def _patch_routes_to_endpoints() -> None:
    """Route a table that is added to a gateway endpoint; moto deletes such a route at the end."""
    original = EC2Backend.modify_vpc_endpoint

    def modify(self: EC2Backend, vpc_id: str, *given: Any, **named: Any) -> None:  # noqa: ANN401
        endpoint = self.vpc_end_points[vpc_id]
        prefixes, before = endpoint.destination_prefix_list_id or "", {*endpoint.route_table_ids}
        original(self, vpc_id, *given, **named)
        for table in {*endpoint.route_table_ids} - before:
            self.create_route(table, None, gateway_id=vpc_id, destination_prefix_list_id=prefixes)
        for table in before - {*endpoint.route_table_ids}:
            self.delete_route(table, prefixes)

    EC2Backend.modify_vpc_endpoint = modify  # type: ignore[method-assign, assignment]


def _patch_instance_lifetime() -> None:
    """Keep the lifetime of a group's instances, of which moto knows nothing."""
    original = AutoScalingResponse.create_auto_scaling_group

    def create(self: AutoScalingResponse) -> ActionResult:
        answer = original(self)
        group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
        lifetime = self._get_int_param("MaxInstanceLifetime")
        group.max_instance_lifetime = lifetime  # type: ignore[attr-defined]
        return answer

    AutoScalingResponse.create_auto_scaling_group = create  # type: ignore[method-assign]
