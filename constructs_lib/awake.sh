# Wakes an installation that sleeps (docs/awake-hours.md), or puts it to sleep, by the AWS CLI.
#
# ACTION: wake or sleep. NAME, REGION: of the installation. NAMESPACE: of its pods; empty for the
# database alone. WITHOUT_CLUSTER: status to end with where there is none. Of what is as it should be
# already, nothing is changed.
set -eu
export AWS_PAGER=

call() { aws "$@" --region "$REGION" --output text; }

database() {
  call rds describe-db-instances \
    --query "DBInstances[?DBInstanceIdentifier=='$NAME'].DBInstanceStatus"
}

# Of a status that has nothing to do with sleep, nothing is waited for.
wake_database() {
  status=$(database)
  while [ "$status" = stopping ]; do
    sleep 10
    status=$(database)
  done
  if [ "$status" = stopped ]; then
    echo "The database sleeps: starting it, which takes minutes."
    call rds start-db-instance --db-instance-identifier "$NAME" >/dev/null
    status=starting
  fi
  if [ "$status" = starting ]; then
    call rds wait db-instance-available --db-instance-identifier "$NAME"
  fi
}

sleep_database() {
  status=$(database)
  if [ "$status" = available ]; then
    echo "Stopping the database."
    call rds stop-db-instance --db-instance-identifier "$NAME" >/dev/null
  fi
}

# $1: group, $2: nodes that it is to have, $3: the most that it may have.
resize() {
  call eks wait nodegroup-active --cluster-name "$NAME" --nodegroup-name "$1"
  call eks update-nodegroup-config --cluster-name "$NAME" --nodegroup-name "$1" \
    --scaling-config "minSize=0,maxSize=$3,desiredSize=$2" >/dev/null
  call eks wait nodegroup-active --cluster-name "$NAME" --nodegroup-name "$1"
}

# Sets changed if a group was to be woken or put to sleep.
resize_groups() {
  changed=
  cluster=$(call eks list-clusters --query "clusters[?@=='$NAME']")
  if [ -z "$cluster" ]; then
    echo "There is no cluster $NAME." >&2
    exit "$WITHOUT_CLUSTER"
  fi
  groups=$(call eks list-nodegroups --cluster-name "$NAME" --query nodegroups)
  for group in $groups; do
    nodes=$(scaling "$group" desiredSize)
    most=$(scaling "$group" maxSize)
    if [ "$ACTION" = wake ] && [ "$nodes" = 0 ]; then
      echo "The nodes sleep: starting $most."
      resize "$group" "$most" "$most"
      changed=yes
    elif [ "$ACTION" = sleep ] && [ "$nodes" != 0 ]; then
      echo "Ending $nodes nodes."
      resize "$group" 0 "$most"
      changed=yes
    fi
  done
}

scaling() {
  call eks describe-nodegroup --cluster-name "$NAME" --nodegroup-name "$1" \
    --query "nodegroup.scalingConfig.$2"
}

# What is not ready after a quarter of an hour is said, and judged by whoever needs it.
wait_for_pods() {
  folder=$(mktemp -d)
  trap 'rm -r "$folder"' EXIT
  call eks update-kubeconfig --name "$NAME" --kubeconfig "$folder/config" >/dev/null
  there() { kubectl --kubeconfig "$folder/config" --namespace "$NAMESPACE" "$@"; }
  workloads=$(there get deployments,statefulsets --output name)
  for each in $workloads; do
    echo "Waiting for $each."
    there rollout status "$each" --timeout 15m >/dev/null || echo "$each is not ready."
  done
}

if [ "$ACTION" = sleep ]; then
  resize_groups
  sleep_database
  exit
fi
wake_database
if [ -n "$NAMESPACE" ]; then
  resize_groups
  [ -z "$changed" ] || wait_for_pods
fi
