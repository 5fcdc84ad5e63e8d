//go:build linux

package rows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// loadWithin is how long a peer may take to read its links.
const loadWithin = 2 * time.Minute

func noiseRows() []string { return []string{"bare/bare", "bare-cpu/bare", "generator/wrk"} }

func redirectRows() []string {
	return []string{
		"redirect/bare-nethttp", "redirect-cpu/bare-nethttp", "redirect-addr/bare-nethttp", "redirect-addr-cpu/bare-nethttp",
		"redirect/nginx-map", "redirect-cpu/nginx-map", "redirect-addr/nginx-map", "redirect-addr-cpu/nginx-map",
	}
}

// noise compares what is the same: what differs is the machine, and the load generators.
func (b *Bench) noise(ctx context.Context) error {
	s, err := b.stocked(ctx, b.Stock)
	if err != nil {
		return err
	}
	if err := s.node.process.Stop(stopWithin); err != nil { // only its links are needed
		return err
	}
	var sides []rounds.Side
	var first target
	for _, name := range []string{"bare", "bare-again"} {
		t, err := b.bareTarget(ctx, s, name)
		if err != nil {
			return err
		}
		if first.name == "" {
			first = t
		}
		sides = append(sides, b.side(t))
	}
	b.compare(ctx, rounds.Pair{A: sides[0], B: sides[1], Readings: []rounds.Reading{rounds.Rate("bare/bare"), rounds.CPU("bare-cpu/bare")}})
	if !b.wantsAny("generator/wrk") {
		return nil
	}
	wrk, err := b.wrkSide(ctx, s, first)
	if err != nil {
		return b.absent(err, "generator/wrk")
	}
	b.compare(ctx, rounds.Pair{A: sides[0], B: wrk, Readings: []rounds.Reading{rounds.GeneratorCPU("generator/wrk")}})
	return nil
}

// redirects compares redirects of a lone node, by its listener and by the one that does nothing else, with the least that does it
// and with nginx.
func (b *Bench) redirects(ctx context.Context) error {
	s, err := b.stocked(ctx, b.Stock)
	if err != nil {
		return err
	}
	s.node.processors = b.apart.servers
	if err := s.node.again(ctx); err != nil {
		return err
	}
	if err := b.calm(ctx, s.node.process); err != nil {
		return err
	}
	ours := b.side(s.target("tinyurl", s.node.http))
	bare, err := b.bareTarget(ctx, s, "bare")
	if err != nil {
		return err
	}
	type peer struct {
		name string
		side rounds.Side
	}
	peers := []peer{{"bare-nethttp", b.side(bare)}}
	if all := redirectRows()[4:]; b.wantsAny(all...) {
		nginx, err := b.nginx(ctx, s)
		if err == nil {
			peers = append(peers, peer{"nginx-map", b.side(nginx)})
		} else if err := b.absent(err, all...); err != nil {
			b.fail(err, all...)
		}
	}
	for _, p := range peers {
		b.compare(ctx, rounds.Pair{A: ours, B: p.side, Readings: []rounds.Reading{
			rounds.Rate("redirect/" + p.name), rounds.CPU("redirect-cpu/" + p.name),
		}})
		rows := []string{"redirect-addr/" + p.name, "redirect-addr-cpu/" + p.name}
		if s.node.redirect == "" {
			b.skip("the program has no --redirect-addr", rows...)
			continue
		}
		own := b.side(s.target("tinyurl --redirect-addr", s.node.redirect))
		b.compare(ctx, rounds.Pair{A: own, B: p.side, Readings: []rounds.Reading{rounds.Rate(rows[0]), rounds.CPU(rows[1])}})
	}
	return nil
}

// target is the stock's node under redirects.
func (s *stock) target(name, listener string) target {
	return target{name: name, servers: []*proc.Process{s.node.process}, load: s.visiting(listener, s.node.bench.Stock), reads: true, apart: true}
}

// bareTarget starts the least that redirects, with the same links.
func (b *Bench) bareTarget(ctx context.Context, s *stock, name string) (target, error) {
	program, err := b.bare(ctx)
	if err != nil {
		return target{}, err
	}
	links := filepath.Join(b.Dir, "links.txt")
	if err := s.write(links, "%s %s\n", b.Stock, false); err != nil {
		return target{}, err
	}
	address, err := b.ports.Take()
	if err != nil {
		return target{}, err
	}
	p, err := b.start(proc.Command{Name: name, Path: program, Args: []string{address, links}, Processors: b.apart.servers})
	if err != nil {
		return target{}, err
	}
	return b.redirecting(ctx, name, p, s, address)
}

// redirecting waits until a peer redirects, and makes it a target.
func (b *Bench) redirecting(ctx context.Context, name string, p *proc.Process, s *stock, address string) (target, error) {
	err := wait(ctx, p, loadWithin, func(ctx context.Context) error {
		c := s.visiting(address, b.Stock)
		c.Connections, c.For = 1, time.Millisecond
		r, err := load.Run(ctx, c)
		if err == nil && r.Wrong > 0 {
			err = fmt.Errorf("it answers %q", r.FirstWrong)
		}
		return err
	})
	return target{name: name, servers: []*proc.Process{p}, load: s.visiting(address, b.Stock), reads: true, apart: true}, err
}

// nginxSettings serve a map of links and nothing else; %d workers at %s, the links in links.map. A bucket of the hash holds 1 KiB,
// and there are two for a link, so that it is built at once.
const nginxSettings = `daemon off;
user root;
worker_processes %d;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	client_body_temp_path tmp;
	proxy_temp_path tmp;
	fastcgi_temp_path tmp;
	uwsgi_temp_path tmp;
	scgi_temp_path tmp;
	map_hash_max_size %d;
	map_hash_bucket_size 1024;
	map $uri $target { include links.map; }
	server {
		listen %s;
		location / {
			if ($target = "") { return 404; }
			return 302 $target;
		}
	}
}
`

// nginx starts nginx with the same links.
func (b *Bench) nginx(ctx context.Context, s *stock) (target, error) {
	program, err := b.tool(ctx, "nginx", "/usr/sbin/nginx", "nginx-light")
	if err != nil {
		return target{}, err
	}
	dir := filepath.Join(b.Dir, "nginx")
	address, err := b.ports.Take()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = s.write(filepath.Join(dir, "links.map"), "/%s \"%s\";\n", b.Stock, true)
	}
	if err == nil {
		workers := runtime.NumCPU()
		if own := b.apart.servers; own != nil {
			workers = len(own)
		}
		settings := fmt.Sprintf(nginxSettings, workers, max(2*b.Stock, 1024), address)
		err = os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(settings), 0o644)
	}
	if err != nil {
		return target{}, err
	}
	p, err := b.start(proc.Command{
		Name: "nginx", Path: program, Args: []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")}, Processors: b.apart.servers,
	})
	if err != nil {
		return target{}, err
	}
	return b.redirecting(ctx, "nginx map", p, s, address)
}
