package sim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fake is a binary that lives no life but does as a script says; $file is where the result goes, $seed the seed.
func fake(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fake")
	head := "#!/bin/sh\nfor a in \"$@\"; do case $a in -sim.life=*) file=${a#*=};; -sim.seed=*) seed=${a#*=};; esac; done\n"
	if err := os.WriteFile(path, []byte(head+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// good is the script of a life of an hour without violations.
const good = `echo "{\"seed\":$seed,\"machines\":3,\"virtual\":3600000000000,\"operations\":{\"get\":{\"ok\":9}}}" > $file`

// stands is the script of a life that stands still with a dump.
func stands(dump string) string { return "cat >&2 <<'END'\n" + dumpHead + dump + "END\nexit 7\n" }

func TestWhatARunIsWorth(t *testing.T) {
	excused := stands(waiter(11, "0xa", granter, 10) + holding(10, opener))
	deadlock := stands(waiter(11, "0xa", applier, 10) + holding(10, opener))
	some := "if [ $seed -le %d ]; then " + good + "; else\n" + excused + "fi\n"
	for name, c := range map[string]struct {
		script string
		set    func(*options)
		code   int
		words  []string
	}{
		"all is well":                   {good, func(o *options) { o.hours = 3 }, 0, []string{"3.0 virtual hours, 27 operations, 0 violations"}},
		"a deadlock beside a disk":      {deadlock, func(o *options) { o.seeds = "1" }, 1, []string{"violation still at", "ApplyBatch", "again: make sim SEED=1\n"}},
		"the same, with every word":     {deadlock, func(o *options) { o.seeds, o.verbose = "1", true }, 1, []string{"violation still at"}},
		"a crash":                       {"echo panic: oh; exit 2", func(o *options) { o.seeds = "1" }, 1, []string{"violation process at", "panic: oh"}},
		"a named seed that breaks off":  {excused, func(o *options) { o.seeds = "1" }, 1, []string{"1 lives were broken off", "nothing was lived"}},
		"every life breaks off":         {excused, func(o *options) { o.hours = 3 }, 1, []string{"10 lives were broken off", "0.0 virtual hours were lived where 3 were"}},
		"some break off":                {fmt.Sprintf(some, 10), func(o *options) { o.seed, o.hours, o.budget = 1, 11, time.Second }, 1, []string{"were broken off"}},
		"one of a list breaks off":      {fmt.Sprintf(some, 2), func(o *options) { o.seeds = "1,2,3" }, 1, []string{"a seed that was named"}},
		"a budget ends it":              {"sleep 0.3;" + good, func(o *options) { o.hours, o.budget = 1000, time.Second }, 0, []string{"the budget of 1s ended the run\n", " 0 violations"}},
		"a budget, and nothing lived":   {good, func(o *options) { o.hours, o.budget = 1000, time.Nanosecond }, 1, []string{"nothing was lived"}},
		"how to see a short life again": {deadlock, func(o *options) { o.seeds, o.nodes, o.minutes = "7", 5, 2.5 }, 1, []string{"make sim SEED=7 SIM_FLAGS='-sim.nodes 5 -sim.minutes 2.5'"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options{out: t.TempDir(), workers: 1, minutes: lifeLength.Minutes(), within: time.Minute}
			c.set(&o)
			var report bytes.Buffer
			if code := runWith(fake(t, c.script), o, &report); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, words := range c.words {
				if !strings.Contains(report.String(), words) {
					t.Errorf("nothing says %q", words)
				}
			}
			lines := strings.Split(strings.TrimSpace(report.String()), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, " virtual hours, ") {
				t.Errorf("the last line is %q", last)
			}
			if t.Failed() {
				t.Log(report.String())
			}
		})
	}
}
