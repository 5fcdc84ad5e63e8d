//go:build linux

package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/processors"
	"tinyurl/test/bench/rounds"
)

// wrkScript gives each thread the codes and a request for one of them by chance; %s is the file of them.
const wrkScript = `local codes, n = {}, 0
function init(args)
	math.randomseed(os.time())
	for line in io.lines(%q) do
		n = n + 1
		codes[n] = wrk.format("GET", "/" .. line:sub(1, 7))
	end
end
function request() return codes[math.random(n)] end
`

// wrkCodes is how many codes wrk chooses from: its memory is limited, and the map is no slower for more of them.
const wrkCodes = 100_000

// wrkSide loads a target with wrk, to see what our own generator is worth.
func (b *Bench) wrkSide(ctx context.Context, s *stock, t target) (rounds.Side, error) {
	program, err := b.tool(ctx, "wrk", "/usr/bin/wrk", "wrk")
	if err != nil {
		return rounds.Side{}, err
	}
	codes, script := filepath.Join(b.Dir, "codes.txt"), filepath.Join(b.Dir, "wrk.lua")
	if err := s.write(codes, "%s %s\n", min(b.Stock, wrkCodes), false); err != nil {
		return rounds.Side{}, err
	}
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkScript, codes), 0o644); err != nil {
		return rounds.Side{}, err
	}
	threads := len(b.apart.generator)
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	run := func(ctx context.Context) (rounds.Sample, error) {
		m := meter{servers: t.servers, apart: b.apart}
		m.begin()
		var out string
		var took time.Duration
		err := processors.On(b.apart.generator, func() (err error) {
			out, took, err = b.timed(ctx, program, "-t", strconv.Itoa(threads), "-c", strconv.Itoa(visitors),
				"-d", fmt.Sprintf("%ds", max(int((b.Warm+b.For)/time.Second), 1)), "-s", script, "http://"+t.load.Targets[0])
			return err
		})
		m.end()
		if err := errors.Join(err, m.err); err != nil {
			return rounds.Sample{}, err
		}
		r, err := wrkResult(out)
		r.CPU = took
		return m.sample(r, 1), err
	}
	return rounds.Side{Name: "wrk upon bare", Measure: run}, nil
}

// wrkResult reads what wrk prints: "  123456 requests in 3.10s, 17.00MB read", where no line tells of wrong answers.
func wrkResult(out string) (load.Result, error) {
	if strings.Contains(out, "Non-2xx") || strings.Contains(out, "Socket errors") {
		return load.Result{}, fmt.Errorf("wrk had wrong answers: %s", out)
	}
	for line := range strings.Lines(out) {
		var r load.Result
		var took string
		if n, _ := fmt.Sscanf(line, "  %d requests in %s", &r.Done, &took); n == 2 {
			var err error
			r.Took, err = time.ParseDuration(strings.TrimSuffix(took, ","))
			return r, err
		}
	}
	return load.Result{}, fmt.Errorf("wrk printed no figures: %s", out)
}
