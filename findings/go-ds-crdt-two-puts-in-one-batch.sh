#!/usr/bin/env bash
# go-ds-crdt v0.6.8 (Go 1.26): two puts of one key in one batch leave replicas with different values for ever, although both have merged the same blocks.
#
# A good guess: a batch that puts a key twice means the later value, on every replica. Both puts become elements of one delta, and two rules choose between them:
# merging the delta takes the last one, while looking for the best value that is left (when a competing value is deleted) takes the greatest one. Which rule
# comes last depends on the order in which a replica gets the blocks. Heads and blocks are equal afterwards, so nothing ever repairs it.
#
# Seen (this script prints it):
#   first and second have the same heads: true
#   first has 9, second has 5
set -euo pipefail
command -v go >/dev/null || { echo 'needs go'; exit 2; }
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	crdt "github.com/ipfs/go-ds-crdt"
	ipld "github.com/ipfs/go-ipld-format"
)

// letters holds what a replica announces until the script hands it on.
type letters struct{ out, in chan []byte }

func (l letters) Broadcast(_ context.Context, data []byte) error { l.out <- data; return nil }
func (l letters) Next(ctx context.Context) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, crdt.ErrNoMoreBroadcast
	case data := <-l.in:
		return data, nil
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func until(what string, isSo func() bool) {
	for i := 0; i < 400; i++ {
		if isSo() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	panic("in vain: " + what)
}

// shared is a DAG service whose blocks all replicas can read.
type shared struct{ ipld.DAGService }

func replica(dag ipld.DAGService) (*crdt.Datastore, letters) {
	post := letters{make(chan []byte, 64), make(chan []byte, 64)}
	options := crdt.DefaultOptions()
	options.RebroadcastInterval = time.Hour
	store, err := crdt.New(dssync.MutexWrap(datastore.NewMapDatastore()), datastore.NewKey("/r"), shared{dag}, post, options)
	must(err)
	return store, post
}

func heads(store *crdt.Datastore) map[cid.Cid]bool {
	set := map[cid.Cid]bool{}
	for _, head := range store.InternalStats(context.Background()).Heads {
		set[headCid(head)] = true
	}
	return set
}

func headCid(head any) cid.Cid {
	if id, ok := head.(cid.Cid); ok {
		return id
	}
	return reflect.ValueOf(head).FieldByName("Cid").Interface().(cid.Cid)
}

func main() {
	ctx := context.Background()
	blocks := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	dag := merkledag.NewDAGService(blockservice.New(blocks, offline.Exchange(blocks)))
	first, fromFirst := replica(dag)
	second, fromSecond := replica(dag)
	key := datastore.NewKey("k")
	value := func(store *crdt.Datastore) string {
		bytes, err := store.Get(ctx, key)
		must(err)
		return string(bytes)
	}

	batch, err := first.Batch(ctx)
	must(err)
	must(batch.Put(ctx, key, []byte("9")))
	must(batch.Put(ctx, key, []byte("5")))
	must(batch.Commit(ctx))
	batched := <-fromFirst.out

	// the other replica, at the same time: the key gets a value and loses it again
	must(second.Put(ctx, key, []byte("1")))
	put := <-fromSecond.out
	must(second.Delete(ctx, key))
	deleted := <-fromSecond.out

	_ = put // its block comes with the deletion's
	fromFirst.in <- deleted
	fromSecond.in <- batched
	until("both know all", func() bool { return len(heads(first)) == 2 && len(heads(second)) == 2 })
	time.Sleep(time.Second)

	fmt.Println("first and second have the same heads:", reflect.DeepEqual(heads(first), heads(second)))
	fmt.Printf("first has %s, second has %s\n", value(first), value(second))
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/ipfs/boxo v0.39.0
	github.com/ipfs/go-cid v0.6.1
	github.com/ipfs/go-datastore v0.9.1
	github.com/ipfs/go-ds-crdt v0.6.8
	github.com/ipfs/go-ipld-format v0.6.3
)
MOD
# pinned in go.mod: go-ds-crdt@0.6.8, boxo@0.39.0
go mod tidy >/dev/null 2>&1
timeout 300 go run . | tee out.txt
diff out.txt - <<'OUT'
first and second have the same heads: true
first has 9, second has 5
OUT
