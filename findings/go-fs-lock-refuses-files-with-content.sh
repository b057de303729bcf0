#!/usr/bin/env bash
# github.com/ipfs/go-fs-lock@v0.1.1 (Go 1.26; the lock of Kubo's and ipfs-cluster's folders): a lock file that holds a single byte can't be locked, although nobody holds it.
#
# A good guess: only the kernel's lock counts, and what is in the file is for people (a pid, as in most lock files). An empty file that nobody holds is locked; the same
# file with content is refused, for ever, until somebody empties or removes it. A program that shares such a folder must
# leave the lock file empty and put its pid elsewhere.
#
# Seen (this script prints it):
#   empty file: locked
#   file with 1 byte, held by nobody: refused
set -euo pipefail
command -v go >/dev/null || { echo 'needs go'; exit 2; }
dir=$(mktemp -d); trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT; cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"path/filepath"

	fslock "github.com/ipfs/go-fs-lock"
)

func try(what, content string) {
	folder, err := os.MkdirTemp(".", "folder")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "the.lock"), []byte(content), 0o600); err != nil {
		panic(err)
	}
	lock, err := fslock.Lock(folder, "the.lock")
	if err != nil {
		fmt.Printf("%s: refused\n", what)
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Printf("%s: locked\n", what)
	lock.Close()
}

func main() {
	try("empty file", "")
	try("file with 1 byte, held by nobody", "1")
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26

require github.com/ipfs/go-fs-lock v0.1.1
MOD
# pinned in go.mod: go-fs-lock@0.1.1
go mod tidy >/dev/null 2>&1
timeout 120 go run . | tee out.txt
diff out.txt - <<'OUT'
empty file: locked
file with 1 byte, held by nobody: refused
OUT
