#!/usr/bin/env bash
# The gateway library of Kubo, github.com/ipfs/boxo@v0.39.0 (Go 1.26): refusals carry the Cache-Control of immutable content.
#
# A good guess: "public, max-age=29030400, immutable" stands on the content only. The header is set before it is known whether the answer can be given, and stays on
# 406 (a format that the block can't be had in), on 416 (a range beyond the file) and, with the ETag, in what a shared cache keeps: a cache in front that stores by
# the header's word gives the refusal for 336 days.
#
# Seen (this script prints it):
#   200 OK: public, max-age=29030400, immutable
#   406 Not Acceptable (format=dag-json of a file): public, max-age=29030400, immutable
#   416 Requested Range Not Satisfiable (bytes=900- of 12): public, max-age=29030400, immutable
set -euo pipefail
command -v go >/dev/null || { echo 'needs go'; exit 2; }
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/gateway"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
)

func main() {
	blocks := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	service := blockservice.New(blocks, offline.Exchange(blocks))
	file := merkledag.NodeWithData(unixfs.FilePBData([]byte("hello world\n"), 12))
	if err := merkledag.NewDAGService(service).Add(context.Background(), file); err != nil {
		panic(err)
	}
	backend, err := gateway.NewBlocksBackend(service)
	if err != nil {
		panic(err)
	}
	handler := gateway.NewHandler(gateway.Config{DeserializedResponses: true}, backend)
	ask := func(query, ranges, text string) {
		request := httptest.NewRequest("GET", "/ipfs/"+file.Cid().String()+query, nil)
		if ranges != "" {
			request.Header.Set("Range", ranges)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Printf("%d %s%s: %s\n", answer.Code, http.StatusText(answer.Code), text, answer.Header().Get("Cache-Control"))
	}
	ask("", "", "")
	ask("?format=dag-json", "", " (format=dag-json of a file)")
	ask("", "bytes=900-", " (bytes=900- of 12)")
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/ipfs/boxo v0.39.0
	github.com/ipfs/go-datastore v0.9.1
)
MOD
# pinned in go.mod: boxo@0.39.0
go mod tidy >/dev/null 2>&1
timeout 300 go run . 2>/dev/null | tee out.txt
diff out.txt - <<'OUT'
200 OK: public, max-age=29030400, immutable
406 Not Acceptable (format=dag-json of a file): public, max-age=29030400, immutable
416 Requested Range Not Satisfiable (bytes=900- of 12): public, max-age=29030400, immutable
OUT
