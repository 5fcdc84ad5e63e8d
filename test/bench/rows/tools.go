//go:build linux

package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// fetchWithin bounds the fetching of packages, buildWithin a build with its downloads.
	fetchWithin = 5 * time.Minute
	buildWithin = 10 * time.Minute
)

// errAbsent says that a peer cannot be had on this machine.
var errAbsent = errors.New("it cannot be had")

// absent skips rows whose peer cannot be had. Any other error it gives back.
func (b *Bench) absent(err error, rows ...string) error {
	if !errors.Is(err, errAbsent) {
		return err
	}
	b.skip(err.Error(), rows...)
	return nil
}

// tool finds a program, or the first match of a pattern, and fetches its package if that may be done.
func (b *Bench) tool(ctx context.Context, program, pattern, debian string) (string, error) {
	if path, err := locate(program, pattern); err == nil {
		return path, nil
	}
	if !b.Install {
		return "", fmt.Errorf("%s: %w: it is not installed, and -install=false", program, errAbsent)
	}
	if _, tried := b.setUp[debian]; !tried {
		ctx, cancel := context.WithTimeout(ctx, fetchWithin)
		defer cancel()
		_, b.setUp[debian] = b.output(ctx, filepath.Join(b.Module, "test/bench/setup.sh"), debian)
	}
	path, err := locate(program, pattern)
	if err != nil {
		err = fmt.Errorf("%s: %w: %w", program, errAbsent, errors.Join(b.setUp[debian], err))
	}
	return path, err
}

func locate(program, pattern string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = errors.New("it is not installed")
	}
	if err != nil {
		return "", err
	}
	return found[len(found)-1], nil
}

// bare builds the program that the redirects are held against.
func (b *Bench) bare(ctx context.Context) (string, error) {
	path := filepath.Join(b.Dir, "bare")
	_, err := b.output(ctx, "go", "build", "-o", path, "./test/bench/bare")
	return path, err
}

// peer gives a program of the module of peers, which is built once.
func (b *Bench) peer(ctx context.Context, name string) (string, error) {
	if !b.built {
		ctx, cancel := context.WithTimeout(ctx, buildWithin)
		defer cancel()
		b.built = true
		_, err := b.output(ctx, "go", "build", "-C", filepath.Join(b.Module, "test/bench/peers"), "-o", b.Dir+"/peers/", "./...")
		if err != nil {
			b.peers = fmt.Errorf("%s: %w: %w", name, errAbsent, err)
		}
	}
	return filepath.Join(b.Dir, "peers", name), b.peers
}

// someone gives the rights of another user where this program has those of root, whom some servers refuse to serve.
func someone(names ...string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
	}
	return nil, fmt.Errorf("%w: there is no user %v", errAbsent, names)
}
