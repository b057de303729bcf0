package main

import (
	"context"
	"sync"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// meshes knows the neighbours in every topic, as gossipsub tells its tracer.
type meshes struct {
	mutex sync.Mutex
	peers map[string]map[peer.ID]bool
}

// Trace is pubsub.EventTracer's.
func (m *meshes) Trace(event *pb.TraceEvent) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch event.GetType() {
	case pb.TraceEvent_GRAFT:
		topic := event.GetGraft().GetTopic()
		if m.peers[topic] == nil {
			m.peers[topic] = map[peer.ID]bool{}
		}
		m.peers[topic][peer.ID(event.GetGraft().GetPeerID())] = true
	case pb.TraceEvent_PRUNE:
		delete(m.peers[event.GetPrune().GetTopic()], peer.ID(event.GetPrune().GetPeerID()))
	}
}

// neighbours lists whom a publication reaches at once: before there are any it reaches nobody.
func (f *foreigner) neighbours(_ context.Context, with onTopic) (any, error) {
	f.mutex.Lock()
	near := f.meshes
	f.mutex.Unlock()
	if near == nil {
		return nil, errAway
	}
	near.mutex.Lock()
	defer near.mutex.Unlock()
	ids := []string{}
	for id := range near.peers[with.Topic] {
		ids = append(ids, id.String())
	}
	return ids, nil
}
