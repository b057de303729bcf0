package main

import (
	"bytes"
	"context"
	"errors"
	"io"

	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"
)

type manner struct {
	// "polite", or what streams of RPC get instead of an answer: "silent" nothing, "abrupt" a reset, "noisy" bytes that are no msgpack, "endless" a string of
	// 4 GiB, "terse" an end without an answer.
	Manner string `json:"manner"`
	Name   string `json:"name"`
}

func (f *foreigner) behave(_ context.Context, with manner) (any, error) {
	f.mutex.Lock()
	self := f.host
	f.mutex.Unlock()
	if self == nil {
		return nil, errAway
	}
	if with.Manner == "polite" {
		return nil, introduce(self, with.Name)
	}
	answer, ok := manners[with.Manner]
	if !ok {
		return nil, errors.New("no such manner: " + with.Manner)
	}
	self.SetStreamHandler(rpcProtocol, answer)
	return nil, nil
}

var manners = map[string]network.StreamHandler{
	"abrupt": func(stream network.Stream) { stream.Reset() },
	"terse":  func(stream network.Stream) { stream.Close() },
	"silent": func(stream network.Stream) { io.Copy(io.Discard, stream) },
	"noisy":  func(stream network.Stream) { stream.Write(bytes.Repeat([]byte{0xc1}, 100_000)); stream.Close() },
	"endless": func(stream network.Stream) {
		_, err := stream.Write([]byte{0xdb, 0xff, 0xff, 0xff, 0xff})
		for part := make([]byte, 1<<16); err == nil; {
			_, err = stream.Write(part)
		}
	},
}

func introduce(self host.Host, name string) error {
	return rpc.NewServer(self, rpcProtocol).RegisterName("Cluster", &introduction{host: self, name: name})
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
