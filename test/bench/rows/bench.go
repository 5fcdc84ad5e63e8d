//go:build linux

// Package rows holds what is compared: each file a family of rows that share servers, and how these are run.
package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/processors"
	"tinyurl/test/bench/rounds"
)

// Options say what is measured and how long. All are required, except where said.
type Options struct {
	// Rows are patterns of the rows wanted: a name, the beginning of one followed by *, the name of a family, or all. None means all,
	// too.
	Rows []string
	// Rounds is how often each pair is measured, For how long one side is, Warm how long it runs before that.
	Rounds    int
	For, Warm time.Duration
	// With are more settings of every node of the product; none are needed.
	With []string
	// Tinyurl is the program, Module the directory of the module.
	Tinyurl, Module string
	// Dir is an empty directory on the disk that is to be measured.
	Dir string
	// URLs is a file of one URL a line; empty for made-up ones.
	URLs string
	// Stock is how many links the redirect rows work on, Links the state rows.
	Stock, Links int
	// Shared lets servers and load generator have the same processors in all rows, also in those in which each has its own otherwise.
	Shared bool
	// Install lets peers that are missing be fetched from Debian.
	Install bool
}

// Bench is one run.
type Bench struct {
	Options
	Report *rounds.Report

	ports   proc.Ports
	running []*proc.Process
	urls    []string
	bodies  [][]byte // of creates, for each of the URLs
	help    string   // what the program says of its settings
	told    map[string]bool
	loaded  map[*proc.Process]bool
	apart   apart
	current []string // rows of the family that runs
	stock   *stock
	setUp   map[string]error // what became of packages
	built   bool             // the peers
	peers   error            // why they could not be built
}

// apart are the processors of servers and those of the load generator; without any, both share all.
type apart struct{ servers, generator []int }

// family is a group of rows that share their servers.
type family struct {
	name string
	rows []string
	run  func(*Bench, context.Context) error
}

// families are all of them, in the order of their worth.
func families() []family {
	return []family{
		{"noise", noiseRows(), (*Bench).noise},
		{"redirect", redirectRows(), (*Bench).redirects},
		{"create", createRows(), (*Bench).creates},
		{"slow", slowRows(), (*Bench).slowDisk},
		{"state", stateRows(), (*Bench).states},
		{"pages", pageRows(), (*Bench).pages},
		{"visits", visitRows(), (*Bench).visits},
		{"misses", missRows(), (*Bench).misses},
		{"elastic", elasticRows(), (*Bench).elastic},
		{"database", databaseRows(), (*Bench).databases},
	}
}

// List gives every row, by family.
func List() []string {
	var names []string
	for _, f := range families() {
		for _, row := range f.rows {
			names = append(names, f.name+": "+row)
		}
	}
	return names
}

// New checks the options.
func New(o Options, report *rounds.Report) (*Bench, error) {
	b := &Bench{Options: o, Report: report, told: map[string]bool{}, loaded: map[*proc.Process]bool{}, setUp: map[string]error{}}
	for _, pattern := range o.Rows {
		if !slices.ContainsFunc(families(), func(f family) bool {
			return slices.ContainsFunc(f.rows, func(row string) bool { return matches(pattern, f.name, row) })
		}) {
			return nil, fmt.Errorf("no row is called %q: -list shows them", pattern)
		}
	}
	all, err := processors.Allowed()
	if err != nil {
		return nil, err
	}
	if !o.Shared {
		b.apart.servers, b.apart.generator = processors.Halves(all)
	}
	b.urls, err = readURLs(o.URLs)
	b.bodies = creations(b.urls)
	return b, err
}

// everything is the pattern of all rows.
const everything = "all"

func matches(pattern, family, row string) bool {
	if beginning, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(row, beginning)
	}
	return pattern == row || pattern == family || pattern == everything
}

// wants reports whether a row was asked for.
func (b *Bench) wants(family, row string) bool {
	return len(b.Rows) == 0 || slices.ContainsFunc(b.Rows, func(pattern string) bool { return matches(pattern, family, row) })
}

// wantsAny reports whether any of the rows, of the family that runs, was asked for.
func (b *Bench) wantsAny(rows ...string) bool {
	return slices.ContainsFunc(rows, func(row string) bool { return slices.Contains(b.current, row) })
}

