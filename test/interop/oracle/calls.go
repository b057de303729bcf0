package main

import (
	"context"
	"io"
	"time"

	"github.com/ipfs/go-cid"
	rpc "github.com/libp2p/go-libp2p-gorpc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

type call struct {
	Peer    string `json:"peer"`
	Service string `json:"service"`
	Method  string `json:"method"`
	Args    []any  `json:"args"`
	// Gives up after this time; 0: when the request's time is over.
	PatienceMs int64 `json:"patienceMs"`
}

func (c call) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.PatienceMs == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(c.PatienceMs)*time.Millisecond)
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
	// "close" (also nothing): closes the own side and reads to the end. "hang": reads for a second with the own side open, then resets. "reset": at once.
	Ending string `json:"ending"`
}

func (f *foreigner) call(ctx context.Context, with call) (any, error) {
	to, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := with.patience(ctx)
	defer cancel()
	var reply any
	err = f.rpc.CallContext(ctx, to, with.Service, with.Method, argument(with.Args), &reply)
	return outcome([]any{reply}, err), nil
}

func (f *foreigner) stream(ctx context.Context, with call) (any, error) {
	to, err := peer.Decode(with.Peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := with.patience(ctx)
	defer cancel()
	arguments := make(chan any, len(with.Args))
	for index := range with.Args {
		arguments <- argument(with.Args[index:])
	}
	close(arguments)
	replies := make(chan any)
	ended := make(chan error, 1)
	go func() { ended <- f.rpc.Stream(ctx, to, with.Service, with.Method, arguments, replies) }()
	values := []any{}
	for reply := range replies {
		values = append(values, reply)
	}
	return outcome(values, <-ended), nil
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
	if with.Ending == "hang" {
		until = time.Now().Add(time.Second)
	}
	if err := stream.SetDeadline(until); err != nil {
		return nil, err
	}
	if _, err := stream.Write(with.Data); err != nil || with.Ending == "reset" {
		return ended{Reset: true}, nil
	}
	if with.Ending != "hang" {
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
