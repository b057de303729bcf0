package main

import (
	"context"
	"errors"
	"sync"

	dag "github.com/ipfs/boxo/ipld/merkledag"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// pool is the world's blocks: what anybody has given. Who gets a block that nobody has given yet waits for it.
type pool struct {
	mutex  sync.Mutex
	bytes  map[cid.Cid][]byte
	waited map[cid.Cid]chan struct{}
}

func newPool() *pool {
	return &pool{bytes: map[cid.Cid][]byte{}, waited: map[cid.Cid]chan struct{}{}}
}

func (p *pool) give(id cid.Cid, bytes []byte) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.bytes[id] = bytes
	if arrived, ok := p.waited[id]; ok {
		close(arrived)
		delete(p.waited, id)
	}
}

func (p *pool) look(id cid.Cid) ([]byte, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	bytes, ok := p.bytes[id]
	return bytes, ok
}

// wanted lists what somebody waits for.
func (p *pool) wanted() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	ids := []string{}
	for id := range p.waited {
		ids = append(ids, id.String())
	}
	return ids
}

// Get is ipld.NodeGetter's.
func (p *pool) Get(ctx context.Context, id cid.Cid) (ipld.Node, error) {
	for {
		p.mutex.Lock()
		bytes, ok := p.bytes[id]
		arrived := p.waited[id]
		if !ok && arrived == nil {
			arrived = make(chan struct{})
			p.waited[id] = arrived
		}
		p.mutex.Unlock()
		if ok {
			block, err := blocks.NewBlockWithCid(bytes, id)
			if err != nil {
				return nil, err
			}
			return dag.DecodeProtobufBlock(block)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-arrived:
		}
	}
}

// GetMany is ipld.NodeGetter's.
func (p *pool) GetMany(ctx context.Context, ids []cid.Cid) <-chan *ipld.NodeOption {
	options := make(chan *ipld.NodeOption, len(ids))
	var pending sync.WaitGroup
	for _, id := range ids {
		pending.Add(1)
		go func() {
			defer pending.Done()
			node, err := p.Get(ctx, id)
			options <- &ipld.NodeOption{Node: node, Err: err}
		}()
	}
	go func() {
		pending.Wait()
		close(options)
	}()
	return options
}

// Add is ipld.NodeAdder's.
func (p *pool) Add(_ context.Context, node ipld.Node) error {
	p.give(node.Cid(), node.RawData())
	return nil
}

// AddMany is ipld.NodeAdder's.
func (p *pool) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, node := range nodes {
		if err := p.Add(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

var errNoRemoval = errors.New("blocks stay")

// Remove is ipld.DAGService's.
func (p *pool) Remove(context.Context, cid.Cid) error { return errNoRemoval }

// RemoveMany is ipld.DAGService's.
func (p *pool) RemoveMany(context.Context, []cid.Cid) error { return errNoRemoval }
