//go:build linux

package rows

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// etcd is three members on this machine.
type etcd struct {
	bench     *Bench
	members   []*proc.Process
	endpoints []string
	client    string // the program that loads it
	urls      string // the file of values; empty for those made up
}

// etcdWithin bounds the forming of the cluster.
const etcdWithin = time.Minute

// etcdTrio starts three members, as they come: only the bound of the data is raised, and the talk lowered.
func (b *Bench) etcdTrio(ctx context.Context, name string, wrap wrapper) (*etcd, error) {
	program, err := b.peer(ctx, "etcd")
	if err != nil {
		return nil, err
	}
	e := &etcd{bench: b, client: filepath.Join(filepath.Dir(program), "etcdload"), urls: b.URLs}
	peers := make([]string, 3)
	var cluster []string
	for i := range peers {
		client, err := b.ports.Take()
		if err != nil {
			return nil, err
		}
		if peers[i], err = b.ports.Take(); err != nil {
			return nil, err
		}
		e.endpoints = append(e.endpoints, client)
		cluster = append(cluster, fmt.Sprintf("%s-%d=http://%s", name, i+1, peers[i]))
	}
	for i, client := range e.endpoints {
		member := fmt.Sprintf("%s-%d", name, i+1)
		path, args := program, []string{
			"--name", member, "--data-dir", filepath.Join(b.Dir, member), "--log-level", "error",
			"--listen-client-urls", "http://" + client, "--advertise-client-urls", "http://" + client,
			"--listen-peer-urls", "http://" + peers[i], "--initial-advertise-peer-urls", "http://" + peers[i],
			"--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", "new", "--quota-backend-bytes", strconv.Itoa(8 << 30),
		}
		if wrap != nil {
			path, args = wrap(path, args)
		}
		p, err := b.start(proc.Command{Name: member, Path: path, Args: args})
		if err != nil {
			return nil, err
		}
		e.members = append(e.members, p)
	}
	for i, client := range e.endpoints {
		if err := waitHTTP(ctx, e.members[i], "http://"+client+"/health", etcdWithin); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// etcdAnswer is what the client program prints in the end.
type etcdAnswer struct {
	Done, Failed       uint64
	FirstError         string
	Took, Median, Tail time.Duration
	CPU                time.Duration
}

// side puts from so many clients through all members.
func (e *etcd) side(clients int) rounds.Side {
	put := func(ctx context.Context, d time.Duration) (rounds.Sample, error) { return e.put(ctx, clients, d) }
	return rounds.Side{
		Name:    fmt.Sprintf("etcd, %d clients", clients),
		Measure: func(ctx context.Context) (rounds.Sample, error) { return put(ctx, e.bench.For) },
		Warm:    e.bench.warming(e.members, false, put),
	}
}

// put runs the client program once, for so long. It says when it begins to count and when it ends.
func (e *etcd) put(ctx context.Context, clients int, d time.Duration) (rounds.Sample, error) {
	b := e.bench
	ctx, cancel := context.WithTimeout(ctx, b.Warm+d+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.client, "-endpoints", strings.Join(e.endpoints, ","), "-clients", strconv.Itoa(clients),
		"-warm", b.Warm.String(), "-for", d.String(), "-urls", e.urls)
	cmd.Env = b.environ()
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return rounds.Sample{}, err
	}
	meter := &meter{servers: e.members}
	answer, err := listen(bufio.NewScanner(out), meter)
	if err := errors.Join(err, cmd.Wait(), meter.err); err != nil {
		return rounds.Sample{}, fmt.Errorf("%w: %s", err, failed.String())
	}
	r := load.Result{
		Done: answer.Done, Wrong: answer.Failed, FirstWrong: answer.FirstError, Took: answer.Took, CPU: answer.CPU,
		Median: answer.Median, Tail: answer.Tail,
	}
	if err := tolerable(r); err != nil {
		return rounds.Sample{}, err
	}
	return meter.sample(r, 1), nil
}

// listen follows what the client program says: "begin", "end", and its answer.
func listen(lines *bufio.Scanner, m *meter) (answer etcdAnswer, err error) {
	for lines.Scan() {
		switch lines.Text() {
		case "begin":
			m.begin()
		case "end":
			m.end()
		default:
			return answer, json.Unmarshal(lines.Bytes(), &answer)
		}
	}
	return answer, errors.Join(errors.New("the client of etcd said nothing"), lines.Err())
}
