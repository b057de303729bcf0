package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dssync "github.com/ipfs/go-datastore/sync"
	crdt "github.com/ipfs/go-ds-crdt"
	logging "github.com/ipfs/go-log/v2"
)

// replicas are go-ds-crdt datastores by name. They share the pool of blocks and hear only what the caller delivers.
type replicas struct {
	pool   *pool
	mutex  sync.Mutex
	byName map[string]*replica
}

type replica struct {
	store *crdt.Datastore
	mail  *mail
}

// mail keeps what a replica says until it is taken, and hands it what is delivered.
type mail struct {
	mutex sync.Mutex
	said  [][]byte
	heard chan []byte
}

func (m *mail) Broadcast(_ context.Context, data []byte) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.said = append(m.said, data)
	return nil
}

func (m *mail) Next(ctx context.Context) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, crdt.ErrNoMoreBroadcast
	case data := <-m.heard:
		return data, nil
	}
}

type named struct {
	Replica string `json:"replica"`
}

// A change: Value nil deletes the key.
type change struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

type written struct {
	named
	Changes []change `json:"changes"`
	// All in one delta.
	Batch bool `json:"batch"`
}

type delivered struct {
	named
	Data []byte `json:"data"`
}

type block struct {
	Cid   string `json:"cid"`
	Bytes []byte `json:"bytes"`
}

type view struct {
	Heads  []string `json:"heads"`
	Height uint64   `json:"height"`
	// Blocks whose turn has not come.
	Queued int      `json:"queued"`
	Dirty  bool     `json:"dirty"`
	Values []change `json:"values"`
}

func newReplicas() *replicas {
	return &replicas{pool: newPool(), byName: map[string]*replica{}}
}

func (r *replicas) addTo(commands map[string]command) {
	commands["open"] = on(r.open)
	commands["close"] = on(r.close)
	commands["write"] = on(r.write)
	commands["said"] = on(r.said)
	commands["deliver"] = on(r.deliver)
	commands["view"] = on(r.view)
	commands["wanted"] = on(func(context.Context, struct{}) (any, error) { return r.pool.wanted(), nil })
	commands["give"] = on(r.give)
	commands["block"] = on(r.block)
}

func (r *replicas) find(name string) (*replica, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if found, ok := r.byName[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("no replica %q", name)
}

// open makes a replica with the settings of a cluster's: the caller repeats messages, so nothing is rebroadcast.
func (r *replicas) open(_ context.Context, with named) (any, error) {
	options := crdt.DefaultOptions()
	options.Logger = logging.Logger("oracle")
	options.RebroadcastInterval = time.Hour
	options.RepairInterval = time.Hour
	options.DAGSyncerTimeout = 2 * time.Minute
	options.MultiHeadProcessing = false
	options.NumWorkers = 50
	post := &mail{heard: make(chan []byte, 1024)}
	store, err := crdt.New(dssync.MutexWrap(datastore.NewMapDatastore()), datastore.NewKey("/c"), r.pool, post, options)
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.byName[with.Replica] = &replica{store: store, mail: post}
	return nil, nil
}

func (r *replicas) close(_ context.Context, with named) (any, error) {
	found, err := r.find(with.Replica)
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	delete(r.byName, with.Replica)
	r.mutex.Unlock()
	return nil, found.store.Close()
}

type writer interface {
	Put(context.Context, datastore.Key, []byte) error
	Delete(context.Context, datastore.Key) error
}

func (r *replicas) write(ctx context.Context, with written) (any, error) {
	found, err := r.find(with.Replica)
	if err != nil {
		return nil, err
	}
	if !with.Batch {
		return nil, writeAll(ctx, found.store, with.Changes)
	}
	batch, err := found.store.Batch(ctx)
	if err != nil {
		return nil, err
	}
	if err := writeAll(ctx, batch, with.Changes); err != nil {
		return nil, err
	}
	return nil, batch.Commit(ctx)
}

func writeAll(ctx context.Context, to writer, changes []change) error {
	for _, each := range changes {
		key := datastore.NewKey(each.Key)
		var err error
		if each.Value == nil {
			err = to.Delete(ctx, key)
		} else {
			err = to.Put(ctx, key, each.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *replicas) said(_ context.Context, with named) (any, error) {
	found, err := r.find(with.Replica)
	if err != nil {
		return nil, err
	}
	found.mail.mutex.Lock()
	defer found.mail.mutex.Unlock()
	said := found.mail.said
	found.mail.said = nil
	return said, nil
}

func (r *replicas) deliver(ctx context.Context, with delivered) (any, error) {
	found, err := r.find(with.Replica)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case found.mail.heard <- with.Data:
		return nil, nil
	}
}

func (r *replicas) view(ctx context.Context, with named) (any, error) {
	found, err := r.find(with.Replica)
	if err != nil {
		return nil, err
	}
	stats := found.store.InternalStats(ctx)
	seen := view{Height: stats.MaxHeight, Queued: stats.QueuedJobs, Dirty: found.store.IsDirty(ctx), Heads: []string{}, Values: []change{}}
	for _, head := range stats.Heads {
		seen.Heads = append(seen.Heads, head.String())
	}
	sort.Strings(seen.Heads)
	results, err := found.store.Query(ctx, query.Query{})
	if err != nil {
		return nil, err
	}
	entries, err := results.Rest()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		seen.Values = append(seen.Values, change{Key: entry.Key, Value: entry.Value})
	}
	sort.Slice(seen.Values, func(a, b int) bool { return seen.Values[a].Key < seen.Values[b].Key })
	return seen, nil
}

func (r *replicas) give(_ context.Context, with block) (any, error) {
	id, err := cid.Decode(with.Cid)
	if err != nil {
		return nil, err
	}
	if sum, err := id.Prefix().Sum(with.Bytes); err != nil || !sum.Equals(id) {
		return nil, errors.New("these bytes are not of that CID")
	}
	r.pool.give(id, with.Bytes)
	return nil, nil
}

func (r *replicas) block(_ context.Context, with block) (any, error) {
	id, err := cid.Decode(with.Cid)
	if err != nil {
		return nil, err
	}
	bytes, ok := r.pool.look(id)
	if !ok {
		return nil, fmt.Errorf("nobody has %s", id)
	}
	return bytes, nil
}
