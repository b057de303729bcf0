package main

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/ugorji/go/codec"
)

// The protocol of the cluster's RPC.
const rpcProtocol = protocol.ID("/ipfscluster/1.0/rpc")

var errAway = errors.New("the foreigner has not arrived")

// foreigner is a libp2p host with the cluster's secret that is no cluster peer: it speaks gossip, RPC and bitswap, and says whatever the caller wants.
type foreigner struct {
	mutex  sync.Mutex
	host   host.Host
	rpc    *rpc.Client
	gossip *pubsub.PubSub
	blocks blockstore.Blockstore
	topics map[string]*heardTopic
	meshes *meshes
	stop   context.CancelFunc
}

type heardTopic struct {
	topic *pubsub.Topic
	mutex sync.Mutex
	heard []message
}

type message struct {
	From string `json:"from"`
	Data []byte `json:"data"`
}

type arrival struct {
	// 64 hexadecimal digits.
	Secret string `json:"secret"`
	// Address with /p2p of the peer to connect to.
	Peer string `json:"peer"`
	// What the foreigner answers when it is asked who it is.
	Name string `json:"name"`
}

type arrived struct {
	ID        string   `json:"id"`
	Addresses []string `json:"addresses"`
	// What the other side's identify says.
	Protocols []string `json:"protocols"`
}

type onTopic struct {
	Topic string `json:"topic"`
	Data  []byte `json:"data"`
}

type metric struct {
	Name   string `json:"name"`
	Peer   string `json:"peer"`
	Value  string `json:"value"`
	LiveMs int64  `json:"liveMs"`
}

func newForeigner() *foreigner {
	return &foreigner{}
}

func (f *foreigner) addTo(commands map[string]command) {
	commands["arrive"] = on(f.arrive)
	commands["leave"] = on(func(context.Context, struct{}) (any, error) { return nil, f.leave() })
	commands["hear"] = on(f.hear)
	commands["heard"] = on(f.heard)
	commands["publish"] = on(f.publish)
	commands["metric"] = on(f.metric)
	commands["call"] = on(f.call)
	commands["stream"] = on(f.stream)
	commands["raw"] = on(f.raw)
	commands["serve"] = on(f.serve)
	commands["behave"] = on(f.behave)
	commands["neighbours"] = on(f.neighbours)
}

func (f *foreigner) arrive(ctx context.Context, with arrival) (any, error) {
	secret, err := hex.DecodeString(with.Secret)
	if err != nil {
		return nil, err
	}
	other, err := peer.AddrInfoFromString(with.Peer)
	if err != nil {
		return nil, err
	}
	key, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		return nil, err
	}
	self, err := libp2p.New(libp2p.Identity(key), libp2p.PrivateNetwork(secret), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		return nil, err
	}
	near := &meshes{peers: map[string]map[peer.ID]bool{}}
	living, stop := context.WithCancel(context.Background())
	gossip, err := pubsub.NewGossipSub(living, self, pubsub.WithMessageSigning(true), pubsub.WithStrictSignatureVerification(true), pubsub.WithEventTracer(near))
	if err != nil {
		stop()
		return nil, err
	}
	stored := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	exchange := bsnet.NewFromIpfsHost(self)
	exchange.Start(bitswap.New(living, exchange, nil, stored))
	f.mutex.Lock()
	f.host, f.gossip, f.blocks, f.stop, f.topics = self, gossip, stored, stop, map[string]*heardTopic{}
	f.rpc, f.meshes = rpc.NewClient(self, rpcProtocol), near
	f.mutex.Unlock()
	if err := introduce(self, with.Name); err != nil {
		return nil, err
	}
	if err := self.Connect(ctx, *other); err != nil {
		return nil, err
	}
	protocols, err := self.Peerstore().GetProtocols(other.ID)
	if err != nil {
		return nil, err
	}
	said := arrived{ID: self.ID().String(), Protocols: protocol.ConvertToStrings(protocols)}
	for _, address := range self.Addrs() {
		said.Addresses = append(said.Addresses, address.String()+"/p2p/"+self.ID().String())
	}
	return said, nil
}

func (f *foreigner) leave() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.host == nil {
		return nil
	}
	f.stop()
	err := f.host.Close()
	f.host = nil
	return err
}

func (f *foreigner) joined(name string) (*heardTopic, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.host == nil {
		return nil, errAway
	}
	if known, ok := f.topics[name]; ok {
		return known, nil
	}
	topic, err := f.gossip.Join(name)
	if err != nil {
		return nil, err
	}
	f.topics[name] = &heardTopic{topic: topic}
	return f.topics[name], nil
}

func (f *foreigner) hear(_ context.Context, with onTopic) (any, error) {
	joined, err := f.joined(with.Topic)
	if err != nil {
		return nil, err
	}
	subscription, err := joined.topic.Subscribe()
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			got, err := subscription.Next(context.Background())
			if err != nil {
				return
			}
			joined.mutex.Lock()
			joined.heard = append(joined.heard, message{From: got.GetFrom().String(), Data: got.Data})
			joined.mutex.Unlock()
		}
	}()
	return nil, nil
}

// heard gives what came from others since it was last asked for.
func (f *foreigner) heard(_ context.Context, with onTopic) (any, error) {
	joined, err := f.joined(with.Topic)
	if err != nil {
		return nil, err
	}
	joined.mutex.Lock()
	defer joined.mutex.Unlock()
	others := []message{}
	for _, each := range joined.heard {
		if each.From != f.host.ID().String() {
			others = append(others, each)
		}
	}
	joined.heard = nil
	return others, nil
}

func (f *foreigner) publish(ctx context.Context, with onTopic) (any, error) {
	joined, err := f.joined(with.Topic)
	if err != nil {
		return nil, err
	}
	return nil, joined.topic.Publish(ctx, with.Data)
}

// metric publishes a metric in the cluster's msgpack, about any peer.
func (f *foreigner) metric(ctx context.Context, with metric) (any, error) {
	about, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	fields := struct {
		Name   string `codec:"n,omitempty"`
		Peer   string `codec:"p,omitempty"`
		Value  string `codec:"v,omitempty"`
		Expire int64  `codec:"e,omitempty"`
		Valid  bool   `codec:"d,omitempty"`
	}{with.Name, string(about), with.Value, time.Now().Add(time.Duration(with.LiveMs) * time.Millisecond).UnixNano(), true}
	var encoded []byte
	if err := codec.NewEncoderBytes(&encoded, &codec.MsgpackHandle{}).Encode(fields); err != nil {
		return nil, err
	}
	return f.publish(ctx, onTopic{Topic: "monitor.metrics", Data: encoded})
}

// serve gives a block to whoever asks by bitswap.
func (f *foreigner) serve(ctx context.Context, with block) (any, error) {
	id, err := cid.Decode(with.Cid)
	if err != nil {
		return nil, err
	}
	made, err := blocks.NewBlockWithCid(with.Bytes, id)
	if err != nil {
		return nil, err
	}
	return nil, f.blocks.Put(ctx, made)
}