// Run measures every row wanted. What goes wrong with some rows does not keep others from being measured; the error says that
// something did.
func (b *Bench) Run(ctx context.Context) error {
	defer b.stopAll()
	start := time.Now()
	if err := b.describe(ctx); err != nil {
		return err
	}
	for _, f := range families() {
		b.current = nil
		for _, row := range f.rows {
			if b.wants(f.name, row) {
				b.current = append(b.current, row)
			}
		}
		if len(b.current) == 0 {
			continue
		}
		began := time.Now()
		err := f.run(b, ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.rest(err)
		b.stopAll()
		b.Report.Note("%s took %v", f.name, time.Since(began).Round(time.Second))
	}
	b.Report.Note("all of it took %v", time.Since(start).Round(time.Second))
	if err := b.Report.Table(); err != nil {
		return err
	}
	if failed := b.Report.Failed(); len(failed) > 0 {
		return fmt.Errorf("not measured: %s", strings.Join(failed, ", "))
	}
	return nil
}

// rest tells of the rows of which nothing was told yet: they failed with the error that ended the family.
func (b *Bench) rest(err error) {
	if err == nil {
		err = errors.New("the family ended without it")
	}
	b.fail(err, b.current...)
}

// fail tells why rows could not be measured.
func (b *Bench) fail(err error, rows ...string) {
	for _, row := range rows {
		if b.wantsAny(row) && !b.told[row] {
			b.told[row] = true
			b.Report.Fail(row, err)
		}
	}
}

// skip tells why rows are not measured.
func (b *Bench) skip(reason string, rows ...string) {
	for _, row := range rows {
		if b.wantsAny(row) && !b.told[row] {
			b.told[row] = true
			b.Report.Skip(row, reason)
		}
	}
}

// compare measures a pair for those of its readings that are wanted. A pair that cannot be measured fails its own rows only.
func (b *Bench) compare(ctx context.Context, p rounds.Pair) { b.compareTimes(ctx, p, b.Rounds) }

// compareTimes is compare with a number of rounds of its own.
func (b *Bench) compareTimes(ctx context.Context, p rounds.Pair, times int) {
	var wanted []rounds.Reading
	for _, r := range p.Readings {
		if b.wantsAny(r.Row) {
			wanted = append(wanted, r)
		}
	}
	if len(wanted) == 0 {
		return
	}
	p.Readings = wanted
	outcome, err := rounds.Run(ctx, p, times)
	for _, r := range wanted {
		b.told[r.Row] = true
		if err != nil && ctx.Err() == nil {
			b.Report.Fail(r.Row, err)
		}
	}
	if err == nil {
		b.Report.Add(outcome)
	}
}

// describe notes what is measured on, and checks that it can be.
func (b *Bench) describe(ctx context.Context) error {
	help, err := b.output(ctx, b.Tinyurl, "serve", "--help")
	if err != nil {
		return fmt.Errorf("the program to measure: %w", err)
	}
	b.help = help
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.Dir, &fs); err != nil {
		return fmt.Errorf("%s: %w", b.Dir, err)
	}
	const tmpfs = 0x01021994
	if fs.Type == tmpfs {
		b.Report.Note("%s is a file system in memory: rows that write measure no disk", b.Dir)
	}
	b.Report.Note("%d processors, Go %s, data in %s, %d rounds of %v a side",
		runtime.NumCPU(), runtime.Version(), b.Dir, b.Rounds, b.For)
	where := "servers and load generator share the processors in all rows"
	if b.apart.servers != nil {
		where = fmt.Sprintf("redirect, noise and elastic: servers on the processors %v, load generator on %v; else they share all", b.apart.servers, b.apart.generator)
	}
	b.Report.Note("%s", where)
	if len(b.With) > 0 {
		b.Report.Note("every node of ours has %s", strings.Join(b.With, " "))
	}
	return nil
}

// offers reports whether the program has a setting.
func (b *Bench) offers(flag string) bool { return strings.Contains(b.help, "--"+flag+" ") }

// start runs a process that ends with the family, or with stop.
func (b *Bench) start(c proc.Command) (*proc.Process, error) {
	if c.Log == "" {
		c.Log = filepath.Join(b.Dir, c.Name+".log")
	}
	if c.Env == nil {
		c.Env = b.environ()
	}
	if len(c.Processors) > 0 {
		c.Env = append(c.Env, fmt.Sprintf("GOMAXPROCS=%d", len(c.Processors)))
	}
	p, err := proc.Start(c)
	if err == nil {
		b.running = append(b.running, p)
	}
	return p, err
}

// environ is what every server has for an environment. All of them may use every processor, but for those that are bound to some.
func (b *Bench) environ(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.Dir, "TMPDIR=" + b.Dir, fmt.Sprintf("GOMAXPROCS=%d", runtime.NumCPU()),
	}, more...)
}

// stopWithin is how long a process has to end in order before it is killed.
const stopWithin = 10 * time.Second

// stopAll ends what runs, all at once: nobody needs what they would hand over to each other.
func (b *Bench) stopAll() {
	errs := make([]error, len(b.running))
	var all sync.WaitGroup
	for i, p := range b.running {
		all.Go(func() { errs[i] = p.Stop(stopWithin) })
	}
	all.Wait()
	b.running = nil
	if err := errors.Join(errs...); err != nil {
		b.Report.Note("%v", err)
	}
}
