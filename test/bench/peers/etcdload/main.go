// Command etcdload puts keys into etcd from a number of clients, over one connection to each endpoint as etcd's own client makes
// it, and says how many a second were acknowledged. It prints "begin" when it begins to count, "end" when it ends, and then a line
// of JSON with times in nanoseconds.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// answer is what is printed in the end.
type answer struct {
	Done, Failed       uint64
	FirstError         string
	Took, Median, Tail time.Duration
	CPU                time.Duration
}

type options struct {
	endpoints    []string
	clients      int
	connections  int
	warm, during time.Duration
	values       []string
}

func main() {
	o, err := read()
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read() (options, error) {
	var o options
	endpoints := flag.String("endpoints", "", "members, separated by commas")
	urls := flag.String("urls", "", "file of one value a line; empty for values made up, of about 110 bytes")
	flag.IntVar(&o.clients, "clients", 1, "how many put at once")
	flag.IntVar(&o.connections, "connections", 1, "connections to each member")
	flag.DurationVar(&o.warm, "warm", 500*time.Millisecond, "time before it counts")
	flag.DurationVar(&o.during, "for", 3*time.Second, "time that it counts")
	flag.Parse()
	o.endpoints = strings.Split(*endpoints, ",")
	if *urls == "" {
		chance := rand.New(rand.NewPCG(1, 2))
		for i := range 20_000 {
			o.values = append(o.values, fmt.Sprintf("https://www.example.org/%016x/%016x/article-%d.html?session=%016x&source=mail",
				chance.Uint64(), chance.Uint64(), i, chance.Uint64()))
		}
		return o, nil
	}
	file, err := os.Open(*urls)
	if err != nil {
		return o, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		o.values = append(o.values, lines.Text())
	}
	if len(o.values) == 0 {
		return o, errors.New("no values")
	}
	return o, lines.Err()
}

// putter is one client with what it counted.
type putter struct {
	done, failed uint64
	first        string
	times        []time.Duration
}

const (
	warming = iota
	counting
	ending
)

func run(o options) error {
	var clients []*clientv3.Client
	for range o.connections {
		for _, endpoint := range o.endpoints {
			c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second})
			if err != nil {
				return err
			}
			defer c.Close()
			clients = append(clients, c)
		}
	}
	var phase atomic.Int32
	var all sync.WaitGroup
	putters := make([]putter, o.clients)
	for i := range putters {
		mine := clients[i%len(clients):][:1]
		if o.clients < len(o.endpoints) { // as the load of HTTP does: who cannot be everywhere goes round
			mine = clients
		}
		all.Go(func() { putters[i].loop(mine, o.values, &phase) })
	}
	<-time.After(o.warm)
	before, began := cpu(), time.Now()
	fmt.Println("begin")
	phase.Store(counting)
	<-time.After(o.during)
	phase.Store(ending)
	sum := answer{Took: time.Since(began), CPU: cpu() - before}
	fmt.Println("end")
	all.Wait()
	var times []time.Duration
	for _, p := range putters {
		sum.Done += p.done
		sum.Failed += p.failed
		if sum.FirstError == "" {
			sum.FirstError = p.first
		}
		times = append(times, p.times...)
	}
	if slices.Sort(times); len(times) > 0 {
		sum.Median, sum.Tail = times[len(times)/2], times[len(times)*99/100]
	}
	return json.NewEncoder(os.Stdout).Encode(sum)
}

// putWithin bounds one put.
const putWithin = 10 * time.Second

// loop puts one key after the other, by each of the clients in turn. Keys are as long as a code.
func (p *putter) loop(clients []*clientv3.Client, values []string, phase *atomic.Int32) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for turn := 0; phase.Load() != ending; turn++ {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), putWithin)
		_, err := clients[turn%len(clients)].Put(ctx, code(random), values[random.IntN(len(values))])
		cancel()
		if phase.Load() != counting {
			continue
		}
		if err != nil {
			p.failed++
			p.first = err.Error()
			continue
		}
		p.done++
		p.times = append(p.times, time.Since(began))
	}
}

// code is a key by chance, of seven letters and digits.
func code(random *rand.Rand) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var key [7]byte
	for i := range key {
		key[i] = letters[random.IntN(len(letters))]
	}
	return string(key[:])
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
