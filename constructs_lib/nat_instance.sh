#!/bin/bash
# Sends what private subnets send to the internet on, as a NAT instance. Runs at each boot.
#
# The route of the subnets leads to a network interface that outlives the instance: the tag Interface
# of the instance has its id. It brings packets in; they leave by the instance's own interface, which
# has a public address.
set -euo pipefail

metadata_url=http://169.254.169.254/latest
token=$(curl --silent --show-error --fail --retry 5 --request PUT "$metadata_url/api/token" \
  --header "X-aws-ec2-metadata-token-ttl-seconds: 21600")

metadata() {
  curl --silent --show-error --fail --retry 5 "$metadata_url/meta-data/$1" \
    --header "X-aws-ec2-metadata-token: $token"
}

# Prints the ids of the attached interfaces; a MAC address in this list ends with a slash.
attached() {
  for mac in $(metadata network/interfaces/macs/); do
    metadata "network/interfaces/macs/$mac"interface-id
    echo
  done
}

AWS_DEFAULT_REGION=$(metadata placement/region)
export AWS_DEFAULT_REGION
instance=$(metadata instance-id)
interface=$(metadata tags/instance/Interface)
own=$(metadata "network/interfaces/macs/$(metadata mac)/interface-id")

# Until the instance before this one has ended, and until the role's policy is in force, EC2 refuses.
# Answers from the internet to a node leave by the instance's own interface too, with addresses that
# are not its.
until attached | grep --line-regexp "$interface" > /dev/null; do
  {
    aws ec2 modify-network-interface-attribute --network-interface-id "$own" \
      --no-source-dest-check &&
      aws ec2 attach-network-interface --network-interface-id "$interface" \
        --instance-id "$instance" --device-index 1
  } || sleep 5
done

# A loose filter: an address may be reached by another interface than its packets came in by.
sysctl --quiet --write net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
nft --file /etc/nat-instance.nft
