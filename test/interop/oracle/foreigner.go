package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
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
	"github.com/multiformats/go-multiaddr"
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
	// What the foreigner answers when it is asked who it is; nothing: it has no RPC.
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

type call struct {
	Peer    string `json:"peer"`
	Service string `json:"service"`
	Method  string `json:"method"`
	Args    []any  `json:"args"`
}

type told struct {
	Values []any `json:"values"`
	// "authorization", "server", "client", "method" or nothing.
	ErrorKind string `json:"errorKind"`
	Error     string `json:"error"`
}

type raw struct {
	Peer     string `json:"peer"`
	Protocol string `json:"protocol"`
	Data     []byte `json:"data"`
	// Keeps the own side open and reads to the end; else it is closed first.
	KeepOpen bool `json:"keepOpen"`
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
	living, stop := context.WithCancel(context.Background())
	gossip, err := pubsub.NewGossipSub(living, self, pubsub.WithMessageSigning(true), pubsub.WithStrictSignatureVerification(true))
	if err != nil {
		stop()
		return nil, err
	}
	stored := blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	exchange := bsnet.NewFromIpfsHost(self)
	exchange.Start(bitswap.New(living, exchange, nil, stored))
	f.mutex.Lock()
	f.host, f.gossip, f.blocks, f.stop, f.topics = self, gossip, stored, stop, map[string]*heardTopic{}
	f.rpc = rpc.NewClient(self, rpcProtocol)
	f.mutex.Unlock()
	if with.Name != "" {
		server := rpc.NewServer(self, rpcProtocol)
		if err := server.RegisterName("Cluster", &introduction{host: self, name: with.Name}); err != nil {
			return nil, err
		}
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

func (f *foreigner) call(ctx context.Context, with call) (any, error) {
	to, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	var reply any
	err = f.rpc.CallContext(ctx, to, with.Service, with.Method, argument(with.Args), &reply)
	return outcome([]any{reply}, err), nil
}

func (f *foreigner) stream(ctx context.Context, with call) (any, error) {
	to, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	arguments := make(chan any, len(with.Args))
	for index := range with.Args {
		arguments <- argument(with.Args[index:])
	}
	close(arguments)
	replies := make(chan any, 4096)
	err = f.rpc.Stream(ctx, to, with.Service, with.Method, arguments, replies)
	values := []any{}
	for reply := range replies {
		values = append(values, reply)
	}
	return outcome(values, err), nil
}

// argument is the first; {"peer": …} and {"cid": …} stand for the bytes of these.
func argument(args []any) any {
	if len(args) == 0 {
		return struct{}{}
	}
	if named, ok := args[0].(map[string]any); ok {
		if text, ok := named["peer"].(string); ok {
			id, _ := peer.Decode(text)
			return string(id)
		}
		if text, ok := named["cid"].(string); ok {
			id, _ := cid.Decode(text)
			return string(id.Bytes())
		}
	}
	if number, ok := args[0].(float64); ok && number == float64(int64(number)) {
		return int64(number)
	}
	return args[0]
}

func outcome(values []any, err error) told {
	said := told{Values: []any{}}
	for _, value := range values {
		said.Values = append(said.Values, plain(value))
	}
	if err == nil {
		return said
	}
	said.Values = []any{}
	said.Error = err.Error()
	switch {
	case rpc.IsAuthorizationError(err):
		said.ErrorKind = "authorization"
	case rpc.IsServerError(err):
		said.ErrorKind = "server"
	case rpc.IsClientError(err):
		said.ErrorKind = "client"
	default:
		said.ErrorKind = "method"
	}
	return said
}

// plain makes what msgpack gave fit for JSON. Bytes that are a peer's or a CID's become its text.
func plain(value any) any {
	switch value := value.(type) {
	case map[any]any:
		object := map[string]any{}
		for key, each := range value {
			if name, ok := plain(key).(string); ok {
				object[name] = plain(each)
			}
		}
		return object
	case []any:
		list := []any{}
		for _, each := range value {
			list = append(list, plain(each))
		}
		return list
	case []byte:
		if id, err := peer.IDFromBytes(value); err == nil && len(value) > 30 {
			return id.String()
		}
		if id, err := cid.Cast(value); err == nil {
			return id.String()
		}
		if address, err := multiaddr.NewMultiaddrBytes(value); err == nil && len(value) > 7 {
			return address.String()
		}
		return string(value)
	case string:
		return plain([]byte(value))
	}
	return value
}

// raw writes bytes to a protocol and reads what comes back, until the other side ends the stream or the request's time is over.
func (f *foreigner) raw(ctx context.Context, with raw) (any, error) {
	to, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	stream, err := f.host.NewStream(ctx, to, protocol.ID(with.Protocol))
	if err != nil {
		return nil, err
	}
	defer stream.Reset()
	until, _ := ctx.Deadline()
	if err := stream.SetDeadline(until); err != nil {
		return nil, err
	}
	if _, err := stream.Write(with.Data); err != nil {
		return ended{Reset: true}, nil
	}
	if !with.KeepOpen {
		if err := stream.CloseWrite(); err != nil {
			return ended{Reset: true}, nil
		}
	}
	answer, err := io.ReadAll(stream)
	return ended{Data: answer, Reset: err != nil}, nil
}

type ended struct {
	Data  []byte `json:"data"`
	Reset bool   `json:"reset"`
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

// introduction is the little of a cluster peer's RPC that others ask a stranger for.
type introduction struct {
	host host.Host
	name string
}

// Identity has the fields of a cluster peer's ID that are not empty here.
type Identity struct {
	ID        string   `codec:"i,omitempty"`
	Addresses []string `codec:"a,omitempty"`
	Version   string   `codec:"v,omitempty"`
	Protocol  string   `codec:"rv,omitempty"`
	Name      string   `codec:"pn,omitempty"`
}

func (i *introduction) identity() Identity {
	said := Identity{ID: string(i.host.ID()), Version: "0.0.0-oracle", Protocol: string(rpcProtocol), Name: i.name}
	for _, address := range i.host.Addrs() {
		full := address.Encapsulate(multiaddr.StringCast("/p2p/" + i.host.ID().String()))
		said.Addresses = append(said.Addresses, string(full.Bytes()))
	}
	return said
}

// ID answers PeerAdd's question.
func (i *introduction) ID(_ context.Context, _ struct{}, out *Identity) error {
	*out = i.identity()
	return nil
}

// IDStream answers `peers ls`.
func (i *introduction) IDStream(_ context.Context, in <-chan struct{}, out chan<- Identity) error {
	defer close(out)
	for range in {
	}
	out <- i.identity()
	return nil
}
