package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// options say what is run. They are flags of the test binary, all beginning with "sim.".
type options struct {
	hours   float64
	seed    uint64
	seeds   string
	nodes   int
	workers int
	out     string
	budget  time.Duration
	first   bool
	verbose bool
	minutes float64 // virtual, of faults in one life

	life   string // set in the processes that live one life each: where the result goes
	within time.Duration
	stuck  time.Duration
}

func (o *options) register(f *flag.FlagSet) {
	f.Float64Var(&o.hours, "sim.hours", 0, "live at least so many virtual hours, each life in a process of its own")
	f.Uint64Var(&o.seed, "sim.seed", 0, "the first seed; the lives that follow take the next ones; 0 takes one by chance")
	f.StringVar(&o.seeds, "sim.seeds", "", "live exactly these seeds, separated by commas")
	f.IntVar(&o.nodes, "sim.nodes", 0, "founders of each cluster, 3 or 5; 0 lets the seed choose")
	f.IntVar(&o.workers, "sim.workers", 0, "lives at once; 0 for one a processor")
	f.StringVar(&o.out, "sim.out", filepath.Join(os.TempDir(), "tinyurl-sim"), "directory for the histories of failed lives")
	f.DurationVar(&o.budget, "sim.budget", 0, "begin no life after so much real time; 0 for no limit")
	f.BoolVar(&o.first, "sim.first", false, "stop at the first violation")
	f.BoolVar(&o.verbose, "sim.verbose", false, "print every message of every node")
	f.Float64Var(&o.minutes, "sim.minutes", lifeLength.Minutes(), "virtual minutes of faults in one life")
	f.StringVar(&o.life, "sim.life", "", "used by the runner itself: live one seed and write the result to this file")
	f.DurationVar(&o.within, "sim.within", 15*time.Minute, "real time one life may take")
	f.DurationVar(&o.stuck, "sim.stuck", time.Minute, "real time for which virtual time may stand still")
}

// list gives the seeds named one by one.
func (o *options) list() ([]uint64, error) {
	var seeds []uint64
	for _, text := range strings.FieldsFunc(o.seeds, func(r rune) bool { return r == ',' || r == ' ' }) {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("-sim.seeds: %w", err)
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

func (o *options) length() time.Duration { return time.Duration(o.minutes * float64(time.Minute)) }

// check says what is wrong with the options.
func (o *options) check() error {
	if o.nodes != 0 && o.nodes != 3 && o.nodes != 5 {
		return fmt.Errorf("-sim.nodes is %d; it may be 3 or 5", o.nodes)
	}
	_, err := o.list()
	return err
}
