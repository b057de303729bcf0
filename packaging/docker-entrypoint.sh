#!/bin/sh
# Makes the folder's configuration at the first start; then becomes the peer (no shell stays in between, so signals reach it).
# Settings come as CLUSTER_* variables, as for Go's image.
set -eu
folder=${IPFS_CLUSTER_PATH:-/data/helia-cluster}
if [ "${1:-daemon}" = daemon ] && [ ! -f "$folder/service.json" ]; then
  helia-cluster-service -c "$folder" init
fi
exec helia-cluster-service -c "$folder" "$@"
