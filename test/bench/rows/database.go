//go:build linux

package rows

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// databaseClients is how many connections load either side.
const databaseClients = 64

// databaseWithin bounds the start of a database.
const databaseWithin = time.Minute

func databaseRows() []string {
	return []string{
		"create/postgres", "create-cpu/postgres", "redirect/postgres", "redirect-cpu/postgres",
		"create/redis", "create-cpu/redis", "redirect/redis", "redirect-cpu/redis",
	}
}

// shop is one of the two other shorteners: handlers of the same shape over a database.
type shop struct {
	http    string
	servers []*proc.Process
}

// databases compares a lone node with shorteners that keep their links in PostgreSQL and in Redis, on one machine too.
func (b *Bench) databases(ctx context.Context) error {
	n, err := b.lone(ctx, "database")
	if err != nil {
		return err
	}
	ours := shop{n.http, processesOf([]*node{n})}
	for i, d := range []struct {
		name string
		open func(context.Context) (shop, error)
	}{{"postgres", b.postgres}, {"redis", b.redis}} {
		rows := databaseRows()[4*i : 4*i+4]
		if !b.wantsAny(rows...) {
			continue
		}
		theirs, err := d.open(ctx)
		if err == nil {
			err = b.shops(ctx, ours, theirs, d.name, rows)
		}
		if err := b.absent(err, rows...); err != nil {
			b.fail(err, rows...)
		}
	}
	return nil
}

// shops compares two shorteners.
func (b *Bench) shops(ctx context.Context, ours, theirs shop, name string, rows []string) error {
	b.compare(ctx, rounds.Pair{
		A: b.side(b.buying("tinyurl", ours)), B: b.side(b.buying(name, theirs)),
		Readings: []rounds.Reading{rounds.Rate(rows[0]), rounds.CPU(rows[1])},
	})
	if !b.wantsAny(rows[2:]...) {
		return nil
	}
	var sides []rounds.Side
	for i, s := range []shop{ours, theirs} {
		codes, err := b.harvest(ctx, s)
		if err != nil {
			return err
		}
		sides = append(sides, b.side(target{name: []string{"tinyurl", name}[i], servers: s.servers, load: load.Config{
			Targets: []string{s.http}, Connections: databaseClients, Status: 302, Location: true, Source: following(s.http, codes),
		}, reads: true}))
	}
	if err := b.calm(ctx, slices.Concat(ours.servers, theirs.servers)...); err != nil {
		return err
	}
	b.compare(ctx, rounds.Pair{A: sides[0], B: sides[1], Readings: []rounds.Reading{rounds.Rate(rows[2]), rounds.CPU(rows[3])}})
	return nil
}

// buying is a shop in which links are made.
func (b *Bench) buying(name string, s shop) target {
	return target{name: name, servers: s.servers, load: load.Config{
		Targets: []string{s.http}, Connections: databaseClients, Status: 201, Location: true,
		Source: posting(s.http, "/api/v1/links", b.bodies),
	}}
}

// harvested is how long links are made to have some to follow.
const harvested = 2 * time.Second

// harvest makes links and gives their codes.
func (b *Bench) harvest(ctx context.Context, s shop) ([]byte, error) {
	var mu sync.Mutex
	var codes []byte
	c := b.buying("", s).load
	c.For = harvested
	c.Good = func(body []byte) bool {
		code := make([]byte, codeLength)
		if takeCodes(code, body) != 1 {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		codes = append(codes, code...)
		return true
	}
	r, err := load.Run(ctx, c)
	if err == nil {
		err = tolerable(r)
	}
	return codes, err
}

// front starts the handlers over a database.
func (b *Bench) front(ctx context.Context, program, database string, behind *proc.Process) (shop, error) {
	path, err := b.peer(ctx, program)
	if err != nil {
		return shop{}, err
	}
	address, err := b.ports.Take()
	if err != nil {
		return shop{}, err
	}
	p, err := b.start(proc.Command{Name: program, Path: path, Args: []string{address, database, rootKey}})
	if err == nil {
		err = waitHTTP(ctx, p, "http://"+address+"/healthz", databaseWithin)
	}
	return shop{address, []*proc.Process{p, behind}}, err
}

// postgres starts PostgreSQL with the durability it comes with, under the user that its package makes where we are root.
func (b *Bench) postgres(ctx context.Context) (shop, error) {
	initdb, err := b.tool(ctx, "initdb", "/usr/lib/postgresql/*/bin/initdb", "postgresql")
	if err != nil {
		return shop{}, err
	}
	who, err := someone("postgres", "nobody")
	if err != nil {
		return shop{}, err
	}
	data := filepath.Join(b.Dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return shop{}, err
	}
	if who != nil {
		if err := os.Chown(data, int(who.Uid), int(who.Gid)); err != nil {
			return shop{}, err
		}
	}
	init := exec.CommandContext(ctx, initdb, "-D", data, "-U", "bench", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
	init.SysProcAttr, init.Dir = &syscall.SysProcAttr{Credential: who}, "/"
	if out, err := init.CombinedOutput(); err != nil {
		return shop{}, fmt.Errorf("initdb: %w: %s", err, out)
	}
	address, err := b.ports.Take()
	if err != nil {
		return shop{}, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return shop{}, err
	}
	p, err := b.start(proc.Command{
		Name: "postgres", Path: filepath.Join(filepath.Dir(initdb), "postgres"), Dir: "/", User: who,
		Args: []string{"-D", data, "-h", host, "-p", port, "-k", data, "-c", "shared_buffers=256MB"},
	})
	if err == nil {
		err = listening(ctx, p, address)
	}
	if err != nil {
		return shop{}, err
	}
	return b.front(ctx, "sqlpeer", fmt.Sprintf("postgres://bench@%s/postgres?sslmode=disable&pool_max_conns=32", address), p)
}

// redis starts Redis so that it syncs what it acknowledges, as all other sides do.
func (b *Bench) redis(ctx context.Context) (shop, error) {
	program, err := b.tool(ctx, "redis-server", "/usr/bin/redis-server", "redis-server")
	if err != nil {
		return shop{}, err
	}
	dir := filepath.Join(b.Dir, "redis")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return shop{}, err
	}
	address, err := b.ports.Take()
	if err != nil {
		return shop{}, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return shop{}, err
	}
	p, err := b.start(proc.Command{Name: "redis", Path: program, Args: slices.Concat(
		[]string{"--bind", host, "--port", port, "--dir", dir, "--daemonize", "no"},
		[]string{"--appendonly", "yes", "--appendfsync", "always", "--save", ""},
	)})
	if err == nil {
		err = listening(ctx, p, address)
	}
	if err != nil {
		return shop{}, err
	}
	return b.front(ctx, "redispeer", "redis://"+address+"/0", p)
}

// listening waits until somebody takes connections.
func listening(ctx context.Context, p *proc.Process, address string) error {
	return wait(ctx, p, databaseWithin, func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	})
}
