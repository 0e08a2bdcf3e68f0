"""Availability zones in which an installation can be."""

from typing import Final

# Zones of an installation: EKS and RDS require subnets in two.
ZONES: Final = 2

# Zones where EKS cannot place a control plane. Ids, unlike names, are the same in every account
# (EKS user guide, "VPC and subnet requirements").
ZONES_WITHOUT_EKS: Final = ["use1-az3", "usw1-az2", "cac1-az3"]

# Further ones, such as local zones, have to be enabled.
OPT_IN_STATUS: Final = "opt-in-not-required"
