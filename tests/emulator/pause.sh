# pause.sh LINK BRIDGE PID ADDRESS GATEWAY: holds a pod's network namespace, joined to the bridge of process PID.
set -e
ip -batch - <<BATCH
link set lo up
link add eth0 type veth peer name $1 netns $3
addr add $4/20 dev eth0
link set eth0 up
route add default via $5
BATCH
nsenter --net="/proc/$3/ns/net" ip link set "$1" master "$2" up
echo ready
exec sleep infinity
