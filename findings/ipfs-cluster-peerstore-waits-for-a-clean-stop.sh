#!/usr/bin/env bash
# github.com/ipfs-cluster/ipfs-cluster@v1.1.6 (Go 1.26): a peer's `peerstore`, the file of addresses by which it finds the others when it starts, is written when it is stopped,
# and at no other time.
#
# A good guess: a peer that joined others keeps their addresses, since that is what the file is for, and `daemon --bootstrap` is needed once. It is so for peers that were stopped.
# After a power cut (or a kill for want of memory) in the first run all files are as empty as `init` made them, and peers without mDNS between them start alone, each with a pinset
# that goes its own way until somebody gives an address again.
#
# Seen (this script prints it):
#   both list 2 peers; addresses kept by the one that joined: 0
#   killed: 0
#   joined again, stopped: 1
set -euo pipefail
command -v go >/dev/null || { echo 'needs go'; exit 2; }
dir=$(mktemp -d); pids=()
trap 'kill -9 ${stub:-} "${pids[@]}" 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > go.mod <<'MOD'
module finding

go 1.26

require github.com/ipfs-cluster/ipfs-cluster v1.1.6
MOD
cat > tools.go <<'GO'
//go:build tools

package finding

import _ "github.com/ipfs-cluster/ipfs-cluster/cmd/ipfs-cluster-service"
GO
# pinned in go.mod: ipfs-cluster@1.1.6
go mod tidy >/dev/null 2>&1
mkdir stub
cat > stub/main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"os"
)

// What a peer asks its IPFS daemon for before it calls itself ready.
func main() {
	http.HandleFunc("/api/v0/id", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"ID":"12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf","Addresses":[]}`)
	})
	http.HandleFunc("/api/v0/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	panic(http.ListenAndServe(os.Args[1], nil))
}
GO
timeout 600 go build -o service github.com/ipfs-cluster/ipfs-cluster/cmd/ipfs-cluster-service
go build -o ipfs ./stub
export CLUSTER_SECRET=0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 CLUSTER_MDNSINTERVAL=0 CLUSTER_PEERNAME=peer
base=$((20000 + RANDOM % 20000))

export CLUSTER_IPFSHTTP_NODEMULTIADDRESS=/ip4/127.0.0.1/tcp/$((base + 40))
./ipfs "127.0.0.1:$((base + 40))" & stub=$!

daemon() { # NUMBER ARGUMENTS…
  local number=$1; shift
  CLUSTER_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/$((base + number)) CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/$((base + 10 + number)) \
    CLUSTER_IPFSPROXY_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/$((base + 20 + number)) CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/$((base + 30 + number)) \
    ./service -c "$dir/$number" daemon "$@" >"$dir/$number.log" 2>&1 &
  pids+=($!)
}
peers() { curl -s "http://127.0.0.1:$((base + 10 + $1))/peers" | grep -o '"peername":"peer"' | wc -l; }
both() { # starts both, the second one joining the first, until each lists two
  pids=()
  daemon 1
  id=$(sed -n 's/.*"id": "\(12D3[^"]*\)".*/\1/p' "$dir/1/identity.json")
  for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$((base + 11))/id" && break; sleep 0.2; done
  daemon 2 --bootstrap "/ip4/127.0.0.1/tcp/$((base + 1))/p2p/$id"
  for _ in $(seq 300); do [ "$(peers 1)" = 2 ] && [ "$(peers 2)" = 2 ] && return; sleep 0.2; done
  { echo 'the peers did not find each other'; tail -3 1.log 2.log; } >&2; exit 1
}
kept() { grep -c /p2p/ "$dir/2/peerstore" || true; }
ended() { wait "${pids[@]}" 2>/dev/null || true; pids=(); }

for number in 1 2; do ./service -c "$dir/$number" init --consensus crdt >/dev/null 2>&1; done
{
  both
  echo "both list 2 peers; addresses kept by the one that joined: $(kept)"
  kill -9 "${pids[@]}"; ended
  echo "killed: $(kept)"
  both
  kill -TERM "${pids[@]}"; ended
  echo "joined again, stopped: $(kept)"
} >seen
cat seen
printf '%s\n' 'both list 2 peers; addresses kept by the one that joined: 0' 'killed: 0' 'joined again, stopped: 1' | diff - seen >&2
