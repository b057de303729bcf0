#!/usr/bin/env bash
# The pinning service client of Kubo, github.com/ipfs/boxo@v0.42.0 (Go 1.26), package pinning/remote/client: LsSync says "this is all" with pins missing.
#
# A good guess: it asks on until it has as many pins as the service's "count" says, or tells that it couldn't. In fact it asks for the next page with "before" set to the
# time of the last pin it got, and takes the count of each page anew. Pins that were created at that very moment and stood behind the edge of the page are in no page. A service
# that gives times in whole seconds, or that took many pins at once, loses some at every edge: no error, no warning, and `ipfs pin remote ls` prints the shorter list.
# Whoever writes such a service has to give each pin a time of its own.
#
# Seen (this script prints it):
#   25 pins, each of another second: the service counts 25, listed 25, error <nil>
#   25 pins, three of each second: the service counts 25, listed 21, error <nil>
set -euo pipefail
command -v go >/dev/null || { echo 'needs go'; exit 2; }
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	pinclient "github.com/ipfs/boxo/pinning/remote/client"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

var newest = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

type row = map[string]any

// A service that follows the API's document: newest first, "before" excludes the moment it names, "count" is what fits the filter.
func list(count, perSecond int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		limit, _ := strconv.Atoi(query.Get("limit"))
		before, err := time.Parse(time.RFC3339Nano, query.Get("before"))
		found := []row{}
		for at := range count {
			created := newest.Add(-time.Duration(at/perSecond) * time.Second)
			if err == nil && !created.Before(before) {
				continue
			}
			hash, _ := multihash.Sum([]byte(strconv.Itoa(at)), multihash.SHA2_256, -1)
			found = append(found, row{
				"requestid": strconv.Itoa(at), "status": "pinned", "created": created.Format(time.RFC3339),
				"pin": row{"cid": cid.NewCidV1(cid.Raw, hash).String()}, "delegates": []string{"/ip4/127.0.0.1/tcp/4001"},
			})
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(row{"count": len(found), "results": found[:min(limit, len(found))]})
	}
}

func show(what string, count, perSecond int) {
	server := httptest.NewServer(list(count, perSecond))
	defer server.Close()
	client := pinclient.NewClient(server.URL, "a key")
	_, counted, _ := client.LsBatchSync(context.Background())
	listed, err := client.LsSync(context.Background())
	fmt.Printf("%d pins, %s: the service counts %d, listed %d, error %v\n", count, what, counted, len(listed), err)
}

func main() {
	show("each of another second", 25, 1)
	show("three of each second", 25, 3)
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26

require github.com/ipfs/boxo v0.42.0
MOD
# pinned in go.mod: boxo@0.42.0
go mod tidy >/dev/null 2>&1
timeout 240 go run . | tee out.txt
diff out.txt - <<'OUT'
25 pins, each of another second: the service counts 25, listed 25, error <nil>
25 pins, three of each second: the service counts 25, listed 21, error <nil>
OUT
