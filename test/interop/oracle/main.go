// The oracle answers, with Go's own libraries, what a cluster peer in Go would do. It reads requests from standard input and writes answers to
// standard output, one JSON object a line; requests run side by side, answers carry the request's id. It ends with its input.
//
// Two parts: replicas of go-ds-crdt in memory, whose every message and block goes through the caller (replica.go), and a libp2p host that meets a
// cluster peer as a stranger who knows the secret (foreigner.go).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// How long any one request may take.
const requestTime = 20 * time.Second

type request struct {
	ID   int             `json:"id"`
	Do   string          `json:"do"`
	With json.RawMessage `json:"with"`
}

type answer struct {
	ID    int    `json:"id"`
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

type command func(ctx context.Context, with json.RawMessage) (any, error)

// on makes a command of a function with typed arguments.
func on[T any](run func(ctx context.Context, with T) (any, error)) command {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var with T
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &with); err != nil {
				return nil, err
			}
		}
		return run(ctx, with)
	}
}

func main() {
	commands := map[string]command{}
	newReplicas().addTo(commands)
	newForeigner().addTo(commands)

	var writing sync.Mutex
	output := json.NewEncoder(os.Stdout)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, "not a request:", err)
			os.Exit(1)
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), requestTime)
			defer cancel()
			said := answer{ID: asked.ID}
			if run, ok := commands[asked.Do]; !ok {
				said.Error = "unknown request: " + asked.Do
			} else if value, err := run(ctx, asked.With); err != nil {
				said.Error = err.Error()
			} else {
				said.Value = value
			}
			writing.Lock()
			defer writing.Unlock()
			if err := output.Encode(said); err != nil {
				os.Exit(1)
			}
		}()
	}
}
